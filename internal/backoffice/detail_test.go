package backoffice_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

func TestOrderPage(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	s := o.partly()
	d := ada.look("/admin/orders/" + strings.ToLower(s.Number))
	for _, tt := range []struct {
		name, selector string
		want           []string
	}{
		{"heading", ".oh h1, .oh .badge", []string{"Order " + s.Number, "Partly captured", "SE · SEK"}},
		{"figures", ".am dt", []string{"Authorized", "Captured", "Refunded", "Remaining"}},
		{"amounts", ".am dd", []string{"1 122.00", "576.00", "149.00", "546.00"}},
		{"lines", "#h-lines ~ table tbody th span", []string{"Enamel mug, 35 cl", "Cloudberry jam, 210 g", "A Field Guide to Staying Indoors: Forty Walks Around One Room, With Maps", "Eight Hours of Rain on a Tin Roof, audio", "Mail boat"}},
		{"states", "#h-lines ~ table .states", []string{"1 refunded 2 captured 1 open", "Captured", "Open", "Open", "Open"}},
		{"bookings", "#h-bookings ~ table tbody .r", []string{"149.00", "576.00"}},
		{"what for", "#h-bookings ~ table tbody td:nth-child(3)", []string{"Enamel mug, 35 cl", "3 × Enamel mug, 35 cl, Cloudberry jam, 210 g First parcel"}},
		{"customer", ".whom section:contains(Customer) p", []string{"Testperson-se Approved testperson-se@example.com +46701234567"}},
		{"days", ".day", []string{"Today"}},
		{"who", ".ev.staff p b:first-child", []string{"ada", "ada"}},
		{"sums", ".ev.staff p b.num", []string{"149.00 SEK", "576.00 SEK"}},
	} {
		if diff := cmp.Diff(tt.want, d.texts(tt.selector)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	bar, _ := d.Find("svg.bar").Attr("aria-label")
	if want := "Of 1 122.00 SEK authorized, 576.00 are captured, 149.00 of those refunded, and 546.00 remain."; strings.ReplaceAll(bar, "\u00a0", " ") != want {
		t.Errorf("bar says %q", bar)
	}
	// 427 of 1122 captured and kept, to 576 refunded, to 1122 remaining.
	want := [][2]string{{"0.00%", "38.05%"}, {"38.05%", "13.28%"}, {"51.33%", "48.67%"}}
	for i, part := range d.Find("svg.bar > rect").EachIter() {
		x, _ := part.Attr("x")
		width, _ := part.Attr("width")
		if i >= len(want) || want[i] != [2]string{x, width} {
			t.Errorf("part %d of the bar: %s wide at %s", i, width, x)
		}
	}
	if href, _ := d.Find(".parcels a").Attr("href"); href != "https://track.example/SE123" {
		t.Errorf("tracking link %q", href)
	}
	if d.Find(".ev [data-copy]").Length() < 2 || d.Find(".ev details").Length() < 2 {
		t.Error("no correlation IDs, or no before and after")
	}
	actions := d.texts(".acts a")
	if actions[0] != "Capture 546.00 SEK…" || d.Find(".acts .btn:not(.q)").Length() != 1 {
		t.Errorf("actions %q", actions)
	}
	if why := strings.Join(d.texts(".acts .why"), " "); !strings.Contains(why, "Cancellation is not possible: part of this order is captured. Refund it instead.") {
		t.Errorf("reasons %q", why)
	}
	// Each action that is offered has its page.
	for _, a := range d.Find(".acts a").EachIter() {
		href, _ := a.Attr("href")
		if page := ada.Get(href); page.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", href, page.StatusCode)
		}
	}
}

// The states of an order, each as badge, bar, lines and what can be done.
func TestOrderStates(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	for _, tt := range []struct {
		name    string
		make    func() order.Order
		badge   string
		figures string
		first   string // action
		line    string // state of the first
		why     string
	}{
		{"open", func() order.Order { return o.sale(1) }, "Open", "675.00 0.00 0.00 675.00", "Capture 675.00 SEK…", "Open", "Refund"},
		{"captured", func() order.Order { return o.capture(o.sale(1), 1, 1, 1, 1, 1) }, "Captured", "675.00 675.00 0.00 0.00", "Refund…", "Captured", "Capture"},
		{"refunded", func() order.Order { return o.refund(o.capture(o.sale(1), 1, 1, 1, 1, 1), 1, 1, 1, 1, 1) }, "Refunded", "675.00 675.00 675.00 0.00", "Add shipping info…", "Refunded", "Refund"},
		{"released", func() order.Order {
			return o.do(o.capture(o.sale(1), 1, 0, 0, 0, 0).OrderID, order.Command{Action: aftersale.Release.Name})
		}, "Captured", "675.00 149.00 0.00 0.00 526.00", "Refund…", "Captured", "release, change of the lines"},
		{"cancelled", func() order.Order { return o.do(o.sale(1).OrderID, order.Command{Action: aftersale.Cancel.Name}) }, "Cancelled", "675.00 0.00 0.00 0.00 675.00", "", "Cancelled", "this order is cancelled"},
		{"being checked", func() order.Order { return o.sale(1, "email", "ada+pend-accept-05@example.com") }, "Being checked", "675.00 0.00 0.00 675.00", "", "Open", "Klarna is still checking this order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.make()
			d := ada.look("/admin/orders/" + s.Number)
			if badge := d.texts(".oh .badge")[0]; badge != tt.badge {
				t.Errorf("badge %q, want %q", badge, tt.badge)
			}
			if figures := strings.Join(d.texts(".am dd"), " "); figures != tt.figures {
				t.Errorf("figures %q, want %q", figures, tt.figures)
			}
			if actions := d.texts(".acts a"); tt.first != "" && (len(actions) == 0 || actions[0] != tt.first) {
				t.Errorf("actions %q, want %q first", actions, tt.first)
			}
			if line := d.texts("#h-lines ~ table .states")[0]; line != tt.line {
				t.Errorf("line %q, want %q", line, tt.line)
			}
			if why := strings.Join(d.texts(".acts .why"), " "); !strings.Contains(why, tt.why) {
				t.Errorf("reasons %q, want %q", why, tt.why)
			}
		})
	}
}

