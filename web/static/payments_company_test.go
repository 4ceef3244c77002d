package static_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/web/templates"
)

// newWide is a till that asks for everything: who orders, another address, a phone, a way of delivery.
func newWide(t *testing.T, page templates.PaymentsPage) *till {
	u := newTill(t, page)
	u.types, u.separate, u.phone = []string{market.Person, market.Organization}, true, true
	u.ways = []templates.DeliveryOption{
		{ID: "parcel", Name: templates.Text{Text: "To your door"}, Time: "2 days", Price: "49 kr", Chosen: true},
		{ID: "store", Name: templates.Text{Text: "Collect in store"}, Price: "0 kr", Anywhere: true},
	}
	return u
}

// choose ticks a radio button or a box as a shopper does.
func (p *payer) choose(selector string) {
	p.t.Helper()
	p.MustEval(`(selector) => document.querySelector(selector).click()`, selector)
	p.Wait("the choice to be taken", `() => queue.state === "idle" && !document.querySelector("[aria-busy]")`)
}

// ways are the ways to pay that are shown, and what the page asks for.
func (p *payer) ways() string {
	p.t.Helper()
	return p.MustEval(`() => [...document.querySelectorAll("[data-method]:not([hidden])")].map((e) => e.dataset.method).join() + "|" +
		[...document.querySelectorAll("[data-field]:not(:disabled)")].filter((e) => e.checkVisibility()).map((e) => e.id).join()`).Str()
}

const (
	askedOfPersons = "email,given_name,family_name,street_address,postal_code,city,phone"
	ofCompanies    = "organization_name,organization_registration_id,attention,"
	elsewhere      = ",shipping_organization_name,shipping_given_name,shipping_family_name,shipping_street_address,shipping_postal_code,shipping_city"
)

// Somebody becomes a company and a person again: fields and ways to pay follow, the widget is loaded anew, and nothing
// that was typed is lost, also by a reload.
func TestPaymentsBecomesCompany(t *testing.T) {
	u := newWide(t, templates.OneStep)
	p := u.open(t, "")
	if got, want := p.ways(), "pay_later,pay_now,pay_over_time|"+askedOfPersons; got != want {
		t.Errorf("a person: %s", cmp.Diff(want, got))
	}
	p.choose(`[value=organization]`)
	p.write(map[string]string{"organization_name": "Ek & Söner AB", "organization_registration_id": "556016-0680", "phone": "070-123 45 67"})
	if got, want := p.ways(), "pay_later|"+ofCompanies+askedOfPersons; got != want {
		t.Errorf("a company: %s", cmp.Diff(want, got))
	}
	p.choose(`[value=person]`)
	if got, want := p.ways(), "pay_later,pay_now,pay_over_time|"+askedOfPersons; got != want {
		t.Errorf("a person again: %s", cmp.Diff(want, got))
	}
	p.MustElement(`input[value="pay_now"]`).MustClick() // what was made anew works
	p.Wait("its widget", `() => document.querySelector("[data-method=pay_now] [data-widget]").checkVisibility() && !document.querySelector("[aria-busy]")`)
	p.choose(`[value=organization]`)
	p.Load(func() { p.MustReload() })
	p.loaded()
	if got := p.MustEval(`() => document.getElementById("organization_name").value + "|" + document.getElementById("city").value`).Str(); got != "Ek & Söner AB|Stockholm" {
		t.Errorf("after a reload: %q", got)
	}
	p.buy()
	p.done()
	order := u.orders[0]
	if diff := cmp.Diff(map[string]any{"type": "organization", "organization_registration_id": "556016-0680"}, order["customer"]); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
	if bill := order["billing_address"].(map[string]any); bill["organization_name"] != "Ek & Söner AB" || bill["phone"] != "070-123 45 67" || bill["organization_registration_id"] != nil {
		t.Errorf("billed to %v", bill)
	}
	if diff := cmp.Diff(order["billing_address"], order["shipping_address"]); diff != "" {
		t.Errorf("delivered to %s", diff)
	}
}

