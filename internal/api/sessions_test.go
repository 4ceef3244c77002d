package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// world is a shop with an API.
func world(t *testing.T, changes ...func(*shop.Config)) *shoptest.World {
	t.Helper()
	return worldOf(t, shoptest.Options{}, changes...)
}

// worldOf is world that differs in something.
func worldOf(t *testing.T, o shoptest.Options, changes ...func(*shop.Config)) *shoptest.World {
	t.Helper()
	keys, err := api.ParseKeys(api.KeyLine("shop", "checkout", "sk_test") + "\n" + api.KeyLine("other", "orders", "sk_orders"))
	if err != nil {
		t.Fatal(err)
	}
	o.Config = func(c *shop.Config) {
		c.Keys = keys
		for _, change := range changes {
			change(c)
		}
	}
	return shoptest.Serve(t, o)
}

// caller is a merchant's server.
type caller struct {
	*shoptest.Browser
}

func calls(w *shoptest.World) caller {
	b := w.Browser()
	b.Header = http.Header{"Authorization": {"Bearer sk_test"}}
	return caller{b}
}

// said is an answer of the API.
type said struct {
	shoptest.Answer
	Session api.Session
	Problem api.Problem
}

func (c caller) call(method, path, body string) said {
	c.T.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	got := said{Answer: c.Do(method, "/v1"+path, contentType, body)}
	c.times(got.Text)
	var into any = &got.Session
	if got.StatusCode >= 400 {
		into = &got.Problem
	}
	if err := json.Unmarshal([]byte(got.Text), into); err != nil {
		c.T.Fatalf("%s %s: %d: %v\n%s", method, path, got.StatusCode, err, got.Text)
	}
	return got
}

var (
	anyTime  = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	goodTime = regexp.MustCompile(`^"[^.Z]*(\.\d{1,3})?Z"$`)
)

// times holds that all times of an answer are in UTC and no finer than milliseconds.
func (c caller) times(text string) {
	c.T.Helper()
	for _, found := range anyTime.FindAllString(text, -1) {
		if !goodTime.MatchString(found) {
			c.T.Errorf("the time %s in %s", found, text)
		}
	}
}

func (c caller) put(reference, body string) said {
	c.T.Helper()
	return c.call(http.MethodPut, "/checkout_sessions/"+reference, body)
}

func (c caller) want(got said, status int, code api.Code) said {
	c.T.Helper()
	if got.StatusCode != status || got.Problem.Code != code {
		c.T.Fatalf("got %d %s, want %d %s\n%s", got.StatusCode, got.Problem.Code, status, code, got.Text)
	}
	return got
}

// basket is a session with these lines and further members.
func basket(lines string, more ...string) string {
	return `{"country": "SE", "success_url": "https://www.example.com/thanks?basket={REFERENCE}", "order_lines": [` + lines + `]` + strings.Join(append([]string{""}, more...), ", ") + `}`
}

const (
	tent   = `{"id": "t", "reference": "TENT-2P", "name": "Tent", "quantity": 1, "unit_price": 249900, "tax_rate": 2500}`
	home   = `"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500}]`
	pickup = `"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500}, {"id": "shop", "name": "In the shop", "price": 0, "tax_rate": 2500, "preselected": true}]`
)

