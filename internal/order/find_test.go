package order_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// bothEngines runs a test on a shop on either database.
func bothEngines(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, &world{shoptest.New(t, shoptest.Options{DB: d})}) })
}

// found are the numbers of the orders of a query, sorted.
func (w *world) found(q order.Query) (numbers []string) {
	w.T.Helper()
	page, err := w.Book.List(w.T.Context(), q)
	if err != nil {
		w.T.Fatalf("%+v: %v", q, err)
	}
	for _, o := range page.Orders {
		numbers = append(numbers, o.Number)
	}
	slices.Sort(numbers)
	return numbers
}

// Whatever staff know of an order finds it, and no other one.
func TestSearch(t *testing.T) {
	t.Parallel()
	all := newOrders(6, time.Hour).take(6)
	for i := range all {
		all[i].Number = fmt.Sprintf("SK-000%d-ABCD", i+1)
		all[i].OrderAmount = 1
		all[i].ShippingAddress = klarna.Address{}
		all[i].BillingAddress = klarna.Address{}
	}
	ada, bjorn, mueller, hakan, plain, sent := &all[0], &all[1], &all[2], &all[3], &all[4], &all[5]
	ada.BillingAddress = klarna.Address{
		GivenName: "Ada", FamilyName: "Lovelace", Email: "ada.lovelace+shop@example.com", Phone: "+46 70 123 45 67", City: "Malmö", PostalCode: "211 20",
	}
	ada.MerchantReference1, ada.MerchantReference2 = ada.Number, "ERP-2026/000123"
	bjorn.BillingAddress = klarna.Address{GivenName: "Bjørn", FamilyName: "Kjær", Phone: "0047 912 34 567", City: "Ås", PostalCode: "1430"}
	bjorn.ShippingAddress = klarna.Address{GivenName: "Zoë", FamilyName: "O'Brien", City: "Tromsø", PostalCode: "9008"}
	mueller.BillingAddress = klarna.Address{GivenName: "Jürgen", FamilyName: "Müller-Weiß", City: "Bad Homburg vor der Höhe", PostalCode: "61348", Phone: "06172 / 1234-0"}
	hakan.BillingAddress = klarna.Address{GivenName: "Anna Lena", FamilyName: "Haakonsen", City: "ÖREBRO", Phone: "+1 (555) 867-5309", PostalCode: "70210"}
	plain.BillingAddress = klarna.Address{GivenName: "Li", FamilyName: "Mueller", City: "Malmoe", PostalCode: "21150"}
	sent.KlarnaReference = "K4MADNY2"
	sent.OrderLines = slices.Clone(sent.OrderLines)
	sent.OrderLines[0].Reference = "JÄM-10/b"
	sent.OrderLines = append(sent.OrderLines, klarna.OrderLine{Type: klarna.ShippingFee, Reference: "express-fee", Name: "Express", Quantity: 1})
	sent.Captures = []ordermanagement.Capture{{CaptureID: "4ba29b50-be7b-44f5-a492-113e6a865e22", KlarnaReference: "K4MADNY2-1", Reference: "invoice 7781"}}
	sent.Refunds = []ordermanagement.Refund{{RefundID: "b2cebbcd-fbdf-4ac3-9b2a-3a5d3b2a6c11", Reference: "credit-992"}}
	sent.Shipments = []order.Shipment{{ID: "1", TrackingNumber: "00370 7302 4112 SE", Told: []ordermanagement.ShippingInfo{{ReturnTrackingNumber: "RET4711SE"}}}}
	bothEngines(t, func(t *testing.T, w *world) {
		w.fill(all)
		for _, tt := range []struct {
			text string
			want []*order.Order
		}{
			{"Lovelace", []*order.Order{ada}}, {"lovel", []*order.Order{ada}}, {"LOVELACE Ada", []*order.Order{ada}}, {"love", []*order.Order{ada}},
			{"Lovelace Malmö 21120", []*order.Order{ada}}, {"lovelace 211 20 malmo", []*order.Order{ada}}, {"Lovelace Örebro", nil},
			{"velace", nil}, {"lo", nil}, {"Lovelaces", nil}, {"Ada", []*order.Order{ada}}, {"Ad", nil}, {"Li", []*order.Order{plain}},
			{"ada.lovelace+shop@example.com", []*order.Order{ada}}, {"ADA.LOVELACE", []*order.Order{ada}}, {"ada.lovelace@", []*order.Order{ada}}, {"ada.lovelace@example.com", nil}, {"example.com", nil},
			// Phone numbers, in any common form.
			{"070-123", []*order.Order{ada}}, {"+46 70 123 45 67", []*order.Order{ada}}, {"0701234567", []*order.Order{ada}}, {"070 - 123 45 67", []*order.Order{ada}},
			{"0046701234567", []*order.Order{ada}}, {"46701234567", []*order.Order{ada}}, {"+46 (0)70-123 45 67", []*order.Order{ada}}, {"701234567", []*order.Order{ada}},
			{"Lovelace 070-123 45", []*order.Order{ada}}, {"070-124", nil}, {"4567", nil},
			{"91234567", []*order.Order{bjorn}}, {"+47 91 23 45 67", []*order.Order{bjorn}}, {"555-867-5309", []*order.Order{hakan}}, {"1-555-867-5309", []*order.Order{hakan}},
			{"061721234", []*order.Order{mueller}}, {"+49 6172 12340", []*order.Order{mueller}}, {"06172/1234-0", []*order.Order{mueller}},
			// Places, with accents, without, and as those write who have no key for them.
			{"Malmö", []*order.Order{ada, plain}}, {"malmo", []*order.Order{ada, plain}}, {"MALMOE", []*order.Order{ada, plain}}, {"Malmø", []*order.Order{ada, plain}},
			{"Ås", []*order.Order{bjorn}}, {"aas", []*order.Order{bjorn}}, {"Tromsö", []*order.Order{bjorn}}, {"tromsoe", []*order.Order{bjorn}}, {"örebro", []*order.Order{hakan}},
			{"orebro", []*order.Order{hakan}}, {"Bad Homburg", []*order.Order{mueller}}, {"hoehe", []*order.Order{mueller}}, {"613", []*order.Order{mueller}}, {"211", []*order.Order{ada, plain}},
			{"Björn", []*order.Order{bjorn}}, {"bjoern", []*order.Order{bjorn}}, {"Kjaer", []*order.Order{bjorn}}, {"Kjär", []*order.Order{bjorn}}, {"zoe", []*order.Order{bjorn}},
			{"Bjo\u0308rn", []*order.Order{bjorn}}, {"O'Brien", []*order.Order{bjorn}}, {"obrien", []*order.Order{bjorn}}, {"o brien", []*order.Order{bjorn}}, {"brien", []*order.Order{bjorn}},
			{"Müller", []*order.Order{mueller, plain}}, {"mueller", []*order.Order{mueller, plain}}, {"muller", []*order.Order{mueller, plain}}, {"Müller-Weiss", []*order.Order{mueller}},
			{"weiß", []*order.Order{mueller}}, {"WEISS", []*order.Order{mueller}}, {"Juergen Mueller", []*order.Order{mueller}}, {"Anna-Lena", []*order.Order{hakan}},
			{"anna lena håkonsen", []*order.Order{hakan}}, {"Hakonsen", []*order.Order{hakan}},
			// References, and whatever else has a number.
			{"ERP-2026/000123", []*order.Order{ada}}, {"erp 2026 000123", []*order.Order{ada}}, {"ERP-2026", []*order.Order{ada}}, {"000123", []*order.Order{ada}}, {"ERP-2026/000124", nil},
			{"K4MADNY2", []*order.Order{sent}}, {"k4madny2-1", []*order.Order{sent}}, {"K4MADNY2-2", nil}, {"INVOICE 7781", []*order.Order{sent}}, {"7781", []*order.Order{sent}},
			{"credit-992", []*order.Order{sent}}, {"4ba29b50-be7b-44f5-a492-113e6a865e22", []*order.Order{sent}}, {"b2cebbcd", []*order.Order{sent}},
			{"00370730241", []*order.Order{sent}}, {"00370 7302 4112 SE", []*order.Order{sent}}, {"ret4711se", []*order.Order{sent}},
			{"jäm-10/B", []*order.Order{sent}}, {"jam10", []*order.Order{sent}}, {"JAEM-10", []*order.Order{sent}}, {"express-fee", nil}, {"mug1", []*order.Order{ada, bjorn, mueller, hakan, plain}},
			{"SK-0001", []*order.Order{ada}}, {"0001 ABCD", []*order.Order{ada}}, {"SK 0001 ABCD", []*order.Order{ada}}, {strings.ToUpper(bjorn.OrderID), []*order.Order{bjorn}},
			{"Lovelace ??", []*order.Order{ada}}, {"mug-1 lovelace 0001", []*order.Order{ada}}, {"mug-1 lovelace 0002", nil},
		} {
			var want []string
			for _, o := range tt.want {
				want = append(want, o.Number)
			}
			if diff := gocmp.Diff(want, w.found(order.Query{Text: tt.text})); diff != "" {
				t.Errorf("%q: %s", tt.text, diff)
			}
		}
	})
}

