package backoffice_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
)

// An order is erased on its page after a question; then every page of it says so and fails
// at nothing, and nobody is named.
func TestEraseOrder(t *testing.T) {
	o := newOffice(t)
	s := o.buy("family_name", "Rosenkvist", "street_address", "Kaptensgatan 77")
	b := o.Staff("ada")
	at := "/admin/orders/" + s.Number
	if got := b.Get(at + "/erase"); got.StatusCode != http.StatusConflict || !strings.Contains(got.Text, "something can still be captured") {
		t.Errorf("an open order: %d", got.StatusCode)
	}
	s = o.capture(s, 4, 1, 1)
	if got := b.Get(at); !strings.Contains(got.Text, "Rosenkvist") || !strings.Contains(got.Text, "Erase personal data") {
		t.Error("before, the page does not name the shopper, or offers nothing")
	}
	if got := b.Get(at + "/erase"); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "Erase for ever") {
		t.Errorf("the question: %d", got.StatusCode)
	}
	if got := b.Do("POST", at+"/erase", "application/x-www-form-urlencoded", ""); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("the answer: %d %s", got.StatusCode, got.Text)
	}
	for _, path := range []string{at, "/admin/orders", at + "/packing-slip", "/admin/inspect?q=" + s.Number, "/admin/exports/orders.csv"} {
		got := b.Get(path)
		if got.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(got.Text), "erased") || strings.Contains(got.Text, "Rosenkvist") || strings.Contains(got.Text, "Kaptensgatan") {
			t.Errorf("%s: %d, names somebody: %v", path, got.StatusCode, strings.Contains(got.Text, "Rosenkvist"))
		}
	}
	if got := b.Get(at + "/erase"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the question, once it is erased: %d", got.StatusCode)
	}
	entries, err := o.Book.Audit(t.Context(), s.OrderID)
	if err != nil || entries[0].Event != order.AuditErased || entries[0].Staff != "" {
		t.Errorf("the audit: %+v, %v", entries[0], err)
	}
}

// Whoever erases an order is told of what is still to be sent, and of a withdrawal; afterwards nothing of it is to be
// sent, because nobody knows whereto.
func TestEraseUndone(t *testing.T) {
	o := newOffice(t)
	s := o.sale(2)
	ada, at := o.clerk("ada"), "/admin/orders/"+s.Number
	lines, sum := s.Rest()
	o.do(s.OrderID, order.Command{Action: aftersale.Capture.Name, Amount: sum, OrderLines: lines})
	o.withdraw(s, 1, false)
	question := ada.look(at + "/erase")
	question.says("main", "Goods of this order are not sent yet.")
	question.says("main", "2 × Enamel mug")
	question.says("main", "A withdrawal is not dealt with yet.")
	list := func() string { t.Helper(); return ada.look("/admin/?to_ship=1").part("main") }
	if !strings.Contains(list(), s.Number) {
		t.Error("what is captured and not sent is not to be sent")
	}
	if got := ada.Post(at+"/erase", "done", "1"); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("erased: got %d", got.StatusCode)
	}
	if strings.Contains(list(), s.Number) {
		t.Error("the list of what is to be sent has an order of which nobody knows whereto")
	}
	if erased := o.InBook(s.OrderID); erased.Shippable() || erased.ToShip() {
		t.Errorf("shippable %t, to ship %t", erased.Shippable(), erased.ToShip())
	}
	ada.look(at+"/packing-slip").says(".stop", "Do not send. Its personal data was erased.")
	ada.look("/admin/packing-slips?order="+s.Ref()).says("main", "is left out. Its personal data was erased.")
	sent := o.capture(o.buy(), 4, 1, 1)
	if got := ada.look("/admin/orders/" + sent.Number + "/erase"); strings.Contains(got.part("main"), "not sent yet") {
		t.Error("the question names goods of an order that is sent")
	}
}
