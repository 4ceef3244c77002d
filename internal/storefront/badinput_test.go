package storefront_test

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// shopState is all that bad input must leave as it is.
type shopState struct {
	Cart   cartJSON
	Orders []fakeklarna.Order
	Calls  int // of Klarna
}

func (s *shopWorld) state(b *browser) shopState {
	return shopState{b.cart(), s.Fake.Orders(), len(s.Fake.Requests(""))}
}

// badRequest is a request that is refused. Statuses and codes are those of the answer.
type badRequest struct {
	method, path, contentType, body string
	status                          int
	code                            string // of the JSON error; "" = the answer is a page
}

// refuses sends a request to a shop with a cart and an open order, and demands
// that it is answered as it should be and changes nothing.
func (s *shopWorld) refuses(b *browser, r badRequest) {
	b.T.Helper()
	before := s.state(b)
	got := b.Do(r.method, r.path, r.contentType, r.body)
	label := fmt.Sprintf("%s %s %.80q", r.method, r.path, r.body)
	switch {
	case got.StatusCode != r.status:
		b.T.Errorf("%s: got %d, want %d\n%.300s", label, got.StatusCode, r.status, got.Text)
	case r.code != "":
		if u := updateOf(b.T, got); u.Error.Code != r.code || u.Error.Message == "" || u.Error.RequestID != got.Header.Get("X-Request-Id") {
			b.T.Errorf("%s: got %s, want %q", label, got.Text, r.code)
		}
	case r.method != "HEAD" && (!strings.Contains(got.Text, `<html lang="sv-SE"`) || !strings.Contains(got.Text, "<h1")):
		b.T.Errorf("%s: no page in the shopper's language:\n%.300s", label, got.Text)
	}
	if got.Header.Get("Set-Cookie") != "" {
		b.T.Errorf("%s: sets a cookie", label)
	}
	if diff := cmp.Diff(before, s.state(b)); diff != "" {
		b.T.Errorf("%s: changed something: %s", label, diff)
	}
}

// withOrder is a shopper whose cart has two mugs and a discount, with an order.
func (s *shopWorld) withOrder() *browser {
	s.T.Helper()
	b := s.browser()
	b.Add("MUG-1", "2")
	b.Post("/cart/discount", "code", "FOG10")
	b.open(s)
	return b
}

