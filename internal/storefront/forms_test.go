package storefront_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The forms one after the other: where each returns to, and what the cart is then.
func TestForms(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	for _, step := range []struct {
		path     string
		fields   []string
		location string
		cart     string // country, quantities, discount
		shows    string // on the page returned to
	}{
		{"/market", []string{"language", "en", "return_to", "/?category=pantry"}, "/?category=pantry&market=changed", "SE en-SE []", `data-note="market"`},
		{"/cart/lines", []string{"sku", "MUG-1", "return_to", "/products/MUG-1"}, "/products/MUG-1?added=MUG-1", "SE en-SE [MUG-1 1]", "data-toast"},
		{"/cart/lines", []string{"sku", "MUG-1", "quantity", "3"}, "/cart?added=MUG-1", "SE en-SE [MUG-1 4]", "data-toast"},
		{"/cart/lines", []string{"sku", "JAM-1", "quantity", " 2 "}, "/cart?added=JAM-1", "SE en-SE [MUG-1 4 JAM-1 2]", "data-toast"},
		{"/cart/lines/MUG-1", []string{"quantity", "99"}, "/cart", "SE en-SE [MUG-1 99 JAM-1 2]", `data-quantity="99"`},
		{"/cart/lines/CLK-1", []string{"quantity", "1"}, "/cart", "SE en-SE [MUG-1 99 JAM-1 2 CLK-1 1]", `data-sku="CLK-1"`},
		{"/cart/lines/CLK-1", []string{"quantity", "0"}, "/cart?quantity=1&removed=CLK-1", "SE en-SE [MUG-1 99 JAM-1 2]", `data-note="removed"`},
		{"/cart/lines/CLK-1", []string{"quantity", "0"}, "/cart?quantity=0&removed=CLK-1", "SE en-SE [MUG-1 99 JAM-1 2]", ""},
		{"/cart/discount", []string{"code", " fog10 "}, "/cart", "SE en-SE [MUG-1 99 JAM-1 2] FOG10", "FOG10"},
		{"/cart/discount", []string{"code", "LANTERN25", "return_to", "/checkout"}, "/checkout", "SE en-SE [MUG-1 99 JAM-1 2] LANTERN25", "LANTERN25"},
		{"/cart/discount", []string{"code", ""}, "/cart", "SE en-SE [MUG-1 99 JAM-1 2]", ""},
		{"/market", []string{"country", "FI", "language", "sv", "return_to", "/cart"}, "/cart?market=changed", "FI sv-FI [MUG-1 99 JAM-1 2]", `data-note="market"`},
		{"/market", []string{"country", "NO", "language", "sv"}, "/cart?market=changed", "NO nb-NO [MUG-1 99 JAM-1 2]", `<html lang="nb-NO"`},
		{"/market", []string{"country", "DE", "language", "en"}, "/cart?market=changed", "DE en-DE [MUG-1 99 JAM-1 2]", `<html lang="en-DE"`},
		{"/market", []string{"country", "NL"}, "/cart?market=changed", "NL en-NL [MUG-1 99 JAM-1 2]", `<html lang="en-NL"`},
		{"/market", []string{"country", "US", "locale", "en-US"}, "/cart?market=changed", "US en-US [MUG-1 99 JAM-1 2]", "USD"},
	} {
		got := b.Post(step.path, step.fields...)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != step.location {
			t.Errorf("%s %v: got %d to %q, want %q", step.path, step.fields, got.StatusCode, got.Header.Get("Location"), step.location)
		}
		if said := b.cart().String(); said != step.cart {
			t.Errorf("%s %v: the cart is %q, want %q", step.path, step.fields, said, step.cart)
		}
		if page := b.Get(step.location); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, step.shows) {
			t.Errorf("%s %v: the page returned to (%d) lacks %s", step.path, step.fields, page.StatusCode, step.shows)
		}
	}
}

