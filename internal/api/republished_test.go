package api_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// edition is a shop of the example's files that publishes others while sessions are open.
type edition struct {
	*shoptest.World
	d    *db.DB
	file settings.Source
	now  *publish.Published
}

// newEdition sells by the example's shop file after replacements, and by a catalogue in krona
// and euro alone.
func newEdition(t *testing.T, replaced ...string) *edition {
	t.Helper()
	file, err := settings.Load("../../examples/shop/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	e := &edition{file: file, d: dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t)})}
	e.publish(t, e.shop(replaced...), lamp(10000))
	e.World = world(t, func(c *shop.Config) {
		if e.now, err = publish.Open(t.Context(), e.d, c.Logger); err != nil {
			t.Fatal(err)
		}
		c.DB, c.Published = e.d, e.now
	})
	return e
}

// lamp is a catalogue of one product, which costs so many öre.
func lamp(price int) *publish.File {
	return &publish.File{Name: "c", Content: fmt.Appendf(nil,
		`{"products": [{"sku": "LAMP-1", "name": "Lamp", "prices": {"SEK": %d, "EUR": 1000}, "category": "new", "tax_class": "standard", "weight": 100, "stock": 9}]}`, price)}
}

// shop is the shop file after replacements.
func (e *edition) shop(replaced ...string) *publish.File {
	source := e.file
	for i := 0; i < len(replaced); i += 2 {
		source.File = bytes.ReplaceAll(source.File, []byte(replaced[i]), []byte(replaced[i+1]))
	}
	return publish.ShopFile("s", source)
}

// publish publishes files, by which all sell from then on.
func (e *edition) publish(t *testing.T, file, goods *publish.File) {
	t.Helper()
	v, err := (&publish.Publisher{DB: e.d, Stock: &stock.Store{DB: e.d}}).Publish(t.Context(), file, goods)
	if err == nil && e.now != nil {
		err = e.now.Reach(t.Context(), v.Number)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const finnish = `"country": "FI"`

// A basket keeps the currency that it was said in: where its market has another one, or is
// none any more, nothing of it is sold until the merchant's server says it anew.
func TestCurrencyOfBasket(t *testing.T) {
	for name, gone := range map[string][]string{
		"another currency": {"currency: EUR", "currency: USD", ", EUR: 1000}", "}", ", EUR: 5000}", "}"},
		"no such market":   {"country: FI", "country: DE", "[fi-FI, sv-FI]", "[de-DE]"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdition(t)
			c, b := calls(e.World), e.Browser()
			in := strings.Replace(basket(tent, home), `"country": "SE"`, finnish, 1)
			made := c.want(c.put("b", in), 201, "").Session
			if made.Currency != "EUR" || made.OrderAmount != 257800 {
				t.Fatalf("made %+v", made)
			}
			_, id := open(e.World, b, made)

			e.publish(t, e.shop(gone...), nil)
			read := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session
			if read.Country != "FI" || read.Currency != "EUR" || read.OrderAmount != 0 || len(read.OrderLines) != 1 || read.OrderLines[0].UnitPrice != 249900 {
				t.Errorf("read %+v", read)
			}
			out, err := e.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if err != nil || out.Refused == nil || !strings.Contains(fmt.Sprintf("%+v", *out.Refused), "cart_changed") {
				t.Errorf("bought: %+v, %v", out, err)
			}
			out, err = e.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "00100", "email": "ada@example.com"}})
			if err != nil || out.Total != 257800 {
				t.Errorf("typed: %+v, %v", out, err)
			}
			if page := b.Get("/checkout/s/b"); page.StatusCode != 200 || strings.Contains(page.Text, `"order_id"`) || !strings.Contains(page.Text, `data-note="not-sold"`) {
				t.Errorf("the page: %d\n%s", page.StatusCode, page.Text)
			}
			if now := atKlarna(e.World, id); now.PurchaseCurrency != "EUR" || now.OrderAmount != 257800 {
				t.Errorf("at Klarna: %d %s", now.OrderAmount, now.PurchaseCurrency)
			}
			for log := range strings.SplitSeq(e.Log.String(), "\n") {
				if strings.Contains(log, "level=ERROR") {
					t.Error(log)
				}
			}

			// Said anew it is sold, in the currency of now.
			anew := c.want(c.put("b", basket(tent, home)), 200, "").Session
			if anew.Country != "SE" || anew.Currency != "SEK" || anew.OrderAmount != 257800 || anew.Revision <= made.Revision {
				t.Errorf("anew %+v", anew)
			}
			load(e.World, b, "b")
		})
	}
}

