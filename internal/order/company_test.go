package order_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// companies lets both buy.
var companies = settings.Form{CustomerTypes: []string{market.Person, market.Organization}}

// ek is a company, as the book has it.
var ek = klarna.Customer{Type: market.Organization, OrganizationRegistrationID: "556016-0680"}

// buyAsCompany buys a mug in Klarna's form as a company.
func (w *world) buyAsCompany() (cartID, orderID string) {
	w.T.Helper()
	cartID = cart.NewID()
	w.Put(cartID, "MUG-1", 1)
	orderID = w.Open(cartID)
	if out, err := w.Fake.Shopper(orderID, fakeklarna.Action{Customer: market.Organization}); err != nil || out.Refused != nil {
		w.T.Fatal(out, err)
	}
	w.Reserve(cartID, orderID, time.Now())
	w.Buy(orderID, "organization_name", "Ek & Söner AB", "organization_registration_id", ek.OrganizationRegistrationID)
	return cartID, orderID
}

// A company's name and number are with the order, whatever Order Management says of them; they stay when Klarna is read
// again and the address is changed, the order is found by them, and they go when it is erased.
func TestPlaceCompany(t *testing.T) {
	t.Parallel()
	w := asking(t, companies)
	cartID, orderID := w.buyAsCompany()
	w.Place(orderID)
	o := w.once(cartID, orderID)
	is := func(what string, o order.Order) {
		t.Helper()
		if diff := cmp.Diff(ek, o.Customer); diff != "" || o.BillingAddress.OrganizationName != "Ek & Söner AB" || o.ShippingAddress.OrganizationName != "Ek & Söner AB" || !o.IsCompany() {
			t.Errorf("%s: %q, delivered to %q, customer (-want +got):\n%s", what, o.BillingAddress.OrganizationName, o.ShippingAddress.OrganizationName, diff)
		}
	}
	is("placed", o)
	revision := o.Revision
	o, err := w.Book.Refresh(t.Context(), orderID)
	if err != nil || o.Revision != revision {
		t.Errorf("a read: revision %d, was %d; %v", o.Revision, revision, err)
	}
	is("read", o)
	to := o.ShippingAddress
	to.City = "Solna"
	o = w.Do(o, shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &to }), order.Done).Order
	is("moved", o)
	for _, text := range []string{"Söner", "ek & söner", "556016-0680", "5560160680"} {
		if page, err := w.Book.List(t.Context(), order.Query{Text: text}); err != nil || page.Total != 1 {
			t.Errorf("found by %q: %d, %v", text, page.Total, err)
		}
	}
	w.Do(o, shoptest.Command(o, aftersale.Cancel.Name, func(*order.Command) {}), order.Done)
	if _, err := w.Book.Erase(t.Context(), orderID, order.BySystem); err != nil {
		t.Fatal(err)
	}
	if o, err = w.Book.Refresh(t.Context(), orderID); err != nil || o.IsCompany() || o.Customer != (klarna.Customer{}) {
		t.Errorf("erased: %+v, %v", o.Customer, err)
	}
	if places := w.Found("Söner", "556016", "5560160680"); len(places) > 0 {
		t.Errorf("after the erasing: %q", places)
	}
}

// Of a person there is no more than the addresses.
func TestPlacePersonOfBoth(t *testing.T) {
	t.Parallel()
	w := asking(t, companies)
	_, orderID := w.Sale()
	if o := w.Place(orderID); o.Customer != (klarna.Customer{}) || o.IsCompany() {
		t.Errorf("customer %+v", o.Customer)
	}
}

// A checkout that cannot be read keeps the order of a company from being placed until it can; one that is gone does not.
func TestPlaceCompanyFaults(t *testing.T) {
	t.Parallel()
	w := asking(t, companies)
	for _, tc := range []struct {
		status int
		count  int
		placed bool
		number string
	}{{500, 3, false, ek.OrganizationRegistrationID}, {404, 1, true, ""}} {
		_, orderID := w.buyAsCompany()
		w.Fake.AddFault(fakeklarna.Fault{Method: "GET", Path: "/checkout/v3/orders/*", Status: tc.status, Count: tc.count})
		if _, err := w.Book.Place(t.Context(), orderID); (err == nil) != tc.placed {
			t.Errorf("%d: %v", tc.status, err)
		}
		if o := w.Place(orderID); o.Customer.OrganizationRegistrationID != tc.number || !o.IsCompany() {
			t.Errorf("%d: customer %+v", tc.status, o.Customer)
		}
	}
}

// With Klarna Payments the session has the number; the order call repeats who buys as it was authorized.
func TestPlaceAuthorizedCompany(t *testing.T) {
	t.Parallel()
	w := asking(t, companies)
	in := order.Authorized{CartID: cart.NewID()}
	w.Put(in.CartID, "MUG-1", 2)
	w.Put(in.CartID, "JAM-1", 1)
	w.Change(in.CartID, cart.Change{CustomerType: market.Organization})
	in.SessionID = w.Session(in.CartID).SessionID
	if session, _ := w.Fake.Session(in.SessionID); len(session.PaymentMethodCategories) != 1 {
		t.Errorf("a company has the ways to pay %v", session.PaymentMethodCategories)
	}
	bill := `{"organization_name":"Ek & Söner AB","given_name":"Eva","family_name":"Lind","email":"eva@example.com","phone":"0701234567","attention":"Stores",` +
		`"street_address":"Storgatan 1","postal_code":"11122","city":"Stockholm","country":"SE"}`
	goods := `{"given_name":"Bo","family_name":"Lind","email":"eva@example.com","phone":"0701234567","street_address":"Lillgatan 2","postal_code":"11123","city":"Solna","country":"SE"}`
	out, err := w.Fake.Pay(in.SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Data: json.RawMessage(
		`{"billing_address":` + bill + `,"shipping_address":` + goods + `,"customer":{"type":"organization","organization_registration_id":"556016-0680"}}`)}})
	if err != nil || !out.Approved {
		t.Fatal(out, err)
	}
	in.Token = out.AuthorizationToken
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	o := w.paidOnce(in)
	if diff := cmp.Diff(ek, o.Customer); diff != "" || o.BillingAddress.OrganizationName != "Ek & Söner AB" || o.BillingAddress.Attention != "Stores" || o.ShippingAddress.City != "Solna" {
		t.Errorf("bill %+v, goods %+v, customer (-want +got):\n%s", o.BillingAddress, o.ShippingAddress, diff)
	}
	if got, want := o.PaymentMethod.Type, "INVOICE_BUSINESS"; got != want {
		t.Errorf("paid by %s, want %s", got, want)
	}
}

// What Klarna captures at once by the shop's wish it does for Klarna Payments too.
func TestPlaceAuthorizedAutoCapture(t *testing.T) {
	t.Parallel()
	w := asking(t, settings.Form{AutoCapture: true})
	in := w.authorized()
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	o := w.paidOnce(in)
	if o.CapturedAmount != o.OrderAmount {
		t.Errorf("captured %d of %d", o.CapturedAmount, o.OrderAmount)
	}
	w.began(o, "order.created order.captured order.updated")
}
