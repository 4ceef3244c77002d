package management

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// How a purchase becomes an order of Order Management.

// Purchase is what Checkout and Payments pass to Order Management when an order is bought.
// Amounts are minor units.
type Purchase struct {
	OrderID            string
	SessionID          string // of Klarna Payments, "" for the checkout
	Amount             int64
	Currency           string // upper case
	Country            string // alpha-2, upper case
	Locale             string
	Lines              []wire.OrderLine
	Billing, Shipping  wire.Address
	Customer           wire.Customer
	MerchantReference1 string
	MerchantReference2 string
	MerchantData       string
	Option             *wire.ShippingOption // chosen in the checkout
	Method             string               // one of PaymentMethods, or a type of Klarna Payments such as invoice
	Persona            shopper.Persona
	NotificationURL    string // with the placeholders filled in
	AutoCapture        bool
	RecurringToken     string // for charges without the customer, "" without
}

// Authorize adds a purchase to Order Management. The caller holds s.Mu.
func (s *Service) Authorize(p Purchase) {
	now := s.Time()
	m := &Stored{
		SessionID: p.SessionID, Created: now, Expires: midnightAfter(now, authorizationDays),
		AutoCapture: p.AutoCapture, NotificationURL: p.NotificationURL, RecurringToken: p.RecurringToken,
		View: Order{
			OrderID: p.OrderID, Status: StatusAuthorized, FraudStatus: FraudAccepted,
			OrderAmount: p.Amount, OriginalOrderAmount: p.Amount, RemainingAuthorizedAmount: p.Amount,
			PurchaseCurrency: strings.ToUpper(p.Currency), PurchaseCountry: strings.ToUpper(p.Country), Locale: p.Locale,
			OrderLines:         linesOf(p.Lines),
			MerchantReference1: p.MerchantReference1, MerchantReference2: p.MerchantReference2, MerchantData: p.MerchantData,
			KlarnaReference: s.newReference(),
			Customer:        Customer{DateOfBirth: p.Customer.DateOfBirth, Type: p.Customer.Type},
			BillingAddress:  addressOf(p.Billing), ShippingAddress: addressOf(p.Shipping),
			CreatedAt: wire.StampMillis(now), Captures: []Capture{}, Refunds: []Refund{}, ShippingInfo: []ShippingInfo{},
			InitialPaymentMethod:   initialMethod(p.Method, p.Country, p.Customer.Type),
			SelectedShippingOption: optionOf(p.Option),
		},
	}
	m.View.ExpiresAt = wire.StampMillis(m.Expires)
	if p.Persona.Pending {
		m.View.FraudStatus, m.Accept, m.DecideAt = FraudPending, p.Persona.Accepted, now.Add(p.Persona.After)
		s.Schedule(engine.Job{Due: m.DecideAt, Kind: "decision", ID: p.OrderID})
	}
	s.makeRoom()
	s.Orders[p.OrderID] = m
	s.tellOf(m, "authorized %s %s, fraud_status %s", wire.AmountText(p.Amount), m.View.PurchaseCurrency, m.View.FraudStatus)
	s.captureAtOnce(m)
}

// CanGrow reports whether more may be added to an order: nothing is captured, cancelled or
// still checked for fraud.
func (m *Stored) CanGrow() bool {
	return m.View.Status == StatusAuthorized && m.View.FraudStatus == FraudAccepted
}

// Grow adds lines to an order after the purchase and raises its authorization. It reports
// false when it cannot grow, or Klarna does not approve. The caller holds s.Mu.
func (s *Service) Grow(orderID string, amount int64, lines []wire.OrderLine) bool {
	m := s.Find(orderID)
	if m == nil || !m.CanGrow() || m.View.riskDenied() {
		return false
	}
	v := &m.View
	s.tellOf(m, "order_amount %s → %s", wire.AmountText(v.OrderAmount), wire.AmountText(v.OrderAmount+amount))
	v.OrderAmount += amount
	v.OrderLines = slices.Concat(v.OrderLines, linesOf(lines))
	s.restate(m)
	return true
}

// newReference returns a reference for the customer.
// Source: recorded answers (klarna_reference).
func (s *Service) newReference() string {
	const signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	reference := make([]byte, 8)
	for i := range reference {
		reference[i] = signs[s.Chance.IntN(len(signs))]
	}
	return string(reference)
}

