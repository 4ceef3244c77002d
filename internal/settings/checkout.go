package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/contrast"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Checkout is what the shop asks Klarna, and shoppers, for.
type Checkout struct {
	Payments bool // /checkout is Klarna Payments, not Klarna Checkout
	Review   bool // the flow of Klarna Payments has a second page
	// ShowSold: who has bought a checkout session sees the shop's own page first, which leads to
	// the merchant's.
	ShowSold bool
	// Forms are the forms by the country of their market.
	Forms map[string]Form
}

// Form is how Klarna Checkout's form, or our own of Klarna Payments, is in a market. The zero
// value is Klarna's own.
type Form struct {
	// CustomerTypes are who may buy, the first preselected; empty: persons alone.
	CustomerTypes     []string
	SeparateAddress   bool // goods may go to another address than the bill
	PhoneOptional     bool // Klarna lets shoppers leave it out in DE, AT and CH alone
	BirthMandatory    bool
	IdentityMandatory bool // the national identification number
	Colors            Colors
	Radius            string // of corners, px; "": Klarna's
	Checkboxes        []Checkbox
	AutoCapture       bool // Klarna captures when the order is bought
}

// CustomerType returns whether a person or a company buys: as the shopper has chosen, where
// the market has that, else the first of its types. "" is no choice.
func (f Form) CustomerType(chosen string) string {
	switch {
	case len(f.CustomerTypes) == 0:
		return market.Person
	case slices.Contains(f.CustomerTypes, chosen):
		return chosen
	}
	return f.CustomerTypes[0]
}

// Companies reports whether companies may buy.
func (f Form) Companies() bool { return slices.Contains(f.CustomerTypes, market.Organization) }

// Colors are those of a form, "#0b5d3b". "" is Klarna's own.
type Colors struct{ Button, ButtonText, Checkbox, CheckboxCheckmark, Header, Link string }

// Checkbox is a question of the shop's own in the form. It is never ticked beforehand.
type Checkbox struct {
	ID       string
	Text     i18n.Text // Markdown, at most 1000 characters
	Required bool
}

// Asked are the questions that the shop's own form of an order for which nothing is to be paid asks
// in a market: those of Klarna Checkout's, in whose place it stands.
func (c Checkout) Asked(country string) []Checkbox {
	if c.Payments {
		return nil
	}
	return c.Forms[country].Checkboxes
}

// AsksMore reports whether a form has checkboxes of the shop's own.
func (c Checkout) AsksMore() bool {
	for _, f := range c.Forms {
		if len(f.Checkboxes) > 0 {
			return true
		}
	}
	return false
}

const maxCheckboxes = 5