// Another address for the goods: asked for while its box is ticked, told apart in what is wrong, and sent as such.
func TestPaymentsElsewhere(t *testing.T) {
	u := newWide(t, templates.OneStep)
	p := u.open(t, "")
	p.write(map[string]string{"phone": "07"})
	p.choose(`[name=elsewhere]`)
	if got, want := p.ways(), "pay_later,pay_now,pay_over_time|"+askedOfPersons+elsewhere; got != want {
		t.Errorf("elsewhere: %s", cmp.Diff(want, got))
	}
	p.write(map[string]string{"shipping_given_name": "Bo", "shipping_family_name": "Lind", "shipping_street_address": "Lillgatan 2", "shipping_postal_code": "999 99"})
	p.buy()
	p.wantErrors("Check three fields|Enter a phone number like +46 70 123 45 67|We cannot deliver to 999 99. Try another address|Delivery address: Enter your town or city",
		"phone shipping_postal_code shipping_city")
	p.write(map[string]string{"phone": "070-123 45 67", "shipping_postal_code": "169 51", "postal_code": "999 99"})
	p.choose(`[name=elsewhere]`) // not there after all: then its fields are not wrong, and the bill's address is where it goes
	p.buy()
	p.wantErrors("Check one field|We cannot deliver to 999 99. Try another address", "postal_code")
	p.choose(`[value=store]`) // who collects can live anywhere
	p.wantErrors("", "")
	p.choose(`[value=parcel]`)
	p.choose(`[name=elsewhere]`)
	p.write(map[string]string{"shipping_city": "Solna", "postal_code": "999 99"}) // the bill goes anywhere
	p.choose(`[value=store]`)
	p.choose(`[value=parcel]`)
	p.Load(func() { p.MustReload() })
	p.loaded()
	p.buy()
	p.done()
	if diff := cmp.Diff(map[string]any{"country": "SE", "email": "ada@example.com", "phone": "070-123 45 67", "given_name": "Bo", "family_name": "Lind",
		"street_address": "Lillgatan 2", "postal_code": "169 51", "city": "Solna"}, u.orders[0]["shipping_address"]); diff != "" {
		t.Errorf("delivered to (-want +got):\n%s", diff)
	}
	if bill := u.orders[0]["billing_address"].(map[string]any); bill["city"] != "Stockholm" || bill["shipping_city"] != nil {
		t.Errorf("billed to %v", bill)
	}
}

// A way of delivery is chosen: the shop is told, the page shows what the answer says, and the focus stays.
func TestPaymentsDelivery(t *testing.T) {
	u := newWide(t, templates.OneStep)
	p := u.open(t, "")
	p.MustElement(`[value=parcel]`).MustFocus()
	p.choose(`[value=store]`)
	p.MustElement(`[value=store]`).MustFocus()
	u.mu.Lock()
	u.ways[0].Price = "0 kr"
	u.mu.Unlock()
	p.choose(`[value=parcel]`)
	if got, want := p.MustEval(`() => document.activeElement.value + " " + [...document.querySelectorAll("[data-delivery] label")].map((l) => l.innerText.replace(/\s+/g, " ").trim()).join("; ")`).Str(),
		"store To your door 2 days 0 kr; Collect in store 0 kr"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var sent []string
	for _, update := range u.updates {
		sent = append(sent, fmt.Sprint(update["shipping_option"]))
	}
	if got := strings.Join(sent, " "); got != "store parcel" {
		t.Errorf("sent %q", got)
	}
	// In quick succession the last one counts, whatever the answers say meanwhile.
	p.MustEval(`() => document.querySelector("[value=store]").click()`)
	p.Wait("the request", `() => queue.state === "updating"`)
	p.MustEval(`async () => { await new Promise((r) => setTimeout(r, 130)); document.querySelector("[value=parcel]").click(); }`)
	p.Wait("rest", `() => queue.state === "idle"`)
	if got := p.MustEval(`() => document.querySelector("[name=delivery]:checked").value`).Str(); got != "parcel" {
		t.Errorf("chosen: %s", got)
	}
}

// What another tab has chosen to be, this one is too; a type that the page does not have makes the page anew.
func TestPaymentsCompanyInAnotherTab(t *testing.T) {
	u := newWide(t, templates.OneStep)
	p := u.open(t, "")
	u.mu.Lock()
	u.buyer = market.Organization
	u.mu.Unlock()
	u.change(2)
	p.MustEval(`() => new BroadcastChannel("shopd-cart-c0ffee").postMessage({ revision: 8 })`)
	p.Wait("the company's fields", `() => document.getElementById("organization_name").checkVisibility() && document.querySelector("[value=organization]").checked`)
	u = newWide(t, templates.OneStep)
	u.types, u.buyer = []string{market.Organization}, market.Organization
	p = u.open(t, "")
	u.mu.Lock()
	u.types, u.buyer = nil, market.Person // the shop file was changed
	u.mu.Unlock()
	p.press("MUG-1:plus")
	p.Wait("the page made anew", `() => !document.getElementById("organization_name") && document.getElementById("city")?.value === "Stockholm"`)
}

// What the shop knows of the shopper stands in the form; what is typed over it counts, and stays.
func TestPaymentsPrefilled(t *testing.T) {
	u := newWide(t, templates.OneStep)
	u.known = map[string]string{"email": "eva@example.com", "city": "Kiruna", "phone": "0980-123 45"}
	p := u.open(t, "")
	p.write(map[string]string{"email": "ada@example.com", "city": ""})
	p.Load(func() { p.MustReload() })
	p.loaded()
	if got := p.MustEval(`() => ["email", "city", "phone"].map((id) => document.getElementById(id).value).join("|")`).Str(); got != "ada@example.com||0980-123 45" {
		t.Errorf("after a reload: %q", got)
	}
}

