package backoffice_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Twenty presses of one button, and a reload afterwards, are one capture.
func TestSentTwice(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	question := ada.submit(ada.open(o, "capture"), "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	d.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/captures", Delay: fakeklarna.Duration(200 * time.Millisecond)})
	var wg sync.WaitGroup
	answers := make([]page, 20)
	for i := range answers {
		wg.Go(func() { answers[i] = ada.submit(question) })
	}
	wg.Wait()
	results := map[string]int{}
	for _, p := range answers {
		title, _, _ := strings.Cut(p.part("#result"), ".")
		results[title]++
	}
	if diff := cmp.Diff(map[string]int{"Captured 149": 1, "Already done": 19}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	again := ada.submit(question)
	again.says("#result", "Already done. ada captured 149.00 SEK at ")
	again.says("#result", "Nothing was done twice.")
	d.amounts(o, all, 14900, 0)
	if n := len(d.managed(o.OrderID).Captures); n != 1 {
		t.Errorf("%d captures, want 1", n)
	}
}

// Two have the same form open: the second is told what the first did, keeps
// what was typed, and may go on from there.
func TestTwoStaff(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	ada, bea := d.clerk("ada"), d.clerk("bea")
	half := []string{"what", "lines", mugField, "2", jamField, "0", deliveryField, "0", "description", "Half"}
	form := bea.open(o, "capture")
	question := bea.submit(bea.open(o, "capture"), half...)
	ada.act(o, "capture", "what", "lines", mugField, "4", jamField, "0", deliveryField, "0")
	// A mail of it and a note change nothing.
	if _, err := d.Book.Update(t.Context(), o.OrderID, func(*order.Order) ([]order.AuditEntry, error) {
		return []order.AuditEntry{{At: time.Now(), Source: order.BySystem, Event: order.AuditMail, ID: "order_shipped", Key: "evt_1", Result: order.Done}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	ada.Submit("/admin/orders/"+o.Number, url.Values{"key": {uuid.NewString()}, "note": {"Sent the mugs."}})
	_, err := d.Desk.Do(t.Context(), o.OrderID, order.Command{Key: uuid.NewString(), Action: aftersale.Capture.Name, Revision: o.Revision, Staff: "bea", Amount: 1})
	if changed, ok := errors.AsType[*aftersale.ChangedError](err); !ok || changed.Last.Event != string(aftersale.Capture.Name) || changed.Last.Staff != "ada" {
		t.Errorf("a command that is too late: %v, %+v", err, changed)
	}
	for name, p := range map[string]page{"at the form": bea.submit(form, half...), "at the question": bea.submit(question)} {
		if p.StatusCode != http.StatusConflict {
			t.Errorf("%s: got %d", name, p.StatusCode)
		}
		p.says("#result", "The order changed while you were looking. ada captured 596.00 SEK at ")
		p.says("#result", "Nothing was sent. Check the amounts and try again.")
		if got := p.fields().Get("description"); got != "Half" {
			t.Errorf("%s: the description is %q now", name, got)
		}
		p.says("main", "All that remains, 178.00 SEK")
	}
	d.amounts(o, all, 4*14900, 0)
	again := bea.submit(bea.submit(question), "what", "lines", jamField, "1", deliveryField, "0")
	bea.submit(again).says("#result", "Captured 129.00 SEK. 49.00 remains.")

	// What cannot be done any more is said with why.
	question = bea.open(d.buy(), "cancel")
	cancelled := bea.submit(question)
	cancelled.says("#result", "Cancelled order")
	late := ada.look(cancelled.Request.URL.Path + "/capture")
	if late.StatusCode != http.StatusConflict {
		t.Errorf("capture of a cancelled order: %d", late.StatusCode)
	}
	late.says("#result", "Capture is not possible: this order is cancelled.")
}

// A cancel that somebody else's capture has made impossible is not sent.
func TestTwoStaffImpossible(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	ada, bea := d.clerk("ada"), d.clerk("bea")
	question := bea.open(o, "cancel")
	ada.act(o, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	p := bea.submit(question)
	if p.StatusCode != http.StatusConflict {
		t.Errorf("got %d", p.StatusCode)
	}
	p.says("main", "The order changed while you were looking. ada captured 149.00 SEK at ")
	p.says("main", "Cancellation is not possible: part of this order is captured. Refund it instead.")
	d.amounts(o, all, 14900, 0)
}

// What the second page showed is what is done: hidden fields that say something
// else are shown again, and sums of theirs count for nothing.
func TestTampered(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	question := func() page {
		return ada.submit(ada.open(o, "capture"), "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	}
	for _, tc := range []struct {
		name   string
		fields []string
		status int
		want   string
	}{
		{"a quantity", []string{mugField, "2"}, http.StatusConflict, "This is not what the page showed."},
		{"all", []string{"what", "all", mugField, "4", jamField, "1", deliveryField, "1"}, http.StatusConflict, "This is not what the page showed."},
		{"another text", []string{"description", "x"}, http.StatusConflict, "This is not what the page showed."},
		{"what was shown", []string{"shown", "0"}, http.StatusConflict, "This is not what the page showed."},
		{"more than there is", []string{mugField, "400"}, http.StatusUnprocessableEntity, "Enter a whole number from 0 to 4."},
		{"the revision", []string{"revision", "99999"}, http.StatusConflict, "The order changed while you were looking."},
		{"an older revision", []string{"revision", "-1"}, http.StatusConflict, "The order changed while you were looking."},
		{"no revision", []string{"revision", "x"}, http.StatusUnprocessableEntity, "This form cannot be used any more."},
		{"no key", []string{"key", "x"}, http.StatusUnprocessableEntity, "This form cannot be used any more."},
		{"another spelling of the key", []string{"key", strings.ToUpper(question().fields().Get("key"))}, http.StatusUnprocessableEntity, "This form cannot be used any more."},
	} {
		p := ada.submit(question(), tc.fields...)
		if p.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, p.StatusCode, tc.status)
		}
		p.says("main", tc.want)
	}
	d.amounts(o, all, 0, 0)
	// An amount is no field of the form.
	ada.submit(question(), "amount", "1", "captured_amount", "1", "order_lines", "[]").says("#result", "Captured 149.00 SEK.")
	d.amounts(o, all, 14900, 0)
}

// The reply is lost: that is said, it is not done again by another press of the
// button, and the loop finds out.
func TestReplyLost(t *testing.T) {
	t.Parallel()
	for action, path := range map[string]string{"capture": "captures", "refund": "refunds"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			d := newOffice(t)
			o, ada := d.buy(), d.clerk("ada")
			if action == "refund" {
				ada.act(o, "capture")
			}
			question := ada.submit(ada.open(o, action), "what", "all")
			d.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/" + path, DropReply: true, Count: -1})
			p := ada.submit(question)
			if p.StatusCode != http.StatusOK {
				t.Fatalf("got %d\n%s", p.StatusCode, p.part("main"))
			}
			p.says("main", "We don't know yet whether Klarna made this "+action+". We keep asking with the same key, so it cannot happen twice.")
			ada.submit(question).says("main", "We don't know yet whether Klarna made this "+action+".")
			other := d.clerk("bea").submit(d.clerk("bea").open(o, "references"), "reference2", "x")
			if other.StatusCode != http.StatusConflict {
				t.Errorf("another action meanwhile: %d", other.StatusCode)
			}
			other.says("#result", "ada's "+action+" has no answer from Klarna yet. Nothing was sent.")
			d.Fake.ClearFaults()
			if err := d.Desk.Reconcile(t.Context(), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			ada.look(p.Request.URL.RequestURI()).says("#result", "774.00 SEK.")
			ada.submit(question).says("#result", "Already done. ada ")
			if m := d.managed(o.OrderID); len(m.Captures) != 1 || len(m.Refunds) != len(m.Captures)-1+strings.Count(action, "refund") {
				t.Errorf("%d captures, %d refunds", len(m.Captures), len(m.Refunds))
			}
		})
	}
}

// Klarna refuses: why, what to do, and the ID to quote. Nothing has changed,
// what was typed is still there, and the next try is another command.
func TestRefused(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	for _, tc := range []struct {
		name, action string
		fields       []string
		path         string
		status       int
		body         string
		want         []string
	}{
		{
			"capture: too much", "capture", []string{"description", "kept"}, "captures", 403,
			// What Klarna says is shown, and decides nothing: 774.00 SEK remain.
			`{"error_code":"CAPTURE_NOT_ALLOWED","error_messages":["Captured amount is higher than the remaining authorized amount. Capture not possible."],"correlation_id":"c0ffee"}`,
			[]string{"Klarna refused the capture. Klarna says: \"Captured amount is higher than the remaining authorized amount. Capture not possible.\" Open the order again"},
		},
		{
			"capture: not charged", "capture", nil, "captures", 403, `{"error_code":"PAYMENT_METHOD_FAILED","error_messages":[],"correlation_id":"1"}`,
			[]string{"The shopper's payment method could not be charged."},
		},
		{
			"capture: unknown words", "capture", nil, "captures", 403, `{"error_code":"CAPTURE_NOT_ALLOWED","error_messages":["Capture not allowed"],"correlation_id":"1"}`,
			[]string{`Klarna refused the capture. Klarna says: "Capture not allowed" Open the order again`},
		},
		{
			"extend", "extend", nil, "extend-authorization-time", 403, `{"error_code":"NOT_ALLOWED","error_messages":["No."],"correlation_id":"1"}`,
			[]string{"Klarna refused the extension.", "allows no more time"},
		},
		{
			"address: invalid", "shipping-address", []string{"street", "Nowhere 1"}, "customer-details", 422,
			`{"error_code":"INVALID_ADDRESS","error_messages":["The shipping and/or billing address is invalid"],"correlation_id":"1"}`,
			[]string{"Klarna does not know this address. Check street, postal code and city with the shopper."},
		},
		{
			"shipping info: unknown order", "shipping-info", []string{"carrier", "UPS"}, "shipping-info", 404,
			`{"error_code":"NO_SUCH_ORDER","error_messages":["Order 1 cannot be found."],"correlation_id":"1"}`,
			[]string{"Klarna refused the parcel. Klarna does not know this order."},
		},
		{
			"credentials", "references", []string{"reference2", "x"}, "merchant-references", 401, "<html>no</html>",
			[]string{"Klarna does not accept the shop's credentials. Tell whoever runs the shop."},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := d.buy()
			before := d.managed(o.OrderID)
			d.Fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*/" + tc.path, OrderID: o.OrderID, Status: tc.status, Body: fakeklarna.FaultBody(tc.body)})
			p := ada.act(o, tc.action, tc.fields...)
			if p.StatusCode != http.StatusConflict {
				t.Errorf("got %d", p.StatusCode)
			}
			for _, want := range tc.want {
				p.says("#result", want)
			}
			for i := 0; i < len(tc.fields); i += 2 {
				if got := p.fields().Get(tc.fields[i]); got != tc.fields[i+1] {
					t.Errorf("%s is %q now, typed was %q", tc.fields[i], got, tc.fields[i+1])
				}
			}
			if diff := cmp.Diff(before, d.managed(o.OrderID)); diff != "" {
				t.Errorf("the order has changed:\n%s", diff)
			}
			// The same again, from where the page leads.
			if p.has("form.act-form") {
				p = ada.submit(p)
			}
			ada.submit(p)
			audit, err := d.Book.Audit(t.Context(), o.OrderID)
			audit = slices.DeleteFunc(audit, func(e order.AuditEntry) bool { return e.Key == "" })
			if err != nil || audit[0].Result != order.Done || audit[1].Result != order.Refused || audit[0].Key == audit[1].Key {
				t.Errorf("the second try is not another command: %+v, %v", audit, err)
			}
		})
	}
}

// The days on a page are those of the shop's zone, also after a refusal and after a change by somebody else.
func TestRefusedInTheShopsZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	d := newOfficeOf(t, shoptest.Options{Version: shoptest.Published(func(s *settings.Shop) { s.Zone = zone }).Now()})
	o := d.buy()
	ada, bea := d.clerk("ada"), d.clerk("bea")
	form, until := bea.open(o, "capture"), "stays authorized until "+o.ExpiresAt.In(zone).Format("2 Jan 2006")
	form.says("main", until)
	d.Fake.AddFault(fakeklarna.Fault{
		Path: "/ordermanagement/v1/orders/*/captures", OrderID: o.OrderID, Status: 403,
		Body: fakeklarna.FaultBody(`{"error_code":"PAYMENT_METHOD_FAILED","error_messages":[],"correlation_id":"1"}`),
	})
	ada.act(o, "capture").says("main", until)
	ada.act(o, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	bea.submit(form).says("main", until)
}

// What was done elsewhere since the page was opened is why Klarna refuses: that
// is told by the order as Klarna has it now, whatever Klarna's sentence is.
func TestRefusedByState(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	const whole = `{"captured_amount":77400}`
	for _, tc := range []struct {
		name, action   string
		before         [2]string // path and body of what the portal does first
		elsewhere      [2]string // and while the page is open
		fields         []string
		want           string
		notTheSentence string
	}{
		{
			"captured in part", "capture", [2]string{}, [2]string{"captures", `{"captured_amount":10000}`}, nil,
			"Klarna refused the capture. The amount is more than the 674.00 SEK that remain. Lower the amount. Correlation ID", "higher than",
		},
		{
			"cancelled", "capture", [2]string{}, [2]string{"cancel", ""}, nil,
			"This order is cancelled.", "Capture not possible",
		},
		{
			"refunded in part", "refund", [2]string{"captures", whole}, [2]string{"refunds", `{"refunded_amount":10000}`}, []string{"what", "all"},
			"Klarna refused the refund. The amount is more than the 674.00 SEK that can be refunded. Lower the amount.", "ver refund",
		},
		{
			"cancel what is captured in part", "cancel", [2]string{}, [2]string{"captures", `{"captured_amount":10000}`}, nil,
			"Klarna refused the cancellation. Part of this order is captured. Refund it instead.", "previous captures",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := d.buy()
			portal := func(call [2]string) {
				if call[0] != "" {
					d.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/"+call[0], call[1])
				}
			}
			portal(tc.before)
			p := ada.open(o, tc.action)
			if p.has("form.act-form") {
				p = ada.submit(p, tc.fields...)
			}
			portal(tc.elsewhere)
			p = ada.submit(p)
			if p.StatusCode != http.StatusConflict {
				t.Errorf("got %d", p.StatusCode)
			}
			p.says("main", tc.want)
			if strings.Contains(p.part("main"), tc.notTheSentence) {
				t.Errorf("the page has Klarna's sentence: %s", p.part("main"))
			}
		})
	}
}

// A higher amount is refused by Klarna's risk check, or for the way it is paid.
func TestHigherAmountRefused(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buy("email", "ada+denied-raise@example.com")
	p := ada.act(o, "lines", mugField, "5")
	p.says("#result", "Klarna did not approve the higher amount, and the order is unchanged. Ask the shopper to order the extra items separately. Correlation ID")
	d.amounts(o, all, 0, 0)

	card := d.buyIn("SE", "en-SE", fakeklarna.Buy{Method: "card"})
	form := ada.open(card, "lines")
	form.says("main", "Card does not allow a higher amount in SE")
	p = ada.submit(form, mugField, "5")
	if p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d", p.StatusCode)
	}
	p.says(".errors", "The amount cannot be raised with Card. Ask the shopper to order the extra items separately.")
	ada.act(card, "lines", mugField, "3").says("#result", "Changed the order to 625.00 SEK.")
}

