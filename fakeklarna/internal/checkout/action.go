package checkout

import (
	"encoding/json"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Action is what a shopper does in the iframe. Its members are carried out in this order.
// If one is not possible, none is carried out. If the merchant refuses one, the later ones
// are not carried out.
type Action struct {
	// Load opens the iframe. The first time the merchant's address_update is called.
	Load bool `json:"load,omitempty"`
	// ShippingAssistant has the ways of delivery offered by a shipping assistant from now on, in
	// the place of the order's shipping options: a home delivery and two pickup points.
	ShippingAssistant bool `json:"shipping_assistant,omitempty"`
	// Country is the country chosen, alpha-2. It becomes the purchase country and
	// that of the addresses.
	Country string `json:"country,omitempty"`
	// Customer is "person" or "organization", where the order allows it.
	Customer string `json:"customer,omitempty"`
	// Type has texts by the name of the address member, such as "email" and
	// "postal_code"; "shipping." before the name means a separate shipping
	// address. Besides there are the members "organization_registration_id",
	// "vat_id" and "date_of_birth" of the customer. An empty text clears the member.
	Type map[string]string `json:"type,omitempty"`
	// Draft: the shopper is still typing. The merchant gets the address with the next Type
	// without Draft, or before a purchase.
	Draft bool `json:"draft,omitempty"`
	// ShipToBilling takes a separate shipping address away.
	ShipToBilling bool `json:"ship_to_billing,omitempty"`
	// Checkboxes has the merchant's additional checkboxes by ID, true = ticked;
	// the one of options.additional_checkbox is "additional_checkbox".
	Checkboxes map[string]bool `json:"checkboxes,omitempty"`
	// ShippingOption is the ID of one of the shipping options that Outcome lists; each
	// pickup point is one.
	ShippingOption string `json:"shipping_option,omitempty"`
	// ExternalMethod is the name of one of the order's external payment methods or
	// external checkouts. Choosing one leaves the checkout: Outcome.RedirectURL.
	ExternalMethod string `json:"external_method,omitempty"`
	// Buy presses the button. A test person of the country fills the empty fields.
	Buy *Buy `json:"buy,omitempty"`
	// Upsell looks at what the merchant offers on the confirmation page, and takes some of it.
	Upsell *Upsell `json:"upsell,omitempty"`
}

// Buy is a press of the button.
type Buy struct {
	Method string `json:"method,omitempty"` // one of those that the country has, when empty the first of them
	// Decision is what the shopper presses in the approval dialog: "approve", also when
	// empty, or "decline". The e-mail address may still deny an approved purchase.
	Decision string `json:"decision,omitempty"`
	// Total, in minor units of Currency, is what the shopper was shown. If something else is to
	// be paid when the merchant has answered, nothing is bought. Both are optional.
	Total    *int64 `json:"total,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// PaymentMethods are the ways to pay that the iframe offers.
var PaymentMethods = []string{"pay_later", "card", "bank_account"}

// Outcome is what the iframe shows after an action.
type Outcome struct {
	Status          string                `json:"status"`
	Country         string                `json:"country"` // alpha-2, upper case
	Currency        string                `json:"currency"`
	Locale          string                `json:"locale"`
	Customer        string                `json:"customer"`             // "person" or "organization"
	Typed           map[string]string     `json:"typed"`                // see Action.Type
	Checkboxes      map[string]bool       `json:"checkboxes,omitempty"` // see Action.Checkboxes; as they stand now
	Missing         []string              `json:"missing"`              // members to be typed before the purchase
	Total           int64                 `json:"total"`                // to pay, minor units: with the chosen option's price where Klarna adds it
	ShippingOptions []wire.ShippingOption `json:"shipping_options"`
	ShippingOption  string                `json:"shipping_option,omitempty"`  // ID of the one chosen
	Refused         *shopper.Refusal      `json:"refused,omitempty"`          // why the action, or its last part, did not succeed
	RedirectURL     string                `json:"redirect_url,omitempty"`     // where Action.ExternalMethod takes the browser
	ConfirmationURL string                `json:"confirmation_url,omitempty"` // of a complete order
	Offers          []UpsellLine          `json:"offers,omitempty"`           // see Action.Upsell; as long as they can be taken
	OffersUntil     string                `json:"offers_until,omitempty"`     // by the fake's clock
}

// check returns a *shopper.BadAction when an action is not possible. v is the rendered order.
func (a *Action) check(o *Stored, v *Order) error {
	if a.Country != "" {
		if !wire.IsCountry(a.Country) {
			return shopper.BadActionf("country: %q is not a country's two letters", a.Country)
		}
		if offered := OfferedCountries(v); len(offered) > 0 && !slices.Contains(offered, strings.ToUpper(a.Country)) {
			return shopper.BadActionf("country: the order offers only %s", strings.Join(offered, ", "))
		}
	}
	if a.Customer != "" && !slices.Contains(CustomerTypes(v), a.Customer) {
		return shopper.BadActionf("customer: the order is for %s", strings.Join(CustomerTypes(v), " or "))
	}
	for member, text := range a.Type {
		if err := checkTyped(member, text); err != nil {
			return err
		}
	}
	country, served := strings.ToUpper(a.Type["shipping.country"]), upperCase(v.ShippingCountries)
	if country != "" && len(served) > 0 && !slices.Contains(served, country) {
		return shopper.BadActionf("type.shipping.country: the order goes only to %s", strings.Join(served, ", "))
	}
	if err := a.checkBoxes(o, MerchantCheckboxes(&v.Options)); err != nil {
		return err
	}
	if a.ExternalMethod != "" && externalURL(v, a.ExternalMethod) == "" {
		return shopper.BadActionf("external_method: the order has no %q", a.ExternalMethod)
	}
	if a.Upsell != nil && a.Buy == nil && o.Status != StatusComplete {
		return shopper.BadActionf("upsell: the order is not bought")
	}
	if a.Upsell != nil && !offers(v) {
		return shopper.BadActionf("upsell: the order has no options.confirmation_page_upsell that is true, or no merchant_urls.upsell")
	}
	if a.Buy != nil && !slices.Contains([]string{"", "approve", "decline"}, a.Buy.Decision) {
		return shopper.BadActionf("buy.decision: %q is neither approve nor decline", a.Buy.Decision)
	}
	if override := v.Options.TMSConfigurationOverride; a.ShippingAssistant && override != nil && override.Disabled {
		return shopper.BadActionf("shipping_assistant: the order's tms_configuration_override disables it")
	}
	options := offered(o, v)
	if a.ShippingAssistant && o.Shipment == "" {
		options = assistantOptions(v, "")
	}
	if a.ShippingOption != "" && !slices.ContainsFunc(options, func(o wire.ShippingOption) bool { return o.ID == a.ShippingOption }) {
		return shopper.BadActionf("shipping_option: the order has no option %q", a.ShippingOption)
	}
	methods := MethodsOf(v)
	if a.Country != "" {
		methods = PaymentMethods // the shop may answer another currency: see buy
	}
	if a.Buy != nil && a.Buy.Method != "" && !slices.Contains(methods, a.Buy.Method) {
		return shopper.BadActionf("buy.method: %q is none of %s", a.Buy.Method, strings.Join(methods, ", "))
	}
	return nil
}

func (a *Action) checkBoxes(o *Stored, boxes []Checkbox) error {
	for id := range a.Checkboxes {
		if !slices.ContainsFunc(boxes, func(c Checkbox) bool { return c.ID == id }) {
			return shopper.BadActionf("checkboxes: the order has no box %q", id)
		}
	}
	for _, c := range boxes {
		yes, touched := a.Checkboxes[c.ID]
		if !touched {
			yes, touched = o.Ticked[c.ID]
		}
		if a.Buy != nil && c.Required && touched && !yes {
			return shopper.BadActionf("checkboxes: %q must be ticked", c.ID)
		}
	}
	return nil
}

// customerMembers are the fields of the form that are not of an address.
var customerMembers = []string{"organization_registration_id", "vat_id", "date_of_birth", "national_identification_number"}

func checkTyped(member, text string) error {
	name, separate := strings.CutPrefix(member, shippingPrefix)
	known := new(wire.Address).Member(name) != nil || !separate && slices.Contains(customerMembers, name)
	if !known || name == "country" && !separate {
		return shopper.BadActionf("type: there is no field %q to type in", member)
	}
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 255 {
		return shopper.BadActionf("type.%s: at most 255 characters", member)
	}
	if text == "" {
		return nil
	}
	if name == "email" {
		if at, err := mail.ParseAddress(text); err != nil || at.Address != strings.TrimSpace(text) {
			return shopper.BadActionf("type.%s: %q is not an e-mail address", member, text)
		}
	}
	if name == "date_of_birth" && !wire.IsBirthDate(strings.TrimSpace(text)) {
		return shopper.BadActionf("type.%s: %q is no date of the form yyyy-mm-dd", member, text)
	}
	if name == "country" && !wire.IsCountry(text) {
		return shopper.BadActionf("type.%s: %q is not a country's two letters", member, text)
	}
	return nil
}

// OfferedCountries returns the billing countries that the shopper may choose, upper case;
// nil when the order names none.
// Source: docs.kustom.co, Create order (billing_countries, shipping_countries).
func OfferedCountries(v *Order) []string {
	countries := v.BillingCountries
	if len(countries) == 0 {
		countries = v.ShippingCountries
	}
	upper := upperCase(countries)
	if len(upper) > 0 && !slices.Contains(upper, strings.ToUpper(v.PurchaseCountry)) {
		upper = append(upper, strings.ToUpper(v.PurchaseCountry))
	}
	return upper
}

// upperCase returns texts in upper case, nil for none.
func upperCase(texts []string) []string {
	var upper []string
	for _, text := range texts {
		upper = append(upper, strings.ToUpper(text))
	}
	return upper
}

// setCountry makes country the order's purchase country. Addresses that the merchant sent
// follow it.
func (o *Stored) setCountry(country string) {
	content := maps.Clone(o.Content)
	content["purchase_country"] = wire.MustJSON(country)
	for _, name := range addressMembers {
		if content[name] != nil {
			content[name] = withoutCountry(content[name])
		}
	}
	o.Content = content
}

var addressMembers = []string{"billing_address", "shipping_address"}

// withoutCountry removes the country from an address. It then has the purchase country.
func withoutCountry(raw json.RawMessage) json.RawMessage { return without("country", raw) }

// MerchantCheckboxes returns an order's additional checkboxes. One without an ID gets
// "additional_checkbox".
// Source: docs.kustom.co, Create order (options).
func MerchantCheckboxes(options *OrderOptions) []Checkbox {
	boxes := slices.Clone(options.AdditionalCheckboxes)
	if c := options.AdditionalCheckbox; c != nil {
		boxes = slices.Insert(boxes, 0, Checkbox{ID: "additional_checkbox", Text: c.Text, Checked: c.Checked, Required: c.Required})
	}
	return boxes
}

// ticked returns the state of an order's additional checkboxes, nil for none.
func ticked(o *Stored, options *OrderOptions) map[string]bool {
	boxes := MerchantCheckboxes(options)
	if len(boxes) == 0 {
		return nil
	}
	now := map[string]bool{}
	for _, c := range boxes {
		now[c.ID] = c.Checked
		if yes, touched := o.Ticked[c.ID]; touched {
			now[c.ID] = yes
		}
	}
	return now
}

// externalURL returns the address of an external payment method or checkout by its name,
// "" if the order's country has none.
// Source: docs.kustom.co, Create order (external_payment_methods).
func externalURL(v *Order, name string) string {
	for _, p := range slices.Concat(ExternalMethods(v), ExternalCheckouts(v)) {
		if p.Name == name {
			return FillOrderID(p.RedirectURL, v.OrderID)
		}
	}
	return ""
}

// Outcome returns what the iframe shows. The caller holds s.Mu.
func (s *Service) Outcome(o *Stored) Outcome {
	v := s.render(o)
	out := Outcome{
		Status:          o.Status,
		Country:         strings.ToUpper(v.PurchaseCountry),
		Currency:        strings.ToUpper(v.PurchaseCurrency),
		Locale:          v.Locale,
		Customer:        CustomerType(&v),
		Typed:           maps.Clone(o.Typed),
		Checkboxes:      ticked(o, &v.Options),
		Missing:         missingFields(&v, o.Typed),
		Total:           v.OrderAmount,
		ShippingOptions: append([]wire.ShippingOption{}, offered(o, &v)...),
	}
	if chosen := v.SelectedShippingOption; chosen != nil {
		out.ShippingOption = chosen.ID
		if o.Status == StatusIncomplete && v.MerchantURLs.ShippingOptionUpdate == "" {
			out.Total += chosen.Price
		}
	}
	if o.Status == StatusComplete {
		out.ConfirmationURL = confirmationURL(v.MerchantURLs.Confirmation, o.ID)
	}
	if s.upsells(o) {
		out.Offers, out.OffersUntil = o.Upsell.Lines, wire.Stamp(o.Upsell.Until)
	}
	return out
}

// confirmationURL returns where the browser goes after the purchase. It removes one level
// of percent-encoding and fills in the order's ID.
// Source: docs.kustom.co, Create order (merchant_urls).
func confirmationURL(u, id string) string {
	if undone, err := url.PathUnescape(u); err == nil {
		u = undone
	}
	return FillOrderID(u, id)
}
