package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// forCompanies deploys the shop of examples/shop, where companies can buy too, and the goods go elsewhere than the bill.
func forCompanies(t *testing.T, product string) *deployment {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/shop")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "shop.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const simple = "checkout: {product: kco}"
	if !strings.Contains(string(text), simple) {
		t.Fatal("the example's checkout is another: ", simple)
	}
	own := "checkout: {product: " + product + ", customer_types: [person, organization], separate_shipping_address: true}"
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), simple, own, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return deploy(t, 1, fakeklarna.Options{}, "-shop", file, "-catalog", filepath.Join(dir, "catalog.yaml"))
}

// fillJacket puts a variant in the cart from its product's page, and a hat, with a campaign's code: 1 953,30 kr. A
// pickup point is free from 800 kr on.
func (s *shopper) fillJacket() {
	s.t.Helper()
	s.addToCart("SHELL-M-GREEN")
	s.post("/cart/lines", "sku=HAT-BLUE")
	s.post("/cart/discount", "code=SOMMAR15")
}

// bought is what was bought, in the words that its pages have.
var bought = []string{"Shell jacket, M, Green", "Hat, Blue", "SOMMAR15", "344", "Torghandeln", "Stora Torget 2"}

// tells holds that a part of a page says all of it.
func tells(t *testing.T, place, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q: %s", place, part, text)
		}
	}
}

// company is who buys, by the names of the shop's own form, with where the goods go.
var company = map[string]string{
	"organization_name": "Ek & Söner AB", "organization_registration_id": "556016-0680", "attention": "Stores",
	"shipping_given_name": "Bo", "shipping_family_name": "Lind", "shipping_street_address": "Lillgatan 2", "shipping_postal_code": "169 51", "shipping_city": "Solna",
}

// deskFinds looks as the merchant: order page, packing slip and the exports say who has bought what, and where it goes.
func (d *deployment) deskFinds(t *testing.T, number string) {
	t.Helper()
	p := d.office(t, browsertest.Options{})
	text := func(path, selector string) string {
		t.Helper()
		p.Go(d.url + path)
		return strings.Join(strings.Fields(p.MustElement(selector).MustText()), " ")
	}
	who := []string{"Ek & Söner AB", "Registration no. 556016-0680", "Lillgatan 2", "169 51 Solna", "Bo Lind", "Torghandeln"}
	tells(t, "the order page's side", text("/admin/orders/"+number, ".side"), who...)
	tells(t, "the order page", text("/admin/orders/"+number, "main"), append([]string{"1 953.30", "−344.70"}, bought...)...)
	p.Picture("order page")
	slip := text("/admin/orders/"+number+"/packing-slip", ".slip")
	p.Picture("slip")
	tells(t, "the slip", slip, who...)
	tells(t, "the slip", slip, "SHELL-M-GREEN", "Shell jacket, M, Green", "Pickup point: Torghandeln")
	for file, parts := range map[string][]string{
		"orders":    {"organization,Ek & Söner AB,556016-0680", "pickup_point:p2", "PickUpPoint", "Torghandeln", "1953.30"},
		"addresses": {"billing", "Ek & Söner AB", "Lillgatan 2", "Solna"},
		"lines":     {"SHELL-M-GREEN", "HAT-BLUE", "SOMMAR15", "-344.70", "Pickup point: Torghandeln"},
	} {
		tells(t, file+".csv", p.MustEval(`async (path) => (await fetch(path)).text()`, "/admin/exports/"+file+".csv").Str(), parts...)
	}
}

