package management_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
)

// An order expires at its time, by the clock, if something was left to capture.
func TestManagementExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, 0, false)
		o.order()
		expires, _ := time.Parse(time.RFC3339, o.managed().ExpiresAt)
		if want := time.Now().UTC().Truncate(day).Add(28 * day); expires != want {
			t.Fatalf("got %v, want %v", expires, want)
		}
		o.fake.Advance(expires.Sub(o.fake.Now()) - time.Nanosecond)
		if o.sum() != untouched {
			t.Errorf("expired too early: %s", o.sum())
		}
		o.fake.Advance(time.Nanosecond)
		if got := o.call(captures, amount("captured_amount", 1)); got.Status != 403 || o.sum() != "EXPIRED 30000/0/0/30000" {
			t.Errorf("got %d %s, %s", got.Status, got.Body, o.sum())
		}
		if events := o.events(); events[len(events)-1] != "status AUTHORIZED → EXPIRED" || len(events) != 2 {
			t.Errorf("got %q", events)
		}
		for state, want := range map[string]string{
			"CAPTURED": "CAPTURED 30000/30000/0/0", "released": "CAPTURED 30000/10000/0/0", "CANCELLED": "CANCELLED 30000/0/0/30000", "of nothing": "AUTHORIZED 0/0/0/0",
		} {
			o.enter(state)
			if o.fake.Advance(100 * day); o.sum() != want {
				t.Errorf("%s after 100 days: got %s, want %s", state, o.sum(), want)
			}
		}
	})
}

// An authorization is extended from the day of the call, at most to 180 days
// after the purchase.
func TestManagementExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // starts at midnight UTC
		o := newOffice(t, 0, false)
		o.order()
		bought := time.Now().UTC().Truncate(day)
		for _, row := range []struct{ wait, want int }{{0, 28}, {14, 42}, {0, 42}, {27, 69}, {27, 96}, {27, 123}, {27, 150}, {27, 177}, {20, 180}, {2, 180}} {
			o.fake.Advance(time.Duration(row.wait) * day)
			o.must(extend, "")
			if got, want := o.managed().ExpiresAt, bought.Add(time.Duration(row.want)*day).Format("2006-01-02T15:04:05.000Z"); got != want {
				t.Errorf("%v: got %s, want %s", row, got, want)
			}
		}
		if events := o.events(); len(events) != 1+7 {
			t.Errorf("got events %q, want one for each of 7 changes", events)
		}
		o.fake.Advance(10 * day)
		if got := o.call(extend, ""); got.Status != 403 || o.sum() != "EXPIRED 30000/0/0/30000" {
			t.Errorf("got %d %s", got.Status, o.sum())
		}
	})
}

// A check for fraud ends by itself when its time has come, and a rejected order
// is cancelled unless the merchant captures it in time.
func TestManagementPending(t *testing.T) {
	rows := []struct {
		name            string
		accepted, auto  bool
		after           func(*office) // done an hour after the decision
		then            string        // two hours after the decision
		finally, events string
	}{
		{"accepted", true, false, nil, untouched, untouched, "fraud_status PENDING → ACCEPTED"},
		{"accepted, captured at once", true, true, nil, "CAPTURED 30000/30000/0/0", "CAPTURED 30000/30000/0/0", "fraud_status PENDING → ACCEPTED, captured 300.00, status AUTHORIZED → CAPTURED"},
		{"rejected", false, true, nil, "AUTHORIZED REJECTED 30000/0/0/30000", "CANCELLED REJECTED 30000/0/0/30000",
			"fraud_status PENDING → REJECTED, status AUTHORIZED → CANCELLED"},
		{"rejected, overridden", false, false, func(o *office) { o.capture(30000) }, "CAPTURED REJECTED 30000/30000/0/0", "CAPTURED REJECTED 30000/30000/0/0",
			"fraud_status PENDING → REJECTED, acknowledged, captured 300.00, status AUTHORIZED → CAPTURED"},
		{"accepted, cancelled", true, false, func(o *office) { o.must(cancelling, "") }, "CANCELLED 30000/0/0/30000", "CANCELLED 30000/0/0/30000",
			"fraud_status PENDING → ACCEPTED, status AUTHORIZED → CANCELLED"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, 0, false)
				o.order(func(p *management.Purchase) {
					p.AutoCapture = row.auto
					p.Persona = shopper.Persona{Pending: true, Accepted: row.accepted, After: 5 * time.Minute}
				})
				if want := "AUTHORIZED PENDING 30000/0/0/30000"; o.sum() != want {
					t.Fatalf("before: got %s, want %s", o.sum(), want)
				}
				time.Sleep(5*time.Minute - time.Nanosecond)
				synctest.Wait()
				if n := len(o.events()); n != 1 {
					t.Errorf("got %d events before the decision, want 1", n)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait() // nobody looks, and it is decided
				if n := len(o.events()); n < 2 {
					t.Errorf("got %d events after the decision", n)
				}
				time.Sleep(time.Hour)
				if row.after != nil {
					row.after(o)
				}
				time.Sleep(3*time.Hour - time.Nanosecond)
				if o.sum() != row.then {
					t.Errorf("four hours later: got %s, want %s", o.sum(), row.then)
				}
				time.Sleep(time.Nanosecond)
				if o.sum() != row.finally {
					t.Errorf("in the end: got %s, want %s", o.sum(), row.finally)
				}
				if events := strings.Join(o.events()[1:], ", "); events != row.events {
					t.Errorf("got events %s, want %s", events, row.events)
				}
			})
		})
	}
}

