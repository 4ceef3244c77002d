package api_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/settings"
)

// A merchant's own order numbers are two where they differ in case alone: each is found as it was said, by its buyer. Who types
// one that was said in capitals in small letters finds it too.
func TestFindOwnNumber(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Storefront = false })
	c := calls(w)
	long := "w-" + strings.Repeat("9", 62)
	keys := map[string]string{}
	for reference, number := range map[string]string{"b-1": "web-1", "b-2": "WEB-1", "b-3": "WEB-2", "b-4": long} {
		_, id := open(w, w.Browser(), c.want(c.put(reference, basket(tent, home, `"order_number": "`+number+`"`)), 201, "").Session)
		w.Buy(id, "email", reference+"@example.com")
		if o := w.Place(id); o.Number != number {
			t.Fatalf("the order is %s, want %s", o.Number, number)
		}
		keys[number] = w.InBook(id).Key
	}
	b := w.Browser()
	for _, tt := range []struct{ typed, email, number string }{
		{" web-1", "b-1@example.com", "web-1"},
		{"WEB-1", "b-2@example.com", "WEB-1"},
		{"web-2", "b-3@example.com", "WEB-2"},
		{long, "b-4@example.com", long},
		{"web-1", "b-2@example.com", ""},
		{"WEB-1", "b-1@example.com", ""},
	} {
		got := b.Post("/withdrawal", "number", tt.typed, "email", tt.email)
		status, to := 422, ""
		if tt.number != "" {
			status, to = 303, "/orders/"+tt.number+"/withdrawal?key="+keys[tt.number]
		}
		if got.StatusCode != status || got.Header.Get("Location") != to {
			t.Errorf("%q, %s: got %d to %q, want %d to %q", tt.typed, tt.email, got.StatusCode, got.Header.Get("Location"), status, to)
		}
		if to != "" && b.Get(to).StatusCode != 200 {
			t.Errorf("%s is no page", to)
		}
	}
	if page := b.Get("/withdrawal?number=web-1").Text; !strings.Contains(page, `value="web-1"`) || !strings.Contains(page, `maxlength="64"`) || strings.Contains(page, `autocapitalize="characters"`) {
		t.Error("the form does not take a number as it was said")
	}
}
