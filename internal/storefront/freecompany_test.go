package storefront_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
)

// names are the fields of a form.
func names(form url.Values) string {
	var all []string
	for _, name := range []string{"organization_name", "organization_registration_id", "attention", "email", "given_name", "family_name", "street_address", "postal_code", "city", "phone"} {
		if form.Has(name) {
			all = append(all, name)
		}
	}
	return strings.Join(all, " ")
}

// A company that has nothing to pay stays a company: it is asked for the same as where it pays, and the order is its own.
func TestFreeCompany(t *testing.T) {
	t.Parallel()
	s := giftShop(t, func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"SE": both} })
	b := s.browser()
	b.takesAll("MUG-1")
	const address = "email given_name family_name street_address postal_code city phone"
	doc, form := b.freePage()
	if got := texts(doc, "[action='/cart/customer'] button"); !cmp.Equal(got, []string{"Privatperson", "Företag"}) || names(form) != address {
		t.Errorf("who orders: %q; the form asks for %s", got, names(form))
	}
	if got := b.Post("/cart/customer", "customer_type", "organization", "return_to", "/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/checkout" {
		t.Fatalf("chosen: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if got := b.Submit("/checkout/place", typed(form)); got.StatusCode != http.StatusConflict || !strings.Contains(html.UnescapeString(got.Text), i18n.T("sv", "free.changed.title")) {
		t.Errorf("the form of a person: got %d", got.StatusCode)
	}
	doc, form = b.freePage()
	if got := texts(doc, "[action='/cart/customer'] [aria-pressed=true]"); !cmp.Equal(got, []string{"Företag"}) || names(form) != "organization_name organization_registration_id attention "+address {
		t.Errorf("chosen is %q; the form asks for %s", got, names(form))
	}
	company := typed(form, "organization_name", "Ek & Söner AB", "attention", "Stores", "organization_registration_id", "12")
	got := b.Submit("/checkout/place", company)
	if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.Text, `value="12"`) || !strings.Contains(got.Text, `id="organization_registration_id-error"`) {
		t.Errorf("a number that is none: got %d", got.StatusCode)
	}
	company.Set("organization_registration_id", "556016-0680")
	// In another tab it becomes a person's: the script of the open page has the cart's revision, and the fields of a company.
	b.Post("/cart/customer", "customer_type", "person")
	_, form = b.freePage()
	stale := maps.Clone(company)
	stale.Set("revision", form.Get("revision"))
	if got := b.Submit("/checkout/place", stale); got.StatusCode != http.StatusConflict || !strings.Contains(html.UnescapeString(got.Text), i18n.T("sv", "free.changed.title")) {
		t.Errorf("the form of a company for a person: got %d", got.StatusCode)
	}
	b.Post("/cart/customer", "customer_type", "organization")
	_, form = b.freePage()
	company.Set("revision", form.Get("revision"))
	got = b.Submit("/checkout/place", company)
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("placing: got %d\n%.2000s", got.StatusCode, got.Text)
	}
	o := s.InBook(form.Get("order"))
	if o.Customer.Type != "organization" || o.Customer.OrganizationRegistrationID != "556016-0680" || o.BillingAddress.OrganizationName != "Ek & Söner AB" ||
		o.BillingAddress.Attention != "Stores" || o.BillingAddress.Phone != "070-123 45 67" || o.ShippingAddress != o.BillingAddress {
		t.Errorf("the order is of %+v, to %+v", o.Customer, o.BillingAddress)
	}
	version := s.Book.Published.Now()
	if right := order.RightOf(version, version, o, o.PlacedAt); right.Why != order.ByCompany {
		t.Errorf("the right of withdrawal: %+v", right)
	}
	page := b.Get(got.Header.Get("Location")).Text
	for _, part := range []string{"Ek &amp; Söner AB", "Org.nr 556016-0680"} {
		if !strings.Contains(page, part) {
			t.Errorf("the confirmation lacks %q", part)
		}
	}
}

// A person to whom nothing is shipped says where to write to; of a company all is asked. The phone is optional where the shop
// says so. What a market has not cannot be chosen.
func TestFreeCompanyAsked(t *testing.T) {
	t.Parallel()
	free := both
	free.PhoneOptional = true
	s := giftShop(t, func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"SE": free} })
	b := s.browser()
	b.takesAll("EBK-1")
	if doc, form := b.freePage(); names(form) != "email" || doc.Find("[action='/cart/customer']").Length() != 1 {
		t.Errorf("a person is asked for %s", names(form))
	}
	b.Post("/cart/customer", "customer_type", "organization")
	_, form := b.freePage()
	if got := b.Submit("/checkout/place", typed(form, "phone", "", "organization_name", "Ek AB", "organization_registration_id", "556016-0680")); got.StatusCode != http.StatusSeeOther {
		t.Errorf("without a phone: got %d", got.StatusCode)
	}
	if o := s.InBook(form.Get("order")); !o.IsCompany() || o.BillingAddress.City != "Visby" {
		t.Errorf("the order is of %+v, to %+v", o.Customer, o.BillingAddress)
	}
	b = s.browser()
	b.Post("/market", "country", "DE")
	b.takesAll("MUG-1")
	if doc, _ := b.freePage(); doc.Find("[action='/cart/customer']").Length() != 0 {
		t.Error("a market of persons alone has a choice")
	}
	for customer, want := range map[string]int{"": http.StatusBadRequest, "organization": http.StatusUnprocessableEntity, "club": http.StatusUnprocessableEntity} {
		if got := b.Post("/cart/customer", "customer_type", customer); got.StatusCode != want {
			t.Errorf("%q: got %d, want %d", customer, got.StatusCode, want)
		}
	}
}
