package backoffice_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Ticked orders are captured by one question with the exact sum, and one job
// however often the question is answered; what cannot be captured is said.
func TestBulk(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	first, second, refused, cancelled := d.buy(), d.buy(), d.buy(), d.buy()
	british := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "postal_code", "SW1A 1AA")
	ada.act(second, "capture", "what", "lines", mugField, "4", jamField, "0", deliveryField, "0")
	ada.act(cancelled, "cancel")
	ticked := url.Values{"action": {"capture"}, "order": {first.OrderID, second.OrderID, refused.OrderID, cancelled.OrderID, british.OrderID, first.OrderID}}
	question := ada.send("POST", "/admin/bulk", ticked)
	question.says("h1", "Capture "+sterling(british)+" + 1 726.00 SEK of 4 orders?")
	question.says("main", "It is not possible with 1 order: the table says why.")
	question.says("main", "Capture is not possible: this order is cancelled.")
	d.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/captures", OrderID: refused.OrderID, Status: 403,
		Body: `{"error_code":"CAPTURE_NOT_ALLOWED","error_messages":["Order 1 is expired. Capture not possible."],"correlation_id":"1"}`})
	progress := ada.submit(question)
	progress.says("h1", "Capture: 4 orders")
	if again := ada.submit(question); again.Request.URL.Path != progress.Request.URL.Path {
		t.Errorf("the same question started %s and %s", progress.Request.URL.Path, again.Request.URL.Path)
	}
	if progress.has(`[role=status]:contains("to go")`) && progress.Header.Get("Refresh") == "" {
		t.Error("the page does not look again although there is more to do")
	}
	for start := time.Now(); !strings.Contains(progress.part("main"), "3 of 4 done, 1 refused."); {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("after 30 s:\n%s", progress.part("main"))
		}
		if err := d.Desk.Reconcile(t.Context(), soon()); err != nil {
			t.Fatal(err)
		}
		progress = d.clerk("bo").look(progress.Request.URL.Path) // who may only look sees how far it is
	}
	if progress.Header.Get("Refresh") != "" {
		t.Error("the page looks again although all is done")
	}
	progress.says("main", `Klarna says: "Order 1 is expired. Capture not possible."`)
	progress.says("main", "ada started it on ")
	d.amounts(first, all, all, 0)
	d.amounts(second, all, all, 0)
	d.amounts(refused, all, 0, 0)
	for _, o := range []order.Order{first, british} {
		if n := len(d.managed(o.OrderID).Captures); n != 1 {
			t.Errorf("%s has %d captures, want 1", o.Number, n)
		}
	}
}

// sterling is what an order in Great Britain comes to, as pages write it.
func sterling(o order.Order) string {
	whole, part := int64(o.OrderAmount)/100, int64(o.OrderAmount)%100
	return strings.Join([]string{itoa(whole), ".", itoa(part + 100)[1:], " GBP"}, "")
}

// A bulk capture is of what the question showed.
func TestBulkQuestion(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	first, second := d.buy(), d.buy()
	ticked := url.Values{"action": {"capture"}, "order": {first.OrderID, second.OrderID}}
	question := ada.send("POST", "/admin/bulk", ticked)
	d.clerk("bea").act(first, "capture", "what", "lines", mugField, "1", jamField, "0", deliveryField, "0")
	again := ada.submit(question)
	if again.StatusCode != http.StatusConflict {
		t.Errorf("got %d", again.StatusCode)
	}
	again.says("main", "The orders changed while you were looking. Nothing was sent. Check the amounts and try again.")
	again.says("h1", "Capture 1 399.00 SEK of 2 orders?")
	for _, tc := range []struct {
		name   string
		form   url.Values
		path   string
		status int
		want   string
	}{
		{"no action", url.Values{"order": {first.OrderID}}, "/admin/bulk", http.StatusBadRequest, "The request cannot be understood."},
		{"nothing ticked", url.Values{"action": {"capture"}}, "/admin/bulk", http.StatusUnprocessableEntity, "No order is ticked"},
		{"no such order", url.Values{"action": {"capture"}, "order": {"x"}}, "/admin/bulk", http.StatusConflict, "There is no such order."},
		{"too many", url.Values{"action": {"capture"}, "order": strings.Split(strings.Repeat("x,", 9)+many(), ",")}, "/admin/bulk", http.StatusUnprocessableEntity, "At most 500 orders can be ticked at once."},
		{"no key", url.Values{"action": {"capture"}, "order": {first.OrderID}}, "/admin/bulk/start", http.StatusConflict, "Nothing was sent."},
		{"another order", again.fields("order", second.OrderID), "/admin/bulk/start", http.StatusConflict, "Nothing was sent."},
	} {
		p := ada.send("POST", tc.path, tc.form)
		if p.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, p.StatusCode, tc.status)
		}
		p.says("main", tc.want)
	}
	if p := ada.look("/admin/bulk/" + strings.Repeat("0", 36)); p.StatusCode != http.StatusNotFound {
		t.Errorf("a job that there is not: %d", p.StatusCode)
	}
	for path, want := range map[string]string{"/admin/bulk": "/admin/", "/admin/bulk/start": "/admin/"} {
		if p := ada.look(path); p.Request.URL.Path != want {
			t.Errorf("%s leads to %s", path, p.Request.URL.Path)
		}
	}
	d.amounts(first, all, 14900, 0)
	d.amounts(second, all, 0, 0)
}

