package backoffice_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// A Redis whose memory is full keeps nobody out who is signed in: orders are found, looked at and worked on, and the
// doctor says what is the matter. Signing out ends the session; signing in has to wait.
func TestRedisFull(t *testing.T) {
	o := newOffice(t)
	sold := o.sale(1)
	ada, bo := o.clerk("ada"), o.clerk("bo")
	if err := o.Client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	at := "/admin/orders/" + sold.Number
	for _, path := range []string{"/admin/", "/admin/?q=" + sold.Number, at, "/admin/doctor"} {
		if got := ada.Get(path); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, got.StatusCode, got.Text)
		}
	}
	if got := ada.Submit(at, url.Values{"key": {uuid.NewString()}, "note": {"Called."}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a note: %d\n%s", got.StatusCode, got.Text)
	}
	if o.do(sold.OrderID, order.Command{Action: aftersale.Cancel.Name}).Status != ordermanagement.Cancelled {
		t.Error("the order is not cancelled")
	}
	if got := bo.Submit("/admin/sign-out", nil); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/admin/sign-in" {
		t.Errorf("sign out: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if left, err := o.Client.Keys(t.Context(), "shopd:staff:*").Result(); err != nil || len(left) != 1 {
		t.Errorf("sessions %v %v, want that of ada", left, err)
	}
	if stranger := o.Browser().SignIn("ada", password, ""); stranger.StatusCode != http.StatusServiceUnavailable || !strings.Contains(html.UnescapeString(stranger.Text), "The shop's stores cannot be used at the moment.") {
		t.Errorf("sign in: %d\n%s", stranger.StatusCode, stranger.Text)
	}
}