// What an order is found by follows what becomes of it, in the transaction that changes it.
func TestSearchFollows(t *testing.T) {
	t.Parallel()
	bothEngines(t, func(t *testing.T, w *world) {
		o := w.Placed()
		finds := func(text string, want bool) {
			t.Helper()
			if got := len(w.found(order.Query{Text: text})) == 1; got != want {
				t.Errorf("%q finds it: %v", text, got)
			}
		}
		edit := func(what func(*order.Order)) {
			t.Helper()
			if _, err := w.Book.Edit(t.Context(), o.OrderID, what); err != nil {
				t.Fatal(err)
			}
		}
		finds("ERP-77", false)
		edit(func(o *order.Order) { o.MerchantReference2 = "ERP-77" })
		finds("ERP-77", true)
		edit(func(o *order.Order) { o.MerchantReference2 = "" })
		finds("ERP-77", false)
		edit(func(o *order.Order) { o.ShippingAddress.FamilyName = "Grönqvist" })
		finds("gronqvist", true)
		edit(func(o *order.Order) { o.ShippingAddress.FamilyName = "Berg" })
		finds("gronqvist", false)
		edit(func(o *order.Order) { o.Ship([]order.Shipment{{TrackingNumber: "PN123456789SE"}}, "", time.Now()) })
		finds("pn123456789se", true)
		s := w.InBook(o.OrderID).Shipments[0]
		s.TrackingNumber = "PN987654321SE"
		edit(func(o *order.Order) { o.Correct(s) })
		finds("pn987654321se", true)
		finds("pn123456789se", false)
	})
}

