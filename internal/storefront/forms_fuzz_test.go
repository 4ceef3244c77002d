package storefront_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// sums fails when a cart is none that could be sold: quantities from 1 to 99, lines that
// sum to the total once discount and delivery are added.
func (c cartJSON) sums(t *testing.T) {
	t.Helper()
	var goods int64
	for _, l := range c.Lines {
		goods += l.TotalAmount
		if l.Quantity < 1 || l.Quantity > 99 || l.TotalAmount != int64(l.Quantity)*l.UnitPrice {
			t.Errorf("line %+v", l)
		}
	}
	if c.TotalAmount < 0 || c.TotalTaxAmount < 0 || c.TotalTaxAmount > c.TotalAmount || len(c.Lines) == 0 && c.TotalAmount != 0 {
		t.Errorf("lines are %d together, the cart says %d with %d tax", goods, c.TotalAmount, c.TotalTaxAmount)
	}
}

// FuzzForms holds invariant 10 for the shopper's forms: whatever is sent, what is not
// taken (4xx) has changed nothing, and who is sent on stays in the shop.
func FuzzForms(f *testing.F) {
	paths := []string{"/cart/lines", "/cart/lines/MUG-1", "/cart/lines/none", "/cart/discount", "/market"}
	for i, form := range []string{
		"sku=MUG-1&quantity=2", "quantity=0", "quantity=3", "discount_code=FOG10", "country=NO&locale=nb-NO&return_to=%2Fcart",
	} {
		f.Add(i, form, "application/x-www-form-urlencoded")
	}
	f.Add(0, "sku=MUG-1&quantity=99999999999999999999", "application/x-www-form-urlencoded")
	f.Add(0, "sku=CLK-1&quantity=2&return_to=//evil.example", "application/x-www-form-urlencoded")
	f.Add(0, "sku=TEA-1&quantity=1&sku=MUG-1", "application/x-www-form-urlencoded")
	f.Add(1, "quantity=-1", "application/x-www-form-urlencoded")
	f.Add(1, "quantity=1e1;a=%zz", "application/x-www-form-urlencoded")
	f.Add(3, "discount_code=%ff%00&discount_code=x", "application/x-www-form-urlencoded; charset=utf-16")
	f.Add(3, "discount_code=", "multipart/form-data; boundary=x")
	f.Add(4, "country=se&locale=sv", "application/x-www-form-urlencoded")
	f.Add(4, "country=US&return_to=http%3A%2F%2Fevil.example%2F", "text/plain")
	s := newShop(f, fakeklarna.Options{})
	shopper := s.browser()
	f.Fuzz(func(t *testing.T, which int, form, contentType string) {
		if strings.ContainsFunc(contentType, func(r rune) bool { return r < ' ' || r > '~' }) {
			return // no header
		}
		b := *shopper
		b.T = t
		if len(b.cart().Lines) == 0 {
			b.Add("JAM-1", "1")
		}
		before := b.cart()
		got := b.Do("POST", paths[(which%len(paths)+len(paths))%len(paths)], contentType, form)
		after := b.cart()
		after.sums(t)
		switch {
		case got.StatusCode == http.StatusSeeOther:
			base, _ := url.Parse(b.Base)
			if to, err := base.Parse(got.Header.Get("Location")); err != nil || to.Host != base.Host || strings.HasPrefix(to.Path, "//") {
				t.Errorf("%q leads to %q, %v", form, got.Header.Get("Location"), err)
			}
		case got.StatusCode >= 400 && got.StatusCode < 500:
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("got %d and changed %s", got.StatusCode, diff)
			}
		default:
			t.Errorf("got %d %s", got.StatusCode, got.Text)
		}
	})
}

