package management_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/management"
)

// A call without an idempotency key that repeats another: whether it is the same transaction
// for Klarna, which its Transaction-Id says. Source: recorded answers.
func TestRepeats(t *testing.T) {
	rows := []struct {
		name, state   string
		first, second string // calls; the second after a day where it begins with +
		body, again   string
		same          bool
		after         string
	}{
		{"acknowledge", "AUTHORIZED", ack, ack, "", "", true, untouched},
		{"cancel", "AUTHORIZED", cancelling, cancelling, "", "", true, "CANCELLED 30000/0/0/30000"},
		{"extend", "AUTHORIZED", extend, extend, "", "", true, untouched},
		{"extend the next day", "AUTHORIZED", extend, "+" + extend, "", "", false, untouched},
		{"parcel of a capture", "CAPTURED", parcel, parcel, oneParcel, oneParcel, true, "CAPTURED 30000/30000/0/0"},
		{"another parcel of a capture", "CAPTURED", parcel, parcel, oneParcel, `{"shipping_info":[{"tracking_number":"2"}]}`, false, "CAPTURED 30000/30000/0/0"},
		{"acknowledge, then cancel", "AUTHORIZED", ack, cancelling, "", "", false, "CANCELLED 30000/0/0/30000"},
		{"capture", "AUTHORIZED", captures, captures, `{"captured_amount":1000}`, `{"captured_amount":1000}`, false, "PART_CAPTURED 30000/2000/0/28000"},
		{"refund", "CAPTURED", refunds, refunds, `{"refunded_amount":1000}`, `{"refunded_amount":1000}`, false, "CAPTURED 30000/30000/2000/0"},
		{"references", "AUTHORIZED", references, references, `{"merchant_reference1":"A"}`, `{"merchant_reference1":"A"}`, false, untouched},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := newOffice(t, 0, false)
			o.enter(row.state)
			first := o.must(row.first, row.body).Header.Get("Transaction-Id")
			if row.second[0] == '+' {
				o.fake.Advance(day)
				row.second = row.second[1:]
			}
			second := o.must(row.second, row.again).Header.Get("Transaction-Id")
			if (first == second) != row.same || second == "" {
				t.Errorf("got %s, then %s: the same should be %v", first, second, row.same)
			}
			if got := o.sum(); got != row.after {
				t.Errorf("after: got %s, want %s", got, row.after)
			}
		})
	}
	o := newOffice(t, 0, false)
	o.enter("two captures")
	id := o.managed().Captures[1].CaptureID
	if a, b := o.must(parcel, oneParcel).Header.Get("Transaction-Id"), o.must("POST /captures/"+id+"/shipping-info", oneParcel).Header.Get("Transaction-Id"); a == b {
		t.Error("parcels of two captures are one transaction")
	}
}

// With RefundLags a capture shows a refund only after some time; the order shows it at once.
// A second refund knows of the first all the same.
func TestRefundLags(t *testing.T) {
	refund := `{"refunded_amount":20000,"order_lines":[{"reference":"MUG-1","name":"Mugg","quantity":2,"unit_price":10000,"total_amount":20000}]}`
	for _, lags := range []bool{false, true} {
		o := newOfficeWith(t, 0, management.Config{RefundLags: lags, PushDelay: time.Second})
		o.order()
		o.must(captures, `{"captured_amount":30000,"order_lines":[`+mugLine+`]}`)
		o.must(refunds, refund)
		shown := func() []string {
			return []string{shape(o.must(oneCapture, "").Body), shape(o.must("GET /captures", "").Body), shape(o.must(order, "").Body)}
		}
		at := shown()
		if got := o.sum(); got != "CAPTURED 30000/30000/20000/0" {
			t.Errorf("lags %v: got %s", lags, got)
		}
		o.fake.Advance(6 * time.Second)
		if late := shown(); slices.Equal(at, late) == lags {
			t.Errorf("lags %v: got %s, then %s", lags, at, late)
		}
		if c := o.managed().Captures[0]; c.RefundedAmount != 20000 {
			t.Errorf("lags %v: the capture has %d", lags, c.RefundedAmount)
		}
		o.must(refunds, refund[:len(`{"refunded_amount":1`)]+`000}`)
	}
}