// A billing country that has another currency by now is none.
func TestCurrencyOfBillingCountry(t *testing.T) {
	e := newEdition(t, "country: US", "country: DE", "currency: USD", "currency: EUR", "[en-US]", "[de-DE]",
		"sales_tax: {CA: 7.25, CO: 2.9, NJ: 6.625, OR: 0, WA: 6.5}", "tax: {standard: 19}")
	c := calls(e.World)
	_, id := open(e.World, e.Browser(), c.want(c.put("b", strings.Replace(basket(tent, home, `"billing_countries": ["FI", "DE"]`), `"country": "SE"`, finnish, 1)), 201, "").Session)
	e.publish(t, e.shop("country: US", "country: DE", "[en-US]", "[de-DE]",
		"sales_tax: {CA: 7.25, CO: 2.9, NJ: 6.625, OR: 0, WA: 6.5}", "tax: {standard: 19}"), nil)
	if _, err := e.Fake.Shopper(id, fakeklarna.Action{Country: "DE"}); err != nil {
		t.Fatal(err)
	}
	if now := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session; now.Currency != "EUR" || now.Country != "FI" {
		t.Errorf("moved to %s, %s", now.Country, now.Currency)
	}
}

// Where an address may lead a basket to a market whose prices are without tax, its lines have none.
func TestTaxOfBillingCountries(t *testing.T) {
	e := newEdition(t, "currency: EUR", "currency: USD", ", EUR: 1000}", "}", ", EUR: 5000}", "}")
	c := calls(e.World)
	put := func(rate, countries string) said {
		return c.put("b", strings.NewReplacer(`"SE"`, `"FI"`, "2500", rate).Replace(basket(tent, home, `"billing_countries": [`+countries+`]`)))
	}
	refused := c.want(put("2500", `"FI", "US"`), 422, api.CodeInvalid)
	var at []string
	for _, f := range refused.Problem.Errors {
		at = append(at, f.Location+" "+f.Message)
	}
	if got := strings.Join(at, "; "); got != "body.order_lines[0].tax_rate must be 0: prices in US are without tax; body.delivery_options[0].tax_rate must be 0: prices in US are without tax" {
		t.Error(got)
	}
	c.want(put("2500", `"FI"`), 201, "")
	c.want(put("0", `"FI", "US"`), 200, "")
}