// The review shows all that was typed, each once.
func TestPaymentsReviewCompany(t *testing.T) {
	u := newWide(t, templates.Details)
	p := u.open(t, "")
	p.write(map[string]string{"phone": "070-123 45 67"})
	p.choose(`[value=organization]`)
	p.choose(`[name=elsewhere]`)
	p.write(map[string]string{"organization_name": "Ek AB", "organization_registration_id": "556016-0680", "shipping_given_name": "Bo", "shipping_family_name": "Lind",
		"shipping_street_address": "Lillgatan 2", "shipping_postal_code": "169 51", "shipping_city": "Solna"})
	p.buy()
	p.reviewed()
	want := "ada@example.com|070-123 45 67|Ek AB 556016-0680|Bo Lind Lillgatan 2 169 51 Solna|Ek AB Ada Lindqvist Hamngatan 4 111 47 Stockholm|Pay in 30 days"
	if got := p.MustEval(`() => [...document.querySelectorAll("[data-review]")].filter((e) => e.checkVisibility()).map((e) => [...e.children].map((c) => c.textContent).join(" ")).join("|")`).Str(); got != want {
		t.Errorf("reviewed (-want +got):\n%s", cmp.Diff(want, got))
	}
	p.buy()
	p.done()
	if got := u.orders[0]["shipping_address"].(map[string]any)["city"]; got != "Solna" {
		t.Errorf("delivered to %v", got)
	}
}

// Klarna or the shop finds fault with the other address, or with the company's number: the right field says so.
func TestPaymentsElsewhereInvalid(t *testing.T) {
	u := newWide(t, templates.OneStep)
	p := u.open(t, `{"authorize": [{"approved": false, "show_form": true, "error": {"invalid_fields": ["shipping_address.postal_code", "customer.organization_registration_id"]}}]}`)
	p.Expect("422")
	p.write(map[string]string{"phone": "070-123 45 67"})
	p.choose(`[value=organization]`)
	p.choose(`[name=elsewhere]`)
	p.write(map[string]string{"organization_name": "Ek AB", "organization_registration_id": "556016-0680", "shipping_given_name": "Bo", "shipping_family_name": "Lind",
		"shipping_street_address": "Lillgatan 2", "shipping_postal_code": "169 51", "shipping_city": "Solna"})
	p.buy()
	p.wantErrors("Check two fields|Enter the registration number of the company, such as 556000-0000|Delivery address: Enter a Swedish postal code, five digits", "organization_registration_id shipping_postal_code")
	p.write(map[string]string{"organization_registration_id": "556016-0681", "shipping_postal_code": "169 52"})
	u.mu.Lock()
	u.answers = []answer{refusal(422, "bad_address", map[string]any{"invalid_fields": []string{"shipping_city"}})}
	u.mu.Unlock()
	p.buy()
	p.wantErrors("Check one field|Delivery address: Enter your town or city", "shipping_city")
}

// Date of birth and personal number are asked of persons, for Klarna: the shop is not told.
func TestPaymentsPersonal(t *testing.T) {
	u := newWide(t, templates.OneStep)
	u.personal = true
	p := u.open(t, "")
	p.write(map[string]string{"phone": "070-123 45 67", "date_of_birth": "31.12.1990"})
	p.buy()
	p.wantErrors("Check two fields|Enter your personal identity number, such as 901231-1234|Enter your date of birth as year-month-day, such as 1990-12-31", "national_identification_number date_of_birth")
	p.choose(`[value=organization]`)
	if got, want := p.ways(), "pay_later|"+ofCompanies+askedOfPersons; got != want {
		t.Errorf("a company: %s", cmp.Diff(want, got))
	}
	p.choose(`[value=person]`)
	p.write(map[string]string{"national_identification_number": "901231-1234", "date_of_birth": "1990-12-31"})
	p.keepTold()
	p.buy()
	p.Wait("the call", `() => calls.some(({ name }) => name === "authorize")`)
	if got := p.MustEval(`() => JSON.stringify(calls.find(({ name }) => name === "authorize").data.customer)`).Str(); got != `{"date_of_birth":"1990-12-31","national_identification_number":"901231-1234","type":"person"}` {
		t.Errorf("Klarna is told %s", got)
	}
	p.done()
	if diff := cmp.Diff(map[string]any{"type": "person"}, u.orders[0]["customer"]); diff != "" {
		t.Errorf("the shop is told (-want +got):\n%s", diff)
	}
}