func TestBadUpdates(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	const bad, unprocessable = http.StatusBadRequest, http.StatusUnprocessableEntity
	line := func(value string) string { return `{"lines":[{"sku":"MUG-1","quantity":` + value + `}]}` }
	for _, tc := range []struct {
		status int
		code   string
		bodies []string
	}{
		{bad, "bad_request", []string{
			// no JSON object, or more than one
			``, ` `, `null`, `[]`, `[{}]`, `5`, `"{}"`, `true`, `{`, `}`, `{"lines":[`, `{}{}`, `{} x`, `{}]`, "\xef\xbb\xbf{}", `{'lines':[]}`,
			`{"lines":[],}`, `{/**/}`, "\x00", strings.Repeat(`{"a":`, 12_000), strings.Repeat(`[`, 20_000), `order_id=1`,
			// unknown members
			`{"price":1}`, `{"cart_id":"x"}`, `{"lines":[{"sku":"MUG-1","quantity":1,"unit_price":1}]}`, `{"":1}`,
			// missing members
			`{"lines":[{}]}`, `{"lines":[{"sku":"MUG-1"}]}`, `{"lines":[{"quantity":1}]}`, `{"lines":[{"sku":"","quantity":1}]}`,
			`{"lines":[null]}`, line(`null`),
			// wrong types
			`{"lines":{}}`, `{"lines":"MUG-1"}`, `{"lines":[5]}`, `{"lines":[["MUG-1",1]]}`, `{"lines":[{"sku":5,"quantity":1}]}`,
			`{"country":5}`, `{"country":["NO"]}`, `{"locale":{}}`, `{"discount_code":10}`, `{"order_id":{}}`, `{"order_id":true}`,
			line(`"3"`), line(`true`), line(`[]`), line(`{}`), line(`1.5`), line(`3.0`), line(`1e1`), line(`99999999999999999999`), line(`NaN`), line(`0x3`), line(`+3`), line(`03`),
			// too much
			`{"order_id":"` + strings.Repeat("x", 256) + `"}`,
			`{"lines":[` + strings.Repeat(`{"sku":"MUG-1","quantity":1},`, 100) + `{"sku":"MUG-1","quantity":1}]}`,
		}},
		{unprocessable, "quantity_limit", []string{line(`-1`), line(`100`), line(`-9223372036854775808`), line(`9223372036854775807`)}},
		{unprocessable, "unknown_sku", []string{
			`{"lines":[{"sku":"NOPE","quantity":1}]}`, `{"lines":[{"sku":"NOPE","quantity":0}]}`, `{"lines":[{"sku":"mug-1","quantity":1}]}`,
			`{"lines":[{"sku":" MUG-1","quantity":1}]}`, "{\"lines\":[{\"sku\":\"MUG-1\xff\",\"quantity\":1}]}", `{"lines":[{"sku":"\u0000","quantity":1}]}`,
			`{"lines":[{"sku":"` + strings.Repeat("x", 60_000) + `","quantity":1}]}`,
			// all or nothing
			`{"lines":[{"sku":"MUG-1","quantity":5},{"sku":"NOPE","quantity":1}]}`,
			`{"lines":[{"sku":"MUG-1","quantity":5},{"sku":"NOPE","quantity":1}],"country":"NO","discount_code":""}`,
		}},
		{unprocessable, "sold_out", []string{`{"lines":[{"sku":"TEA-1","quantity":1}]}`, `{"lines":[{"sku":"CLK-1","quantity":2}]}`}},
		{unprocessable, "unknown_market", []string{
			`{"country":"XX"}`, `{"country":"S"}`, `{"country":"Sweden"}`, `{"country":"SE "}`, `{"country":"ſE"}`, "{\"country\":\"\xff\xff\"}",
			`{"locale":"xx-SE"}`, `{"locale":"nb-NO"}`, `{"locale":"sv"}`, `{"country":"NO","locale":"sv-SE"}`, `{"country":"NO","locale":"nb-NO\u0000"}`,
			`{"lines":[{"sku":"MUG-1","quantity":5}],"country":"XX"}`,
		}},
		{unprocessable, "bad_discount_code", []string{`{"discount_code":"NOPE"}`, `{"discount_code":"FOG10,LANTERN25"}`, `{"discount_code":"<b>"}`, `{"discount_code":"NOPE","lines":[{"sku":"MUG-1","quantity":9}]}`}},
		{http.StatusRequestEntityTooLarge, "bad_request", []string{
			`{"order_id":"` + strings.Repeat("x", 64<<10) + `"}`, strings.Repeat(" ", 64<<10) + `{}`, strings.Repeat("x", 2<<20),
		}},
	} {
		for _, body := range tc.bodies {
			s.refuses(b, badRequest{"POST", "/checkout/update", jsonType, body, tc.status, tc.code})
		}
	}
	for _, contentType := range []string{"", "text/plain", formType, "multipart/form-data; boundary=x", "application/jsonp", "application/json, text/html", ";;"} {
		before := s.state(b)
		got := b.Do("POST", "/checkout/update", contentType, line(`5`))
		if got.StatusCode != http.StatusUnsupportedMediaType || updateOf(t, got).Error.Code != "bad_request" {
			t.Errorf("content type %q: got %d %s", contentType, got.StatusCode, got.Text)
		}
		if diff := cmp.Diff(before, s.state(b)); diff != "" {
			t.Errorf("content type %q changed something: %s", contentType, diff)
		}
	}
	if got := b.Do("POST", "/checkout/update", "Application/JSON; charset=utf-8", `{}`); got.StatusCode != http.StatusOK {
		t.Errorf("a parameter of the content type: got %d %s", got.StatusCode, got.Text)
	}
}

