package api

import (
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Order is an order of the book.
type Order struct {
	Object          string            `json:"object" enum:"order"`
	ID              string            `json:"id" doc:"It never changes."`
	Number          string            `json:"number"`
	OrderID         *string           `json:"order_id" doc:"Klarna's; null of an order of 0."`
	KlarnaReference string            `json:"klarna_reference"`
	Reference       *string           `json:"reference" doc:"Of its checkout session."`
	Metadata        map[string]string `json:"metadata"`
	Status          string            `json:"status" enum:"open,part_captured,captured,cancelled,expired"`
	FraudStatus     string            `json:"fraud_status" doc:"ACCEPTED, PENDING or REJECTED, as Klarna says."`
	Shippable       bool              `json:"shippable" doc:"false while Klarna checks, after it refused what was not captured all the same, when the order was cancelled, when it expired before anything was captured, and when its personal data was erased."`
	Flags           []string          `json:"flags" nullable:"false" doc:"What to look at: oversold (more was sold than there was), not_current (paid in an old page of its basket), duplicate_number (its session's number is another order's), no_cart (of no known basket), withdrawal_requested (a consumer has withdrawn from goods that are neither cancelled nor refunded), unsettled (Klarna has not answered a command yet). More may come."`
	PaymentMethod   *PaymentMethod    `json:"payment_method" doc:"null of an order of 0."`
	PlacedAt        time.Time         `json:"placed_at"`
	UpdatedAt       time.Time         `json:"updated_at"`
	Revision        int64             `json:"revision" doc:"Rises with each change."`
	ExpiresAt       *time.Time        `json:"expires_at" doc:"Until when it can be captured."`
	ErasedAt        *time.Time        `json:"erased_at" doc:"When personal data was erased; null: it is there."`
	Country         string            `json:"country"`
	Currency        string            `json:"currency"`
	Locale          string            `json:"locale"`
	Customer        OrderCustomer     `json:"customer"`
	BillingAddress  OrderAddress      `json:"billing_address"`
	ShippingAddress OrderAddress      `json:"shipping_address"`
	OrderAmount     int64             `json:"order_amount"`
	OrderTaxAmount  int64             `json:"order_tax_amount"`
	OrderLines      []OrderLine       `json:"order_lines" nullable:"false"`
	Amounts         Amounts           `json:"amounts"`
	Delivery        *OrderDelivery    `json:"delivery" doc:"null where nothing is sent."`
	Checkboxes      []Checkbox        `json:"checkboxes" nullable:"false"`
	Captures        []Capture         `json:"captures" nullable:"false"`
	Refunds         []RefundBody      `json:"refunds" nullable:"false"`
	Shipments       []Shipment        `json:"shipments" nullable:"false"`
	Withdrawals     []Withdrawal      `json:"withdrawals" nullable:"false" doc:"Statements of a consumer who withdrew from the contract, oldest first."`
}

// PaymentMethod is how the shopper pays.
type PaymentMethod struct {
	Type        string `json:"type"`
	Description string `json:"description"`
}

// OrderCustomer is who buys.
type OrderCustomer struct {
	Type         string `json:"type" enum:"person,organization"`
	Organization string `json:"organization,omitempty"`
	Registration string `json:"registration,omitempty"`
	VATID        string `json:"vat_id,omitempty"`
}

// OrderAddress is a whole address, with members of Klarna's that are not named here.
type OrderAddress klarna.Address

// MarshalJSON writes all members.
func (a OrderAddress) MarshalJSON() ([]byte, error) { return json.Marshal(klarna.Address(a)) }

// UnmarshalJSON reads all members.
func (a *OrderAddress) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, (*klarna.Address)(a))
}

// Schema describes the members.
func (OrderAddress) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Properties: map[string]*huma.Schema{}}
	for _, m := range new(klarna.Address).Members() {
		s.Properties[m.Name] = &huma.Schema{Type: huma.TypeString}
	}
	return s
}