// Refunds are put on the account of a capture by reference, until one cannot be.
func TestManagementAllocation(t *testing.T) {
	lines := func(pairs ...any) string {
		var all []string
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, fmt.Sprintf(`{"reference":%q,"name":"x","quantity":1,"unit_price":%d,"total_amount":%d}`, pairs[i], pairs[i+1], pairs[i+1]))
		}
		return `"order_lines":[` + strings.Join(all, ",") + `]`
	}
	rows := []struct {
		name    string
		refunds []string // what follows refunded_amount
		want    []int64  // refunded of each capture
	}{
		{"by reference", []string{`4000,` + lines("A", 4000)}, []int64{4000, 0}},
		{"to the second", []string{`4000,` + lines("B", 4000)}, []int64{0, 4000}},
		{"two lines of one capture", []string{`5000,` + lines("B", 4000, "C", 1000)}, []int64{0, 5000}},
		{"lines of two captures", []string{`5000,` + lines("A", 4000, "B", 1000)}, []int64{0, 0}},
		{"in both", []string{`4000,` + lines("D", 4000)}, []int64{4000, 0}},
		{"in both, the first is full", []string{`9000,` + lines("A", 9000), `4000,` + lines("D", 4000)}, []int64{9000, 4000}},
		{"unknown reference", []string{`4000,` + lines("X", 4000)}, []int64{0, 0}},
		{"no reference", []string{`4000,` + lines("", 4000)}, []int64{0, 0}},
		{"no lines", []string{`4000`}, []int64{0, 0}},
		{"lines do not add up", []string{`4000,` + lines("A", 3999)}, []int64{0, 0}},
		{"more than that capture", []string{`10001,` + lines("A", 10001)}, []int64{0, 0}},
		{"all of that capture", []string{`10000,` + lines("A", 10000)}, []int64{10000, 0}},
		{"twice", []string{`4000,` + lines("A", 4000), `3000,` + lines("A", 3000)}, []int64{7000, 0}},
		{"after one that failed", []string{`1`, `4000,` + lines("A", 4000)}, []int64{0, 0}},
		{"before one that fails", []string{`4000,` + lines("A", 4000), `1`, `4000,` + lines("A", 4000)}, []int64{4000, 0}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := newOffice(t, 0, false)
			o.order()
			o.must(captures, `{"captured_amount":10000,`+lines("A", 5000, "D", 5000)+`}`)
			o.must(captures, `{"captured_amount":20000,`+lines("B", 15000, "C", 4000, "D", 1000, "", 1)+`}`)
			for _, r := range row.refunds {
				o.must(refunds, `{"refunded_amount":`+r+`}`)
			}
			var got []int64
			for _, c := range o.managed().Captures {
				got = append(got, c.RefundedAmount)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
	t.Run("less a return fee", func(t *testing.T) {
		o := newOffice(t, 0, false)
		o.order()
		o.must(captures, `{"captured_amount":30000,`+lines("MUG-1", 20000)+`}`)
		o.must(refunds, fee(10000, -500, 9500))
		o.must(refunds, `{"refunded_amount":500,`+lines("MUG-1", 500)+`}`) // undoes the fee
		if got := o.managed().Captures[0].RefundedAmount; got != 10000 || o.sum() != "CAPTURED 30000/30000/10000/0" {
			t.Errorf("got %d, %s", got, o.sum())
		}
	})
}

// A full refund leaves the order CAPTURED, or CLOSED where that is set.
func TestManagementClosed(t *testing.T) {
	for closes, want := range map[bool]string{false: "CAPTURED 30000/30000/30000/0", true: "CLOSED 30000/30000/30000/0"} {
		o := newOffice(t, 0, closes)
		o.enter("all refunded")
		if o.sum() != want {
			t.Errorf("CloseRefunded %v: got %s, want %s", closes, o.sum(), want)
		}
	}
}

// What Managed returned does not change with the order.
func TestManagementCopies(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	o.must(captures, `{"captured_amount":10000,"order_lines":[`+mugLine+`],"shipping_info":[{}]}`)
	before := o.managed()
	kept := faketest.Text(before)
	o.must(parcel, oneParcel)
	o.must(shipping, oneParcel)
	o.must(refunds, `{"refunded_amount":100,"order_lines":[{"reference":"MUG-1","name":"x","quantity":1,"unit_price":100,"total_amount":100}]}`)
	o.capture(100)
	if diff := cmp.Diff(kept, faketest.Text(before)); diff != "" {
		t.Errorf("it changed (-before +after):\n%s", diff)
	}
}
