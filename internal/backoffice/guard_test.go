package backoffice_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/backoffice"
)

// route is an address that the back office serves.
type route struct{ method, path string }

// everyRoute walks what Routes mounts, so that no route can be forgotten here. Parts of
// an address that stand for something are filled in for an order.
func everyRoute(t *testing.T, number string) []route {
	t.Helper()
	mux := chi.NewRouter()
	(&backoffice.Backoffice{Desk: &aftersale.Desk{Actions: aftersale.Actions}}).Routes(mux)
	var all []route
	err := chi.Walk(mux, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path := strings.NewReplacer("{number}", number, "*", "nothing-is-here").Replace(pattern)
		for {
			before, rest, more := strings.Cut(path, "{")
			if !more {
				break
			}
			_, after, _ := strings.Cut(rest, "}")
			path = before + "x" + after
		}
		all = append(all, route{method, path})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 9 {
		t.Fatalf("only %d routes: %v", len(all), all)
	}
	return all
}

// records is all that the database has of the orders.
func (o *office) records() map[string]string {
	o.T.Helper()
	o.Exec("update orders set read_at = 0") // when Klarna is asked again is no change
	records := map[string]string{}
	for _, table := range []string{"orders", "audit", "bulk_jobs", "bulk_items", "stock"} {
		records[table] = o.Text("select coalesce(string_agg(t::text, '|' order by t::text), '') from " + table + " t")
	}
	if records["orders"] == "" {
		o.T.Fatal("no orders")
	}
	return records
}

// unchanged does something that must change neither the book nor anything at Klarna.
func (o *office) unchanged(do func()) {
	o.T.Helper()
	before, calls := o.records(), len(o.Fake.Requests(""))
	do()
	if d := cmp.Diff(before, o.records()); d != "" {
		o.T.Errorf("the book has changed: %s", d)
	}
	for _, call := range o.Fake.Requests("")[calls:] {
		if call.Method != http.MethodGet {
			o.T.Errorf("Klarna was sent %s %s", call.Method, call.Path)
		}
	}
}

// No session: no page, no action, no export, whatever is mounted.
func TestNothingWithoutSession(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(2)
	o.unchanged(func() {
		for _, rt := range everyRoute(t, sale.Number) {
			if strings.HasPrefix(rt.path, "/admin/sign-") {
				continue
			}
			for name, cookie := range map[string]string{"no cookie": "", "a made-up cookie": "shopd-staff=made-up"} {
				v := o.Browser()
				if cookie != "" {
					v.Header.Set("Cookie", cookie)
				}
				got := v.Form(rt.method, rt.path, url.Values{"key": {"k"}})
				if location := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, "/admin/sign-in?return_to=") {
					t.Errorf("%s %s with %s: %d to %q, want 303 to the sign-in", rt.method, rt.path, name, got.StatusCode, location)
				}
				if rt.method == http.MethodPost && rt.path != "/admin/search" && strings.HasSuffix(got.Header.Get("Location"), "="+url.QueryEscape("/admin/")) {
					t.Errorf("POST %s leads back to the orders, not to the page that was sent", rt.path)
				}
				if strings.Contains(got.Text, sale.OrderID) || strings.Contains(got.Text, "Testperson") || got.Header.Get("Content-Disposition") != "" {
					t.Errorf("%s %s with %s tells of the order:\n%s", rt.method, rt.path, name, got.Text)
				}
			}
		}
	})
}

// Who may look can read everything and change nothing, whatever is mounted.
func TestViewRoleChangesNothing(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(2)
	bo := o.clerk("bo")
	// These change nothing of the shop's.
	free := []string{"/admin/sign-in", "/admin/sign-out", "/admin/search"}
	if _, err := o.Book.Refresh(t.Context(), sale.OrderID); err != nil { // what a page would do
		t.Fatal(err)
	}
	o.unchanged(func() {
		for _, rt := range everyRoute(t, sale.Number) {
			if slices.Contains(free, rt.path) {
				continue
			}
			got := bo.Form(rt.method, rt.path, url.Values{"key": {"k"}, "order": {sale.OrderID}})
			if rt.method == http.MethodGet {
				if got.StatusCode >= 500 || strings.Contains(got.Header.Get("Location"), "sign-in") {
					t.Errorf("GET %s: %d", rt.path, got.StatusCode)
				}
				continue
			}
			if got.StatusCode != http.StatusForbidden || !strings.Contains(got.Text, "You can look but not change.") {
				t.Errorf("%s %s: %d, want 403 with the reason", rt.method, rt.path, got.StatusCode)
			}
		}
	})
	page := bo.Get("/admin/orders/" + sale.Number)
	if strings.Contains(page.Text, "/capture") || !strings.Contains(page.Text, "Ask someone who can manage orders.") {
		t.Error("the page offers actions to who may only look")
	}
	if list := bo.Get("/admin/"); strings.Contains(list.Text, `name="order"`) || !strings.Contains(list.Text, sale.Number) {
		t.Error("the list offers ticks to who may only look")
	}
}

func TestCrossSitePost(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(1)
	ada := o.clerk("ada")
	for _, origin := range []string{"https://evil.example", "null"} {
		ada.Header = http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}
		o.unchanged(func() {
			for _, rt := range everyRoute(t, sale.Number) {
				if rt.method == http.MethodGet {
					continue
				}
				if got := ada.Form(rt.method, rt.path, url.Values{"name": {"ada"}, "password": {password}}); got.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s from %s: %d, want 403", rt.method, rt.path, origin, got.StatusCode)
				}
			}
		})
	}
	ada.Header = http.Header{}
	if got := ada.Get("/admin/"); got.StatusCode != http.StatusOK {
		t.Errorf("a POST of another site signed out: %d", got.StatusCode)
	}
}

// Pages with personal data are in no cache, in no index, and in nobody's frame.
func TestHeaders(t *testing.T) {
	o := newOffice(t)
	sale := o.sale(1)
	ada := o.clerk("ada")
	for _, rt := range everyRoute(t, sale.Number) {
		if rt.method != http.MethodGet {
			continue
		}
		got := ada.Get(rt.path)
		h := got.Header
		if h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", rt.path, h)
		}
		if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Cookie") {
			t.Errorf("%s: Vary is %v", rt.path, h.Values("Vary"))
		}
	}
}