// Countries of which Klarna can do what it cannot elsewhere.
var (
	// Source: docs.kustom.co, Global (B2B).
	companiesIn = []string{"AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "NL", "NO", "SE"}
	// Source: docs.kustom.co, Create order (options.national_identification_number_mandatory).
	identityIn = []string{"SE", "NO", "FI", "DK"}
)

// formMembers are the members that a market's checkout overlays.
var formMembers = []string{
	"customer_types", "separate_shipping_address", "phone_mandatory", "date_of_birth_mandatory", "national_identification_number_mandatory",
	"colors", "radius", "checkboxes", "auto_capture",
}

// ownForm are those that the shop's own form of Klarna Payments has too.
var ownForm = []string{
	"customer_types", "separate_shipping_address", "phone_mandatory", "date_of_birth_mandatory", "national_identification_number_mandatory", "auto_capture",
}

// checkout reads what is asked of Klarna, with what the markets have of their own.
func (r *reader) checkout(n, markets *yamlfile.Node, list market.List) Checkout {
	m := r.Object(n, "checkout", nil, append([]string{"product", "payments_flow", "confirmation"}, formMembers...)...)
	c := Checkout{
		Payments: r.Choice(m["product"], "checkout.product", "kco", "payments") == "payments",
		Review:   r.Choice(m["payments_flow"], "checkout.payments_flow", "one-step", "review") == "review",
		ShowSold: r.Choice(m["confirmation"], "checkout.confirmation", "merchant", "shop") == "shop",
		Forms:    map[string]Form{},
	}
	if c.Payments {
		for _, name := range formMembers {
			if m[name] != nil && !slices.Contains(ownForm, name) {
				r.Warn(m[name].Line, "checkout."+name, "is of Klarna Checkout: it has no effect with product: payments")
			}
		}
	}
	common := r.form(m, "checkout", Form{}, r.langs)
	for i, item := range (&reader{}).Array(markets, "") {
		if i >= len(list) {
			break
		}
		country, path, f := list[i].Country, fmt.Sprintf("markets[%d].checkout", i), common
		if m["separate_shipping_address"] == nil {
			f.SeparateAddress = country == "DE" // as at Klarna
		}
		own := r.Object(item.Get("checkout"), path, nil, formMembers...)
		f = r.form(own, path, f, (&reader{}).spoken(item))
		types, identity := own["customer_types"], own["national_identification_number_mandatory"]
		if !slices.Contains(companiesIn, country) && f.Companies() {
			persons := slices.DeleteFunc(slices.Clone(f.CustomerTypes), func(t string) bool { return t == market.Organization })
			switch {
			case types != nil:
				r.Fail(types.Line, path+".customer_types", "Klarna has no companies in %s", country)
			case len(persons) == 0:
				r.Fail(m["customer_types"].Line, "checkout.customer_types", "Klarna has no companies in %s: nobody could buy there", country)
			}
			f.CustomerTypes = persons
		}
		if f.IdentityMandatory && !slices.Contains(identityIn, country) {
			if identity != nil {
				r.Fail(identity.Line, path+".national_identification_number_mandatory", "Klarna asks for it in %s alone", strings.Join(identityIn, ", "))
			}
			f.IdentityMandatory = false
		}
		c.Forms[country] = f
	}
	return c
}

// form overlays a form with members of the file.
func (r *reader) form(m map[string]*yamlfile.Node, path string, f Form, langs []i18n.Lang) Form {
	flag := func(name string, b *bool) {
		if n := m[name]; n != nil {
			*b = r.Boolean(n, path+"."+name)
		}
	}
	phone := !f.PhoneOptional
	flag("separate_shipping_address", &f.SeparateAddress)
	flag("phone_mandatory", &phone)
	flag("date_of_birth_mandatory", &f.BirthMandatory)
	flag("national_identification_number_mandatory", &f.IdentityMandatory)
	flag("auto_capture", &f.AutoCapture)
	f.PhoneOptional = !phone
	if n := m["customer_types"]; n != nil {
		f.CustomerTypes = r.customerTypes(n, path+".customer_types")
	}
	f.Colors = r.colors(m["colors"], path+".colors", f.Colors)
	if n := m["radius"]; n != nil {
		f.Radius = strconv.Itoa(r.Number(n, path+".radius", 0, 32))
	}
	if n := m["checkboxes"]; n != nil {
		f.Checkboxes = r.checkboxes(n, path+".checkboxes", langs)
	}
	return f
}

func (r *reader) customerTypes(n *yamlfile.Node, path string) (types []string) {
	for i, item := range r.Array(n, path) {
		path := fmt.Sprintf("%s[%d]", path, i)
		t := r.Choice(item, path, market.Person, market.Organization)
		r.Once(item, path, t, types)
		types = append(types, t)
	}
	r.NotEmpty(n, path)
	return types
}

// colors overlays colours with those of the file.
func (r *reader) colors(n *yamlfile.Node, path string, c Colors) Colors {
	m := r.Object(n, path, nil, "button", "button_text", "checkbox", "checkbox_checkmark", "header", "link")
	for name, color := range map[string]*string{
		"button": &c.Button, "button_text": &c.ButtonText, "checkbox": &c.Checkbox, "checkbox_checkmark": &c.CheckboxCheckmark, "header": &c.Header, "link": &c.Link,
	} {
		n, path := m[name], path+"."+name
		if n == nil {
			continue
		}
		*color = strings.ToLower(r.Text(n, path, 20))
		if *color != "" && !contrast.IsColor(*color) {
			r.Fail(n.Line, path, `%q is not a colour such as "#0b5d3b"`, *color)
		}
	}
	return c
}

func (r *reader) checkboxes(n *yamlfile.Node, path string, langs []i18n.Lang) (boxes []Checkbox) {
	items := r.Array(n, path)
	if len(items) > maxCheckboxes {
		r.Fail(n.Line, path, "want at most %d", maxCheckboxes)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		m := r.Object(item, path, []string{"id", "text"}, "required")
		box := Checkbox{
			ID:       r.Pattern(m["id"], path+".id", optionID, idForm),
			Text:     r.text(m["text"], path+".text", maxPage, langs),
			Required: r.Boolean(m["required"], path+".required"),
		}
		if box.ID != "" && slices.ContainsFunc(boxes, func(other Checkbox) bool { return other.ID == box.ID }) {
			r.Fail(m["id"].Line, path+".id", "%q stands twice", box.ID)
		}
		boxes = append(boxes, box)
	}
	return boxes
}