// A body whose length is not known before is cut off at 64 KiB, too.
func TestChunkedBody(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	before := s.state(b)
	for path, contentType := range map[string]string{"/checkout/update": jsonType, "/cart/lines": formType, "/market": formType} {
		body := io.MultiReader(strings.NewReader(`sku=MUG-1&country=NO&x=`), strings.NewReader(strings.Repeat("x", 64<<10)))
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		res, err := b.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d, want 413", path, res.StatusCode)
		}
	}
	if diff := cmp.Diff(before, s.state(b)); diff != "" {
		t.Error(diff)
	}
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	page := s.withOrder()
	asJSON := *page
	asJSON.Header = page.Header.Clone()
	asJSON.Header.Set("Accept", jsonType)
	const bad, unprocessable = http.StatusBadRequest, http.StatusUnprocessableEntity
	huge := "sku=MUG-1&code=FOG10&country=NO&quantity=3&x=" + strings.Repeat("x", 64<<10)
	for _, tc := range []struct {
		path   string
		status int
		code   string
		bodies []string
	}{
		{"/cart/lines", unprocessable, "unknown_sku", []string{"", "quantity=1", "sku=", "sku=NOPE", "sku=mug-1", "sku=MUG-1%00", "sku=%ff", "sku=../MUG-1", "sku=" + strings.Repeat("x", 60_000), "sku=<script>alert(1)</script>"}},
		{"/cart/lines", unprocessable, "quantity_limit", []string{
			"sku=MUG-1&quantity=0", "sku=MUG-1&quantity=-1", "sku=MUG-1&quantity=1.5", "sku=MUG-1&quantity=1e1", "sku=MUG-1&quantity=abc", "sku=MUG-1&quantity=", "sku=MUG-1&quantity=+",
			"sku=MUG-1&quantity=98", "sku=MUG-1&quantity=100", "sku=MUG-1&quantity=9223372036854775807", "sku=MUG-1&quantity=99999999999999999999", "sku=MUG-1&quantity=0x3", "sku=MUG-1&quantity=%D9%A3",
		}},
		{"/cart/lines", unprocessable, "sold_out", []string{"sku=TEA-1", "sku=CLK-1&quantity=2", "sku=BLK-1&quantity=4"}},
		{"/cart/lines/MUG-1", unprocessable, "quantity_limit", []string{"", "sku=JAM-1", "quantity=", "quantity=-1", "quantity=100", "quantity=1.5", "quantity=x", "quantity=%00", "quantity=99999999999999999999", "quantity=3;"}},
		{"/cart/lines/NOPE", unprocessable, "unknown_sku", []string{"quantity=1", "quantity=0"}},
		{"/cart/lines/mug-1", unprocessable, "unknown_sku", []string{"quantity=1"}},
		{"/cart/lines/MUG-1%00", unprocessable, "unknown_sku", []string{"quantity=1"}},
		{"/cart/lines/%ff", unprocessable, "unknown_sku", []string{"quantity=1"}},
		{"/cart/lines/..%2F..%2Fmarket", unprocessable, "unknown_sku", []string{"quantity=1"}},
		{"/cart/lines/" + strings.Repeat("x", 8000), unprocessable, "unknown_sku", []string{"quantity=1"}},
		{"/cart/discount", unprocessable, "bad_discount_code", []string{"code=NOPE", "code=FOG", "code=%ff", "code=<script>alert(1)</script>", "code=" + strings.Repeat("x", 60_000)}},
		{"/cart/discount", bad, "bad_request", []string{"", "coupon=FOG10"}},
		{"/market", unprocessable, "unknown_market", []string{"country=XX", "country=Norway", "language=xx", "language=sv-SE", "locale=nb-NO", "country=NO&locale=sv-SE", "country=%ff%ff", "country=NO&language=<script>"}},
		{"/market", bad, "bad_request", []string{"", "country=", "return_to=/", "land=NO"}},
	} {
		for _, body := range tc.bodies {
			if body == "quantity=3;" { // Go refuses the semicolon
				tc.status, tc.code = bad, "bad_request"
			}
			s.refuses(page, badRequest{"POST", tc.path, formType, body, tc.status, ""})
			s.refuses(&asJSON, badRequest{"POST", tc.path, formType, body, tc.status, tc.code})
		}
	}
	for _, path := range []string{"/cart/lines", "/cart/lines/MUG-1", "/cart/discount", "/market"} {
		for _, body := range []string{"sku=%zz", "%", "quantity=1;sku=MUG-1"} {
			s.refuses(page, badRequest{"POST", path, formType, body, bad, ""})
			s.refuses(&asJSON, badRequest{"POST", path, formType, body, bad, "bad_request"})
		}
		s.refuses(page, badRequest{"POST", path, formType, huge, http.StatusRequestEntityTooLarge, ""})
		s.refuses(&asJSON, badRequest{"POST", path, formType, huge, http.StatusRequestEntityTooLarge, "bad_request"})
		for _, contentType := range []string{"", "text/plain", jsonType, "multipart/form-data; boundary=x"} {
			s.refuses(&asJSON, badRequest{"POST", path, contentType, "sku=MUG-1&quantity=3&code=&country=NO", http.StatusUnsupportedMediaType, "bad_request"})
		}
	}
}