// A session is made, replaced, read and ended; a reference that expired is put anew.
func TestSession(t *testing.T) {
	w := world(t)
	c := calls(w)
	made := c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1", "metadata": {"a": "b"}`)), 201, "").Session
	if made.Object != "checkout_session" || made.Reference != "b-1" || made.Revision != 1 || made.Status != "open" || made.OrderAmount != 257800 || made.OrderTaxAmount != 51560 ||
		made.OrderNumber != "W-1" || made.Metadata["a"] != "b" || made.Currency != "SEK" || made.Locale != "sv-SE" || made.DeliveryOption == nil || made.DeliveryOption.ID != "parcel" ||
		!strings.HasPrefix(made.URL, w.URL+"/checkout/open/") || made.ClientSecret != nil || made.Order != nil || made.ExpiresAt.Sub(made.CreatedAt).Hours() < 47.9 {
		t.Errorf("made %+v", made)
	}
	if l := made.OrderLines[0]; l.ID != "t" || l.TotalAmount != 249900 || l.TotalTaxAmount != 49980 || *l.TaxRate != 2500 || l.Type != "physical" {
		t.Errorf("line %+v", l)
	}
	again := c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1", "metadata": {"a": "b"}`)), 200, "").Session
	if again.Revision != 1 || again.URL != made.URL {
		t.Errorf("the same again is revision %d at %s", again.Revision, again.URL)
	}
	other := c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1", "metadata": {"a": "c"}`)), 200, "").Session
	if other.Revision != 1 || other.Metadata["a"] != "c" {
		t.Errorf("other metadata is revision %d, %v", other.Revision, other.Metadata)
	}
	more := c.want(c.put("b-1", basket(tent+`, {"reference": "MUG-1", "quantity": 2}`, pickup)), 200, "").Session
	if more.Revision != 2 || len(more.OrderLines) != 2 || more.OrderLines[1].ID != "1" || more.OrderLines[1].UnitPrice == 0 || more.OrderLines[1].Name == "" ||
		more.OrderNumber != "W-1" || more.DeliveryOption.ID != "shop" || len(more.DeliveryOptions) != 2 {
		t.Errorf("more: %+v", more)
	}
	if read := c.want(c.call("GET", "/checkout_sessions/b-1", ""), 200, "").Session; read.Revision != 2 || read.OrderAmount != more.OrderAmount {
		t.Errorf("read %+v", read)
	}
	if w.Fake.Orders() != nil && len(w.Fake.Orders()) > 0 {
		t.Error("a call of the merchant's has made an order at Klarna")
	}
	c.want(c.call("GET", "/checkout_sessions/b-2", ""), 404, api.CodeNotFound)
	c.want(c.call("POST", "/checkout_sessions/b-2/expire", ""), 404, api.CodeNotFound)
	if ended := c.want(c.call("POST", "/checkout_sessions/b-1/expire", ""), 200, "").Session; ended.Status != "expired" {
		t.Errorf("ended: %s", ended.Status)
	}
	c.want(c.call("POST", "/checkout_sessions/b-1/expire", ""), 200, "")
	anew := c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1"`)), 201, "").Session
	if anew.URL == made.URL || anew.Revision <= 2 || anew.Status != "open" {
		t.Errorf("anew: %+v", anew)
	}
	if n := w.Number("select count(*) from events where type = 'checkout_session.expired'"); n != 1 {
		t.Errorf("%d events of expired sessions", n)
	}
}

// If-Match is for a revision that the caller has seen.
func TestIfMatch(t *testing.T) {
	w := world(t)
	c := calls(w)
	c.want(c.put("b", basket(tent, home)), 201, "")
	with := func(revision, lines string) said {
		c.Header.Set("If-Match", revision)
		defer c.Header.Del("If-Match")
		return c.put("b", basket(lines, home))
	}
	c.want(with(`"1"`, tent+`, {"reference": "MUG-1", "quantity": 1}`), 200, "")
	got := c.want(with(`"1"`, tent), 412, api.CodeStaleRevision)
	if s := got.Problem.CheckoutSession; s == nil || s.Revision != 2 || len(s.OrderLines) != 2 {
		t.Errorf("with the session %+v", s)
	}
	c.want(with(`"x"`, tent), 422, api.CodeInvalid)
	if now := c.call("GET", "/checkout_sessions/b", "").Session; now.Revision != 2 {
		t.Errorf("revision %d", now.Revision)
	}
}