// many are 501 orders that there are not.
func many() string {
	var ids []string
	for i := range int64(501) {
		ids = append(ids, "none-"+itoa(i))
	}
	return strings.Join(ids, ",")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// soon is a time by which everything that waits is due.
func soon() time.Time { return time.Now().Add(time.Minute) }

// What the question of one order warns of stands in that of several, and such an order is
// left out unless it is ticked again.
func TestBulkWarns(t *testing.T) {
	d := newOffice(t)
	ada := d.clerk("ada")
	good, rejected := d.buy(), d.buy()
	if _, err := d.Book.Update(t.Context(), rejected.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
		o.FraudStatus, o.FraudStatusAt = ordermanagement.FraudRejected, time.Now()
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	question := ada.send("POST", "/admin/bulk", url.Values{"action": {"capture"}, "order": {good.OrderID, rejected.OrderID}})
	question.says("h1", "of 1 order?")
	question.says("main", "Klarna rejected this order. Do not send the goods.")
	question.says("main", "1 order left out: the table says why.")
	ada.submit(question).says("h1", "Capture: 1 order")
	question = ada.send("POST", "/admin/bulk", url.Values{"action": {"capture"}, "order": {rejected.OrderID}})
	question.says("h1", "Capture what is left out?")
	ada.submit(question, "order", rejected.OrderID).says("h1", "Capture: 1 order")
}

// Ticked orders are cancelled together, also one that Klarna never saw; and their packing slips are one page to
// print, with what is left out named.
func TestBulkCancelAndSlips(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	first, second, captured := d.buy("given_name", "Ada"), d.buy("given_name", "Bo"), d.buy()
	ada.act(captured, "capture")
	list := ada.look("/admin/")
	list.says(".bulk", "Capture… Cancel… Packing slips")
	if n := list.Find(".list [name=order]").Length(); n != 3 { // also what is captured and not sent
		t.Errorf("%d orders can be ticked", n)
	}
	slips := d.clerk("bo").look("/admin/packing-slips?" + url.Values{"order": {second.OrderID, first.OrderID, captured.OrderID, "gone"}}.Encode())
	if got := slips.texts(".slip .slip-to b"); len(got) != 3 || got[0] != first.Number || got[2] != captured.Number {
		t.Errorf("slips of %q, want all three, the oldest first", got)
	}
	slips.says("h1", "3 packing slips")
	question := ada.send("POST", "/admin/bulk", url.Values{"action": {"cancel"}, "order": {first.OrderID, second.OrderID, captured.OrderID}})
	question.says("h1", "Cancel 2 orders?")
	question.says("main", "this order is captured. Refund it instead.")
	if !question.has(".act-confirm .btn.danger") {
		t.Error("the button does not warn")
	}
	progress := ada.submit(question)
	for start := time.Now(); !strings.Contains(progress.part("main"), "2 of 2 done, 0 refused."); {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("after 30 s:\n%s", progress.part("main"))
		}
		if err := d.Desk.Reconcile(t.Context(), soon()); err != nil {
			t.Fatal(err)
		}
		progress = ada.look(progress.Request.URL.Path)
	}
	for _, o := range []order.Order{first, second} {
		if got := d.inBook(o.OrderID).Status; got != ordermanagement.Cancelled {
			t.Errorf("%s is %s", o.Number, got)
		}
	}
	d.amounts(captured, all, all, 0)
	slips = ada.look("/admin/packing-slips?" + url.Values{"order": {first.OrderID, captured.OrderID}}.Encode())
	slips.says("h1", "1 packing slip")
	slips.says("main", first.Number+" is left out. The order is cancelled.")
	ada.look("/admin/packing-slips").says("h1", "0 packing slips")
}