// OrderLine is a line of an order, and what became of it.
type OrderLine struct {
	ID                  string          `json:"id" doc:"The merchant's own, or shopd's. Captures, refunds and shipments name it."`
	Type                string          `json:"type"`
	Reference           string          `json:"reference,omitempty"`
	Name                string          `json:"name"`
	Quantity            int64           `json:"quantity"`
	CapturedQuantity    int64           `json:"captured_quantity"`
	RefundedQuantity    int64           `json:"refunded_quantity"`
	OpenQuantity        int64           `json:"open_quantity" doc:"What can still be captured."`
	UnitPrice           int64           `json:"unit_price"`
	TaxRate             int64           `json:"tax_rate"`
	TotalAmount         int64           `json:"total_amount"`
	TotalDiscountAmount int64           `json:"total_discount_amount"`
	TotalTaxAmount      int64           `json:"total_tax_amount"`
	UsedAmount          *int64          `json:"used_amount,omitempty" doc:"Of gift cards and store credit: what was taken."`
	ProductURL          string          `json:"product_url,omitempty"`
	ImageURL            string          `json:"image_url,omitempty"`
	Weight              int             `json:"weight,omitempty" doc:"Of one, in grams."`
	ProductIdentifiers  *ProductNumbers `json:"product_identifiers,omitempty"`
	MerchantData        string          `json:"merchant_data,omitempty"`
}

// Amounts are what was agreed and what became of it.
type Amounts struct {
	Authorized int64 `json:"authorized"`
	Captured   int64 `json:"captured"`
	Refunded   int64 `json:"refunded"`
	Remaining  int64 `json:"remaining" doc:"What can still be captured."`
}

// OrderDelivery is the way of delivery.
type OrderDelivery struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Price        int64             `json:"price"`
	PickupPoint  *OrderPickupPoint `json:"pickup_point" doc:"null where the goods are brought."`
	Carrier      string            `json:"carrier"`
	TMSReference string            `json:"tms_reference" doc:"Of the shipping assistant, as Klarna gave it."`
}

// OrderPickupPoint is where goods are fetched.
type OrderPickupPoint struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Address OrderAddress `json:"address"`
}

// Checkbox is an answer to a question of the shop's own.
type Checkbox struct {
	ID      string `json:"id"`
	Checked bool   `json:"checked"`
}

// PartLine is how much of a line a capture or refund has.
type PartLine struct {
	ID             string `json:"id" doc:"Empty where the order has the line no more."`
	Quantity       int64  `json:"quantity"`
	TotalAmount    int64  `json:"total_amount"`
	TotalTaxAmount int64  `json:"total_tax_amount"`
}

// TaxAmount is what is taxed at one rate.
type TaxAmount struct {
	TaxRate        int64 `json:"tax_rate"`
	TotalAmount    int64 `json:"total_amount"`
	TotalTaxAmount int64 `json:"total_tax_amount"`
}

// Capture is money that was taken.
type Capture struct {
	ID          string      `json:"id"`
	Amount      int64       `json:"amount"`
	CapturedAt  time.Time   `json:"captured_at"`
	OrderLines  []PartLine  `json:"order_lines" nullable:"false" doc:"None where a mere amount was captured."`
	Tax         []TaxAmount `json:"tax" nullable:"false" doc:"By rate; of a mere amount in the proportions of what was left of the order. All captures of a captured order come to its tax."`
	Description string      `json:"description"`
	Reference   string      `json:"reference"`
}

// RefundBody is money that was given back.
type RefundBody struct {
	ID          string      `json:"id"`
	Amount      int64       `json:"amount"`
	RefundedAt  time.Time   `json:"refunded_at"`
	OrderLines  []PartLine  `json:"order_lines" nullable:"false" doc:"None where a mere amount was refunded."`
	Tax         []TaxAmount `json:"tax" nullable:"false" doc:"By rate; of a mere amount in the proportions of what was captured and not refunded. All refunds of a refunded order come to the tax of its captures."`
	Description string      `json:"description"`
	Reference   string      `json:"reference"`
	ReturnFee   int64       `json:"return_fee" doc:"What was kept of it."`
	Restocked   bool        `json:"restocked" doc:"The goods are in the warehouse again."`
}