// Who may only look is told so, by form, question and deed.
func TestViewMayNotAct(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	ada, bo := d.clerk("ada"), d.clerk("bo")
	form := ada.open(o, "capture")
	question := ada.submit(form)
	for name, p := range map[string]page{
		"form":         bo.look("/admin/orders/" + o.Number + "/capture"),
		"form sent":    bo.submit(form),
		"question":     bo.submit(question),
		"bulk":         bo.send("POST", "/admin/bulk", url.Values{"order": {o.OrderID}}),
		"start a bulk": bo.send("POST", "/admin/bulk/start", url.Values{"order": {o.OrderID}}),
	} {
		if p.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d", name, p.StatusCode)
		}
		p.says("main", "You can look but not change. Ask someone who can manage orders.")
	}
	d.amounts(o, all, 0, 0)
}

// Without a session no form is shown and nothing is done.
func TestNobodySignedIn(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.buy()
	ada := d.clerk("ada")
	question := ada.submit(ada.open(o, "capture"))
	nobody := d.stranger()
	for name, p := range map[string]page{
		"form": nobody.look("/admin/orders/" + o.Number + "/capture"), "question": nobody.submit(question),
	} {
		if p.Request.URL.Path != "/admin/sign-in" {
			t.Errorf("%s: led to %s", name, p.Request.URL)
		}
	}
	d.amounts(o, all, 0, 0)
}

