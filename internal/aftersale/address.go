package aftersale

import (
	"strings"

	"net/mail"
	"slices"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/permission"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Address sends the order elsewhere.
var Address = &Action{
	Name: "shipping_address", Slug: "shipping-address", Needs: permission.Change, Title: "Change the address", Busy: "Changing…", Noun: "change of the address",
	Did: "changed the address", Try: "change the address",
	Why: func(o order.Order, r Reason) string {
		if r == ReasonMethod || r == ReasonMarket {
			return "the tax there is higher, and the amount cannot be raised with " + methodOf(o, "this way to pay") + ". Ask the shopper to order again."
		}
		return ""
	},
	Result: func(o order.Order, e order.AuditEntry) (title, body string) {
		if slices.ContainsFunc(e.Changes, func(c order.Change) bool { return c.Field == "order_amount" }) {
			body = "With the tax there the order comes to " + form.Money(o.OrderAmount, o.PurchaseCurrency) + "."
		}
		return "Changed the address.", body
	},
	Refused: func(_ order.Order, e order.AuditEntry) string {
		switch e.Code {
		case "NOT_ALLOWED":
			return "The check of the order with the new address did not pass, and the order is unchanged. Send it to the old address, or ask the shopper to order again."
		case "INVALID_ADDRESS":
			return "Klarna does not know this address. Check street, postal code and city with the shopper."
		}
		return ""
	},
	Personal: true, OwnToo: true,
	Possible: open,
	Limits: func(o order.Order, c order.Command) error {
		if c.ShippingAddress == nil {
			return nil // Check says so
		}
		if err := ordermanagement.NewAddressChange(o.ShippingAddress, *c.ShippingAddress).Check(); err != nil || len(c.OrderLines) == 0 {
			return err
		}
		return authorization(summed(c)).Check()
	},
	Check: func(s State, c order.Command) (Reason, string) {
		if c.ShippingAddress == nil {
			return ReasonInvalid, "shipping_address"
		}
		if len(c.OrderLines) > 0 {
			return linesCheck(s, summed(c))
		}
		return "", ""
	},
	Was: addressWas, Send: addressSend, Settle: addressSettle,
	Apply: func(o *order.Order, c order.Command, e order.AuditEntry) {
		o.ShippingAddress = *c.ShippingAddress
		if len(c.OrderLines) > 0 {
			Lines.Apply(o, summed(c), e)
		}
	},
	Own: func(markets market.List, o *order.Order, c order.Command, _ order.AuditEntry) {
		if len(c.OrderLines) > 0 {
			o.Terms = o.Terms.At(markets, *o, *c.ShippingAddress)
		}
	},
	Has: func(sold ordermanagement.Order, c order.Command) bool {
		return (len(c.OrderLines) == 0 || Lines.Has(sold, summed(c))) && addressThere(sold, c)
	},
	Defaults: func(d *Draft) {
		for _, f := range addressFields {
			d.Values.Set(f.name, *f.member(&d.Order.ShippingAddress))
		}
	},
	Form: addressForm, Parse: addressParse, Confirm: addressConfirm,
	Blame: func(d *Draft, e *ImpossibleError, text string) bool {
		for _, f := range addressFields {
			taxed := f.name == "postal_code" && !d.hasRegion() || f.name == "region" && d.hasRegion()
			if taxed && slices.Contains([]Reason{ReasonMethod, ReasonMarket, ReasonBelowCaptured}, e.Reason) || e.Field == "shipping_address."+f.wire {
				d.failField(f.name, text)
				return true
			}
		}
		return false
	},
}

// addressFields are the fields of an address with their limits. Source:
// docs.klarna.com, Order Management API reference.
var addressFields = []struct {
	name, label, wire string
	limit             int
	needed            bool
	member            func(*klarna.Address) *string
}{
	{"organization_name", "Company", "organization_name", 99, false, func(a *klarna.Address) *string { return &a.OrganizationName }},
	{"title", "Title", "title", 20, false, func(a *klarna.Address) *string { return &a.Title }},
	{"given_name", "Given name", "given_name", 100, true, func(a *klarna.Address) *string { return &a.GivenName }},
	{"family_name", "Family name", "family_name", 100, true, func(a *klarna.Address) *string { return &a.FamilyName }},
	{"attention", "Attention or c/o", "attention", 99, false, func(a *klarna.Address) *string { return &a.Attention }},
	{"care_of", "c/o", "care_of", 99, false, func(a *klarna.Address) *string { return &a.CareOf }},
	{"reference", "Reference of the company", "reference", 99, false, func(a *klarna.Address) *string { return &a.Reference }},
	{"street", "Street and number", "street_address", 100, true, func(a *klarna.Address) *string { return &a.StreetAddress }},
	{"street2", "Second line", "street_address2", 100, false, func(a *klarna.Address) *string { return &a.StreetAddress2 }},
	{"street_name", "Street name", "street_name", 99, false, func(a *klarna.Address) *string { return &a.StreetName }},
	{"street_number", "House number", "street_number", 99, false, func(a *klarna.Address) *string { return &a.StreetNumber }},
	{"house_extension", "House extension", "house_extension", 99, false, func(a *klarna.Address) *string { return &a.HouseExtension }},
	{"postal_code", "Postal code", "postal_code", 10, true, func(a *klarna.Address) *string { return &a.PostalCode }},
	{"city", "City", "city", 200, true, func(a *klarna.Address) *string { return &a.City }},
	{"region", "State", "region", 200, false, func(a *klarna.Address) *string { return &a.Region }},
	{"phone", "Phone", "phone", 100, false, func(a *klarna.Address) *string { return &a.Phone }},
	{"email", "E-mail", "email", 100, false, func(a *klarna.Address) *string { return &a.Email }},
}

// hasRegion reports whether an address of the order's country has a region.
func (d *Draft) hasRegion() bool {
	return market.ByRegion(d.Order.ShippingAddress.Country)
}

func addressParse(d *Draft) {
	before := d.Order.ShippingAddress
	address := before
	for _, f := range addressFields {
		if !d.hasField(f.name) {
			continue
		}
		// What the order came without, nobody has to find out; what nobody touched, Klarna has.
		was := *f.member(&before)
		rule := d.addressMarket(before).Field(f.wire)
		if f.name == "region" {
			rule = regionRule
		}
		limit := min(f.limit, rule.Length)
		if was != "" && !rule.Optional || f.needed && (before.StreetName == "" || f.name != "street") {
			*f.member(&address) = d.required(f.name, f.label, limit)
		} else {
			*f.member(&address) = d.text(f.name, f.label, limit)
		}
		text := market.Clean(*f.member(&address))
		if text == market.Clean(was) {
			*f.member(&address) = was
			continue
		}
		*f.member(&address) = text
		if f.name != "email" && text != "" && !rule.Accepts(text) {
			d.failField(f.name, wrongField(f.name, f.label, before.Country))
		}
	}
	m := d.addressMarket(address)
	if region, known := m.Region(address.Region); d.hasRegion() && (!known || address.Region == "") {
		d.failField("region", "Enter the state as two letters, such as CA.")
	} else if to, served := m.DeliveryTo("", ""); served && !to.Delivers(region, "") {
		d.failField("region", "We cannot deliver to "+address.Region+".")
	} else if served && !to.Delivers("", address.PostalCode) {
		d.failField("postal_code", "We cannot deliver to "+address.PostalCode+".")
	}
	if parsed, err := mail.ParseAddress(address.Email); address.Email != "" && (err != nil || parsed.Address != address.Email) {
		d.failField("email", "Enter an e-mail address such as ada@example.com.")
	}
	if address == before && len(d.Errors) == 0 {
		d.failField("street", "Nothing has changed. Change a field, or go back to the order.")
	}
	d.Command.ShippingAddress = &address
	if d.Order.Free() {
		return // of nothing no tax is due anywhere
	}
	if lines, ok := retaxed(d.priced, d.Order, address); ok && !slices.Equal(lines, d.Order.OrderLines) {
		d.Command.OrderLines = lines
	}
}

// addressMarket is where an address is: its rules are those of the shopper's form there.
func (d *Draft) addressMarket(a klarna.Address) market.Market {
	m, _ := d.markets().Lookup(d.Order.PurchaseCountry)
	if to, served := m.Destination(a.Country); served {
		return to
	}
	return market.Market{Country: strings.ToUpper(a.Country)}
}

// regionRule is how a region is written: people write states out, and Region of the market reads them.
var regionRule = market.Field{Pattern: `[^\p{C}]+`, Length: 200, Optional: true}

// hasField reports whether the form has a field: those that are rare only where the
// address has them.
func (d *Draft) hasField(name string) bool {
	a := d.Order.ShippingAddress
	switch name {
	case "region":
		return d.hasRegion() || a.Region != ""
	case "title", "care_of", "reference", "street_name", "street_number", "house_extension":
		for _, f := range addressFields {
			if f.name == name {
				return *f.member(&a) != ""
			}
		}
	}
	return true
}

// wrongField says what a field must be like.
func wrongField(name, label, country string) string {
	switch name {
	case "phone":
		return "Enter a phone number such as +46 70 123 45 67."
	case "postal_code":
		return "Enter a postal code as they are in " + i18n.CountryName(i18n.English, strings.ToUpper(country)) + "."
	case "given_name", "family_name":
		return label + " must have at least two letters, and no digits or other signs."
	}
	return label + " has a character that cannot be sent."
}

func addressForm(d *Draft, f *form.Form) {
	f.Intro = []string{
		"Klarna checks the order again with the new address and may refuse it; then nothing changes.",
		"The country stays: prices belong to it. So does the billing address. Where another tax is due, the new total is shown before anything changes.",
	}
	if d.Order.Free() {
		f.Intro = []string{"The country stays, and so does the billing address."}
	}
	group := form.Group{Title: "Deliver to", Hint: "Country: " + d.Order.ShippingAddress.Country}
	for _, f := range addressFields {
		if !d.hasField(f.name) {
			continue
		}
		kind := map[string]string{"phone": "tel", "email": "email"}[f.name]
		class := map[string]string{"postal_code": "short"}[f.name]
		group.Inputs = append(group.Inputs, d.input(form.Input{Name: f.name, Label: f.label, Kind: kind, Class: class}))
	}
	f.Groups = append(f.Groups, group)
}

func addressConfirm(d *Draft, q *form.Question) {
	q.Ask = "Send the order to this address?"
	q.Button = "Change the address"
	if !d.Order.Free() {
		q.Body = []string{"Klarna checks the order again with it and may refuse it; then nothing changes."}
	}
	before, after := d.Order.ShippingAddress, *d.Command.ShippingAddress
	for _, f := range addressFields {
		if *f.member(&before) != *f.member(&after) {
			q.Facts = append(q.Facts, form.Fact{Name: f.label, Before: *f.member(&before), After: *f.member(&after)})
		}
	}
	o, lines := d.Order, d.Command.OrderLines
	if len(lines) == 0 {
		if o.Free() {
			return
		}
		if _, ok := retaxed(d.priced, o, after); !ok {
			q.Body = append(q.Body, "Another tax may be due there. It cannot be computed here, so the tax of the order stays as it is.")
		}
		return
	}
	amount, tax, _ := klarna.Sums(lines)
	q.Ask = "Send the order to this address, and change it to " + form.Money(amount, o.PurchaseCurrency) + "?"
	q.Button = "Change address and amount"
	q.Body = append(q.Body, "Another tax is due there.")
	q.Facts = append(q.Facts,
		form.Fact{Name: "Tax", Before: form.Amount(o.OrderTaxAmount), After: form.Amount(tax)},
		form.Fact{Name: "Order amount", Before: form.Amount(o.OrderAmount), After: form.Amount(amount)})
	q.Caption, q.Items = "The lines after this change", confirmItems(lines)
}