// What is refused is told on the cart's page, for the shopper to mend it.
func TestRefusedFormSaysWhy(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	for _, tc := range []struct{ path, body, want string }{
		{"/cart/lines", "sku=NOPE", i18n.T("nb", "note.unknown")},
		{"/cart/lines", "sku=TEA-1", i18n.T("nb", "note.unchanged")},
		{"/cart/lines", "sku=BLK-1&quantity=9", "3"},
		{"/cart/lines/MUG-1", "quantity=100", i18n.T("nb", "note.number", "", 0, 99)},
		{"/cart/lines/MUG-1", "quantity=two", i18n.T("nb", "note.number", "", 0, 99)},
		{"/cart/discount", "code=nope", i18n.T("nb", "discount.unknown", "nope")},
	} {
		got := b.Do("POST", tc.path, formType, tc.body)
		text := html.UnescapeString(got.Text)
		if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, tc.want) ||
			!strings.Contains(text, i18n.T("nb", "title.error", "")) || !strings.Contains(text, `data-sku="MUG-1"`) {
			t.Errorf("%s %s: got %d, want the cart and %q", tc.path, tc.body, got.StatusCode, tc.want)
		}
	}
	// JSON tells the page what to put in place of it.
	b.Header.Set("Accept", jsonType)
	if u := updateOf(t, b.Post("/cart/lines", "sku", "BLK-1", "quantity", "9")); u.Error.Code != "sold_out" || u.SKU != "BLK-1" || u.Left == nil || *u.Left != 3 {
		t.Errorf("got %+v", u)
	}
	// Of all lines that a page has changed, which one is refused: it sends the others again.
	for code, wrong := range map[string]string{"unknown_sku": `{"sku":"NOPE","quantity":1}`, "quantity_limit": `{"sku":"JAM-1","quantity":100}`} {
		got := updateOf(t, b.Do("POST", "/checkout/update", jsonType, `{"lines":[{"sku":"MUG-1","quantity":5},`+wrong+`]}`))
		if got.Error.Code != code || !strings.Contains(wrong, `"`+got.SKU+`"`) || got.Left != nil {
			t.Errorf("%s: got %+v", wrong, got)
		}
	}
}

// Requests that another site makes a browser send are refused, whatever they ask for.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}},
		{"Origin": {"null"}}, {"Origin": {"http://127.0.0.1:1"}}, {"Origin": {"https://" + strings.TrimPrefix(s.URL, "http://") + ".evil.example"}},
	} {
		forged := *b
		forged.Header = b.Header.Clone()
		maps.Copy(forged.Header, header)
		for path, body := range map[string]string{
			"/market": "country=NO", "/cart/lines": "sku=JAM-1", "/cart/lines/MUG-1": "quantity=5", "/cart/discount": "code=",
		} {
			s.refuses(&forged, badRequest{"POST", path, formType, body, http.StatusForbidden, ""})
		}
		for _, contentType := range []string{jsonType, "text/plain"} {
			before := s.state(b)
			if got := forged.Do("POST", "/checkout/update", contentType, `{"lines":[{"sku":"MUG-1","quantity":5}]}`); got.StatusCode != http.StatusForbidden {
				t.Errorf("%v: got %d", header, got.StatusCode)
			}
			if diff := cmp.Diff(before, s.state(b)); diff != "" {
				t.Error(diff)
			}
		}
	}
	own := *b
	own.Header = b.Header.Clone()
	own.Header["Origin"], own.Header["Sec-Fetch-Site"] = []string{s.URL}, []string{"same-origin"}
	own.Add("JAM-1", "1")
}