// FuzzPages holds invariant 10 and that a GET changes nothing of the shopper's: any
// query of any page (?reason=, ?try=, ?order_id=, ?q=, ?key=), with any
// Accept-Language, is answered by a whole page or sent on within the shop.
func FuzzPages(f *testing.F) {
	paths := []string{
		"/", "/products/MUG-1", "/products/x", "/cart", "/checkout", "/checkout/confirmation", "/checkout/payments", "/checkout/payments/review",
		"/orders/SK-7F3K-92AB", "/terms",
	}
	for i, query := range []string{
		"q=mug&category=kitchen&sort=price&page=2", "added=1", "", "market=delivery&reason=sold_out&sku=MUG-1", "reason=cart_changed&try=3",
		"order_id=9cae56e2-fc5f-4465-8984-de07485eabcd", "reason=not_finished", "try=99999999999999999999", "key=JFOM4KHLHC3IXHS4OJUUARQINF", "a=b",
	} {
		f.Add(i, query, "sv-SE,sv;q=0.9,en;q=0.1")
	}
	f.Add(4, "reason=%00&try=-1&reason=x", "")
	f.Add(0, "q=%ff%fe&category=%3Cscript%3E", "de-AT")
	f.Add(5, "order_id=../../x&order_id=y&try=1", "xx")
	f.Add(8, "key=%zz;key=1", strings.Repeat("a-", 500))
	s := newShop(f, fakeklarna.Options{})
	shopper := s.browser()
	shopper.Add("JAM-1", "1")
	f.Fuzz(func(t *testing.T, which int, query, language string) {
		if strings.ContainsFunc(language, func(r rune) bool { return r < ' ' || r > '~' }) || len(query) > 4000 || len(language) > 4000 {
			return // no header, or none that a request may have
		}
		b := *shopper
		b.T, b.Header = t, http.Header{"Accept-Language": {language}}
		path := paths[(which%len(paths)+len(paths))%len(paths)]
		before := b.cart()
		u, err := url.Parse(b.Base + path)
		if err != nil {
			t.Fatal(err)
		}
		u.RawQuery = query
		if _, err := url.Parse(u.String()); err != nil || strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return // not a request's target
		}
		got := b.Get(u.RequestURI())
		if diff := cmp.Diff(before, b.cart()); diff != "" {
			t.Errorf("a GET of %s changed %s", u, diff)
		}
		switch {
		case got.StatusCode == http.StatusSeeOther:
			if to, err := u.Parse(got.Header.Get("Location")); err != nil || to.Host != u.Host {
				t.Errorf("%s leads to %q", u, got.Header.Get("Location"))
			}
		case got.StatusCode >= 500:
			t.Errorf("%s: got %d", u, got.StatusCode)
		case !strings.HasSuffix(strings.TrimSpace(got.Text), "</html>") || !utf8.ValidString(got.Text):
			t.Errorf("%s: got %d and not a whole page:\n%s", u, got.StatusCode, got.Text)
		}
	})
}

// FuzzPaymentsBodies holds invariants 5 and 10 for the bodies of Klarna Payments' page:
// its update as FuzzUpdate does, and its order call, which without a token that Klarna
// gave buys nothing.
func FuzzPaymentsBodies(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"lines":[{"sku":"JAM-1","quantity":2}],"discount_code":"FOG10"}`, `{"country":"US","region":"CA"}`, `{"country":"FI","locale":"sv-FI"}`,
		`{"authorization_token":"x","form":"y","order_amount":1,"billing_address":{"given_name":"Ada","country":"SE","postal_code":"11122"}}`,
		`{"authorization_token":"../..","billing_address":null}`, `{"billing_address":{"country":"\u0000"},"order_amount":1e400}`,
		`{"lines":[{"sku":"JAM-1","quantity":-1}]}`, `[]`, `{"form":1}`, "{\"locale\":\"\xff\"}", `{"lines":[]}`, `{"order_amount":-1}`,
	} {
		f.Add(false, body)
		f.Add(true, body)
	}
	s := newShop(f, fakeklarna.Options{})
	shopper := s.browser()
	f.Fuzz(func(t *testing.T, place bool, body string) {
		b := *shopper
		b.T = t
		if len(b.cart().Lines) == 0 {
			b.Add("JAM-1", "1")
			b.openPayments(s, "/checkout/payments")
		}
		before := b.cart()
		path := "/checkout/payments/update"
		if place {
			path = "/checkout/payments/place"
		}
		got := b.Do("POST", path, "application/json", body)
		u, after := updateOf(t, got), b.cart()
		after.sums(t)
		if n := len(s.Fake.Orders()); n != 0 {
			t.Fatalf("%s bought something: %d orders", body, n)
		}
		switch {
		case got.StatusCode == http.StatusOK && !place:
			if u.CartRevision != after.Revision {
				t.Errorf("got revision %d, the cart has %d", u.CartRevision, after.Revision)
			}
		case got.StatusCode == http.StatusConflict && u.Redirect != "":
		case got.StatusCode >= 400 && got.StatusCode < 500:
			if diff := cmp.Diff(before, after); diff != "" || u.Error.Code == "" {
				t.Errorf("got %d %s and changed %s", got.StatusCode, got.Text, diff)
			}
		default:
			t.Errorf("%s %s: got %d %s", path, body, got.StatusCode, got.Text)
		}
	})
}