// Each thing that is wrong with a session is refused with its code, and changes nothing.
func TestRefusedSessions(t *testing.T) {
	w := world(t)
	c := calls(w)
	c.want(c.put("first", basket(tent, home, `"order_number": "W-1"`)), 201, "")
	line := func(members string) string { return `{"name": "x", "quantity": 1, ` + members + `}` }
	for _, tt := range []struct {
		name, body string
		status     int
		code       api.Code
		location   string
	}{
		{"no lines", basket(""), 422, api.CodeInvalid, "body.order_lines"},
		{"an unknown country", strings.Replace(basket(tent), "SE", "BR", 1), 422, api.CodeInvalid, "body.country"},
		{"another currency", basket(tent, `"currency": "EUR"`), 422, api.CodeInvalid, "body.currency"},
		{"another locale", basket(tent, `"locale": "de-DE"`), 422, api.CodeInvalid, "body.locale"},
		{"a country of another currency", basket(tent, `"shipping_countries": ["SE", "DE"]`), 422, api.CodeInvalid, "body.shipping_countries[1]"},
		{"without its own country", basket(tent, `"billing_countries": ["DE"]`), 422, api.CodeInvalid, "body.billing_countries[0]"},
		{"no success_url", `{"country": "SE", "order_lines": [` + tent + `]}`, 422, api.CodeInvalid, "body"},
		{"no address", strings.Replace(basket(tent), "https://www.example.com", "javascript:alert(1)//", 1), 422, api.CodeInvalid, "body.success_url"},
		{"no host", strings.Replace(basket(tent), "https://www.example.com", "https://:443", 1), 422, api.CodeInvalid, "body.success_url"},
		{"embedded without its page", basket(tent, `"mode": "embedded"`), 422, api.CodeInvalid, "body.checkout_url"},
		{"an unknown member of a line", basket(line(`"unit_price": 1, "tax_rate": 0, "vat": 1`)), 422, api.CodeInvalid, "body.order_lines[0].vat"},
		{"no rate", basket(line(`"unit_price": 100`)), 422, api.CodeInvalid, "body.order_lines[0].tax_rate"},
		{"a rate that is no whole number", basket(line(`"unit_price": 100, "tax_rate": 25.5`)), 422, api.CodeInvalid, "body.order_lines[0].tax_rate"},
		{"a rate above 100 %", basket(line(`"unit_price": 100, "tax_rate": 10001`)), 422, api.CodeInvalid, "body.order_lines[0].tax_rate"},
		{"neither price nor SKU", basket(line(`"type": "physical"`)), 422, api.CodeInvalid, "body.order_lines[0]"},
		{"an unknown SKU", basket(`{"reference": "NO-1", "quantity": 1}`), 422, api.CodeUnknownSKU, "body.order_lines[0].reference"},
		{"an ID twice", basket(tent + ", " + tent), 422, api.CodeInvalid, "body.order_lines[1].id"},
		{"goods that cost less than 0", basket(line(`"unit_price": -100, "tax_rate": 2500`)), 422, api.CodeInvalid, "body.order_lines[0].unit_price"},
		{"a discount that costs", basket(tent + "," + line(`"type": "discount", "unit_price": 100`)), 422, api.CodeInvalid, "body.order_lines[1].unit_price"},
		{"a total that differs", basket(line(`"unit_price": 100, "tax_rate": 2500, "total_amount": 99`)), 422, api.CodeTotalDiffers, "body.order_lines[0].total_amount"},
		{"a tax that differs", basket(line(`"unit_price": 100, "tax_rate": 2500, "total_tax_amount": 22`)), 422, api.CodeTotalDiffers, "body.order_lines[0].total_tax_amount"},
		{"less than 0", basket(tent + "," + line(`"type": "discount", "unit_price": -300000`)), 422, api.CodeNegativeTotal, ""},
		{"less than 0 by another delivery", basket(line(`"unit_price": 1000, "tax_rate": 2500`)+","+line(`"type": "discount", "unit_price": -5000`), inShop), 422, api.CodeNegativeTotal, ""},
		{"less than 0 by another of the shop file's", basket(line(`"unit_price": 1000, "tax_rate": 2500`) + "," + line(`"type": "discount", "unit_price": -5000`)), 422, api.CodeNegativeTotal, ""},
		{"nothing to pay", basket(line(`"type": "digital", "unit_price": 0, "tax_rate": 2500`)), 422, api.CodeNothingToPay, ""},
		{"paid with a gift card", basket(tent+","+line(`"type": "gift_card", "unit_price": -900000`), home), 422, api.CodeNothingToPay, ""},
		{"sales tax where prices have it", basket(tent + "," + line(`"type": "sales_tax", "unit_price": 100`)), 422, api.CodeInvalid, "body.order_lines[1].type"},
		{"delivery twice", basket(tent+","+line(`"type": "shipping_fee", "unit_price": 100, "tax_rate": 2500`), home), 422, api.CodeInvalid, "body.delivery_options"},
		{"too large a line", basket(`{"name": "x", "quantity": 1000000, "unit_price": 100000000, "tax_rate": 0}`), 422, api.CodeInvalid, "body.order_lines[0]"},
		{"a number that is taken", basket(tent, home, `"order_number": "W-1"`), 409, api.CodeNumberTaken, ""},
		{"a number with a space", basket(tent, home, `"order_number": "W 1"`), 422, api.CodeInvalid, "body.order_number"},
		{"long metadata", basket(tent, `"metadata": {"a": "`+strings.Repeat("x", 501)+`"}`), 422, api.CodeInvalid, "body.metadata.a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.T = t
			got := c.want(c.put("second", tt.body), tt.status, tt.code)
			if tt.location != "" && (len(got.Problem.Errors) == 0 || got.Problem.Errors[0].Location != tt.location) {
				t.Errorf("errors %+v, want one at %s", got.Problem.Errors, tt.location)
			}
			if got.Problem.RequestID == "" {
				t.Error("no request_id")
			}
		})
	}
	c.T = t
	c.want(c.call("GET", "/checkout_sessions/second", ""), 404, api.CodeNotFound)
	c.want(c.call("GET", "/checkout_sessions/a%20b", ""), 422, api.CodeInvalid)
	c.Header.Set("Authorization", "Bearer sk_orders")
	c.want(c.call("GET", "/checkout_sessions/first", ""), 403, api.CodeForbidden)
}