// A form's return_to never leads to another site.
func TestReturnTo(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	for _, tc := range []struct{ to, want string }{
		{"/", "/?added=MUG-1"},
		{"/products/MUG-1", "/products/MUG-1?added=MUG-1"},
		{"/?category=kitchen&q=mug", "/?added=MUG-1&category=kitchen&q=mug"},
		{"/cart?removed=JAM-1&quantity=2&try=3", "/cart?added=MUG-1"},
		{"/checkout#top", "/checkout?added=MUG-1"},
		{"", "/cart?added=MUG-1"},
		{"cart", "/cart?added=MUG-1"},
		{"?q=1", "/cart?added=MUG-1"},
		{"//evil.example", "/cart?added=MUG-1"},
		{"///evil.example", "/cart?added=MUG-1"},
		{"/\\evil.example", "/cart?added=MUG-1"},
		{"\\\\evil.example", "/cart?added=MUG-1"},
		{"/\t/evil.example", "/cart?added=MUG-1"},
		{"/%09/evil.example", "/cart?added=MUG-1"},
		{"/%2f/evil.example", "/cart?added=MUG-1"},
		{"/%5cevil.example", "/cart?added=MUG-1"},
		{"/%0d%0aSet-Cookie:x=y", "/cart?added=MUG-1"},
		{"https://evil.example/", "/cart?added=MUG-1"},
		{"https:evil.example", "/cart?added=MUG-1"},
		{"http:///evil.example", "/cart?added=MUG-1"},
		{"//user@evil.example/", "/cart?added=MUG-1"},
		{"javascript:alert(1)", "/cart?added=MUG-1"},
		{"data:text/html,x", "/cart?added=MUG-1"},
		{"/%zz", "/cart?added=MUG-1"},
		{" /cart", "/cart?added=MUG-1"},
	} {
		got := b.Post("/cart/lines", "sku", "MUG-1", "return_to", tc.to)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != tc.want {
			t.Errorf("%q: got %d to %q, want %q", tc.to, got.StatusCode, got.Header.Get("Location"), tc.want)
		}
	}
	// Whatever it is, browsers stay: dots are resolved by the server or within the site.
	for _, to := range []string{"/..//evil.example", "/.//evil.example", "/%2e%2e//evil.example", "/./\\/evil.example", "/a/..//evil.example", "/%2e//%2e//evil.example/%2e%2e"} {
		got := b.Post("/cart/lines", "sku", "MUG-1", "return_to", to)
		base, _ := url.Parse(s.URL)
		if target, err := base.Parse(got.Header.Get("Location")); err != nil || target.Host != base.Host || strings.HasPrefix(target.Path, "//") {
			t.Errorf("%q leads to %v", to, target)
		}
	}
}

// FuzzUpdate holds invariants 3 and 10 for any body of the update endpoint: an
// answer of 200 says what Klarna has, any other has changed nothing.
func FuzzUpdate(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"lines":[{"sku":"MUG-1","quantity":2},{"sku":"EBK-1","quantity":1}],"discount_code":"FOG10"}`, `{"country":"US"}`,
		`{"country":"FI","locale":"sv-FI","discount_code":"lantern25"}`, `{"lines":[{"sku":"MUG-1","quantity":0}]}`,
		`{"lines":[{"sku":"GFT-1","quantity":99},{"sku":"RCT-1","quantity":25}],"country":"DE","locale":"de-DE"}`,
		`{"lines":[{"sku":"MUG-1","quantity":-1}]}`, `{"lines":null,"discount_code":null}`, `{"order_id":"x"}`, `[]`, "{\"locale\":\"\xff\"}",
		`{"lines":[{"sku":"JAM-1","quantity":1}],"lines":[{"quantity":2}]}`,
	} {
		f.Add([]byte(body))
	}
	s := newShop(f, fakeklarna.Options{})
	shopper := s.browser()
	f.Fuzz(func(t *testing.T, body []byte) {
		b := *shopper
		b.T = t
		if len(b.cart().Lines) == 0 {
			b.Add("MUG-1", "1")
		}
		before := b.cart()
		got := b.Update(string(body))
		u, after := updateOf(t, got), b.cart()
		switch got.StatusCode {
		case http.StatusOK:
			order, known := s.Fake.Order(u.OrderID)
			if !known || u.CartRevision != after.Revision || u.OrderAmount != after.TotalAmount ||
				order.OrderAmount != after.TotalAmount || order.PurchaseCurrency != after.Currency || order.Locale != after.Locale {
				t.Errorf("got %+v, the cart is %+v, Klarna has %d %s", u, after, order.OrderAmount, order.PurchaseCurrency)
			}
		case http.StatusConflict:
			if u.Redirect != "/cart" || len(after.Lines) > 0 {
				t.Errorf("got %s with the cart %+v", got.Text, after)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
			if diff := cmp.Diff(before, after); diff != "" || u.Error.Code == "" || u.Error.Message == "" {
				t.Errorf("got %s and changed %s", got.Text, diff)
			}
		default:
			t.Errorf("got %d %s", got.StatusCode, got.Text)
		}
	})
}
