package pages

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// orderContent is the content of the page of one order.
type orderContent struct {
	ID, Short, Status, Expires        string
	SessionID                         string // of Klarna Payments
	Checkout                          bool   // the order was made by the checkout
	Badges                            []badge
	Country, Currency, Locale, Amount string
	Open                              bool // the shopper can act
	ConfirmationURL                   string
	Story                             story
	Lines                             lineTable
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

// badge is a status with the form of its mark.
type badge struct{ Text, Shape string }

type typedField struct {
	Name, Label, Type, Value string
	Options                  []shopper.Choice
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
	s.Mu.Lock()
	o, m := s.kco.Book.ByID[id], s.om.Find(id)
	if o == nil && m == nil {
		s.Mu.Unlock()
		return missingPage("orders", "There is no order "+cut(id, 60)+". The fake keeps orders until it ends or is told to forget everything.")
	}
	c := orderContent{ID: id, Short: engine.Short(id), Breaks: quickChoices, Personas: personaChoices}
	if m != nil {
		c.fromManagement(m)
	}
	if o != nil {
		v := s.kco.Inspect(o)
		c.fromCheckout(&v, new(s.kco.Outcome(o)))
		if at, err := time.Parse(time.RFC3339, v.Fake.ExpiresAt); err == nil && !v.Fake.Expired {
			c.Expires = engine.SpanText(at.Sub(s.Time()))
		}
	}
	for _, r := range s.Rules {
		if r.OrderID == id {
			c.Waiting = append(c.Waiting, rowOf(r.Fault))
		}
	}
	s.Mu.Unlock()
	c.Story = s.storyOf(id, "", query)
	return page{template: "order.html", Title: "Order " + c.Short, Section: "orders", Back: "orders/" + id, Content: c}
}

// fromManagement fills in what Order Management knows.
func (c *orderContent) fromManagement(m *management.Stored) {
	v := m.Copied()
	c.SessionID, c.Country, c.Currency, c.Locale = m.SessionID, v.PurchaseCountry, v.PurchaseCurrency, v.Locale
	c.Badges = append(c.Badges, badge{v.Status, shapeOf(v.Status)})
	if v.FraudStatus != management.FraudAccepted {
		c.Badges = append(c.Badges, badge{"fraud " + v.FraudStatus, shapeOf(v.FraudStatus)})
	}
	c.Amount = decimal(v.OrderAmount)
	var tax int64
	for _, l := range v.OrderLines {
		tax += l.TotalTaxAmount
		c.Lines.add(l.Reference, l.Name, l.Type, l.Quantity, l.QuantityUnit, l.UnitPrice, l.TaxRate, l.TotalAmount)
	}
	c.Lines.Currency, c.Lines.Total, c.Lines.Tax = c.Currency, c.Amount, decimal(tax)
	if c.SessionID != "" {
		c.fact("Billing address", v.BillingAddress)
		c.fact("Shipping address", v.ShippingAddress)
	}
	v.OrderLines, v.BillingAddress, v.ShippingAddress = nil, management.Address{}, management.Address{} // they stand elsewhere on the page
	c.Management = new(treeOf("Order Management", wire.MustJSON(v)))
}

// fromCheckout fills in what the checkout knows: the lines only before the purchase.
func (c *orderContent) fromCheckout(v *checkout.Order, shown *checkout.Outcome) {
	status := v.Status
	if v.Fake.Expired {
		status = "expired"
	}
	c.Checkout, c.Status, c.Open = true, status, v.Status == checkout.StatusIncomplete && !v.Fake.Expired
	c.Badges = append([]badge{{status, shapeOf(status)}}, c.Badges...)
	c.Country, c.Currency, c.Locale = strings.ToUpper(v.PurchaseCountry), strings.ToUpper(v.PurchaseCurrency), v.Locale
	c.ConfirmationURL = shown.ConfirmationURL
	if c.Management == nil {
		c.Amount = decimal(v.OrderAmount)
		c.Lines = linesOf(v.OrderLines, c.Currency, v.OrderAmount, v.OrderTaxAmount)
	}
	c.shopper(v, shown)
	c.facts(v)
}

// lineTable is a table of order lines; amounts are texts in Currency.
type lineTable struct {
	Currency, Total, Tax string
	Rows                 []lineRow
}

type lineRow struct{ Reference, Name, Type, Quantity, UnitPrice, TaxRate, Total string }

func (t *lineTable) add(reference, name, kind string, quantity int64, unit string, price, taxRate, total int64) {
	count := strings.TrimSpace(strconv.FormatInt(quantity, 10) + " " + unit)
	t.Rows = append(t.Rows, lineRow{reference, name, cmp.Or(kind, "physical"), count, decimal(price), decimal(taxRate), decimal(total)})
}

func linesOf(lines []wire.OrderLine, currency string, total, tax int64) lineTable {
	t := lineTable{Currency: currency, Total: decimal(total), Tax: decimal(tax)}
	for _, l := range lines {
		t.add(l.Reference, l.Name, l.Type, l.Quantity, l.QuantityUnit, l.UnitPrice, l.TaxRate, l.TotalAmount)
	}
	return t
}

// shopper fills in what the forms of "Be the shopper" offer.
func (c *orderContent) shopper(v *checkout.Order, shown *checkout.Outcome) {
	if !c.Open {
		return
	}
	c.Countries, c.Methods = checkout.OfferedCountries(v), checkout.MethodsOf(v)
	slices.Sort(c.Countries)
	for _, f := range checkout.FormOf(v) {
		if f.Group != "shipping" && f.Name != "country" {
			c.Fields = append(c.Fields, typedField{f.Name, strings.ReplaceAll(f.Name, "_", " "), cmp.Or(f.Type, "text"), checkout.FormValue(v, shown.Typed, f.Name), f.Options})
		}
	}
	for _, o := range shown.ShippingOptions {
		name := strings.Join(slices.DeleteFunc([]string{o.Name, checkout.PickupPoint(&o)}, func(s string) bool { return s == "" }), ", ")
		c.Delivery = append(c.Delivery, deliveryChoice{o.ID, name, decimal(o.Price), o.ID == shown.ShippingOption})
	}
}

// facts fills in the addresses and other details.
func (c *orderContent) facts(v *checkout.Order) {
	c.fact("Billing address", v.BillingAddress)
	if v.ShippingAddress != v.BillingAddress {
		c.fact("Shipping address", v.ShippingAddress)
	}
	c.fact("References", map[string]string{
		"merchant_reference1": v.MerchantReference1, "merchant_reference2": v.MerchantReference2, "merchant_data": v.MerchantData,
		"payment_method": v.Fake.PaymentMethod, "recurring_token": v.RecurringToken,
	})
	c.fact("Merchant URLs", v.MerchantURLs)
}

// fact adds an object that is not empty.
func (c *orderContent) fact(name string, value any) {
	if t := treeOf(name, wire.MustJSON(value)); len(t.Below) > 0 {
		c.Facts = append(c.Facts, t)
	}
}
