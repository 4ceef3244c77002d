package backoffice_test

import (
	"net/http"
	"strings"
	"testing"

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
	entries, err := o.Book.Audit(t.Context(), s.OrderID)
	if err != nil || entries[0].Event != order.AuditErased || entries[0].Staff != "" {
		t.Errorf("the audit: %+v, %v", entries[0], err)
	}
}
