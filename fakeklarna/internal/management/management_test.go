package management_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const day = 24 * time.Hour

// office is a merchant's back office with one order, in Order Management alone.
type office struct {
	t    testing.TB
	fake *management.Service
	id   string
}

// newOffice makes one; a seed of 0 is a random one.
func newOffice(t testing.TB, seed uint64, closeRefunded bool) *office {
	return newOfficeWith(t, seed, management.Config{CloseRefunded: closeRefunded, PushDelay: time.Second})
}

func newOfficeWith(t testing.TB, seed uint64, c management.Config) *office {
	state := engine.New(engine.Config{Username: "demo", Password: "demo", Seed: seed, MaxKept: 100, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(state.Close)
	return &office{t: t, fake: management.New(state, callback.New(state, nil, nil), c)}
}

// events returns what was told of the order's state.
func (o *office) events() []string {
	o.fake.Mu.Lock()
	defer o.fake.Mu.Unlock()
	var texts []string
	for _, e := range o.fake.Events {
		if e.Lane == "state" {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

func (o *office) acknowledged() bool {
	o.fake.Mu.Lock()
	defer o.fake.Mu.Unlock()
	return o.fake.Find(o.id).Acknowledged
}

// bought is a purchase of 300.00 in Sweden.
func bought() management.Purchase {
	return management.Purchase{
		Amount: 30000, Currency: "SEK", Country: "SE", Locale: "sv-SE", Method: "pay_later",
		Lines: []wire.OrderLine{
			{Type: "physical", Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 10000, TaxRate: 2500, TotalAmount: 20000, TotalTaxAmount: 4000},
			{Type: "physical", Reference: "TEA-1", Name: "Te", Quantity: 1, UnitPrice: 10000, TaxRate: 2500, TotalAmount: 10000, TotalTaxAmount: 2000},
		},
		Billing:  person("ada@example.com"),
		Shipping: person("ada@example.com"),
		Customer: wire.Customer{Type: "person", DateOfBirth: "1941-03-21"},
	}
}

func person(email string) wire.Address {
	return wire.Address{GivenName: "Ada", FamilyName: "Approved", Email: email, Phone: "+46701234567",
		StreetAddress: "Stårgatan 1", PostalCode: "12345", City: "Ankeborg", Country: "se"}
}

// order makes the office's order.
func (o *office) order(change ...func(*management.Purchase)) {
	p := bought()
	for _, f := range change {
		f(&p)
	}
	o.fake.Mu.Lock()
	defer o.fake.Mu.Unlock()
	p.OrderID = o.fake.NewID()
	o.fake.Authorize(p)
	o.id = p.OrderID
}

// call sends a request; what names a path below the order. {id}, {capture} and
// {refund} stand for IDs. Headers are pairs.
func (o *office) call(what, body string, header ...string) faketest.Answer {
	method, path, _ := strings.Cut(what, " ")
	return faketest.Serve(o.t, o.fake.ServeAPI, method, "/ordermanagement/v1/orders/"+o.id+o.fill(path), body, header...)
}

// must calls and wants a 2xx.
func (o *office) must(what, body string) faketest.Answer {
	o.t.Helper()
	got := o.call(what, body)
	if got.Status > 299 {
		o.t.Fatalf("%s %s: got %d %s", what, body, got.Status, got.Body)
	}
	return got
}

const nobody = "00000000-0000-4000-8000-000000000000"

// fill puts the order's ID and those of its first capture and refund, or of
// none, into a text.
func (o *office) fill(text string) string {
	v, _ := o.fake.Managed(o.id)
	capture, refund := nobody, nobody
	if len(v.Captures) > 0 {
		capture = v.Captures[0].CaptureID
	}
	if len(v.Refunds) > 0 {
		refund = v.Refunds[0].RefundID
	}
	return strings.NewReplacer("{id}", o.id, "{capture}", capture, "{refund}", refund).Replace(text)
}

// sum is an order in short: status, fraud_status unless ACCEPTED, amount,
// captured, refunded, remaining.
func (o *office) sum() string {
	v, ok := o.fake.Managed(o.id)
	if !ok {
		return ""
	}
	status := v.Status
	if v.FraudStatus != "ACCEPTED" {
		status += " " + v.FraudStatus
	}
	return fmt.Sprintf("%s %d/%d/%d/%d", status, v.OrderAmount, v.CapturedAmount, v.RefundedAmount, v.RemainingAuthorizedAmount)
}

func (o *office) managed() fakeklarna.ManagedOrder {
	o.t.Helper()
	v, ok := o.fake.Managed(o.id)
	if !ok {
		o.t.Fatalf("Order Management has no order %q", o.id)
	}
	return v
}

func amount(member string, n int64) string { return fmt.Sprintf(`{"%s":%d}`, member, n) }

func (o *office) capture(n int64) {
	o.t.Helper()
	o.must("POST /captures", amount("captured_amount", n))
}

func (o *office) refund(n int64) { o.t.Helper(); o.must("POST /refunds", amount("refunded_amount", n)) }

// pending makes an order whose check for fraud ends in an hour.
func (o *office) pending(accepted bool) {
	o.order(func(p *management.Purchase) {
		p.Persona = shopper.Persona{Pending: true, Accepted: accepted, After: time.Hour}
	})
}

// managedStates are the states of an order, in the sequence of the columns of
// the state table.
var managedStates = []struct {
	name, sum string
	make      func(*office)
}{
	{"AUTHORIZED", "AUTHORIZED 30000/0/0/30000", func(o *office) { o.order() }},
	{"PART_CAPTURED", "PART_CAPTURED 30000/10000/0/20000", func(o *office) { o.order(); o.capture(10000) }},
	{"CAPTURED", "CAPTURED 30000/30000/0/0", func(o *office) { o.order(); o.capture(30000) }},
	{"CANCELLED", "CANCELLED 30000/0/0/30000", func(o *office) { o.order(); o.must("POST /cancel", "") }},
	{"EXPIRED", "EXPIRED 30000/0/0/30000", func(o *office) { o.order(); o.fake.Advance(29 * day) }},
	{"EXPIRED, partly captured", "EXPIRED 30000/10000/0/20000", func(o *office) { o.order(); o.capture(10000); o.fake.Advance(29 * day) }},
	{"CLOSED", "CLOSED 30000/30000/30000/0", func(o *office) { o.order(); o.capture(30000); o.refund(30000) }},
	{"released", "CAPTURED 30000/10000/0/0", func(o *office) { o.order(); o.capture(10000); o.must("POST /release-remaining-authorization", "") }},
	{"PENDING", "AUTHORIZED PENDING 30000/0/0/30000", func(o *office) { o.pending(true) }},
	{"PENDING, cancelled", "CANCELLED PENDING 30000/0/0/30000", func(o *office) { o.pending(true); o.must("POST /cancel", ""); o.fake.Advance(2 * time.Hour) }},
	{"PENDING, then ACCEPTED", "AUTHORIZED 30000/0/0/30000", func(o *office) { o.pending(true); o.fake.Advance(time.Hour) }},
	{"REJECTED", "AUTHORIZED REJECTED 30000/0/0/30000", func(o *office) { o.pending(false); o.fake.Advance(5*time.Hour - time.Minute) }},
	{"REJECTED, captured", "PART_CAPTURED REJECTED 30000/10000/0/20000", func(o *office) {
		o.pending(false)
		o.fake.Advance(time.Hour)
		o.capture(10000)
		o.fake.Advance(5 * time.Hour)
	}},
	{"REJECTED, too late", "CANCELLED REJECTED 30000/0/0/30000", func(o *office) { o.pending(false); o.fake.Advance(5 * time.Hour) }},
}

// managedOperations are the calls of the state table's rows.
var managedOperations = []struct{ name, call, body string }{
	{"read", "GET ", ""},
	{"acknowledge", "POST /acknowledge", ""},
	{"authorization lower", "PATCH /authorization", `{"order_amount":20000}`},
	{"authorization same", "PATCH /authorization", `{"order_amount":30000}`},
	{"authorization higher", "PATCH /authorization", `{"order_amount":40000}`},
	{"authorization as captured", "PATCH /authorization", `{"order_amount":10000}`},
	{"merchant-references", "PATCH /merchant-references", `{"merchant_reference1":"X"}`},
	{"customer-details", "PATCH /customer-details", `{"shipping_address":{"city":"Kiruna"}}`},
	{"shipping-info", "POST /shipping-info", `{"shipping_info":[{}]}`},
	{"cancel", "POST /cancel", ""},
	{"extend-authorization-time", "POST /extend-authorization-time", ""},
	{"release-remaining-authorization", "POST /release-remaining-authorization", ""},
	{"capture some", "POST /captures", `{"captured_amount":10000}`},
	{"capture the rest", "POST /captures", `{"captured_amount":-1}`},
	{"list captures", "GET /captures", ""},
	{"read capture", "GET /captures/{capture}", ""},
	{"capture shipping-info", "POST /captures/{capture}/shipping-info", `{"shipping_info":[{}]}`},
	{"trigger-send-out", "POST /captures/{capture}/trigger-send-out", ""},
	{"extend-due-date-options", "GET /captures/{capture}/extend-due-date-options", ""},
	{"extend-due-date", "PATCH /captures/{capture}/extend-due-date", `{"number_of_days":14}`},
	{"refund some", "POST /refunds", `{"refunded_amount":5000}`},
	{"refund all", "POST /refunds", `{"refunded_amount":-2}`},
	{"read refund", "GET /refunds/{refund}", ""},
}

// stateTable has a row per operation and a cell per state: the status, with →
// and the new status of the order where that changes. N, K, X and R are 403
// NOT_ALLOWED, CAPTURE_NOT_ALLOWED, CANCEL_NOT_ALLOWED and REFUND_NOT_ALLOWED;
// c is 404 NO_SUCH_CAPTURE, r 404 NOT_FOUND. The columns are those of
// managedStates; the first four and CLOSED are Klarna's, the last six its
// pending orders.
const stateTable = `
read                            | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200
acknowledge                     | 204 | 204 | 204 | N | 204 | 204 | 204 | 204 | 204 | N | 204 | 204 | 204 | N
authorization lower             | 204 | 204 | N | N | N | N | N | N | 204 | N | 204 | 204 | 204 | N
authorization same              | 204 | 204 | N | N | N | N | N | N | 204 | N | 204 | 204 | 204 | N
authorization higher            | 204 | 204 | N | N | N | N | N | N | 204 | N | 204 | 204 | 204 | N
authorization as captured       | 204 | 204→CAPTURED | N | N | N | N | N | N | 204 | N | 204 | 204 | 204→CAPTURED | N
merchant-references             | 204 | 204 | 204 | N | 204 | 204 | 204 | 204 | 204 | N | 204 | 204 | 204 | N
customer-details                | 204 | 204 | N | N | N | N | N | N | 204 | N | 204 | 204 | 204 | N
shipping-info                   | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204 | 204
cancel                          | 204→CANCELLED | X | X | 204 | X | X | X | X | 204→CANCELLED | 204 | 204→CANCELLED | 204→CANCELLED | X | 204
extend-authorization-time       | 204 | 204 | N | N | N | N | N | N | 204 | N | 204 | 204 | 204 | N
release-remaining-authorization | N | 204→CAPTURED | N | N | N | N | N | N | N | N | N | N | 204→CAPTURED | N
capture some                    | 201→PART_CAPTURED | 201 | K | K | K | K | K | K | K | K | 201→PART_CAPTURED | 201→PART_CAPTURED | 201 | K
capture the rest                | 201→CAPTURED | 201→CAPTURED | K | K | K | K | K | K | K | K | 201→CAPTURED | 201→CAPTURED | 201→CAPTURED | K
list captures                   | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200 | 200
read capture                    | c | 200 | 200 | c | c | 200 | 200 | 200 | c | c | c | c | 200 | c
capture shipping-info           | N | 204 | 204 | N | N | 204 | 204 | 204 | N | N | N | N | 204 | N
trigger-send-out                | N | 204 | 204 | N | N | 204 | 204 | 204 | N | N | N | N | 204 | N
extend-due-date-options         | c | 200 | 200 | c | c | 200 | 200 | 200 | c | c | c | c | 200 | c
extend-due-date                 | N | 204 | 204 | N | N | 204 | 204 | 204 | N | N | N | N | 204 | N
refund some                     | R | 201 | 201 | R | R | 201 | R | 201 | R | R | R | R | 201 | R
refund all                      | R | 201 | 201→CLOSED | R | R | 201 | R | 201→CLOSED | R | R | R | R | 201 | R
read refund                     | r | r | r | r | r | r | 200 | r | r | r | r | r | r | r
`

var refusals = map[string]string{
	"N": "403 NOT_ALLOWED", "K": "403 CAPTURE_NOT_ALLOWED", "X": "403 CANCEL_NOT_ALLOWED", "R": "403 REFUND_NOT_ALLOWED",
	"c": "404 NO_SUCH_CAPTURE", "r": "404 NOT_FOUND",
}

// Every operation in every state.
func TestManagementStateTable(t *testing.T) {
	cells := map[string][]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(stateTable), "\n") {
		fields := strings.Split(line, "|")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		cells[fields[0]] = fields[1:]
	}
	if len(cells) != len(managedOperations) {
		t.Errorf("the table has %d rows, want one for each of %d operations", len(cells), len(managedOperations))
	}
	left := map[string]bool{}
	for _, call := range management.Calls() {
		left[call] = true
	}
	for _, op := range managedOperations {
		delete(left, strings.NewReplacer("{capture}", "{capture_id}", "{refund}", "{refund_id}").Replace(op.call))
		row := cells[op.name]
		if len(row) != len(managedStates) {
			t.Fatalf("%s: the table has %d cells, want one for each of %d states", op.name, len(row), len(managedStates))
		}
		for i, state := range managedStates {
			t.Run(op.name+"/"+state.name, func(t *testing.T) {
				o := newOffice(t, 0, true)
				state.make(o)
				if got := o.sum(); got != state.sum {
					t.Fatalf("before: got %s, want %s", got, state.sum)
				}
				want, status, changes := strings.Cut(row[i], "→")
				if !changes {
					status = o.managed().Status
				}
				got := o.call(op.call, o.amounts(op.body))
				wantStatus(t, got, want)
				if after := o.managed().Status; after != status {
					t.Errorf("after: got %s, want %s", after, status)
				}
				if got.Status > 299 && o.sum() != state.sum {
					t.Errorf("refused, and changed to %s", o.sum())
				}
			})
		}
	}
	for call := range left {
		t.Errorf("%s is in no row", call)
	}
}

// amounts puts what may be captured and refunded in the place of -1 and -2.
func (o *office) amounts(body string) string {
	v := o.managed()
	rest := max(v.RemainingAuthorizedAmount, 1)
	return strings.NewReplacer(":-1", fmt.Sprintf(":%d", rest), ":-2", fmt.Sprintf(":%d", max(v.CapturedAmount, 1))).Replace(body)
}

// wantStatus compares an answer with a cell of the state table.
func wantStatus(t *testing.T, got faketest.Answer, want string) {
	t.Helper()
	if text, ok := refusals[want]; ok {
		want = text
	}
	status, code, _ := strings.Cut(want, " ")
	if fmt.Sprint(got.Status) != status || code != "" && !strings.Contains(string(got.Body), `"error_code":"`+code+`"`) {
		t.Errorf("got %d %s, want %s", got.Status, got.Body, want)
	}
}