// What lines come to: discounts over the rates of the goods, credit no more than there is to
// pay, surcharges, taxes that were rounded elsewhere, sales tax.
func TestLines(t *testing.T) {
	w := world(t)
	c := calls(w)
	food := `{"id": "f", "reference": "TEA", "name": "Tea", "quantity": 2, "unit_price": 5000, "tax_rate": 1200, "total_discount_amount": 1000}`
	got := c.want(c.put("a", basket(tent+","+food+`,
		{"id": "d", "type": "discount", "name": "Spring", "quantity": 1, "unit_price": -10000},
		{"id": "s", "type": "surcharge", "name": "Invoice", "quantity": 1, "unit_price": 2900, "tax_rate": 2500, "total_tax_amount": 581},
		{"id": "g", "type": "gift_card", "name": "Card", "quantity": 1, "unit_price": -50000}`, home)), 201, "").Session
	byID := map[string]api.Line{}
	var sum, tax int64
	for _, l := range got.OrderLines {
		byID[l.ID] = l
		sum, tax = sum+l.TotalAmount, tax+l.TotalTaxAmount
	}
	if sum+7900 != got.OrderAmount || tax+1580 != got.OrderTaxAmount {
		t.Errorf("lines sum to %d and %d beside the delivery, the order is %d and %d", sum, tax, got.OrderAmount, got.OrderTaxAmount)
	}
	if byID["f"].TotalAmount != 9000 || byID["d"].TotalAmount != -10000 || byID["d"].TaxRate != nil || byID["s"].TotalTaxAmount != 581 ||
		byID["g"].TotalAmount != -50000 || *byID["g"].UsedAmount != 50000 || byID["g"].TotalTaxAmount != 0 {
		t.Errorf("lines %+v", byID)
	}
	// 10000 over 249900 at 25 % and 9000 at 12 %.
	if want := int64(-(9652 - 7722)) - (348 - 311); byID["d"].TotalTaxAmount != want {
		t.Errorf("tax of the discount is %d, want %d", byID["d"].TotalTaxAmount, want)
	}
	us := strings.Replace(basket(`{"id": "1", "name": "x", "quantity": 1, "unit_price": 10000, "tax_rate": 0}, {"id": "2", "type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": 725}`,
		`"delivery_options": [{"id": "p", "name": "Post", "price": 500, "tax_rate": 0}]`), "SE", "US", 1)
	if got := c.want(c.put("us", us), 201, "").Session; got.OrderAmount != 11225 || got.OrderTaxAmount != 725 {
		t.Errorf("US: %d, tax %d", got.OrderAmount, got.OrderTaxAmount)
	}
	c.want(c.put("us2", strings.Replace(us, `"tax_rate": 0}, {"id": "2"`, `"tax_rate": 100}, {"id": "2"`, 1)), 422, api.CodeInvalid)
	taxed := c.want(c.put("us3", strings.Replace(us, `"price": 500, "tax_rate": 0`, `"price": 500, "tax_rate": 725`, 1)), 422, api.CodeInvalid)
	if got := taxed.Problem.Errors; len(got) != 1 || got[0].Location != "body.delivery_options[0].tax_rate" {
		t.Errorf("a way of delivery with tax in the US: %+v", got)
	}
}

