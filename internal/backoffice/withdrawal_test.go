package backoffice_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/order"
)

// withdraw states a withdrawal from so many of the first line of an order, or of each of its goods.
func (o *office) withdraw(s order.Order, n int64, whole bool) {
	o.T.Helper()
	var stated []order.WithdrawnLine
	for i, id := range order.LineIDs(s.OrderLines) {
		if s.OrderLines[i].IsGoods() && (whole || i == 0) {
			stated = append(stated, order.WithdrawnLine{ID: id, Quantity: min(n, s.OrderLines[i].Quantity)})
		}
	}
	_, err := o.Book.TakeWithdrawal(o.T.Context(), s.OrderID, order.Withdrawal{ID: "W" + s.Number, Name: "Eva Svår", Email: "eva@arbete.example", Lines: stated}, time.Now())
	if err != nil {
		o.T.Fatal(err)
	}
}

// A withdrawal is in the list's view and on the order's page, with what to do next: the form of the refund has
// its quantities and puts them back in stock. It is dealt with when that is refunded, or when staff say so.
func TestWithdrawals(t *testing.T) {
	w := newOffice(t)
	first, second := w.sale(3, "email", "eva@example.com"), w.sale(1)
	ada, bo := w.clerk("ada"), w.clerk("bo")
	w.withdraw(first, 2, false)
	w.withdraw(second, 1, true)
	view := func() string { t.Helper(); return strings.Join(ada.look("/admin/?withdrawn=1").texts("tbody th"), " ") }
	if list := view(); !strings.Contains(list, first.Number) || !strings.Contains(list, second.Number) {
		t.Errorf("the list has %q", list)
	}
	page := ada.look("/admin/orders/" + first.Number)
	page.says("[data-note=withdrawal_requested]", "A consumer has withdrawn from the contract.")
	page.says("[data-note=withdrawal_requested]", "take them off the lines")
	page.says("[data-part=withdrawals]", "Eva Svår")
	page.says("[data-part=withdrawals]", "eva@arbete.example")
	page.says("[aria-labelledby=h-timeline]", "Shopper withdrew from the contract")
	if got := bo.look("/admin/orders/" + first.Number); got.has("[data-note=withdrawal_requested] .act") {
		t.Error("who may only look is offered actions")
	}
	if got := ada.look("/admin/orders/" + second.Number); !strings.HasSuffix(got.Find("[data-note=withdrawal_requested] .act a").First().AttrOr("href", ""), "/cancel") {
		t.Error("cancelling is not the first thing to do, where all is withdrawn from and nothing captured")
	}

	first = w.capture(first, 3, 1, 0, 0, 0)
	form := ada.look("/admin/orders/" + first.Number + "/refund")
	line := order.LineIDs(first.OrderLines)[0]
	if got := form.Find(`[name="q:`+line+`"]`).AttrOr("value", ""); got != "2" || !form.has("[name=restock][checked]") {
		t.Errorf("the form of the refund has %q of the line, restock %t", got, form.has("[name=restock][checked]"))
	}
	w.refund(first, append([]int64{2}, make([]int64, len(first.Refundable())-1)...)...)
	if list := view(); strings.Contains(list, first.Number) || !strings.Contains(list, second.Number) {
		t.Errorf("refunded: the list has %q", list)
	}

	at := "/admin/orders/" + second.Number + "/flag"
	if got := bo.Post(at, "done", "withdrawal_requested"); got.StatusCode != http.StatusForbidden {
		t.Errorf("who may only look: got %d", got.StatusCode)
	}
	for range 2 {
		if got := ada.Post(at, "done", "withdrawal_requested"); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("dealt with: got %d", got.StatusCode)
		}
	}
	if list := view(); strings.Contains(list, second.Number) {
		t.Errorf("dealt with: the list has %q", list)
	}
	if n := strings.Count(ada.look("/admin/orders/"+second.Number).part("[aria-labelledby=h-timeline]"), "said that it is dealt with: withdrawal requested"); n != 1 {
		t.Errorf("the timeline says it %d times", n)
	}
}