// Redis goes away between question and deed: nothing is known to be done, and
// the same button does it once when it is back.
func TestRedisGone(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	question := ada.submit(ada.open(o, "capture"))
	d.Redis.Stop()
	if p := ada.submit(question); p.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without Redis: %d", p.StatusCode)
	}
	d.Redis.Restart()
	for start, p := time.Now(), ada.submit(question); p.StatusCode != http.StatusOK; p = ada.submit(question) {
		if time.Sleep(50 * time.Millisecond); time.Since(start) > 20*time.Second {
			t.Fatalf("with Redis again: %d\n%s", p.StatusCode, p.part("main"))
		}
	}
	d.amounts(o, all, all, 0)
}

// Klarna refuses nothing and answers nothing: reading fails, the form is shown
// with what we know.
func TestKlarnaAway(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	d.Fake.AddFault(fakeklarna.Fault{Method: "GET", Status: 503, Count: -1})
	ada.open(o, "capture").says("#result", "Klarna does not answer now. This is the order as we last saw it.")
}

// An address that names a command that is not the order's says nothing.
func TestResultOfNothing(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o, ada := d.buy(), d.clerk("ada")
	ada.act(o, "capture")
	for _, query := range []string{"done=nothing", "done=", "already=%3Cb%3E", "done=Captured+everything"} {
		if p := ada.look("/admin/orders/" + o.Number + "?" + query); p.has("#result") {
			t.Errorf("%s: the page says %q", query, p.part("#result"))
		}
	}
	audit, err := d.Book.Audit(t.Context(), o.OrderID)
	if err != nil || len(audit) == 0 || audit[0].Event != string(aftersale.Capture.Name) || audit[0].Staff != "ada" {
		t.Errorf("audit %+v, %v", audit, err)
	}
}