// Shipment is goods on their way.
type Shipment struct {
	ID             string         `json:"id"`
	OrderLines     []LineQuantity `json:"order_lines" nullable:"false" doc:"None where nobody said what is in it."`
	Carrier        string         `json:"carrier"`
	TrackingNumber string         `json:"tracking_number"`
	TrackingURI    string         `json:"tracking_uri"`
	DeliveryMethod string         `json:"delivery_method"`
	ShippedAt      time.Time      `json:"shipped_at"`
}

// Withdrawal is a consumer's statement of withdrawal from the contract.
type Withdrawal struct {
	ID         string         `json:"id"`
	ReceivedAt time.Time      `json:"received_at"`
	Name       string         `json:"name"`
	Email      string         `json:"email" doc:"To which it was acknowledged."`
	OrderLines []LineQuantity `json:"order_lines" nullable:"false"`
}

// LineQuantity is how many of a line.
type LineQuantity struct {
	ID       string `json:"id" minLength:"1" maxLength:"400"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000"`
}

// statuses are Klarna's statuses as the API tells them. A closed order was captured, and
// refunded.
var statuses = map[ordermanagement.Status]string{
	ordermanagement.Authorized: "open", ordermanagement.PartCaptured: "part_captured", ordermanagement.Captured: "captured",
	ordermanagement.Closed: "captured", ordermanagement.Cancelled: "cancelled", ordermanagement.Expired: "expired",
}

// orderBody is an order as the API tells it.
func orderBody(o order.Order, updated time.Time) Order {
	body := Order{
		Object: "order", ID: o.ID, Number: o.Number, OrderID: given(o.OrderID), KlarnaReference: o.KlarnaReference, Reference: given(o.Reference), Metadata: o.Metadata,
		Status: statuses[o.Status], FraudStatus: string(o.FraudStatus), Shippable: o.Shippable(), Flags: []string{},
		PlacedAt: instant(o.PlacedAt), UpdatedAt: instant(updated), Revision: o.Revision, ExpiresAt: moment(o.ExpiresAt), ErasedAt: moment(o.ErasedAt),
		Country: o.PurchaseCountry, Currency: string(o.PurchaseCurrency), Locale: o.Locale,
		Customer:       OrderCustomer{Type: "person"},
		BillingAddress: OrderAddress(o.BillingAddress), ShippingAddress: OrderAddress(o.ShippingAddress),
		OrderAmount: int64(o.OrderAmount), OrderTaxAmount: int64(o.OrderTaxAmount), OrderLines: []OrderLine{},
		Amounts:  Amounts{int64(o.OrderAmount), int64(o.CapturedAmount), int64(o.RefundedAmount), int64(o.Remaining())},
		Delivery: deliveryBody(o), Checkboxes: []Checkbox{}, Captures: []Capture{}, Refunds: []RefundBody{}, Shipments: shipmentBodies(o),
		Withdrawals: []Withdrawal{},
	}
	if body.Metadata == nil {
		body.Metadata = map[string]string{}
	}
	if k := o.Customer; k != (klarna.Customer{}) {
		body.Customer = OrderCustomer{"organization", o.BillingAddress.OrganizationName, k.OrganizationRegistrationID, k.VATID}
	}
	if m := o.PaymentMethod; m != (ordermanagement.PaymentMethod{}) {
		body.PaymentMethod = &PaymentMethod{m.Type, m.Description}
	}
	for _, f := range o.AllFlags() {
		body.Flags = append(body.Flags, string(f))
	}
	for _, c := range o.Checkboxes {
		body.Checkboxes = append(body.Checkboxes, Checkbox{c.ID, c.Checked})
	}
	for _, l := range o.Lines() {
		if l.ID != "" { // else it is no line of the order any more
			body.OrderLines = append(body.OrderLines, orderLine(o, l))
		}
	}
	captured, refunded := o.CapturedParts(), o.RefundedParts()
	capturedTax, refundedTax := taxes(o, captured, refunded)
	for i, c := range o.Captures {
		body.Captures = append(body.Captures, Capture{
			c.CaptureID, int64(c.CapturedAmount), instant(c.CapturedAt.Time), partLines(captured[i]), capturedTax[i].body(), c.Description, c.Reference,
		})
	}
	for i, r := range o.Refunds {
		body.Refunds = append(body.Refunds, refundBody(o, r, refunded[i], refundedTax[i]))
	}
	for _, w := range o.Withdrawals {
		stated := Withdrawal{w.ID, instant(w.At), w.Name, w.Email, []LineQuantity{}}
		for _, l := range w.Lines {
			stated.OrderLines = append(stated.OrderLines, LineQuantity{o.LineName(l.ID), l.Quantity})
		}
		body.Withdrawals = append(body.Withdrawals, stated)
	}
	return body
}

