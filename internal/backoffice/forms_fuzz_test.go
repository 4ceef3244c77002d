package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// in is the same browser in another test.
func (c clerk) in(t testing.TB) clerk {
	b := *c.Browser
	b.T = t
	return clerk{&b}
}

// FuzzActions holds invariant 10 for every form that acts on an order. No random form
// carries the digest of a question that was shown, so nothing may happen at Klarna or in
// the book, whatever is sent to the form and to its confirmation.
func FuzzActions(f *testing.F) {
	actions := aftersale.Actions
	for i := range actions {
		for _, form := range []string{
			"", "what=all&revision=1&key=6ba7b810-9dad-11d1-80b4-00c04fd430c8&shown=y", "what=amount&amount=1%2C5&fee=1&reference=a&description=c",
			"what=lines&line-0=1&line-1=0&add_sku=POT-1&add_quantity=2&days=14", "given_name=Ada&postal_code=11122&country=SE&city=x&street_address=y",
			"shipment=x&carrier=a&tracking=b&tracking_link=javascript%3Ax&method=c&capture=z", "amount=-99999999999999999999&fee=%ff&revision=-1&revision=2", "a=%zz",
		} {
			f.Add(i, false, form)
			f.Add(i, true, form)
		}
	}
	o := newOffice(f)
	sale := o.sale(2)
	sale = o.do(sale.OrderID, order.Command{Action: aftersale.Parcel.Name, Shipments: []order.Shipment{{Carrier: "DHL"}}})
	ada := o.clerk("ada")
	before, _ := o.Fake.Managed(sale.OrderID)
	f.Fuzz(func(t *testing.T, which int, confirm bool, form string) {
		v := ada.in(t)
		path := "/admin/orders/" + sale.Number + "/" + actions[(which%len(actions)+len(actions))%len(actions)].Slug
		if confirm {
			path += "/confirm"
		}
		got := v.Do(http.MethodPost, path, shoptest.FormType, form)
		if got.StatusCode >= 500 || got.StatusCode < 300 && !strings.HasSuffix(strings.TrimSpace(got.Text), "</html>") {
			t.Errorf("%s %q: got %d\n%s", path, form, got.StatusCode, got.Text)
		}
		after, _ := o.Fake.Managed(sale.OrderID)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s %q changed %s", path, form, diff)
		}
		if now, _, err := o.Book.ByOrderID(t.Context(), sale.OrderID); err != nil || now.Running != nil {
			t.Errorf("%s %q left the command %+v, %v", path, form, now.Running, err)
		}
	})
}

// FuzzOfficeForms holds invariant 10 for the other forms of the back office: search, bulk
// capture, sync, signing in. Nobody signs in without the password, and nothing is captured
// without the digest of a question that was shown.
func FuzzOfficeForms(f *testing.F) {
	paths := []string{"/admin/search", "/admin/bulk", "/admin/bulk/start", "/admin/inspect/sync", "/admin/sign-in"}
	o := newOffice(f)
	sale := o.sale(1)
	id := sale.OrderID
	for i := range paths {
		for _, form := range []string{
			"q=a%40b.example&state=authorized&from=2026-01-01&to=2026-02-30", "order=SK-7F3K-92AB&order=x&key=6ba7b810-9dad-11d1-80b4-00c04fd430c8&shown=d", "order=" + id + "&key=6ba7b810-9dad-11d1-80b4-00c04fd430c8&shown=d", "cart=x&order=y",
			"name=ada&password=wrong&return_to=//evil.example", "name=%00&password=%ff", "", "q=%zz", "order=" + strings.Repeat("x", 2000),
		} {
			f.Add(i, form)
		}
	}
	ada := o.clerk("ada")
	before, _ := o.Fake.Managed(id)
	f.Fuzz(func(t *testing.T, which int, form string) {
		path := paths[(which%len(paths)+len(paths))%len(paths)]
		o.T = t // f must not be used in here
		defer func() { o.T = f }()
		v := ada.in(t)
		if path == "/admin/sign-in" {
			if fields, _ := url.ParseQuery(form); fields.Get("password") == password {
				return
			}
			v = o.stranger()
		}
		got := v.Do(http.MethodPost, path, shoptest.FormType, form)
		switch {
		case got.StatusCode >= 500:
			t.Errorf("%s %q: got %d\n%s", path, form, got.StatusCode, got.Text)
		case path == "/admin/sign-in" && (got.StatusCode < 400 || v.Cookie("shopd-staff") != ""):
			t.Errorf("%q signed in: %d", form, got.StatusCode)
		case got.StatusCode == http.StatusSeeOther:
			if to, err := url.Parse(got.Header.Get("Location")); err != nil || to.Host != "" || !strings.HasPrefix(to.Path, "/admin/") {
				t.Errorf("%s %q leads to %q", path, form, got.Header.Get("Location"))
			}
		}
		if after, _ := o.Fake.Managed(id); !cmp.Equal(before, after) {
			t.Errorf("%s %q changed %s", path, form, cmp.Diff(before, after))
		}
	})
}

// FuzzOfficeQueries holds invariant 10 for all that a list, an order's page, an export or
// the inspector reads from its address: filters, days, the cursor of a page, exports' kinds.
func FuzzOfficeQueries(f *testing.F) {
	paths := []string{"/admin/orders", "/admin/orders/NUMBER", "/admin/exports/orders.csv", "/admin/exports/lines.csv", "/admin/inspect", "/admin/exports", "/admin/bulk/x", "/admin/sign-in"}
	for i := range paths {
		for _, query := range []string{
			"", "state=captured&country=SE&from=2026-01-01&to=2026-12-31&at=o1700000000000", "at=n1700000000000%3Ax&q=x", "at=o99999999999999", "done=k&already=x",
			"from=2026-13-45&to=x", "q=%ff&state=%00", "at=%zz", "cart=%7Bx%7D&order=y", "return_to=//evil.example",
		} {
			f.Add(i, query)
		}
	}
	o := newOffice(f)
	sale := o.sale(1)
	ada := o.clerk("ada")
	f.Fuzz(func(t *testing.T, which int, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) || len(query) > 4000 {
			return // not a request's target
		}
		v := ada.in(t)
		path := strings.Replace(paths[(which%len(paths)+len(paths))%len(paths)], "NUMBER", sale.Number, 1) + "?" + query
		if got := v.Form(http.MethodGet, path, nil); got.StatusCode >= 500 {
			t.Errorf("%s: got %d\n%s", path, got.StatusCode, got.Text)
		}
	})
}