// An order without a cart is a sale as any other: its page says that the cart was not emptied,
// and nothing of stock, which was taken.
func TestOrderWithoutCart(t *testing.T) {
	o := newAgreeing(t)
	cartID := cart.NewID()
	o.Put(cartID, "MUG-1", 2)
	before := o.Left("MUG-1")
	content, _, err := o.KCO.Wants.Want(o.Cart(cartID))
	if err != nil {
		t.Fatal(err)
	}
	content.MerchantData = ""
	orderID := o.Create(cartID, content)
	o.Buy(orderID)
	s := o.Place(orderID)
	if !s.Flagged(order.NoCart) {
		t.Fatalf("flags %v", s.Flags)
	}
	o.Levels("MUG-1", before, 0, 2)
	notes := strings.Join(o.clerk("ada").look("/admin/orders/"+s.Number).texts(".note"), " ")
	if !strings.Contains(notes, "What was bought may still be in the shopper's cart.") || strings.Contains(notes, "stock") {
		t.Errorf("notes %q", notes)
	}
}

// Every flag is told in words.
func TestFlagsInWords(t *testing.T) {
	o := newOffice(t)
	s := o.sale(1)
	if _, err := o.Book.Update(t.Context(), s.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		o.Flags = []order.Flag{order.NotCurrent, order.Oversold, order.NoCart, order.DuplicateNumber}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(o.clerk("ada").look("/admin/orders/"+s.Number).texts(".note"), " ")
	if strings.Contains(notes, "Look at this order") || !strings.Contains(notes, "Another order has the number that was meant for this one.") {
		t.Errorf("notes %q", notes)
	}
}

// A flag stays until somebody has looked: then staff take it off. What cannot be done any more is not asked for.
func TestFlagDealtWith(t *testing.T) {
	o := newOffice(t)
	s := o.sale(1)
	if _, err := o.Book.Update(t.Context(), s.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		o.Flags = []order.Flag{order.Oversold, order.NotCurrent}
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	ada, at := o.clerk("ada"), "/admin/orders/"+s.Number
	const note = "[data-note=oversold]"
	ada.look(at).says(note, "Check the stock before you capture.")
	ada.act(s, "capture")
	if got := ada.look(at); strings.Contains(got.part(note), "before you capture") || !strings.Contains(got.part(note), "More was sold than there was.") {
		t.Errorf("once it is captured, the note says %q", got.part(note))
	}
	if o.clerk("bo").look(at).has(note + " .act") {
		t.Error("who may only look is offered to take a flag off")
	}
	for _, flag := range []string{"oversold", "oversold", "unheard_of", ""} {
		if got := ada.Post(at+"/flag", "done", flag); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q is dealt with: got %d", flag, got.StatusCode)
		}
	}
	if flags := o.inBook(s.OrderID).Flags; len(flags) != 1 || flags[0] != order.NotCurrent {
		t.Errorf("flags %v", flags)
	}
	page := ada.look(at)
	if n := strings.Count(page.part("[aria-labelledby=h-timeline]"), "said that it is dealt with: oversold"); n != 1 || page.has(note) {
		t.Errorf("the timeline says it %d times, the note is there: %t", n, page.has(note))
	}
	ada.Post(at+"/flag", "done", string(order.NotCurrent))
	if list := ada.look("/admin/?flagged=1").part("main"); strings.Contains(list, s.Number) {
		t.Error("an order without flags is in the list of those with")
	}
}

// What was done at Klarna without us is there when the page is looked at.
func TestOrderFollowsKlarna(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	s := o.sale(1)
	if _, err := o.Book.Management.Cancel(t.Context(), s.OrderID, uuid.NewString()); err != nil {
		t.Fatal(err)
	}
	d := ada.look("/admin/orders/" + s.Number)
	if badge := d.texts(".oh .badge")[0]; badge != "Cancelled" || d.Find(".ev.klarna").Length() == 0 {
		t.Errorf("badge %q, timeline %q", badge, d.texts(".ev p"))
	}
}

// Without an answer the page shows what we know, says so, and comes in time.
func TestOrderWithoutKlarna(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	s := o.sale(1)
	entries, err := o.Book.Audit(t.Context(), s.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	asOf := strings.Join(strings.Fields(form.Day(entries[0].At.In(o.Published.Now().Shop.Zone))), " ")
	// A note, later, says nothing of what Klarna has.
	if _, err := o.Book.Update(t.Context(), s.OrderID, func(*order.Order) ([]order.AuditEntry, error) {
		return []order.AuditEntry{{At: time.Now().Add(26 * time.Hour), Source: order.ByStaff, Staff: "ada", Event: order.AuditNote, Note: "x"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]fakeklarna.Fault{
		"500": {Status: 500}, "reset": {Reset: true}, "half a body": {Truncate: true}, "not JSON": {NotJSON: true},
		"slow": {Delay: fakeklarna.Duration(10 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			fault.Path, fault.Count = "/ordermanagement/*/orders/*", 20
			o.Fake.AddFault(fault)
			defer o.Fake.ClearFaults()
			got := ada.look("/admin/orders/" + s.Number)
			notes := strings.Join(got.texts(".note"), " ")
			if got.StatusCode != http.StatusOK || !strings.Contains(notes, "Klarna did not answer. This is the order as we know it, as of "+asOf) {
				t.Errorf("%d, notes %q, want as of %s", got.StatusCode, notes, asOf)
			}
			if figures := got.texts(".am dd"); len(figures) < 4 || figures[3] != "675.00" {
				t.Errorf("figures %q", figures)
			}
		})
	}
}

func TestNoSuchOrder(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	for _, path := range []string{"/admin/orders/SK-0000-0000", "/admin/orders/x", "/admin/orders/%00", "/admin/orders/SK-0000-0000/packing-slip", "/admin/nothing"} {
		if got := ada.Get(path); got.StatusCode != http.StatusNotFound || !strings.Contains(got.Text, "There is no such page.") {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}

func TestPackingSlip(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	s := o.sale(4)
	d := ada.look("/admin/orders/" + s.Number + "/packing-slip")
	want := []string{"4", "Enamel mug, 35 cl", "MUG-1", "", "1", "Cloudberry jam, 210 g", "JAM-1", "", "1", "A Field Guide to Staying Indoors: Forty Walks Around One Room, With Maps", "BOK-4", ""}
	if diff := cmp.Diff(want, d.texts(".slip tbody tr > *")); diff != "" {
		t.Error(diff)
	}
	slip := strings.Join(strings.Fields(d.Find(".slip").Text()), " ")
	for _, text := range []string{s.Number, "Testperson-se Approved", "Ankeborg", "Mail boat", "6 items."} {
		if !strings.Contains(slip, text) {
			t.Errorf("no %q in %q", text, slip)
		}
	}
	for _, price := range []string{"149", "SEK", "kr", "VAT", "example.com", "Do not send"} {
		if strings.Contains(slip, price) {
			t.Errorf("the slip has %q", price)
		}
	}
	// A parcel of its own, then what remains, without what was refunded and released.
	items := func(n int64, query string) {
		t.Helper()
		d := ada.look("/admin/orders/" + s.Number + "/packing-slip" + query)
		got := strings.Join(d.texts(".slip tbody tr td:first-child"), " ") + d.texts(".slip-sum")[0]
		want := "Nothing remains to be sent."
		if n > 0 {
			want = fmt.Sprint(n) + form.Count(int(n), "item") + "."
		}
		if got != want {
			t.Errorf("the slip %s says %q, want %q", query, got, want)
		}
	}
	p := o.sale(4)
	s = o.capture(p, 3, 0, 0, 0, 0)
	o.do(s.OrderID, order.Command{Action: aftersale.Release.Name})
	items(3, "")
	s = o.refund(o.InBook(s.OrderID), 1)
	items(2, "")
	s = o.do(s.OrderID, order.Command{Action: aftersale.Parcel.Name, Shipments: []order.Shipment{{Carrier: "PostNord", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}}}}})
	items(1, "")
	items(1, "?shipment="+s.Shipments[len(s.Shipments)-1].ID)
	o.do(s.OrderID, order.Command{Action: aftersale.Parcel.Name, Shipments: []order.Shipment{{Carrier: "PostNord", TrackingNumber: "2", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}}}}})
	items(0, "")
	s = o.sale(1)
	o.do(s.OrderID, order.Command{Action: aftersale.Cancel.Name})
	if got := ada.Get("/admin/orders/" + s.Number + "/packing-slip"); !strings.Contains(got.Text, "Do not send.") {
		t.Error("the slip of a cancelled order does not say so")
	}
	// What an order that expired had captured before is paid, and is sent.
	s = o.sale(3)
	lines, sum, err := s.TakeUncaptured([]int64{2, 0, 0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	o.do(s.OrderID, order.Command{Action: aftersale.Capture.Name, Amount: sum, OrderLines: lines})
	o.do(s.OrderID, order.Command{Action: aftersale.Parcel.Name, Shipments: []order.Shipment{{Carrier: "PostNord", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}}}}})
	o.Fake.Advance(60 * 24 * time.Hour)
	s, err = o.Book.Refresh(t.Context(), s.OrderID)
	if err != nil || s.Status != ordermanagement.Expired || !s.ToShip() || !s.Shippable() {
		t.Fatalf("the order is %s, to ship %v, shippable %v, %v", s.Status, s.ToShip(), s.Shippable(), err)
	}
	items(1, "")
	for _, page := range []string{"/admin/orders/" + s.Number + "/packing-slip", "/admin/orders/" + s.Number + "/packing-slip?shipment=" + s.Shipments[0].ID, "/admin/packing-slips?order=" + s.Ref()} {
		if got := ada.Get(page); strings.Contains(got.Text, "Do not send.") || strings.Contains(got.Text, "has expired") || !strings.Contains(got.Text, s.Number) {
			t.Errorf("%s says not to send what is paid", page)
		}
	}
}