// By Klarna Payments: the shopper becomes a company, has a variant with a campaign's code sent to a pickup point, and
// approves. All of it stands on confirmation, order page, slip and exports.
func TestPaymentsCompany(t *testing.T) {
	t.Parallel()
	d := forCompanies(t, "payments")
	s := d.shopper(t, browsertest.Options{})
	s.fillJacket()
	s.openPayments()
	s.Picture("as a person")
	s.click("[value=organization]")
	s.settled()
	s.Wait("the one way to pay of companies", `() => document.querySelectorAll("[data-method]").length === 1`)
	s.click("[value='pickup_point:p2']")
	s.settled()
	s.widgetShows("1 953,30 kr")
	s.typeAddress()
	s.click("[name=elsewhere]")
	for name, text := range company {
		s.MustElement("#" + name).MustInput(text)
	}
	s.Load(func() { s.MustReload() }) // nothing is lost
	s.widgetShows("1 953,30 kr")
	s.fourLooks("as a company")
	s.pay()
	s.approve("1 953,30 kr")
	order := s.paid()
	if order.OrderAmount != 195330 || order.BillingAddress.OrganizationName != company["organization_name"] || order.ShippingAddress.City != "Solna" || order.InitialPaymentMethod.Type != "INVOICE_BUSINESS" {
		t.Errorf("at Klarna: %d by %s, billed to %+v, delivered to %+v", order.OrderAmount, order.InitialPaymentMethod.Type, order.BillingAddress, order.ShippingAddress)
	}
	s.companyTold()
	d.deskFinds(t, order.MerchantReference1)
}

// companyTold looks at the confirmation and the order's page.
func (s *shopper) companyTold() {
	s.t.Helper()
	for _, place := range []string{"confirmation", "order page"} {
		if got := s.text("[data-testid=company]"); got != "Ek & Söner AB Registration no. 556016-0680" {
			s.t.Errorf("the %s says %q", place, got)
		}
		tells(s.t, place, s.text("main"), append([]string{"1 953,30 kr", "−344,70 kr"}, bought...)...)
		s.fourLooks(place)
		if place == "confirmation" {
			s.toOrderPage()
			s.Wait("the order's page", `() => location.pathname.startsWith("/orders/")`)
		}
	}
}

// By Klarna Checkout: the same in Klarna's form.
func TestCheckoutCompany(t *testing.T) {
	t.Parallel()
	d := forCompanies(t, "kco")
	s := d.shopper(t, browsertest.Options{})
	s.fillJacket()
	s.openCheckout()
	id := s.orderID()
	s.typeContact()
	frame := s.Frame(kco)
	frame.MustElement("[data-testid=customer-organization]").MustEval(`() => this.click()`)
	s.waitFrame("the company's fields", `() => document.querySelector("[data-testid=organization_name]")?.checkVisibility()`)
	for _, name := range []string{"organization_name", "organization_registration_id"} {
		frame.MustElement("[data-testid=" + name + "]").MustInput(company[name])
	}
	s.typeInFrame("given_name", "family_name", "street_address", "city", "phone")
	s.elsewhereInFrame(frame)
	frame.MustElement("[name=shipping_option][value='pickup_point:p2']").MustEval(`() => this.click()`)
	s.eventually(40*time.Second, "the pickup point is chosen at Klarna", func() bool {
		return s.order().SelectedShippingOption.ID == "pickup_point:p2"
	})
	s.settled()
	frame.MustElement("[data-testid=pay]").MustEval(`() => this.click()`)
	s.confirmed(id)
	s.companyTold()
	order, _ := d.fake.Managed(id)
	d.deskFinds(t, order.MerchantReference1)
}

// elsewhereInFrame has the goods go to another address, in Klarna's form.
func (s *shopper) elsewhereInFrame(frame *rod.Page) {
	s.t.Helper()
	frame.MustElement("#separate-box").MustEval(`() => this.click()`)
	s.waitFrame("the other address", `() => document.querySelector("[data-testid='shipping.city']")?.checkVisibility()`)
	for name, text := range company {
		if member, there := strings.CutPrefix(name, "shipping_"); there {
			frame.MustElement("[data-testid='shipping." + member + "']").MustSelectAllText().MustInput(text)
		}
	}
	s.eventually(40*time.Second, "the other address is at Klarna", func() bool { return s.order().Fake.Typed["shipping.city"] == "Solna" })
}