// String is country, quantities and discount.
func (c cartJSON) String() string {
	var lines []string
	for _, l := range c.Lines {
		lines = append(lines, fmt.Sprint(l.SKU, " ", l.Quantity))
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s [%s] %s", c.Country, c.Locale, strings.Join(lines, " "), c.DiscountCode))
}

// The same forms for scripts: each answers the cart.
func TestFormsAsJSON(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Header.Set("Accept", jsonType)
	const empty = `{"revision":0,"country":"SE","locale":"sv-SE","currency":"SEK","lines":[],"discount_code":"","total_amount":0,"total_tax_amount":0}`
	const mugs = `{"revision":%d,"country":"SE","locale":"sv-SE","currency":"SEK","lines":[{"sku":"MUG-1","name":"Emaljmugg, 35 cl","quantity":2,"unit_price":14900,"total_amount":29800}],"discount_code":%q,"total_amount":%d,"total_tax_amount":%d}`
	for _, step := range []struct {
		name string
		got  shoptest.Answer
		want string
	}{
		{"a visitor", b.Get("/cart"), empty},
		{"add", b.Post("/cart/lines", "sku", "MUG-1", "quantity", "2", "return_to", "/"), fmt.Sprintf(mugs, 1, "", 34700, 6940)},
		{"discount", b.Post("/cart/discount", "code", "FOG10"), strings.Replace(fmt.Sprintf(mugs, 2, "FOG10", 31720, 6344), `,"total_amount":31720`, `,"campaigns":[{"name":"Rabatt FOG10","amount":2980}],"total_amount":31720`, 1)},
		{"the same again", b.Post("/cart/discount", "code", "FOG10"), strings.Replace(fmt.Sprintf(mugs, 2, "FOG10", 31720, 6344), `,"total_amount":31720`, `,"campaigns":[{"name":"Rabatt FOG10","amount":2980}],"total_amount":31720`, 1)},
		{"no discount", b.Post("/cart/discount", "code", ""), fmt.Sprintf(mugs, 3, "", 34700, 6940)},
		{"look", b.Get("/cart"), fmt.Sprintf(mugs, 3, "", 34700, 6940)},
		{"remove", b.Post("/cart/lines/MUG-1", "quantity", "0"), strings.Replace(empty, `"revision":0`, `"revision":4`, 1)},
		{"Denmark", b.Post("/market", "country", "DK"), `{"revision":5,"country":"DK","locale":"da-DK","currency":"DKK","lines":[],"discount_code":"","total_amount":0,"total_tax_amount":0}`},
	} {
		if step.got.StatusCode != http.StatusOK || step.got.Header.Get("Content-Type") != jsonType || step.got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d, %v", step.name, step.got.StatusCode, step.got.Header)
		}
		if diff := cmp.Diff(step.want, step.got.Text); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]+)"[^>]*>(.*?)</form>`)
	fields = regexp.MustCompile(`<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"`)
)

// Undo, without scripts: the note's form brings the quantity back.
func TestUndo(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("JAM-1", "7")
	b.Add("MUG-1", "1")
	removed := b.Post("/cart/lines/JAM-1", "quantity", "0", "return_to", "/cart")
	page := b.Get(removed.Header.Get("Location"))
	_, note, found := strings.Cut(page.Text, `data-note="removed"`)
	form := forms.FindStringSubmatch(note)
	if !found || form == nil || !strings.Contains(form[2], `data-key="undo"`) {
		t.Fatalf("no Undo on %s", removed.Header.Get("Location"))
	}
	var sent []string
	for _, field := range fields.FindAllStringSubmatch(form[2], -1) {
		sent = append(sent, field[1], html.UnescapeString(field[2]))
	}
	if got := b.Post(form[1], sent...); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/cart" {
		t.Errorf("%s %v: got %d to %q", form[1], sent, got.StatusCode, got.Header.Get("Location"))
	}
	if got := b.cart().String(); got != "SE sv-SE [MUG-1 1 JAM-1 7]" {
		t.Errorf("got %s", got)
	}
}