// The tax of a discount that is split over the rates of the goods is taken as it was sent, within 1;
// of a line that has no tax by its type it is 0.
func TestTaxOfDiscount(t *testing.T) {
	w := world(t)
	c := calls(w)
	const food = `{"id": "f", "reference": "TEA", "name": "Tea", "quantity": 1, "unit_price": 9000, "tax_rate": 1200}`
	off := func(tax int) string {
		return fmt.Sprintf(`{"id": "d", "type": "discount", "name": "Spring", "quantity": 1, "unit_price": -10001, "total_tax_amount": %d}`, tax)
	}
	for name, tt := range map[string]struct {
		lines   string
		tax     int
		by      []int
		refused int // which Klarna does not take
	}{
		"one rate":  {tent, -2000, []int{-1, 0}, 1},                 // 2000.2
		"two rates": {tent + "," + food, -1968, []int{-1, 0, 1}, 2}, // 1930.6 and 37.2
	} {
		for _, by := range tt.by {
			reference := strings.ReplaceAll(fmt.Sprintf("%s %d", name, by), " ", "_")
			body := basket(tt.lines+","+off(tt.tax+by), home)
			made := c.want(c.put(reference, body), 201, "").Session
			tax := int64(1580)
			for _, l := range made.OrderLines {
				tax += l.TotalTaxAmount
			}
			if got := made.OrderLines[len(made.OrderLines)-1]; got.TotalTaxAmount != int64(tt.tax+by) || got.TaxRate != nil || tax != made.OrderTaxAmount {
				t.Errorf("%s: the tax %d is taken as %d, lines have %d of %d", name, tt.tax+by, got.TotalTaxAmount, tax, made.OrderTaxAmount)
			}
			if again := c.want(c.put(reference, body), 200, "").Session; again.Revision != 1 {
				t.Errorf("%s: the same again is revision %d", name, again.Revision)
			}
			_, id := open(w, w.Browser(), made)
			if at := atKlarna(w, id); int64(at.OrderTaxAmount) != made.OrderTaxAmount {
				t.Errorf("%s: Klarna has the tax %d", name, at.OrderTaxAmount)
			}
		}
		c.want(c.put("no", basket(tt.lines+","+off(tt.tax+tt.refused), home)), 422, api.CodeTotalDiffers)
	}
	card := `{"id": "g", "type": "gift_card", "name": "Card", "quantity": 1, "unit_price": -5000, "total_tax_amount": %d}`
	c.want(c.put("card", basket(tent+","+fmt.Sprintf(card, 0), home)), 201, "")
	c.want(c.put("card", basket(tent+","+fmt.Sprintf(card, 1), home)), 422, api.CodeTotalDiffers)
}

// Every example of the document is answered as it says.
func TestExamples(t *testing.T) {
	w := world(t)
	c := calls(w)
	var document struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			} `json:"requestBody"`
			Responses map[string]struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	c.JSON("/v1/openapi.json", &document)
	sent := 0
	for _, step := range []struct {
		method, path string
		status       int
	}{{"put", "", 201}, {"put", "", 200}, {"get", "", 200}, {"post", "/expire", 200}} {
		op, there := document.Paths["/v1/checkout_sessions/{reference}"+step.path][step.method]
		if !there {
			t.Fatalf("no %s %s", step.method, step.path)
		}
		got := c.call(strings.ToUpper(step.method), "/checkout_sessions/basket-1"+step.path, string(op.RequestBody.Content["application/json"].Example))
		if got.StatusCode != step.status {
			t.Fatalf("%s %s: %d\n%s", step.method, step.path, got.StatusCode, got.Text)
		}
		sent++
		var want, is map[string]json.RawMessage
		if err := json.Unmarshal(op.Responses[fmt.Sprint(step.status)].Content["application/json"].Example, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(got.Text), &is); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"url", "created_at", "expires_at", "status"} {
			delete(want, other)
			delete(is, other)
		}
		for name, text := range want {
			if !sameJSON(text, is[name]) {
				t.Errorf("%s %s: %s is %s, the example has %s", step.method, step.path, name, is[name], text)
			}
			delete(is, name)
		}
		if len(is) > 0 {
			t.Errorf("members that the example has not: %v", is)
		}
	}
	operations := 0
	for name, path := range document.Paths {
		if strings.HasPrefix(name, "/v1/checkout_sessions/") {
			operations += len(path)
		}
	}
	if operations != 3 || sent != 4 {
		t.Errorf("%d operations, of which %d were sent", operations, sent)
	}
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// A session lives 48 h after any change by the merchant's server, also one beside the lines; not
// after the same again.
func TestExpiresAfterChange(t *testing.T) {
	w := world(t)
	c := calls(w)
	c.want(c.put("b", basket(tent, home, `"order_number": "W-1"`)), 201, "")
	row, _, err := w.CheckoutSessions.ByReference(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	rdb := w.Redis.Client()
	if err := rdb.PExpire(t.Context(), "shopd:cart:{"+row.CartID+"}", cart.Lifetime-10*time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	lives := func(got said, want float64) {
		t.Helper()
		if hours := time.Until(c.want(got, 200, "").Session.ExpiresAt).Hours(); hours < want-0.1 || hours > want+0.1 {
			t.Errorf("it lives %.1f h, want %.0f", hours, want)
		}
	}
	lives(c.call("GET", "/checkout_sessions/b", ""), 38)
	lives(c.put("b", basket(tent, home, `"order_number": "W-1"`)), 38)
	lives(c.put("b", basket(tent, home, `"order_number": "W-1", "metadata": {"a": "b"}`)), 48)
	lives(c.call("GET", "/checkout_sessions/b", ""), 48)
}
