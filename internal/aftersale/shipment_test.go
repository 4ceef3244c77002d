package aftersale_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// shipped says what is on its way: "1: PostNord SE1 [physical:MUG-1 1], told 1".
func shipped(o order.Order) []string {
	var all []string
	for _, s := range o.Shipments {
		var lines []string
		for _, l := range s.OrderLines {
			lines = append(lines, fmt.Sprint(l.ID, " ", l.Quantity))
		}
		all = append(all, fmt.Sprintf("%s: %s %s %v, told %d", s.ID, s.Carrier, s.TrackingNumber, lines, len(s.Told)))
	}
	return all
}

func (w *world) ships(o order.Order, want ...string) order.Order {
	w.T.Helper()
	o = w.Agrees(o.OrderID)
	if diff := cmp.Diff(want, shipped(o)); diff != "" {
		w.T.Errorf("shipments: %s", diff)
	}
	return o
}

// A shipment is a thing of the book: a capture may bring one, one may be there
// without, it is corrected, and Klarna is only ever told more.
func TestShipments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := shippedOrder(w)
	o = w.ships(o, "1: PostNord wrong [physical:MUG-1 1], told 1")

	c := shoptest.CaptureOf(t, o, 1, 1, 0)
	c.Shipments = []order.Shipment{{Carrier: "Bring", TrackingNumber: "7", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}, {ID: "physical:JAM-1", Quantity: 1}}}}
	w.Do(o, c, order.Done)
	o = w.ships(o, "1: PostNord wrong [physical:MUG-1 1], told 1", "2: Bring 7 [physical:MUG-1 1 physical:JAM-1 1], told 1")
	if id := o.Shipments[1].CaptureID; id != o.Captures[0].CaptureID || o.Shipments[1].ShippedAt.IsZero() {
		t.Errorf("the capture's shipment is %+v", o.Shipments[1])
	}

	// What Klarna does not know of is corrected without a word to it.
	calls := len(w.Fake.Requests(""))
	out := w.Do(o, correction(o, func(s *order.Shipment) { s.OrderLines = nil }), order.Done)
	if n := len(slices.DeleteFunc(w.Fake.Requests("")[calls:], func(r fakeklarna.Request) bool { return r.Method == "GET" })); n != 0 {
		t.Errorf("Klarna was told %d times what it does not keep", n)
	}
	if diff := cmp.Diff([]order.Change{{Field: "shipment 1", After: "changed"}}, out.Entry.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.ships(o, "1: PostNord wrong [], told 1", "2: Bring 7 [physical:MUG-1 1 physical:JAM-1 1], told 1")

	// A new number is told to Klarna once more; the old one stays there.
	w.Do(o, correction(o, func(s *order.Shipment) { s.TrackingNumber = "right" }), order.Done)
	o = w.ships(o, "1: PostNord right [], told 2", "2: Bring 7 [physical:MUG-1 1 physical:JAM-1 1], told 1")
	m, _ := w.Fake.Managed(o.OrderID)
	if len(m.ShippingInfo) != 2 || m.ShippingInfo[0].TrackingNumber != "wrong" || m.ShippingInfo[1].TrackingNumber != "right" {
		t.Errorf("Klarna has %+v", m.ShippingInfo)
	}

	// What was told elsewhere is seen, once.
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/shipping-info", `{"shipping_info":[{"shipping_company":"DHL","tracking_number":"9"}]}`)
	for range 2 {
		if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil {
			t.Fatal(err)
		}
	}
	o = w.ships(o, "1: PostNord right [], told 2", "2: Bring 7 [physical:MUG-1 1 physical:JAM-1 1], told 1", "3: DHL 9 [], told 1")

	// No more than there is, of what there is.
	for name, in := range map[string][]order.ShipmentLine{ // the last one is wrong
		"more than is in no other": {{ID: "physical:MUG-1", Quantity: 2}},
		"twice one":                {{ID: "physical:MUG-1", Quantity: 1}, {ID: "physical:MUG-1", Quantity: 1}},
		"nothing of a line":        {{ID: "physical:MUG-1"}},
		"no line of the order":     {{ID: "physical:CUP-1", Quantity: 1}},
		"no line at all":           {{Quantity: 1}},
	} {
		c := correction(o, func(s *order.Shipment) { s.OrderLines = in })
		if got := verdict(w.Desk.Check(t.Context(), o, c, time.Now())); got != fmt.Sprintf("invalid shipments[0].order_lines[%d].quantity", len(in)-1) {
			t.Errorf("%s: %s", name, got)
		}
	}
	w.Tells(o.OrderID, "placed", "acknowledged", "shipping_info done", "capture done", "correct_shipment done", "correct_shipment done", "status")
}

