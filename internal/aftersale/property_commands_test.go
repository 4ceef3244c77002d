package aftersale_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// generator makes random orders, and random commands for an order.
type generator struct {
	*rand.Rand
	keys int
}

// pick returns one of several.
func anyOf[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// seedOrders puts random orders into a fake Klarna, some of them captured or
// refunded already, and returns their IDs. It makes them of one that was
// bought. closes is whether refunded orders are closed.
func seedOrders(t *testing.T, g *generator, fake *fakeklarna.Server, bought string, n int, closes bool) []string {
	t.Helper()
	var snapshot struct {
		Version int                        `json:"version"`
		Now     time.Time                  `json:"now"`
		State   map[string]json.RawMessage `json:"state"`
	}
	decode(t, fake.Snapshot(), &snapshot)
	var managed map[string]map[string]json.RawMessage
	decode(t, snapshot.State["managed"], &managed)
	var ids []string
	for i := range n {
		one := maps.Clone(managed[bought])
		var v fakeklarna.ManagedOrder
		decode(t, one["View"], &v)
		v.OrderID, v.KlarnaReference = g.id(t), fmt.Sprintf("KR%06d", i)
		v.MerchantData = ""
		v.PurchaseCountry = anyOf(g, "SE", "SE", "NO", "DE", "AT", "CH", "GB", "US", "ES", "FR")
		v.InitialPaymentMethod = fakeklarna.InitialPaymentMethod{
			Type: anyOf(g, "INVOICE", "INVOICE", "INVOICE", "INVOICE_BUSINESS", "ACCOUNT", "DIRECT_DEBIT", "FIXED_AMOUNT", "CARD",
				"PAY_BY_CARD", "PAY_LATER_BY_CARD", "FIXED_SUM_CREDIT", "BANK_TRANSFER", "OTHER"),
		}
		if g.IntN(8) == 0 {
			v.BillingAddress.Email = "eva+denied-raise@example.com"
		}
		lines := g.lines(t, nil)
		decode(t, encode(t, lines.OrderLines), &v.OrderLines)
		v.OrderAmount = int64(lines.OrderAmount)
		v.OriginalOrderAmount, v.RemainingAuthorizedAmount = v.OrderAmount, v.OrderAmount
		switch g.IntN(8) {
		case 0:
			v.FraudStatus = fakeklarna.FraudPending
			one["DecideAt"] = encode(t, snapshot.Now.Add(time.Duration(g.IntN(100))*time.Hour))
			one["Accept"] = encode(t, g.IntN(2) == 0)
		case 1, 2:
			g.capture(t, &v, v.OrderLines[:1])
		case 3:
			g.capture(t, &v, v.OrderLines)
		case 4:
			g.capture(t, &v, v.OrderLines)
			v.Refunds = []fakeklarna.Refund{{RefundID: g.id(t), RefundedAmount: v.OrderAmount, RefundedAt: v.CreatedAt, OrderLines: v.OrderLines}}
			v.RefundedAmount = v.OrderAmount
			if closes {
				v.Status = fakeklarna.StatusClosed
			}
		}
		one["View"] = encode(t, v)
		managed[v.OrderID] = one
		ids = append(ids, v.OrderID)
	}
	snapshot.State["managed"] = encode(t, managed)
	// Of the checkout nothing is left, as after some time.
	snapshot.State["orders"] = []byte("[]")
	if err := fake.Restore(encode(t, snapshot)); err != nil {
		t.Fatal(err)
	}
	return ids
}

// capture makes an order one of which some lines are captured.
func (g *generator) capture(t *testing.T, v *fakeklarna.ManagedOrder, lines []fakeklarna.ManagedLine) {
	t.Helper()
	for _, line := range lines {
		v.CapturedAmount += line.TotalAmount
	}
	v.Captures = []fakeklarna.Capture{{
		CaptureID: g.id(t), KlarnaReference: v.KlarnaReference + "-1", CapturedAmount: v.CapturedAmount, CapturedAt: v.CreatedAt, OrderLines: lines,
	}}
	v.RemainingAuthorizedAmount -= v.CapturedAmount
	v.Status = fakeklarna.StatusPartCaptured
	if v.RemainingAuthorizedAmount == 0 {
		v.Status = fakeklarna.StatusCaptured
	}
}

// id is a random ID.
func (g *generator) id(t *testing.T) string {
	t.Helper()
	id, err := uuid.NewRandomFromReader(randomReader{g})
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

// randomReader is a source of random bytes.
type randomReader struct{ g *generator }

func (r randomReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.g.Uint32())
	}
	return len(b), nil
}

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lines are random goods with freight, or those of an order in other quantities.
func (g *generator) lines(t *testing.T, of []klarna.OrderLine) klarna.Lines {
	t.Helper()
	var items []klarna.Item
	for _, line := range of {
		item := klarna.Item{
			Type: line.Type, Reference: line.Reference, Name: line.Name, Quantity: line.Quantity, UnitPrice: line.UnitPrice, TaxRate: line.TaxRate.Tax(),
		}
		if line.Type == klarna.Physical {
			item.Quantity = max(item.Quantity+g.Int64N(4)-2, 0)
		}
		items = append(items, item)
	}
	if of == nil {
		rate := anyOf(g, money.TaxRate(25000), 12000, 6000, 25500, 0)
		for i := range 1 + g.IntN(4) {
			items = append(items, klarna.Item{
				Type: klarna.Physical, Reference: fmt.Sprintf("SKU-%d", i), Name: fmt.Sprintf("Goods %d", i),
				Quantity: 1 + g.Int64N(5), UnitPrice: money.Amount(1 + g.Int64N(99900)), TaxRate: rate,
			})
		}
		items = append(items, klarna.Item{Type: klarna.ShippingFee, Reference: "post", Name: "Post", Quantity: 1, UnitPrice: money.Amount(g.Int64N(9900)), TaxRate: rate})
	}
	lines, err := klarna.NewLines(items)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// parts are random quantities of lines, and what they come to.
func (g *generator) parts(t *testing.T, of []klarna.OrderLine) ([]klarna.OrderLine, money.Amount) {
	t.Helper()
	quantities := make([]int64, len(of))
	for i, line := range of {
		quantities[i] = g.Int64N(line.Quantity + 1)
		if g.IntN(2) == 0 {
			quantities[i] = line.Quantity
		}
	}
	lines, amount, err := order.Take(of, quantities)
	if err != nil {
		t.Fatal(err)
	}
	return lines, amount
}

// amount is a random one of those that matter around a limit.
func (g *generator) amount(limit money.Amount) money.Amount {
	switch g.IntN(6) {
	case 0:
		return limit
	case 1:
		return limit + 1
	case 2:
		return limit + money.Amount(g.Int64N(100000))
	case 3:
		return 0
	}
	return money.Amount(g.Int64N(int64(max(limit, 1)))) + 1
}

var parcels = []order.Shipment{{Carrier: "postnord", TrackingNumber: "SE1"}}

// anywhere is a desk of a platform that allows what either does.
var anywhere = deskAt(ordermanagement.Klarna)

// command is a random command for an order. It may be impossible.
func (g *generator) command(t *testing.T, o order.Order) order.Command {
	t.Helper()
	g.keys++
	c := order.Command{
		Key: fmt.Sprintf("key-%d", g.keys), Revision: o.Revision, Staff: "eva", At: time.Now(),
		Action: anyOf(g, aftersale.Actions...).Name,
	}
	switch g.IntN(4) {
	case 0: // without these nothing much happens
		c.Action = anyOf(g, aftersale.Capture.Name, aftersale.Refund.Name)
	case 1, 2:
		if possible := slices.DeleteFunc(slices.Clone(aftersale.Actions), func(a *aftersale.Action) bool { return anywhere.Possible(o, a, c.At) != nil }); len(possible) > 0 {
			c.Action = anyOf(g, possible...).Name
		}
	case 3:
		if o.Status == ordermanagement.Cancelled { // only then they are refused
			c.Action = aftersale.References.Name
		}
	}
	switch c.Action {
	case aftersale.Capture.Name:
		switch g.IntN(3) {
		case 0:
			c.OrderLines, c.Amount = o.Rest()
		case 1:
			c.OrderLines, c.Amount = g.parts(t, o.Uncaptured())
		default:
			c.Amount = g.amount(o.RemainingAuthorizedAmount)
		}
		if g.IntN(3) == 0 {
			c.Shipments = parcels
		}
	case aftersale.Refund.Name:
		if left := o.CapturedAmount - o.RefundedAmount; g.IntN(2) == 0 {
			c.Amount = anyOf(g, left, g.amount(left))
			break
		}
		c.OrderLines, c.Amount = g.parts(t, o.Refundable())
		if g.IntN(3) == 0 {
			fee := money.Amount(-1 - g.Int64N(2000))
			c.OrderLines = append(c.OrderLines, klarna.OrderLine{Type: klarna.ReturnFee, Name: "Return fee", Quantity: 1, UnitPrice: fee, TotalAmount: fee})
			c.Amount += fee
		}
	case aftersale.Lines.Name:
		lines := g.lines(t, anyOf(g, o.OrderLines, nil))
		if g.IntN(3) == 0 { // around what is captured
			var err error
			if lines, err = klarna.NewLines([]klarna.Item{{
				Type: klarna.Digital, Name: "What was agreed on", Quantity: 1, UnitPrice: g.amount(o.CapturedAmount),
			}}); err != nil {
				t.Fatal(err)
			}
		}
		c.OrderLines, c.Amount = lines.OrderLines, lines.OrderAmount
	case aftersale.References.Name:
		c.Reference1, c.Reference2 = anyOf(g, nil, new("SK-2"), new("")), new(fmt.Sprint(g.IntN(3)))
	case aftersale.Address.Name:
		a := o.ShippingAddress
		a.City = fmt.Sprintf("Ort %d", g.IntN(3))
		c.ShippingAddress = &a
	case aftersale.Parcel.Name:
		c.Shipments = parcels
		c.CaptureID = anyOf(g, "", g.captureID(o))
	case aftersale.Correct.Name:
		if len(o.Shipments) > 0 {
			s := anyOf(g, o.Shipments...)
			s.TrackingNumber = fmt.Sprintf("SE%d", g.IntN(3))
			c.CaptureID, c.Shipments = s.CaptureID, []order.Shipment{s}
		}
	case aftersale.SendOut.Name:
		c.CaptureID = g.captureID(o)
	case aftersale.DueDate.Name:
		c.CaptureID, c.Days = g.captureID(o), anyOf(g, 14, 30, 60)
	case aftersale.Cancel.Name, aftersale.Release.Name, aftersale.Extend.Name:
	}
	return c
}

// captureID is that of one of an order's captures, or of none.
func (g *generator) captureID(o order.Order) string {
	if len(o.Captures) == 0 || g.IntN(6) == 0 {
		return "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44"
	}
	return anyOf(g, o.Captures...).CaptureID
}

// ask asks Klarna to do a command, past the book.
func ask(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (err error) {
	switch c.Action {
	case aftersale.Capture.Name:
		_, _, err = m.Capture(ctx, o.OrderID, ordermanagement.CaptureRequest{CapturedAmount: c.Amount, OrderLines: c.OrderLines, ShippingInfo: order.Infos(c.Shipments)}, c.Key)
	case aftersale.Refund.Name:
		_, _, err = m.Refund(ctx, o.OrderID, ordermanagement.RefundRequest{RefundedAmount: c.Amount, OrderLines: c.OrderLines}, c.Key)
	case aftersale.Lines.Name:
		_, err = m.UpdateAuthorization(ctx, o.OrderID, ordermanagement.Authorization{OrderAmount: c.Amount, OrderLines: c.OrderLines}, c.Key)
	case aftersale.References.Name:
		_, err = m.SetMerchantReferences(ctx, o.OrderID, ordermanagement.References{Reference1: c.Reference1, Reference2: c.Reference2}, c.Key)
	case aftersale.Address.Name:
		_, err = m.UpdateShippingAddress(ctx, o.OrderID, ordermanagement.NewAddressChange(o.ShippingAddress, *c.ShippingAddress), c.Key)
	case aftersale.Parcel.Name:
		if c.CaptureID == "" {
			_, err = m.AddShippingInfo(ctx, o.OrderID, order.Infos(c.Shipments), c.Key)
		} else {
			_, err = m.AddCaptureShippingInfo(ctx, o.OrderID, c.CaptureID, order.Infos(c.Shipments), c.Key)
		}
	case aftersale.Cancel.Name:
		_, err = m.Cancel(ctx, o.OrderID, c.Key)
	case aftersale.Release.Name:
		_, err = m.Release(ctx, o.OrderID, c.Key)
	case aftersale.Extend.Name:
		_, err = m.ExtendAuthorization(ctx, o.OrderID, c.Key)
	case aftersale.SendOut.Name:
		_, err = m.TriggerSendOut(ctx, o.OrderID, c.CaptureID, c.Key)
	case aftersale.DueDate.Name:
		_, err = m.ExtendDueDate(ctx, o.OrderID, c.CaptureID, c.Days, c.Key)
	}
	return err
}
