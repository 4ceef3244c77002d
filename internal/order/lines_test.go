package order_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// line is a line of a type, reference, quantity, unit price and total.
func line(kind klarna.LineType, reference string, quantity int64, price, total money.Amount, rate klarna.Rate) klarna.OrderLine {
	tax, _ := rate.Tax().Included(total)
	return klarna.OrderLine{
		Type: kind, Reference: reference, Name: reference, Quantity: quantity, UnitPrice: price, TaxRate: rate,
		TotalAmount: total, TotalTaxAmount: tax, TotalDiscountAmount: price*money.Amount(quantity) - total,
	}
}

// short is what of a line a table says.
type short struct {
	Reference  string
	Quantity   int64
	Total, Tax int64
}

func shorts(lines []klarna.OrderLine) []short {
	var s []short
	for _, l := range lines {
		s = append(s, short{l.Reference, l.Quantity, int64(l.TotalAmount), int64(l.TotalTaxAmount)})
	}
	return s
}

func TestTake(t *testing.T) {
	mugs := line(klarna.Physical, "MUG-1", 3, 334, 1000, 2500) // 2 off
	book := line(klarna.Physical, "BOOK-1", 2, 500, 1000, 600)
	boat := line(klarna.ShippingFee, "boat", 1, 490, 490, 2500)
	off := line(klarna.Discount, "off 25", 1, -100, -100, 2500)
	off6 := line(klarna.Discount, "off 6", 1, -99, -99, 600)
	gift := line(klarna.GiftCard, "gift", 1, -301, -301, 0)
	usMug := line(klarna.Physical, "MUG-1", 2, 1000, 2000, 0)
	usTax := line(klarna.SalesTax, "tax", 1, 175, 175, 0)
	for _, tc := range []struct {
		name       string
		lines      []klarna.OrderLine
		quantities []int64
		want       []short
		amount     int64
	}{
		{"nothing", []klarna.OrderLine{mugs, boat}, []int64{0, 0}, nil, 0},
		{"all", []klarna.OrderLine{mugs, boat}, []int64{3, 1}, []short{{"MUG-1", 3, 1000, 200}, {"boat", 1, 490, 98}}, 1490},
		{"a third, rounded", []klarna.OrderLine{mugs, boat}, []int64{1, 0}, []short{{"MUG-1", 1, 333, 67}}, 333},
		{"two thirds", []klarna.OrderLine{mugs}, []int64{2}, []short{{"MUG-1", 2, 667, 133}}, 667},
		{"a discount follows the goods of its rate", []klarna.OrderLine{mugs, book, off, off6}, []int64{0, 1, 0, 0}, []short{{"BOOK-1", 1, 500, 29}, {"off 6", 1, -50, -3}}, 450},
		{"whatever is asked of it", []klarna.OrderLine{mugs, book, off, off6}, []int64{0, 1, 1, 1}, []short{{"BOOK-1", 1, 500, 29}, {"off 6", 1, -50, -3}}, 450},
		{"delivery alone takes no discount", []klarna.OrderLine{mugs, boat, off}, []int64{0, 1, 0}, []short{{"boat", 1, 490, 98}}, 490},
		{"a gift card follows all goods", []klarna.OrderLine{mugs, book, gift}, []int64{0, 2, 0}, []short{{"BOOK-1", 2, 1000, 57}, {"gift", 1, -151, 0}}, 849},
		{"all takes all of what follows", []klarna.OrderLine{mugs, off, boat}, []int64{3, 0, 1}, []short{{"MUG-1", 3, 1000, 200}, {"off 25", 1, -100, -20}, {"boat", 1, 490, 98}}, 1390},
		{"sales tax follows the goods", []klarna.OrderLine{usMug, boat, usTax}, []int64{1, 0, 0}, []short{{"MUG-1", 1, 1000, 0}, {"tax", 1, 88, 0}}, 1088},
		{"only what follows is left, and asked for", []klarna.OrderLine{usTax}, []int64{1}, []short{{"tax", 1, 175, 0}}, 175},
		{"only what follows is left, and not asked for", []klarna.OrderLine{usTax}, []int64{0}, nil, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, amount, err := order.Take(tc.lines, tc.quantities)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, shorts(got)); diff != "" || int64(amount) != tc.amount {
				t.Errorf("got %d, want %d\n%s", amount, tc.amount, diff)
			}
		})
	}
	for _, quantities := range [][]int64{{4, 0}, {-1, 0}, {0}, {0, 0, 0}, nil} {
		_, _, err := order.Take([]klarna.OrderLine{mugs, boat}, quantities)
		if _, ok := errors.AsType[*klarna.RuleError](err); !ok {
			t.Errorf("%v: got %v, want a RuleError", quantities, err)
		}
	}
}