// Lines of the merchant's own are sold in each market of the shop file, also where the
// catalogue has no price; a SKU is not.
func TestOwnPricesInAnyMarket(t *testing.T) {
	e := newEdition(t)
	c, b := calls(e.World), e.Browser()
	const own = `{"id": "1", "name": "x", "quantity": 1, "unit_price": 10000, "tax_rate": 0}, {"id": "2", "type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": 725}`
	american := func(lines string) string {
		return strings.Replace(basket(lines), `"country": "SE"`, `"country": "US"`, 1)
	}
	c.want(c.put("sku", american(own+`, {"reference": "LAMP-1", "quantity": 1}`)), 422, api.CodeUnknownSKU)
	made := c.want(c.put("b", american(own)), 201, "").Session
	if made.Currency != "USD" || made.OrderAmount != 10000+725+1900 {
		t.Errorf("made %+v", made)
	}
	page, id := open(e.World, b, made)
	if !strings.Contains(page.Text, "$126.25") {
		t.Errorf("the page shows no total of $126.25:\n%s", page.Text)
	}
	if _, err := e.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"region": "CA", "postal_code": "94103", "email": "ada@example.com"}}); err != nil {
		t.Fatal(err)
	}
	if now := atKlarna(e.World, id); now.PurchaseCurrency != "USD" || now.PurchaseCountry != "us" || len(now.BillingCountries) != 1 {
		t.Errorf("at Klarna: %+v", now)
	}
	e.Buy(id)
	if o := e.Place(id); o.PurchaseCurrency != "USD" || o.OrderAmount != 12625 {
		t.Errorf("in the book: %d %s", o.OrderAmount, o.PurchaseCurrency)
	}
	// A cart of the shop's own is sold nothing there.
	if got := e.Browser().Do("POST", "/market", "application/x-www-form-urlencoded", "country=US"); got.StatusCode < 400 {
		t.Errorf("a cart in a market without prices: %d", got.StatusCode)
	}
}

// A publish that changes what a session comes to, or how it is delivered, raises its revision,
// whoever looks first; nobody pays what no form has shown. One that does not concern it does not.
func TestPublishRaisesRevision(t *testing.T) {
	const sku = `{"id": "l", "reference": "LAMP-1", "quantity": 1}`
	dearer := func(e *edition) { e.publish(e.T.(*testing.T), nil, lamp(11000)) }
	for name, tt := range map[string]struct {
		body    string
		publish func(*edition)
		rises   bool
	}{
		"price of a SKU":               {basket(sku, home), dearer, true},
		"price of a SKU that it lacks": {basket(tent, home), dearer, false},
		"price of the delivery":        {basket(sku), func(e *edition) { e.publish(e.T.(*testing.T), e.shop("price: 4900", "price: 5900"), nil) }, true},
		"price of another delivery":    {basket(sku, home), func(e *edition) { e.publish(e.T.(*testing.T), e.shop("price: 4900", "price: 5900"), nil) }, false},
		"sales tax of a state": {strings.Replace(basket(strings.Replace(tent, "2500", "0", 1)), `"country": "SE"`, `"country": "US"`, 1),
			func(e *edition) { e.publish(e.T.(*testing.T), e.shop("CA: 7.25", "CA: 8.25", "OR: 0", "NY: 0"), nil) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdition(t, "OR: 0", "NY: 0") // where the fake's American lives
			c, b := calls(e.World), e.Browser()
			made := c.want(c.put("b", tt.body), 201, "").Session
			_, id := open(e.World, b, made)
			state := func(want int64) {
				t.Helper()
				if got := b.Get("/checkout/s/b/state"); got.Text != fmt.Sprintf(`{"revision":%d}`, want) {
					t.Errorf("the open page hears %d %s, want %d", got.StatusCode, got.Text, want)
				}
			}
			state(1)
			tt.publish(e)
			if !tt.rises {
				state(1)
				if got := c.want(c.put("b", tt.body), 200, "").Session; got.Revision != 1 {
					t.Errorf("the same again is revision %d", got.Revision)
				}
				e.Buy(id)
				return
			}
			// The merchant's server says the same again: Klarna's order is the new one, and unseen.
			if got := c.want(c.put("b", tt.body), 200, "").Session; got.Revision != 2 {
				t.Errorf("the same again is revision %d", got.Revision)
			}
			out, err := e.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if err != nil || out.Refused == nil {
				t.Errorf("bought what no form has shown: %+v, %v", out, err)
			}
			state(2)
			state(2)
			load(e.World, b, "b")
			e.Buy(id)
		})
	}
}