// A visitor of whom nothing is known gets the market of the browser's
// languages, in page and cart, and keeps it.
func TestFirstMarket(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	for _, tc := range []struct{ header, locale, currency string }{
		{"", "sv-SE", "SEK"}, {"sv", "sv-SE", "SEK"}, {"nb-NO,nb;q=0.9", "nb-NO", "NOK"}, {"nn", "nb-NO", "NOK"}, {"da", "da-DK", "DKK"}, {"fi-FI", "fi-FI", "EUR"},
		{"sv-FI", "sv-FI", "EUR"}, {"de", "de-DE", "EUR"}, {"de-AT", "de-AT", "EUR"}, {"nl-BE", "nl-NL", "EUR"}, {"en-GB", "en-GB", "GBP"}, {"en", "en-GB", "GBP"},
		{"en-US,en;q=0.5", "en-US", "USD"}, {"fr-DE,en;q=0.3", "en-DE", "EUR"}, {"ja", "sv-SE", "SEK"},
	} {
		b := s.browser()
		b.Header.Set("Accept-Language", tc.header)
		if page := b.Get("/"); !strings.Contains(page.Text, `<html lang="`+tc.locale+`"`) || strings.HasPrefix(page.Header.Get("Set-Cookie"), "shopd=") {
			t.Errorf("%q: not in %s, or a session %q", tc.header, tc.locale, page.Header.Get("Set-Cookie"))
		}
		b.Add("MUG-1", "1")
		b.Header.Set("Accept-Language", "ja")
		if c := b.cart(); c.Locale != tc.locale || c.Currency != tc.currency {
			t.Errorf("%q: got %s %s, want %s %s", tc.header, c.Locale, c.Currency, tc.locale, tc.currency)
		}
	}
}

// Every market in each of its languages, on one order.
func TestMarkets(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "2")
	b.Add("EBK-1", "1")
	id := b.open(s).OrderID
	for _, m := range skerry.Version().Markets {
		for _, locale := range m.Locales {
			got := updateOf(t, b.Update(fmt.Sprintf(`{"order_id":%q,"country":%q,"locale":%q}`, id, m.Country, locale)))
			order := s.order()
			if got.PurchaseCurrency != string(m.Currency) || got.Replaced || order.OrderID != id || order.Locale != locale ||
				!strings.EqualFold(order.PurchaseCountry, m.Country) || order.PurchaseCurrency != string(m.Currency) || order.OrderAmount != got.OrderAmount {
				t.Errorf("%s %s: got %+v, Klarna has %s %s %s", m.Country, locale, got, order.PurchaseCountry, order.PurchaseCurrency, order.Locale)
			}
			if page := b.Get("/checkout"); !strings.Contains(page.Text, `<html lang="`+locale+`"`) {
				t.Errorf("%s %s: the checkout is in another language", m.Country, locale)
			}
		}
	}
	s.holds(b, 0)
}

// The session's cookie, set with the first cart and not again.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	for _, first := range [][]string{{"/cart/lines", "sku", "MUG-1"}, {"/cart/lines/MUG-1", "quantity", "2"}, {"/market", "country", "NO"}, {"/cart/discount", "code", "FOG10"}} {
		b := s.browser()
		got := b.Post(first[0], first[1:]...)
		cookies := got.Cookies()
		if got.StatusCode != http.StatusSeeOther || len(cookies) != 1 {
			t.Fatalf("%v: got %d and cookies %v", first, got.StatusCode, cookies)
		}
		c := cookies[0]
		if c.Name != "shopd" || len(c.Value) < 30 || c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge < 29*24*3600 || c.MaxAge > 30*24*3600+1 {
			t.Errorf("%v: got %s", first, c)
		}
		for _, again := range []shoptest.Answer{b.Post("/cart/lines", "sku", "MUG-1"), b.Get("/cart"), b.Get("/"), b.Get("/terms"), b.Post(first[0], first[1:]...)} {
			if again.Header.Get("Set-Cookie") != "" {
				t.Errorf("%v: a cookie again: %s", first, again.Header.Get("Set-Cookie"))
			}
		}
		if strings.Contains(s.Log.String(), c.Value) {
			t.Error("the log has a session's token")
		}
	}
}