// given is a text, null where there is none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// moment is a time, null where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(instant(t))
}

// instant is a time as answers have it: UTC, to the millisecond, which every language reads.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func orderLine(o order.Order, l order.LineState) OrderLine {
	line := OrderLine{
		ID: o.LineName(l.ID), Type: string(l.Line.Type), Reference: l.Line.Reference, Name: l.Line.Name, Quantity: l.Line.Quantity,
		CapturedQuantity: l.Captured, RefundedQuantity: l.Refunded, OpenQuantity: o.StillOpen(l),
		UnitPrice: int64(l.Line.UnitPrice), TaxRate: int64(l.Line.TaxRate), TotalAmount: int64(l.Line.TotalAmount),
		TotalDiscountAmount: int64(l.Line.TotalDiscountAmount), TotalTaxAmount: int64(l.Line.TotalTaxAmount),
		ProductURL: l.Line.ProductURL, ImageURL: l.Line.ImageURL, Weight: l.Line.ShippingAttributes.Weight, MerchantData: l.Line.MerchantData,
	}
	if isCredit(l.Line.Type) {
		line.UsedAmount = new(int64(-l.Line.TotalAmount))
	}
	if n := l.Line.ProductIdentifiers; n != (klarna.Identifiers{}) {
		line.ProductIdentifiers = new(ProductNumbers(n))
	}
	return line
}

func deliveryBody(o order.Order) *OrderDelivery {
	d := o.Delivery
	body := &OrderDelivery{ID: d.ID, Name: d.Name, Carrier: d.Carrier, TMSReference: d.TMSReference}
	fee := false
	for _, line := range o.OrderLines {
		if line.Type == klarna.ShippingFee {
			fee = true
			body.Price += int64(line.TotalAmount)
		}
	}
	if d.ID == "" && !fee {
		return nil
	}
	if at := d.PickupLocation; at.ID != "" || at.Name != "" {
		body.PickupPoint = &OrderPickupPoint{at.ID, at.Name, OrderAddress(at.Address)}
	}
	return body
}

func shipmentBodies(o order.Order) []Shipment {
	bodies := []Shipment{}
	for _, s := range o.Shipments {
		body := Shipment{
			ID: s.ID, OrderLines: []LineQuantity{}, Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, TrackingURI: s.TrackingURI,
			DeliveryMethod: s.DeliveryMethod, ShippedAt: instant(s.ShippedAt),
		}
		for _, l := range s.OrderLines {
			body.OrderLines = append(body.OrderLines, LineQuantity{o.LineName(l.ID), l.Quantity})
		}
		bodies = append(bodies, body)
	}
	return bodies
}

func refundBody(o order.Order, r ordermanagement.Refund, parts []order.Part, tax byRate) RefundBody {
	body := RefundBody{
		ID: r.RefundID, Amount: int64(r.RefundedAmount), RefundedAt: instant(r.RefundedAt.Time), OrderLines: partLines(parts), Tax: tax.body(),
		Description: r.Description, Reference: r.Reference,
		Restocked: slices.ContainsFunc(o.Restocked, func(b order.Restock) bool { return strings.EqualFold(b.RefundID, r.RefundID) }),
	}
	for _, p := range parts {
		if p.Type == klarna.ReturnFee {
			body.ReturnFee -= int64(p.TotalAmount)
		}
	}
	return body
}

func partLines(parts []order.Part) []PartLine {
	lines := []PartLine{}
	for _, p := range parts {
		if p.Type != klarna.ReturnFee {
			lines = append(lines, PartLine{p.Name, p.Quantity, int64(p.TotalAmount), int64(p.TotalTaxAmount)})
		}
	}
	return lines
}