// An open page learns of a publish without a call of the merchant's, and what Klarna was told of
// it meanwhile is not bought unseen.
func TestPublishOnOpenPage(t *testing.T) {
	e := newEdition(t)
	c, b := calls(e.World), e.Browser()
	_, id := open(e.World, b, c.want(c.put("b", basket(`{"reference": "LAMP-1", "quantity": 1}`, home)), 201, "").Session)
	e.publish(t, nil, lamp(11000))
	row, _, err := e.CheckoutSessions.ByReference(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.KCO.Sync(t.Context(), kco.Request{CartID: row.CartID, Mode: cartsync.Repair}); err != nil {
		t.Fatal(err)
	}
	if now := atKlarna(e.World, id); now.OrderAmount != 18900 {
		t.Errorf("at Klarna: %d", now.OrderAmount)
	}
	if out, err := e.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused == nil {
		t.Errorf("bought what no form has shown: %+v, %v", out, err)
	}
	if got := b.Get("/checkout/s/b/state"); got.Text != `{"revision":2}` {
		t.Errorf("state: %d %s", got.StatusCode, got.Text)
	}
	if got := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session; got.Revision != 2 || got.OrderAmount != 18900 {
		t.Errorf("read %+v", got)
	}
	if got := b.Do("POST", "/checkout/s/b/seen", "application/json", `{"revision": 2}`); got.StatusCode != 200 {
		t.Errorf("seen: %d %s", got.StatusCode, got.Text)
	}
	e.Buy(id)
}

// A process is killed when it has raised the revision of a session and its cart has not got it
// yet: whoever looks later gives it to the cart, unless the merchant's server has said more since.
func TestKilledBetweenRevisions(t *testing.T) {
	e := newEdition(t)
	c, b := calls(e.World), e.Browser()
	goods := basket(`{"reference": "LAMP-1", "quantity": 1}`, home)
	_, id := open(e.World, b, c.want(c.put("b", goods), 201, "").Session)
	row, _, err := e.CheckoutSessions.ByReference(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	gone := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	killed := func(price int) {
		t.Helper()
		e.publish(t, nil, lamp(price))
		if _, err := e.CheckoutSessions.Renew(t.Context(), cart.NewStore(gone, e.now), e.Pricer, e.Cart(row.CartID)); err == nil {
			t.Fatal("the cart has its revision")
		}
	}
	state := func(want int64) {
		t.Helper()
		if got := b.Get("/checkout/s/b/state"); got.Text != fmt.Sprintf(`{"revision":%d}`, want) {
			t.Errorf("state: %d %s, want %d", got.StatusCode, got.Text, want)
		}
	}
	killed(11000)
	state(1) // it may be on its way
	later(e)
	state(3)
	state(3)
	load(e.World, b, "b")
	killed(12000)
	if got := c.want(c.put("b", goods), 200, "").Session; got.Revision != 5 || got.OrderAmount != 19900 {
		t.Errorf("said anew: %+v", got)
	}
	load(e.World, b, "b")
	e.Buy(id)
}

// later is when no call that has changed a session can be on its way to its cart any more.
func later(e *edition) { e.do("update checkout_sessions set expires_at = expires_at - 20000") }

// do runs a statement in the database of the shop.
func (e *edition) do(query string) {
	e.T.Helper()
	if _, err := e.d.Exec(e.T.Context(), query); err != nil {
		e.T.Fatal(err)
	}
}

// A cart whose newest basket was lost is behind its session: If-Match is for the revision that
// answers tell, the same again heals it, and so does whoever looks after a publish.
func TestBehind(t *testing.T) {
	for name, body := range map[string]string{
		"said again":  basket(`{"reference": "LAMP-1", "quantity": 2}`, home),
		"as the cart": basket(`{"reference": "LAMP-1", "quantity": 1}`, home),
	} {
		for _, ahead := range []bool{false, true} { // the database has lost the newest, not Redis
			t.Run(fmt.Sprintf("%s, ahead %v", name, ahead), func(t *testing.T) {
				e := newEdition(t)
				c, b := calls(e.World), e.Browser()
				with := func(revision, body string) said {
					t.Helper()
					c.Header.Set("If-Match", revision)
					defer c.Header.Del("If-Match")
					return c.put("b", body)
				}
				_, id := open(e.World, b, c.want(c.put("b", basket(`{"reference": "LAMP-1", "quantity": 1}`, home)), 201, "").Session)
				row, _, err := e.CheckoutSessions.ByReference(t.Context(), "b")
				if err != nil {
					t.Fatal(err)
				}
				key := "shopd:cart:{" + row.CartID + "}"
				older, err := e.Client.HGetAll(t.Context(), key).Result()
				if err != nil {
					t.Fatal(err)
				}
				c.want(c.put("b", basket(`{"reference": "LAMP-1", "quantity": 2}`, home)), 200, "")
				if ahead {
					e.do("update checkout_sessions set revision = 1")
				} else if err := e.Client.HSet(t.Context(), key, older).Err(); err != nil {
					t.Fatal(err)
				}
				if got := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session; got.Revision != 2 {
					t.Errorf("read at revision %d", got.Revision)
				}
				if got := c.want(with(`"1"`, body), 412, api.CodeStaleRevision); got.Problem.CheckoutSession.Revision != 2 {
					t.Errorf("stale, it is %d", got.Problem.CheckoutSession.Revision)
				}
				later(e)
				e.publish(t, nil, lamp(11000))
				if got := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session; got.Revision != 3 {
					t.Errorf("read after a publish at revision %d", got.Revision)
				}
				if got := e.Cart(row.CartID); got.Basket.Revision != 3 {
					t.Errorf("the cart is at %d", got.Basket.Revision)
				}
				if ahead {
					e.do("update checkout_sessions set revision = 1")
				} else if err := e.Client.HSet(t.Context(), key, older).Err(); err != nil {
					t.Fatal(err)
				}
				e.publish(t, nil, lamp(12000))
				now := c.want(with(`"3"`, body), 200, "").Session
				if got := e.Cart(row.CartID); now.Revision != 4 || got.Basket.Revision != 4 || int64(atKlarna(e.World, id).OrderAmount) != now.OrderAmount {
					t.Errorf("said again: %+v, the cart is at %d", now, got.Basket.Revision)
				}
				load(e.World, b, "b")
				e.Buy(id)
			})
		}
	}
}

// Totals that are sent are those of lines as they were said, wherever the shopper lets them go;
// the tax of a SKU is taken as it was sent, where it has the rate of then.
func TestTotalsOfSKU(t *testing.T) {
	e := newEdition(t)
	c := calls(e.World)
	sent := func(tax int) string {
		return strings.Replace(basket(fmt.Sprintf(`{"reference": "LAMP-1", "quantity": 1, "total_amount": 1000, "total_tax_amount": %d}`, tax)), `"country": "SE"`, finnish, 1)
	}
	c.want(c.put("a", sent(205)), 422, api.CodeTotalDiffers)
	made := c.want(c.put("a", sent(204)), 201, "").Session // 203.19
	if got := made.OrderLines[0]; got.TotalTaxAmount != 204 || got.TotalAmount != 1000 {
		t.Errorf("made %+v", got)
	}
	if again := c.want(c.put("a", sent(204)), 200, "").Session; again.Revision != 1 {
		t.Errorf("the same again is revision %d", again.Revision)
	}
	_, id := open(e.World, e.Browser(), made)
	if _, err := e.Fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "22100", "email": "ada@example.com"}}); err != nil {
		t.Fatal(err)
	}
	again := c.want(c.put("a", sent(204)), 200, "").Session
	if got := again.OrderLines[0]; again.Revision != 1 || got.TotalTaxAmount != 0 || *got.TaxRate != 0 {
		t.Errorf("on Åland, at revision %d: %+v", again.Revision, got)
	}
	c.want(c.put("a", sent(205)), 422, api.CodeTotalDiffers)
	e.Buy(id)
}
