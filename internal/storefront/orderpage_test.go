package storefront_test

import (
	"encoding/json"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
)

// An order's page is for who has its key, from any browser, and tells nobody who bought.
func TestOrderPage(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	b.Add("EBK-1", "1")
	bought := b.open(s)
	b.Get(s.buyAs(bought.OrderID, eva))
	o := s.placed(bought.OrderID)
	path := "/orders/" + o.Number + "?key=" + o.Key
	guest := s.browser()
	guest.Header.Set("Accept-Language", "de-DE")
	for name, as := range map[string]struct {
		*browser
		lang i18n.Lang
	}{"buyer": {b, "nb"}, "guest": {guest, "de"}} {
		for _, path := range []string{path, strings.Replace(path, o.Number, strings.ToLower(o.Number), 1)} {
			got := as.Get(path)
			text := html.UnescapeString(got.Text)
			if got.StatusCode != http.StatusOK {
				t.Fatalf("%s: got %d", name, got.StatusCode)
			}
			for _, part := range []string{
				i18n.T(as.lang, "orderpage.title", o.Number), i18n.T(as.lang, "orderpage.received"), i18n.Date(as.lang, o.PlacedAt), "MUG-1.svg", "EBK-1.svg",
				map[i18n.Lang]string{"nb": "Postbåten", "de": "Mail boat"}[as.lang], // the market has no German
			} {
				if !strings.Contains(text, part) {
					t.Errorf("%s: the page lacks %q", name, part)
				}
			}
			for _, secret := range []string{"eva.berg", "klarna-checkout", o.CartID, o.OrderID} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: the page has %q", name, secret)
				}
			}
			for header, want := range map[string]string{
				"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store",
			} {
				if got := got.Header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", name, header, got, want)
				}
			}
			if cookie := got.Header.Get("Set-Cookie"); cookie != "" {
				t.Errorf("%s: sets %q", name, cookie)
			}
		}
	}
	for name, wrong := range map[string]string{
		"no key": "/orders/" + o.Number, "empty key": "/orders/" + o.Number + "?key=", "wrong key": path + "x", "shorter key": path[:len(path)-1],
		"key in lower case": "/orders/" + o.Number + "?key=" + strings.ToLower(o.Key), "two keys": "/orders/" + o.Number + "?key=x&key=" + o.Key,
		"another number": "/orders/SK-2222-2222?key=" + o.Key, "no number": "/orders/x?key=" + o.Key, "ID for number": "/orders/" + bought.OrderID + "?key=" + o.Key,
		"no number, no key": "/orders/SK-2222-2222", "encoded": "/orders/%2e%2e%2f?key=" + o.Key, "long": "/orders/" + strings.Repeat("SK-", 3000),
	} {
		got := guest.Get(wrong)
		if text := html.UnescapeString(got.Text); got.StatusCode != http.StatusNotFound || !strings.Contains(text, i18n.T("de", "notfound.title")) ||
			strings.Contains(text, "MUG-1.svg") || got.Header.Get("X-Robots-Tag") == "" {
			t.Errorf("%s: got %d", name, got.StatusCode)
		}
	}
	if log := s.Log.String(); strings.Contains(log, o.Key) || strings.Contains(log, "eva.berg") || strings.Contains(log, "Havnegata") {
		t.Error("the log has the key or the shopper")
	}
}

// The page says how far the order is.
func TestOrderPageStates(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	bought := b.open(s)
	b.Get(s.buy(bought.OrderID))
	o := s.placed(bought.OrderID)
	for _, tc := range []struct{ status, fraud, state string }{
		{"AUTHORIZED", "ACCEPTED", "received"},
		{"AUTHORIZED", "PENDING", "pending"},
		{"AUTHORIZED", "REJECTED", "rejected"},
		{"PART_CAPTURED", "ACCEPTED", "part_sent"},
		{"CAPTURED", "ACCEPTED", "sent"},
		{"CANCELLED", "PENDING", "cancelled"},
		{"EXPIRED", "ACCEPTED", "expired"},
		{"CLOSED", "ACCEPTED", "refunded"},
		{"SOMETHING_NEW", "SOMETHING_NEW", "received"},
	} {
		var record map[string]any
		if err := json.Unmarshal([]byte(s.Record(bought.OrderID)), &record); err != nil {
			t.Fatal(err)
		}
		record["status"], record["fraud_status"] = tc.status, tc.fraud
		record["order_lines"].([]any)[1].(map[string]any)["reference"] = "an option of last year"
		text, _ := json.Marshal(record)
		s.SetRecord(bought.OrderID, string(text))
		page := b.Get("/orders/" + o.Number + "?key=" + o.Key)
		if text := html.UnescapeString(page.Text); page.StatusCode != http.StatusOK || !strings.Contains(text, "</svg> "+i18n.T("sv", "orderpage."+tc.state)) {
			t.Errorf("%s, %s: the page does not say %s", tc.status, tc.fraud, tc.state)
		}
	}
}