// A command whose answer is lost, and whose parcel is seen at Klarna before the
// loop goes on with it, is one shipment all the same: with what is in it.
func TestShipmentSeenBefore(t *testing.T) {
	t.Parallel()
	for _, action := range []*aftersale.Action{aftersale.Parcel, aftersale.Correct} {
		t.Run(action.Slug, func(t *testing.T) {
			w := newWorld(t, nil)
			o := w.Placed()
			var c order.Command
			want := []string{"1: Bring 8 [physical:MUG-1 1], told 1"}
			if action == aftersale.Correct {
				o = shippedOrder(w)
				c = correction(o, func(s *order.Shipment) { s.TrackingNumber = "8" })
				want = []string{"1: PostNord 8 [physical:MUG-1 1], told 2"}
			} else {
				c = shoptest.Command(o, action.Name, func(c *order.Command) {
					c.Shipments = []order.Shipment{{Carrier: "Bring", TrackingNumber: "8", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}}}}
				})
			}
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", DropReply: true, Count: -1})
			w.Do(o, c, order.Unknown)
			w.Fake.ClearFaults()
			w.let(o.OrderID)
			seen, err := w.Book.Refresh(t.Context(), o.OrderID)
			if err != nil || seen.Running == nil || !strings.Contains(fmt.Sprint(shipped(seen)), " 8 ") {
				t.Fatalf("not seen: %v, running %v, %v", shipped(seen), seen.Running, err)
			}
			w.Round(time.Minute)
			w.ships(o, want...)
		})
	}
}

// An order may have two lines of one reference: a parcel holds what was captured of each.
func TestShipmentOfTwoLinesOfOneReference(t *testing.T) {
	mug := func(quantity int64, price int64) klarna.OrderLine {
		return klarna.OrderLine{
			Type: klarna.Physical, Reference: "MUG-1", Name: "Mug", Quantity: quantity, UnitPrice: moneyOf(price), TotalAmount: moneyOf(price * quantity),
		}
	}
	const a, b = "physical:MUG-1", "physical:MUG-1:2"
	for _, tt := range []struct {
		name  string
		lines []klarna.OrderLine
		take  []int64
		want  []order.ShipmentLine
		open  string // what remains to be packed of each line
		share string
	}{
		{"of the first", []klarna.OrderLine{mug(2, 14900), mug(1, 15900)}, []int64{2, 0}, []order.ShipmentLine{{ID: a, Quantity: 2}}, "[0 1]", "1 of 2 lines."},
		{"of the second", []klarna.OrderLine{mug(2, 14900), mug(1, 15900)}, []int64{0, 1}, []order.ShipmentLine{{ID: b, Quantity: 1}}, "[2 0]", "1 of 2 lines."},
		{"of both", []klarna.OrderLine{mug(2, 14900), mug(1, 15900)}, []int64{1, 1}, []order.ShipmentLine{{ID: a, Quantity: 1}, {ID: b, Quantity: 1}}, "[1 0]", "2 of 2 lines, not all of each."},
		{"all", []klarna.OrderLine{mug(1, 10000), mug(2, 5000)}, []int64{1, 2}, []order.ShipmentLine{{ID: a, Quantity: 1}, {ID: b, Quantity: 2}}, "[0 0]", "All 2 lines."},
		{"all, of one price", []klarna.OrderLine{mug(1, 5000), mug(2, 5000)}, []int64{1, 2}, []order.ShipmentLine{{ID: a, Quantity: 1}, {ID: b, Quantity: 2}}, "[0 0]", "All 2 lines."},
		{"of the second, of one price", []klarna.OrderLine{mug(1, 5000), mug(2, 5000)}, []int64{0, 2}, []order.ShipmentLine{{ID: b, Quantity: 2}}, "[1 0]", "1 of 2 lines."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sum, _, err := klarna.Sums(tt.lines)
			if err != nil {
				t.Fatal(err)
			}
			o := order.Order{OrderID: "o", Status: ordermanagement.Authorized, OrderLines: tt.lines, OrderAmount: sum, OriginalOrderAmount: sum, RemainingAuthorizedAmount: sum}
			c := order.Command{Action: aftersale.Capture.Name}
			if c.OrderLines, c.Amount, err = o.TakeUncaptured(tt.take); err != nil {
				t.Fatal(err)
			}
			var q form.Question
			aftersale.Capture.Confirm(&aftersale.Draft{Action: aftersale.Capture, Order: o, Command: c}, &q)
			if q.Body[0] != tt.share {
				t.Errorf("the question says %q, want %q", q.Body[0], tt.share)
			}
			in := aftersale.CapturedIn(o, c)
			if diff := cmp.Diff(tt.want, in); diff != "" {
				t.Errorf("in the parcel: %s", diff)
			}
			open := func(o order.Order) string {
				var left []int64
				for _, l := range o.Lines() {
					left = append(left, o.ToPack(l))
				}
				return fmt.Sprint(left)
			}
			aftersale.Capture.Apply(&o, c, order.AuditEntry{ID: "c"})
			said, unsaid := o, o
			said.Ship([]order.Shipment{{Carrier: "PostNord", OrderLines: in}}, "c", time.Now())
			if got := open(said); got != tt.open || said.ToShip() != (tt.open != "[0 0]") {
				t.Errorf("%s remain to be packed, want %s; to ship: %v", got, tt.open, said.ToShip())
			}
			// A parcel of which nobody said what is in it holds all of its capture, and no more.
			unsaid.Ship([]order.Shipment{{Carrier: "PostNord"}}, "c", time.Now())
			if got := unsaid.ToShip(); got != (tt.open != "[0 0]") {
				t.Errorf("with a parcel of which nobody said what is in it: to ship %v", got)
			}
		})
	}
}