// Each filter has an order when it applies to it, from its purchase to its end.
func TestFiltersFollow(t *testing.T) {
	t.Parallel()
	bothEngines(t, func(t *testing.T, w *world) {
		filters := map[string]order.Query{
			"open": {State: order.StateOpen}, "part captured": {State: order.StatePartCaptured}, "captured": {State: order.StateCaptured},
			"cancelled": {State: order.StateCancelled}, "expired": {State: order.StateExpired}, "Sweden": {Country: "SE"}, "Norway": {Country: "NO"},
			"pending": {Risk: ordermanagement.FraudPending}, "rejected": {Risk: ordermanagement.FraudRejected}, "accepted": {Risk: ordermanagement.FraudAccepted},
			"expiring": {Expiring: true}, "to ship": {ToShip: true}, "flagged": {Flagged: true},
		}
		in := func(o order.Order, when string, want ...string) {
			t.Helper()
			var got []string
			for name, q := range filters {
				if slices.Contains(w.found(q), o.Number) {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		refresh := func(o order.Order) order.Order {
			t.Helper()
			o, err := w.Book.Refresh(t.Context(), o.OrderID)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		o := w.Placed() // two of a good
		in(o, "placed", "open", "Sweden", "accepted", "to ship")
		w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done)
		in(o, "captured in part", "part captured", "Sweden", "accepted", "to ship")
		w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/release-remaining-authorization", "")
		o = refresh(o)
		in(o, "the rest released", "captured", "Sweden", "accepted", "to ship")
		if _, err := w.Book.Edit(t.Context(), o.OrderID, func(o *order.Order) {
			o.Ship([]order.Shipment{{Carrier: "PostNord"}}, o.Captures[0].CaptureID, time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		in(o, "shipped", "captured", "Sweden", "accepted")

		o = w.Placed()
		w.CancelAtKlarna(o.OrderID)
		refresh(o)
		in(o, "cancelled", "cancelled", "Sweden", "accepted")

		o = w.Placed()
		edit := func(when string, what func(*order.Order), want ...string) {
			t.Helper()
			if _, err := w.Book.Edit(t.Context(), o.OrderID, what); err != nil {
				t.Fatal(err)
			}
			in(o, when, append(want, "Sweden")...)
		}
		edit("being checked", func(o *order.Order) { o.FraudStatus = ordermanagement.FraudPending }, "pending")
		edit("refused", func(o *order.Order) { o.FraudStatus = ordermanagement.FraudRejected }, "rejected")
		edit("accepted", func(o *order.Order) { o.FraudStatus = ordermanagement.FraudAccepted }, "open", "accepted", "to ship")
		edit("flagged", func(o *order.Order) { o.Flags = []order.Flag{order.Oversold} }, "open", "accepted", "to ship", "flagged")
		edit("expiring", func(o *order.Order) { o.Expiring = true }, "open", "accepted", "to ship", "flagged", "expiring")
		edit("expired", func(o *order.Order) { o.Status = ordermanagement.Expired }, "expired", "accepted", "flagged")
	})
}

// What is to be sent: the one place that says so.
func TestToShip(t *testing.T) {
	t.Parallel()
	goods := klarna.OrderLine{Type: klarna.Physical, Reference: "MUG-1", Quantity: 3, UnitPrice: 100, TotalAmount: 300}
	of := func(n int64) []klarna.OrderLine {
		line := goods
		line.Quantity, line.TotalAmount = n, moneyOf(n)
		return []klarna.OrderLine{line}
	}
	parcel := func(capture string, n int64) order.Shipment {
		s := order.Shipment{ID: "1", CaptureID: capture}
		if n > 0 {
			s.OrderLines = []order.ShipmentLine{{ID: order.LineIDs(of(1))[0], Quantity: n}}
		}
		return s
	}
	for _, tt := range []struct {
		name               string
		captured, refunded int64
		status             ordermanagement.Status
		risk               ordermanagement.FraudStatus
		shipments          []order.Shipment
		digital, byAmount  bool
		want               bool
	}{
		{name: "open", status: ordermanagement.Authorized, want: true},
		{name: "open, all in a parcel", status: ordermanagement.Authorized, shipments: []order.Shipment{parcel("", 3)}},
		{name: "open, of the whole order a parcel before anything is captured", status: ordermanagement.Authorized, shipments: []order.Shipment{parcel("", 0)}, want: true},
		{name: "digital goods", status: ordermanagement.Authorized, digital: true},
		{name: "being checked", status: ordermanagement.Authorized, risk: ordermanagement.FraudPending},
		{name: "refused", status: ordermanagement.Authorized, risk: ordermanagement.FraudRejected},
		{name: "cancelled", status: ordermanagement.Cancelled},
		{name: "expired", status: ordermanagement.Expired},
		{name: "expired after a capture", status: ordermanagement.Expired, captured: 1, want: true},
		{name: "captured", status: ordermanagement.Captured, captured: 3, want: true},
		{name: "captured by amount", status: ordermanagement.Captured, captured: 3, byAmount: true, want: true},
		{name: "captured and in parcels", status: ordermanagement.Captured, captured: 3, shipments: []order.Shipment{parcel("c", 1), parcel("", 2)}},
		{name: "one is missing", status: ordermanagement.Captured, captured: 3, shipments: []order.Shipment{parcel("c", 1), parcel("", 1)}, want: true},
		{name: "a parcel of which nobody said what is in it", status: ordermanagement.Captured, captured: 3, shipments: []order.Shipment{parcel("c", 0)}},
		{name: "a part of it is", status: ordermanagement.PartCaptured, captured: 1, shipments: []order.Shipment{parcel("c", 0)}, want: true},
		{name: "captured and refunded", status: ordermanagement.Captured, captured: 3, refunded: 3},
		{name: "the rest is in a parcel", status: ordermanagement.Captured, captured: 3, refunded: 1, shipments: []order.Shipment{parcel("c", 2)}},
		{name: "one of two that were sent came broken", status: ordermanagement.PartCaptured, captured: 2, refunded: 1, shipments: []order.Shipment{parcel("c", 2)}, want: true},
		{name: "the same, and nobody said what is in the parcel", status: ordermanagement.PartCaptured, captured: 2, refunded: 1, shipments: []order.Shipment{parcel("c", 0)}, want: true},
		{name: "a return", status: ordermanagement.Captured, captured: 3, refunded: 1, shipments: []order.Shipment{parcel("c", 3)}},
		{name: "a second number for what is sent", status: ordermanagement.PartCaptured, captured: 2, shipments: []order.Shipment{parcel("c", 0), parcel("c", 0)}, want: true},
		{name: "and somebody said what is in the first", status: ordermanagement.PartCaptured, captured: 2, shipments: []order.Shipment{parcel("c", 2), parcel("c", 0)}, want: true},
		{name: "the second is of the whole order", status: ordermanagement.PartCaptured, captured: 2, shipments: []order.Shipment{parcel("c", 2), parcel("", 0)}, want: true},
		{name: "all is in two parcels of which nobody said what is in them", status: ordermanagement.Captured, captured: 3, shipments: []order.Shipment{parcel("c", 0), parcel("c", 0)}},
		{name: "the way back alone", status: ordermanagement.Captured, captured: 3, shipments: []order.Shipment{{CaptureID: "c", Told: []ordermanagement.ShippingInfo{{ReturnTrackingNumber: "1"}}}}, want: true},
	} {
		o := order.Order{
			Status: tt.status, FraudStatus: tt.risk, OrderLines: of(3), OrderAmount: 300, Shipments: tt.shipments,
			CapturedAmount: moneyOf(tt.captured), RefundedAmount: moneyOf(tt.refunded), RemainingAuthorizedAmount: moneyOf(3 - tt.captured),
		}
		if tt.digital {
			o.OrderLines[0].Type = klarna.Digital
		}
		if tt.captured > 0 {
			o.Captures = []ordermanagement.Capture{{CaptureID: "c", CapturedAmount: moneyOf(tt.captured), OrderLines: of(tt.captured)}}
			if tt.byAmount {
				o.Captures[0].OrderLines = nil
			}
		}
		if tt.refunded > 0 {
			o.Refunds = []ordermanagement.Refund{{RefundID: "r", RefundedAmount: moneyOf(tt.refunded), OrderLines: of(tt.refunded)}}
		}
		if got := o.ToShip(); got != tt.want {
			t.Errorf("%s: to ship %v", tt.name, got)
		}
	}
}

// What a version stored that knew other words and filters, before or beside this one, is
// found after rounds of the loop.
func TestFoundAnew(t *testing.T) {
	t.Parallel()
	bothEngines(t, func(t *testing.T, w *world) {
		all := newOrders(7, time.Hour).take(130) // more than are renewed at once
		for i := range all {
			all[i].Status, all[i].FraudStatus = ordermanagement.Authorized, ordermanagement.FraudAccepted
		}
		w.fill(all)
		written := w.Placed()
		w.Exec("delete from order_words")
		// The release before has made them once more; one is written before the loop comes.
		w.Exec("update orders set to_ship = false, found_revision = revision, words_revision = -1")
		if _, err := w.Book.Update(t.Context(), written.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
			o.Acknowledged = !o.Acknowledged
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		changed := w.Placed()
		w.Exec("delete from order_words where order_id = $1", changed.ID)
		w.Exec("update orders set revision = revision + 1, found_revision = revision + 1, to_ship = false where order_id = $1", changed.OrderID) // by the release before
		w.SetRecord(changed.OrderID, strings.Replace(w.Record(changed.OrderID), fmt.Sprintf(`"revision":%d`, changed.Revision), fmt.Sprintf(`"revision":%d`, changed.Revision+1), 1))
		if n := w.Number("select count(*) from orders where to_ship"); n != 1 {
			t.Fatalf("%d are to be sent before, want the one that was written", n)
		}
		w.Round(0)
		if n := w.Number("select count(*) from orders where to_ship and found_revision = revision and words_revision = revision"); n != 132 {
			t.Errorf("%d of 132 are to be sent", n)
		}
		if n := w.Number("select count(distinct order_id) from order_words"); n != 132 {
			t.Errorf("%d of 132 have words", n)
		}
		if got := w.found(order.Query{Text: all[129].KlarnaReference}); len(got) != 1 || got[0] != all[129].Number {
			t.Errorf("found: %q", got)
		}
	})
}

// moneyOf is what pieces come to.
func moneyOf(n int64) money.Amount { return money.Amount(100 * n) }

// A search finds the same orders in the same order whichever way its words are looked up: one
// by one, all at once, or along the list because many have them. What it does not count, it
// says so.
func TestSearchOfMany(t *testing.T) { //nolint:paralleltest // the limits are of all searches
	for _, d := range []*db.DB{dbtest.Postgres(t), dbtest.SQLite(t)} {
		t.Run(string(d.Engine), func(t *testing.T) {
			book := &order.Book{DB: d}
			rng := rand.New(rand.NewPCG(5, 3))
			var all []order.Order
			for i := range 500 {
				all = append(all, manyOrders(rng, i, firstSale))
			}
			for part := range slices.Chunk(all, 100) { // a transaction has its time
				if err := book.Fill(t.Context(), part); err != nil {
					t.Fatal(err)
				}
			}
			texts := []string{"and", "anna", "art", "stockholm", "anna and", "art anna", "art stockholm and", "kar ERP", "kar nils", "149", "anna rumpel"}
			countless, whole := 0, 0
			for i := range 66 {
				q := order.Query{
					Text: texts[i%len(texts)], Limit: 60, Sort: pick(rng, []order.Sort{order.ByPlaced, order.ByAmount, order.ByStatus}), Ascending: rng.IntN(2) == 0,
					Country: pick(rng, []string{"", "", "SE"}), State: pick(rng, []order.State{"", "", order.StateCancelled}), ToShip: rng.IntN(4) == 0,
				}
				want, total := pagesOf(t, book, q)
				if len(want) > 0 && total != int64(len(want)) {
					t.Fatalf("%+v: %d orders, counted %d", q, len(want), total)
				}
				back := order.SearchLimits(1+rng.IntN(5), 1+rng.IntN(30), 100+rng.IntN(200), rng.IntN(300), 60+rng.IntN(300))
				got, counted := pagesOf(t, book, q)
				back()
				if diff := gocmp.Diff(want, got); diff != "" || counted != total && counted != order.Countless {
					t.Fatalf("%+v: %d, counted %d: %s", q, total, counted, diff)
				}
				if whole++; counted == order.Countless {
					countless++
				}
			}
			if countless == 0 || countless > whole/2 {
				t.Errorf("%d of %d are not counted", countless, whole)
			}
		})
	}
}

// pagesOf are the numbers of all orders of a list, there and back, and its total on the first page.
func pagesOf(t *testing.T, book *order.Book, q order.Query) (numbers []string, total int64) {
	t.Helper()
	var cursors []string
	for first := true; ; first = false {
		page, err := book.List(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, o := range page.Orders {
			numbers = append(numbers, o.Number)
		}
		if first {
			total = page.Total
		}
		if (page.Previous == "") != first {
			t.Fatalf("%+v: the page before is %q", q, page.Previous)
		}
		cursors = append(cursors, page.Previous)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for i := len(cursors) - 1; i > 0; i-- { // back
		q.Cursor = cursors[i]
		page, err := book.List(t.Context(), q)
		if err != nil || len(page.Orders) != q.Limit || page.Orders[0].Number != numbers[(i-1)*q.Limit] {
			t.Fatalf("%+v: back to page %d: %d orders, %v", q, i, len(page.Orders), err)
		}
	}
	return numbers, total
}