// Parts of what is left, in whatever portions, sum to the order to the minor
// unit, tax and discounts too; what is refunded of them sums to what was
// captured. Each part is a line as Klarna wants it.
func TestPartsSumToTheWhole(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	rates := []klarna.Rate{0, 600, 1200, 2500}
	for round := range 2000 {
		o := order.Order{OrderID: "o", Status: ordermanagement.Authorized, PurchaseCountry: "SE"}
		us := random.IntN(4) == 0
		for i := range 1 + random.IntN(5) {
			quantity, price, rate := 1+random.Int64N(12), money.Amount(random.Int64N(100000)), rates[random.IntN(len(rates))]
			if us {
				rate = 0
			}
			gross := price * money.Amount(quantity)
			kind := []klarna.LineType{klarna.Physical, klarna.Digital, klarna.Surcharge}[random.IntN(3)]
			o.OrderLines = append(o.OrderLines, line(kind, "SKU-"+string(rune('A'+i)), quantity, price, gross-money.Amount(random.Int64N(int64(gross)+1)/3), rate))
		}
		if random.IntN(2) == 0 {
			o.OrderLines = append(o.OrderLines, line(klarna.Discount, "off", 1, -500, -500, rates[random.IntN(len(rates))]))
		}
		if us {
			tax := money.Amount(random.Int64N(5000))
			o.OrderLines = append(o.OrderLines, line(klarna.SalesTax, "tax", 1, tax, tax, 0))
		}
		o.OrderLines = append(o.OrderLines, line(klarna.ShippingFee, "boat", 1, 4900, 4900, 2500))
		total, tax, err := klarna.Sums(o.OrderLines)
		if err != nil {
			t.Fatal(err)
		}
		o.OrderAmount, o.OriginalOrderAmount, o.RemainingAuthorizedAmount = total, total, total

		// portions takes parts until nothing is left.
		portions := func(left func() []klarna.OrderLine, taken func([]klarna.OrderLine, money.Amount)) (sum, sumTax, discount money.Amount) {
			for range 1000 {
				lines := left()
				if len(lines) == 0 {
					return sum, sumTax, discount
				}
				quantities := make([]int64, len(lines))
				for i := range lines {
					quantities[i] = random.Int64N(lines[i].Quantity + 1)
					if random.IntN(4) == 0 {
						quantities[i] = lines[i].Quantity
					}
				}
				parts, amount, err := order.Take(lines, quantities)
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				for _, p := range parts {
					if p.TotalAmount != p.UnitPrice*money.Amount(p.Quantity)-p.TotalDiscountAmount {
						t.Fatalf("round %d: %+v is not quantity × unit price − discount", round, p)
					}
					sumTax += p.TotalTaxAmount
					discount += p.TotalDiscountAmount
				}
				sum += amount
				taken(parts, amount)
			}
			t.Fatalf("round %d: never done", round)
			return 0, 0, 0
		}
		check := func(what string, sum, sumTax, discount money.Amount) {
			var wantTax, wantDiscount money.Amount
			for _, l := range o.OrderLines {
				wantTax += l.TotalTaxAmount
				wantDiscount += l.TotalDiscountAmount
			}
			if sum != total || sumTax != wantTax || discount != wantDiscount {
				t.Fatalf("round %d: %s %d with tax %d and discounts %d, the order has %d, %d, %d (%d)\n%+v",
					round, what, sum, sumTax, discount, total, wantTax, wantDiscount, tax, o.OrderLines)
			}
		}
		sum, sumTax, discount := portions(func() []klarna.OrderLine { return o.Uncaptured() }, func(parts []klarna.OrderLine, amount money.Amount) {
			if amount == 0 && len(parts) == 0 {
				return
			}
			o.Captures = append(o.Captures, ordermanagement.Capture{CapturedAmount: amount, OrderLines: parts})
			o.CapturedAmount += amount
			o.RemainingAuthorizedAmount -= amount
			if rest, amount := o.Rest(); len(rest) == 0 && amount != 0 {
				t.Fatalf("round %d: %d remain, and no lines make it up", round, amount)
			}
		})
		check("captured", sum, sumTax, discount)
		sum, sumTax, discount = portions(func() []klarna.OrderLine { return o.Refundable() }, func(parts []klarna.OrderLine, amount money.Amount) {
			if amount == 0 && len(parts) == 0 {
				return
			}
			o.Refunds = append(o.Refunds, ordermanagement.Refund{RefundedAmount: amount, OrderLines: parts})
		})
		check("refunded", sum, sumTax, discount)
	}
}