// What a parcel is filled in with: what the packing slip says, of a capture what is captured with it.
func TestUnshipped(t *testing.T) {
	mugs := func(n int64) klarna.OrderLine {
		return klarna.OrderLine{Type: klarna.Physical, Reference: "MUG-1", Name: "Mug", Quantity: n, UnitPrice: 100, TotalAmount: moneyOf(100 * n)}
	}
	capture := func(o *order.Order, id string, n int64) {
		aftersale.Capture.Apply(o, order.Command{Amount: moneyOf(100 * n), OrderLines: []klarna.OrderLine{mugs(n)}}, order.AuditEntry{ID: id})
	}
	ship := func(o *order.Order, captureID string, in []order.ShipmentLine) {
		o.Ship([]order.Shipment{{Carrier: "PostNord", TrackingNumber: fmt.Sprint(len(o.Shipments)), OrderLines: in}}, captureID, time.Now())
	}
	for _, tt := range []struct {
		name       string
		do         func(*order.Order)
		capture    string // that the form has chosen
		form       string
		with, all  int64 // of the capture, and without one
		stillToGet bool  // after the form was sent as it is
	}{
		{name: "nothing is captured", do: func(*order.Order) {}, form: "3", with: 3, all: 3},
		{name: "the rest is released", do: func(o *order.Order) {
			capture(o, "c", 2)
			o.RemainingAuthorizedAmount = 0
			o.Follow()
		}, capture: "c", form: "2", with: 2, all: 2},
		{name: "one broke before it was sent", do: func(o *order.Order) {
			capture(o, "c", 3)
			aftersale.Refund.Apply(o, order.Command{Amount: 100, OrderLines: []klarna.OrderLine{mugs(1)}}, order.AuditEntry{ID: "r"})
		}, capture: "c", form: "2", with: 2, all: 2},
		{name: "one is captured", do: func(o *order.Order) { capture(o, "c", 1) }, capture: "c", form: "1", with: 1, all: 3, stillToGet: true},
		{name: "and sent", do: func(o *order.Order) {
			capture(o, "c", 1)
			ship(o, "c", aftersale.Unshipped(*o, "C"))
		}, form: "2", all: 2},
		{name: "what was in a parcel of the order is captured", do: func(o *order.Order) {
			ship(o, "", []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 2}})
			capture(o, "c", 2)
		}, form: "1", all: 1},
		{name: "an amount", do: func(o *order.Order) {
			capture(o, "c", 1)
			o.Captures[0].OrderLines = nil
		}, capture: "c", form: "3", with: 3, all: 3},
	} {
		o := order.Order{OrderID: "o", Status: ordermanagement.Authorized, OrderLines: []klarna.OrderLine{mugs(3)}, OrderAmount: 300, OriginalOrderAmount: 300, RemainingAuthorizedAmount: 300}
		tt.do(&o)
		if with, all := (order.Shipment{OrderLines: aftersale.Unshipped(o, "c")}).Holds("physical:MUG-1"), (order.Shipment{OrderLines: aftersale.Unshipped(o, "")}).Holds("physical:MUG-1"); with != tt.with || all != tt.all {
			t.Errorf("%s: %d of the capture and %d of all, want %d and %d", tt.name, with, all, tt.with, tt.all)
		}
		d := &aftersale.Draft{Action: aftersale.Parcel, Order: o, Values: url.Values{}}
		aftersale.Parcel.Defaults(d)
		if chosen, in := d.Values.Get("capture"), d.Values.Get("q:physical:MUG-1"); chosen != tt.capture || in != tt.form {
			t.Errorf("%s: the form has %q of %q, want %q of %q", tt.name, in, chosen, tt.form, tt.capture)
		}
		if ship(&o, tt.capture, aftersale.Unshipped(o, tt.capture)); o.ToShip() != tt.stillToGet {
			t.Errorf("%s: to ship afterwards %t", tt.name, o.ToShip())
		}
	}
}

// The question names the line that is taken off, also where the next one has its reference.
func TestQuestionOfLines(t *testing.T) {
	tee := func(name string) klarna.OrderLine {
		return klarna.OrderLine{Type: klarna.Physical, Reference: "TEE", Name: name, Quantity: 1, UnitPrice: 100, TotalAmount: 100}
	}
	d := &aftersale.Draft{
		Action: aftersale.Lines, Order: order.Order{OrderLines: []klarna.OrderLine{tee("Red"), tee("Blue")}, OrderAmount: 200},
		Command: order.Command{OrderLines: []klarna.OrderLine{tee("Blue"), tee("Green")}, Amount: 200},
	}
	var q form.Question
	aftersale.Lines.Confirm(d, &q)
	want := []form.Fact{{Name: "Quantity of Red", Before: "1", After: "0"}, {Name: "Quantity of Green", Before: "0", After: "1"}}
	if diff := cmp.Diff(want, q.Facts[len(q.Facts)-min(len(q.Facts), 2):]); diff != "" {
		t.Error(diff)
	}
}