// A new visitor who adds in two tabs at once, at two processes, keeps both adds; pages alone
// cost no memory. Whoever keeps no cookie has a cart all the same.
func TestTwoFirstAdds(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	_, other := s.serve(s.Redis.Client())
	for run := range 10 {
		b := s.browser()
		keys := s.Client.DBSize(t.Context()).Val()
		b.Get("/")
		b.Get("/products/MUG-1")
		if n := s.Client.DBSize(t.Context()).Val(); n != keys {
			t.Errorf("run %d: a look at the shop left %d keys in Redis", run, n-keys)
		}
		tab := *b
		tab.Base = other
		tab.Client = &http.Client{Jar: sameSession{b.Client.Jar, b.Base}, CheckRedirect: b.Client.CheckRedirect}
		var both sync.WaitGroup
		both.Go(func() { b.Add("MUG-1", "1") })
		both.Go(func() { tab.Add("JAM-1", "1") })
		both.Wait()
		if c := b.cart(); len(c.Lines) != 2 {
			t.Errorf("run %d: the cart is %s", run, c)
		}
	}
	stranger := s.browser()
	stranger.Client.Jar = nil
	if got := stranger.Post("/cart/lines", "sku", "MUG-1"); got.StatusCode != http.StatusSeeOther || len(got.Cookies()) != 1 {
		t.Errorf("without cookies: %d %v", got.StatusCode, got.Cookies())
	}
	b := s.browser()
	b.Add("MUG-1", "1")
	b.Add("JAM-1", "1")
	if got := b.cart().String(); got != "SE sv-SE [MUG-1 1 JAM-1 1]" {
		t.Errorf("one after the other: %s", got)
	}
}

// Changes of one cart from many tabs at once: each that is answered is in (invariant 1).
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	var wg sync.WaitGroup
	for _, sku := range []string{"MUG-1", "JAM-1", "HNY-1", "SLT-1", "COF-1", "CRB-1"} {
		wg.Go(func() {
			for range 8 {
				got, err := b.Try(t.Context(), "POST", "/cart/lines", formType, url.Values{"sku": {sku}, "quantity": {"2"}}.Encode())
				if err != nil || got.StatusCode != http.StatusSeeOther {
					t.Errorf("%s: got %v, %v", sku, got.Response, err)
				}
			}
		})
	}
	wg.Wait()
	for _, line := range b.cart().Lines {
		want := 16
		if line.SKU == "MUG-1" {
			want++
		}
		if line.Quantity != want {
			t.Errorf("%s: got %d, want %d", line.SKU, line.Quantity, want)
		}
	}
	s.holds(b, 0)
}

// Who changes a cart keeps it, also without ever opening the checkout: once a day its session gets its 30 days anew.
func TestChangeKeepsTheSession(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	if got := b.Post("/cart/lines", "sku", "JAM-1").Cookies(); len(got) != 0 {
		t.Errorf("a fresh session is renewed: %v", got)
	}
	keys, err := s.Client.Keys(t.Context(), "shopd:session:*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	stored, err := s.Client.Get(t.Context(), keys[0]).Result()
	if err != nil {
		t.Fatal(err)
	}
	const left = 2 * time.Hour
	old := regexp.MustCompile(`"deadline":"[^"]+"`).ReplaceAllString(stored, `"deadline":"`+time.Now().Add(left).UTC().Format(time.RFC3339Nano)+`"`)
	if err := s.Client.Set(t.Context(), keys[0], old, left).Err(); err != nil {
		t.Fatal(err)
	}
	if got := b.Post("/cart/lines", "sku", "JAM-1"); got.StatusCode != http.StatusSeeOther || len(got.Cookies()) != 1 {
		t.Errorf("a change: %d, %v", got.StatusCode, got.Cookies())
	}
	if got := s.Client.TTL(t.Context(), keys[0]).Val(); got < 719*time.Hour {
		t.Errorf("the session lives for %s more", got)
	}
	if got := b.cart(); len(got.Lines) != 2 || got.Lines[1].Quantity != 2 {
		t.Errorf("the cart is %+v", got)
	}
}