// What is left after captures and refunds that were made elsewhere.
func TestLeft(t *testing.T) {
	o := shoptest.InState(ordermanagement.Authorized)
	mug, boat := o.OrderLines[0], o.OrderLines[1]
	one, _, err := order.Take(o.OrderLines, []int64{1, 0})
	if err != nil {
		t.Fatal(err)
	}
	lines, amount := o.Rest()
	if diff := cmp.Diff(o.OrderLines, lines); diff != "" || amount != 25000 {
		t.Errorf("the rest of all is %d\n%s", amount, diff)
	}

	shoptest.Captured(&o, 10000) // without lines
	o.Status = ordermanagement.PartCaptured
	if lines, amount := o.Rest(); lines != nil || amount != 15000 {
		t.Errorf("after a capture without lines: %v, %d", lines, amount)
	}
	if got := o.Refundable(); got != nil {
		t.Errorf("refundable of a capture without lines: %v", got)
	}
	o.Captures[0].OrderLines = one
	if lines, amount := o.Rest(); !cmp.Equal(shorts(lines), []short{{"MUG-1", 1, 10000, 2000}, {"mailboat", 1, 5000, 1000}}) || amount != 15000 {
		t.Errorf("after a mug: %v, %d", shorts(lines), amount)
	}

	// Elsewhere, at another price: the mug is taken by its reference.
	other := one[0]
	other.UnitPrice, other.TotalAmount, other.TotalTaxAmount, other.Name = 9000, 9000, 1800, "Mug"
	o.Captures[0].OrderLines = []klarna.OrderLine{other}
	if got := shorts(o.Uncaptured()); !cmp.Equal(got, []short{{"MUG-1", 1, 11000, 2200}, {"mailboat", 1, 5000, 1000}}) {
		t.Errorf("captured at another price: %v", got)
	}
	// What the order does not have leaves it as it is.
	other.Reference = "CUP-1"
	o.Captures[0].OrderLines = []klarna.OrderLine{other}
	if got := o.Uncaptured(); !cmp.Equal(got, o.OrderLines) {
		t.Errorf("captured something else: %v", shorts(got))
	}

	full := shoptest.InState(ordermanagement.Captured) // at once, without lines
	if diff := cmp.Diff([]klarna.OrderLine{mug, boat}, full.Refundable()); diff != "" {
		t.Errorf("refundable of all: %s", diff)
	}
	fee := klarna.OrderLine{Type: klarna.ReturnFee, Name: "fee", Quantity: 1, UnitPrice: -500, TotalAmount: -500}
	full.Refunds = []ordermanagement.Refund{{RefundedAmount: 9500, OrderLines: append(one, fee)}, {RefundedAmount: 100}}
	if got := shorts(full.Refundable()); !cmp.Equal(got, []short{{"MUG-1", 1, 10000, 2000}, {"mailboat", 1, 5000, 1000}}) {
		t.Errorf("refundable after a return: %v", got)
	}
	for _, status := range []ordermanagement.Status{ordermanagement.Captured, ordermanagement.Cancelled, ordermanagement.Expired, ordermanagement.Closed} {
		o := shoptest.InState(status)
		if lines, amount := o.Rest(); o.Uncaptured() != nil || lines != nil || amount != 0 {
			t.Errorf("%s: %v, %d remain", status, lines, amount)
		}
	}
}