// initialMethods maps ways to pay, by their name in the checkout or type in Klarna
// Payments, to those of Order Management. Not all are documented.
// Source: docs.klarna.com, Order Management and Klarna Payments API reference.
var initialMethods = map[string]InitialPaymentMethod{
	"pay_later":                  {Type: "INVOICE", Description: "Pay later"},
	"bank_account":               {Type: "BANK_TRANSFER", Description: "Bank account"},
	"card":                       {Type: "CARD", Description: "Card"},
	"invoice":                    {Type: "INVOICE", Description: "Pay later"},
	"b2b_invoice":                {Type: "INVOICE_BUSINESS", Description: "Invoice for companies"},
	"base_account":               {Type: "ACCOUNT", Description: "Financing"},
	"fixed_amount":               {Type: "FIXED_AMOUNT", Description: "Instalments"},
	"direct_debit":               {Type: "DIRECT_DEBIT", Description: "Direct debit"},
	"direct_bank_transfer":       {Type: "BANK_TRANSFER", Description: "Bank transfer"},
	"slice_it_by_card":           {Type: "FIXED_AMOUNT_BY_CARD", Description: "Instalments by card", NumberOfInstallments: 3},
	"pay_later_by_card":          {Type: "PAY_LATER_BY_CARD", Description: "Pay later by card"},
	"pay_by_card":                {Type: "PAY_BY_CARD", Description: "Pay now by card"},
	"fixed_sum_credit":           {Type: "FIXED_SUM_CREDIT", Description: "Financing"},
	"deferred_interest":          {Type: "DEFERRED_INTEREST", Description: "Financing"},
	"alternative_payment_method": {Type: "ALTERNATIVE_PAYMENT_METHOD", Description: "Alternative payment method"},
}

// sliceItUS is slice_it_by_card in the US. Source: recorded answers.
var sliceItUS = InitialPaymentMethod{Type: "FIXED_AMOUNT_BY_CARD", Description: "Slice it (Fixed Payments by Card)", NumberOfInstallments: 4}

// initialMethod returns the way to pay of a customer, a person or an organization.
func initialMethod(method, country, customerType string) InitialPaymentMethod {
	m, ok := initialMethods[strings.ToLower(method)]
	switch {
	case m.Type == sliceItUS.Type && strings.EqualFold(country, "US"):
		return sliceItUS
	case !ok:
		return InitialPaymentMethod{Type: "OTHER", Description: method}
	case m.Type == "INVOICE" && customerType == "organization":
		return initialMethods["b2b_invoice"]
	}
	return m
}

// linesOf returns lines of a purchase as Order Management has them.
func linesOf(lines []wire.OrderLine) []Line {
	var managed []Line
	_ = json.Unmarshal(wire.MustJSON(lines), &managed) // members of the same names
	return filled(managed)
}

// filled returns lines, never nil, with the default type where none is given. Source: recorded answers.
func filled(lines []Line) []Line {
	all := append([]Line{}, lines...)
	for i := range all {
		wire.SetDefault(&all[i].Type, "physical")
	}
	return all
}

// addressOf returns an address as Order Management has it, with street and number in
// one member.
func addressOf(a wire.Address) Address {
	street := strings.Join(strings.Fields(a.StreetName+" "+a.StreetNumber+" "+a.HouseExtension), " ")
	return Address{
		GivenName: a.GivenName, FamilyName: a.FamilyName, Title: a.Title,
		StreetAddress: cmp.Or(a.StreetAddress, street), StreetAddress2: a.StreetAddress2,
		PostalCode: a.PostalCode, City: a.City, Region: a.Region, Country: strings.ToUpper(a.Country),
		Email: a.Email, Phone: a.Phone, OrganizationName: a.OrganizationName, Attention: cmp.Or(a.Attention, a.CareOf),
	}
}

// optionOf returns the option chosen in the checkout as Order Management
// has it, nil without one.
// Source: docs.klarna.com, Order Management API reference.
func optionOf(o *wire.ShippingOption) *ShippingOption {
	if o == nil {
		return nil
	}
	var details struct {
		Carrier  string          `json:"carrier"`
		Class    string          `json:"class"`
		Product  *CarrierProduct `json:"product"`
		Timeslot json.RawMessage `json:"timeslot"`
		Location json.RawMessage `json:"pickup_location"`
	}
	_ = json.Unmarshal(o.DeliveryDetails, &details) // was checked
	return &ShippingOption{
		ID: o.ID, Name: o.Name, Carrier: details.Carrier, CarrierProduct: details.Product,
		Method: o.ShippingMethod, Class: details.Class,
		Price: o.Price, TaxAmount: o.TaxAmount, TaxRate: o.TaxRate, TMSReference: o.TMSReference,
		Location: details.Location, Timeslot: details.Timeslot, SelectedAddons: o.SelectedAddons,
	}
}

func text64(n int64) string { return strconv.FormatInt(n, 10) }

// makeRoom removes the oldest order of Order Management when there are MaxKept.
// The caller holds s.Mu.
func (s *Service) makeRoom() {
	if len(s.Orders) < s.MaxKept {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(s.Orders)), func(a, b *Stored) int { return a.Created.Compare(b.Created) })
	delete(s.Orders, oldest.View.OrderID)
}
