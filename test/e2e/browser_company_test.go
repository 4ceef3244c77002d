package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// companies lets companies buy, and goods go elsewhere than the bill.
const companies = "customer_types: [person, organization], separate_shipping_address: true"

// company is who buys, by the names of the shop's own form, with where the goods go.
var company = map[string]string{
	"organization_name": "Ek & Söner AB", "organization_registration_id": "556016-0680", "attention": "Stores",
	"shipping_given_name": "Bo", "shipping_family_name": "Lind", "shipping_street_address": "Lillgatan 2", "shipping_postal_code": "169 51", "shipping_city": "Solna",
}

// deskFinds looks as the merchant: order page, packing slip and the exports say who has bought and where it goes.
func (d *deployment) deskFinds(t *testing.T, number, delivery string) {
	t.Helper()
	p := d.office(t, browsertest.Options{})
	text := func(path, selector string) string {
		t.Helper()
		p.Go(d.url + path)
		return strings.Join(strings.Fields(p.MustElement(selector).MustText()), " ")
	}
	side, slip := text("/admin/orders/"+number, ".side"), ""
	p.Picture("order page")
	slip = text("/admin/orders/"+number+"/packing-slip", ".slip")
	p.Picture("slip")
	for _, part := range []string{"Ek & Söner AB", "Registration no. 556016-0680", "Lillgatan 2", "169 51 Solna", "Bo Lind"} {
		if !strings.Contains(side, part) || !strings.Contains(slip, part) {
			t.Errorf("no %q on the page %q or the slip %q", part, side, slip)
		}
	}
	if !strings.Contains(slip, delivery) {
		t.Errorf("no %q on the slip %q", delivery, slip)
	}
	for file, parts := range map[string][]string{
		"orders":    {"organization,Ek & Söner AB,556016-0680"},
		"addresses": {"billing", "Ek & Söner AB", "Lillgatan 2", "Solna"},
		"lines":     {delivery},
	} {
		got := p.MustEval(`async (path) => (await fetch(path)).text()`, "/admin/exports/"+file+".csv").Str()
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s.csv has no %q:\n%s", file, part, got)
			}
		}
	}
}

// By Klarna Payments: the shopper becomes a company, takes the express to another address, and approves.
func TestPaymentsCompany(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments, "+companies+"}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.fill("MUG-1", "JAM-1")
	s.openPayments()
	s.Picture("as a person")
	s.click("[value=organization]")
	s.settled()
	s.Wait("the one way to pay of companies", `() => document.querySelectorAll("[data-method]").length === 1`)
	s.click("[value=express]")
	s.settled()
	s.widgetShows("407 kr")
	s.typeAddress()
	s.click("[name=elsewhere]")
	for name, text := range company {
		s.MustElement("#" + name).MustInput(text)
	}
	s.Load(func() { s.MustReload() }) // nothing is lost
	s.widgetShows("407 kr")
	s.Picture("as a company")
	s.As(browsertest.Options{Phone: true, Width: 390, Height: 844})
	s.Picture("as a company, on a phone")
	s.As(browsertest.Options{Dark: true})
	s.Picture("as a company, in the dark")
	s.As(browsertest.Options{})
	s.pay()
	s.approve("407 kr")
	order := s.paid()
	if order.OrderAmount != 40700 || order.BillingAddress.OrganizationName != company["organization_name"] || order.ShippingAddress.City != "Solna" || order.InitialPaymentMethod.Type != "INVOICE_BUSINESS" {
		t.Errorf("at Klarna: %d by %s, billed to %+v, delivered to %+v", order.OrderAmount, order.InitialPaymentMethod.Type, order.BillingAddress, order.ShippingAddress)
	}
	if got := s.text("[data-testid=company]"); got != "Ek & Söner AB Registration no. 556016-0680" {
		t.Errorf("the confirmation says %q", got)
	}
	s.Picture("confirmation")
	s.toOrderPage()
	s.Wait("the order's page", `() => location.pathname.startsWith("/orders/")`)
	if got := s.text("[data-testid=company]"); got != "Ek & Söner AB Registration no. 556016-0680" {
		t.Errorf("the order's page says %q", got)
	}
	d.deskFinds(t, order.MerchantReference1, "Express")
}

// By Klarna Checkout: the same in Klarna's form.
func TestCheckoutCompany(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {"+companies+"}\n"))
	s := d.shopper(t, browsertest.Options{})
	s.fill("MUG-1", "JAM-1")
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
	s.settled()
	frame.MustElement("[data-testid=pay]").MustEval(`() => this.click()`)
	s.confirmed(id)
	if got := s.text("[data-testid=company]"); got != "Ek & Söner AB Registration no. 556016-0680" {
		t.Errorf("the confirmation says %q", got)
	}
	order, _ := d.fake.Managed(id)
	d.deskFinds(t, order.MerchantReference1, "Mail boat")
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