// Of two lines that are alike, or of one reference, each has what was captured and given back of it.
func TestLinesAlike(t *testing.T) {
	tee := func(name string, quantity int64) klarna.OrderLine {
		l := line(klarna.Physical, "TEE", quantity, 100, moneyOf(100*quantity), 2500)
		l.Name = name
		return l
	}
	states := func(o order.Order) string {
		var all []string
		for _, l := range o.Lines() {
			all = append(all, fmt.Sprintf("%d open %d captured %d refunded %d restocked %d to pack", l.Open.Quantity, l.Captured, l.Refunded, l.Restocked, o.ToPack(l)))
		}
		return strings.Join(all, ", ")
	}
	names := func(all [][]order.Part) (text string) {
		for _, parts := range all {
			for _, p := range parts {
				text += fmt.Sprintf("%s %d of %d, ", p.Name, p.Quantity, p.TotalAmount)
			}
		}
		return text
	}
	// In the portal, as one line.
	b := newBooked(t, tee("red", 1), tee("red", 2), tee("red", 1))
	b.capture(300, []klarna.OrderLine{tee("red", 3)})
	b.Captures[0].CaptureID = "c"
	if got, want := states(b.Order), "0 open 1 captured 0 refunded 0 restocked 1 to pack, 0 open 2 captured 0 refunded 0 restocked 2 to pack, 1 open 0 captured 0 refunded 0 restocked 1 to pack"; got != want {
		t.Errorf("captured as one:\n got %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(b.CapturedWith("c")); got != "map[physical:TEE:1 physical:TEE:2:2]" {
		t.Errorf("captured as one: %s", got)
	}
	if got := names(b.CapturedParts()); got != "physical:TEE 1 of 10000, physical:TEE:2 2 of 20000, " {
		t.Errorf("captured as one: %s", got)
	}
	for second, without := range map[int64]bool{2: false, 1: true} {
		sent := b.Order
		sent.Shipments = []order.Shipment{{ID: "1", OrderLines: []order.ShipmentLine{{ID: "physical:TEE", Quantity: 1}, {ID: "physical:TEE:2", Quantity: second}}}}
		if sent.SentWithout(0) != without {
			t.Errorf("a parcel of the order holds 1 and %d: sent without one %t", second, !without)
		}
	}
	b.refund(200, []klarna.OrderLine{tee("red", 2)})
	if got, want := states(b.Order), "0 open 1 captured 0 refunded 0 restocked 1 to pack, 0 open 2 captured 2 refunded 0 restocked 0 to pack, 1 open 0 captured 0 refunded 0 restocked 1 to pack"; got != want {
		t.Errorf("refunded:\n got %s\nwant %s", got, want)
	}
	if got := names(b.RefundedParts()); got != "physical:TEE:2 2 of 20000, " {
		t.Errorf("refunded: %s", got)
	}
	b.capture(100, []klarna.OrderLine{tee("red", 1)})
	if got := names(b.CapturedParts()[1:]); got != "physical:TEE:3 1 of 10000, " {
		t.Errorf("the rest is captured: %s", got)
	}

	// A red one broke before it was sent; the blue one is here again.
	b = newBooked(t, tee("red", 2), tee("blue", 1))
	b.captureOf(2, 1)
	b.Shipments = []order.Shipment{{ID: "1", OrderLines: []order.ShipmentLine{{ID: "physical:TEE", Quantity: 1}, {ID: "physical:TEE:2", Quantity: 1}}}}
	b.refund(100, []klarna.OrderLine{tee("red", 1)})
	b.Refunds[0].RefundID = "broken"
	b.refund(100, []klarna.OrderLine{tee("blue", 1)})
	b.Refunds[1].RefundID = "back"
	b.PutBack("BACK", b.Refunds[1].OrderLines)
	if got, want := states(b.Order), "0 open 2 captured 1 refunded 0 restocked 0 to pack, 0 open 1 captured 1 refunded 1 restocked 0 to pack"; got != want {
		t.Errorf("put back:\n got %s\nwant %s", got, want)
	}
}

// What became of each line: one answer for pages, actions, exports and slips.
func TestLines(t *testing.T) {
	of := func(quantity int64, lines ...int) []klarna.OrderLine {
		var parts []klarna.OrderLine
		for _, i := range lines {
			part, _, err := order.Take(shoptest.InState(ordermanagement.Authorized).OrderLines[i:i+1], []int64{quantity})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, part...)
		}
		return parts
	}
	capture := func(amount money.Amount, lines []klarna.OrderLine) func(*order.Order) {
		return func(o *order.Order) {
			o.Captures = append(o.Captures, ordermanagement.Capture{CapturedAmount: amount, OrderLines: lines})
			o.CapturedAmount += amount
			o.RemainingAuthorizedAmount -= amount
		}
	}
	refund := func(amount money.Amount, lines []klarna.OrderLine) func(*order.Order) {
		return func(o *order.Order) {
			o.Refunds = append(o.Refunds, ordermanagement.Refund{RefundedAmount: amount, OrderLines: lines})
			o.RefundedAmount += amount
		}
	}
	gone := []klarna.OrderLine{{Type: klarna.Physical, Reference: "CUP-1", Name: "Kopp", Quantity: 1, UnitPrice: 10000, TotalAmount: 10000}}
	for name, tc := range map[string]struct {
		status ordermanagement.Status
		edits  []func(*order.Order)
		want   string // of each line: ID, quantity, open, captured, refunded, refundable
	}{
		"nothing happened":              {"AUTHORIZED", nil, "physical:MUG-1 2 2 0 0 0, shipping_fee:mailboat 1 1 0 0 0"},
		"a mug captured":                {"AUTHORIZED", []func(*order.Order){capture(10000, of(1, 0))}, "physical:MUG-1 2 1 1 0 1, shipping_fee:mailboat 1 1 0 0 0"},
		"an amount captured":            {"AUTHORIZED", []func(*order.Order){capture(10000, nil)}, "physical:MUG-1 2 2 0 0 0, shipping_fee:mailboat 1 1 0 0 0"},
		"all captured by amounts":       {"AUTHORIZED", []func(*order.Order){capture(10000, nil), capture(15000, nil)}, "physical:MUG-1 2 0 2 0 2, shipping_fee:mailboat 1 0 1 0 1"},
		"all captured at once":          {"CAPTURED", nil, "physical:MUG-1 2 0 2 0 2, shipping_fee:mailboat 1 0 1 0 1"},
		"a mug refunded":                {"CAPTURED", []func(*order.Order){refund(10000, of(1, 0))}, "physical:MUG-1 2 0 2 1 1, shipping_fee:mailboat 1 0 1 0 1"},
		"all refunded by an amount":     {"CAPTURED", []func(*order.Order){refund(25000, nil)}, "physical:MUG-1 2 0 2 2 0, shipping_fee:mailboat 1 0 1 1 0"},
		"expired with a mug missing":    {"EXPIRED", []func(*order.Order){capture(10000, of(1, 0))}, "physical:MUG-1 2 1 1 0 1, shipping_fee:mailboat 1 1 0 0 0"},
		"captured and no line any more": {"AUTHORIZED", []func(*order.Order){capture(10000, gone)}, "physical:MUG-1 2 2 0 0 0, shipping_fee:mailboat 1 1 0 0 0,  0 0 0 0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range shoptest.InState(tc.status, tc.edits...).Lines() {
				got = append(got, fmt.Sprint(s.ID, " ", s.Line.Quantity, s.Open.Quantity, s.Captured, s.Refunded, s.Refundable.Quantity))
			}
			if text := strings.Join(got, ", "); text != tc.want {
				t.Errorf(" got %s\nwant %s", text, tc.want)
			}
		})
	}
}
