package fakeklarna

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// orderContent is the content of the page of one order.
type orderContent struct {
	ID, Short, Status, Shape, Expires string
	Country, Currency, Locale, Amount string
	Open                              bool // the shopper can act
	ConfirmationURL                   string
	Story                             story
	Lines                             []lineRow
	Total, TotalTax                   string
	Management                        *tree
	Facts                             []tree
	Fields                            []typedField
	Countries                         []string // to choose from, nil: any
	Delivery                          []deliveryChoice
	Methods                           []string
	Personas                          []labelled
	Breaks                            []labelled
	Waiting                           []faultRow // rules for this order
}

type lineRow struct{ Reference, Name, Type, Quantity, UnitPrice, TaxRate, Total, Tax string }

type typedField struct {
	Name, Label, Type, Value string
	Options                  []choice
}

type deliveryChoice struct {
	ID, Name, Price string
	Chosen          bool
}

// personaChoices are the e-mail addresses that decide how a purchase ends.
// Source: docs.klarna.com, Sample customer data.
var personaChoices = []labelled{
	{"", "as it stands"},
	{"shopper@example.com", "approved"},
	{"shopper+denied@example.com", "denied"},
	{"shopper+pend-accept-05@example.com", "pending, accepted after 5 min"},
	{"shopper+pend-reject-05@example.com", "pending, rejected after 5 min"},
	{"shopper+error@example.com", "technical error"},
}

func (s *Server) orderPage(id string, query url.Values) page {
	s.mu.Lock()
	o := s.orders[id]
	var v Order
	var shown Outcome
	if o != nil {
		v, shown = s.inspect(o), s.outcome(o)
	}
	s.mu.Unlock()
	if o == nil {
		return missingPage("orders", "There is no order "+cut(id, 60)+". The fake keeps orders until it ends or is told to forget everything.")
	}
	c := orderContent{
		ID: id, Short: short(id), Status: v.Status, Open: v.Status == StatusIncomplete && !v.Fake.Expired,
		Country: strings.ToUpper(v.PurchaseCountry), Currency: strings.ToUpper(v.PurchaseCurrency), Locale: v.Locale,
		Amount: decimal(v.OrderAmount), TotalTax: decimal(v.OrderTaxAmount),
		ConfirmationURL: shown.ConfirmationURL,
		Story:           s.storyOf(id, "", query),
		Personas:        personaChoices,
		Breaks:          quickChoices,
	}
	if v.Fake.Expired {
		c.Status = "expired"
	} else if at, err := time.Parse(time.RFC3339, v.Fake.ExpiresAt); err == nil {
		c.Expires = spanText(at.Sub(s.Now()))
	}
	c.Shape = shapeOf(c.Status)
	for _, l := range v.OrderLines {
		c.Lines = append(c.Lines, lineRow{
			l.Reference, l.Name, cmp.Or(l.Type, "physical"), decimalCount(l.Quantity, l.QuantityUnit), decimal(l.UnitPrice), decimal(l.TaxRate), decimal(l.TotalAmount), decimal(l.TotalTaxAmount),
		})
	}
	c.shopper(&v, &shown)
	c.facts(&v)
	for _, f := range s.Faults() {
		if f.OrderID == id {
			c.Waiting = append(c.Waiting, rowOf(f))
		}
	}
	return page{template: "order.html", Title: "Order " + c.Short, Section: "orders", Back: "orders/" + id, Content: c}
}

func decimalCount(n int64, unit string) string {
	return strings.TrimSpace(string(mustJSON(n)) + " " + unit)
}

// shopper fills in what the forms of "Be the shopper" offer.
func (c *orderContent) shopper(v *Order, shown *Outcome) {
	if !c.Open {
		return
	}
	c.Countries, c.Methods = offeredCountries(v), methodsFor(c.Country, c.Currency)
	slices.Sort(c.Countries)
	for _, f := range formOf(v) {
		if f.Group != "shipping" && f.Name != "country" {
			c.Fields = append(c.Fields, typedField{f.Name, strings.ReplaceAll(f.Name, "_", " "), cmp.Or(f.Type, "text"), formValue(v, shown.Typed, f.Name), f.Options})
		}
	}
	for _, o := range v.ShippingOptions {
		c.Delivery = append(c.Delivery, deliveryChoice{o.ID, o.Name, decimal(o.Price), o.ID == shown.ShippingOption})
	}
}

// facts fills in the addresses and what else people look for.
func (c *orderContent) facts(v *Order) {
	fact := func(name string, value any) {
		if t := treeOf(name, mustJSON(value)); len(t.Below) > 0 {
			c.Facts = append(c.Facts, t)
		}
	}
	fact("Billing address", v.BillingAddress)
	if v.ShippingAddress != v.BillingAddress {
		fact("Shipping address", v.ShippingAddress)
	}
	fact("References", map[string]string{
		"merchant_reference1": v.MerchantReference1, "merchant_reference2": v.MerchantReference2, "merchant_data": v.MerchantData,
		"payment_method": v.Fake.PaymentMethod, "recurring_token": v.RecurringToken,
	})
	fact("Merchant URLs", v.MerchantURLs)
	var state struct {
		OrderManagement json.RawMessage `json:"order_management"`
	}
	_ = json.Unmarshal(mustJSON(v.Fake), &state) // it was made here
	if t := treeOf("Order Management", state.OrderManagement); len(t.Below) > 0 {
		c.Management = &t
	}
}
