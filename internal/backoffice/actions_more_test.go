package backoffice_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// thank is an action that is made up: all of it stands here. It notes on the order
// that the shopper was thanked.
var thank = &aftersale.Action{
	Name: "thank", Slug: "thank", Needs: permission.Change, Title: "Thank the shopper", Busy: "Thanking…", Noun: "word of thanks", Did: "thanked the shopper", Try: "thank the shopper",
	Result: func(order.Order, order.AuditEntry) (title, body string) { return "The shopper was thanked.", "" },
	Possible: func(s aftersale.State) aftersale.Reason {
		if s.Status == ordermanagement.Cancelled {
			return aftersale.ReasonCancelled
		}
		return ""
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.SetMerchantReferences(ctx, o.OrderID, ordermanagement.References{Reference2: new("thanked")}, c.Key)
		return "", a, err
	},
	Has:      func(sold ordermanagement.Order, _ order.Command) bool { return sold.MerchantReference2 == "thanked" },
	Confirm:  func(d *aftersale.Draft, q *form.Question) { q.Ask, q.Button = "Thank for "+d.Order.Number+"?", "Thank" },
	All:      func(order.Order) order.Command { return order.Command{} },
	AllTitle: "Thank for", AllBody: "Each is thanked for once.",
}

// One more action is one file and its registration: it is on the list, on the page
// of an order, in the timeline and in bulk, and its commands are done once.
func TestOneMoreAction(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	desk := &aftersale.Desk{Book: d.Book, Pricer: d.Pricer, Actions: append(slices.Clone(aftersale.Actions), thank)}
	pages := *d.Backoffice
	pages.Desk = desk
	mux := chi.NewRouter()
	pages.Routes(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d.URL = server.URL
	ada := d.clerk("ada")
	first, second, third, cancelled := d.buy(), d.buy(), d.buy(), d.buy()
	ada.act(cancelled, "cancel")
	ada.act(second, "capture")

	list := ada.look("/admin/")
	list.says(".bulk", "Thank for…")
	if n := list.Find("[name=order]").Length(); n != 3 { // also what is captured, for which there is only thanks
		t.Errorf("%d orders can be ticked", n)
	}
	ada.look("/admin/orders/"+first.Number).says(".acts", "Thank the shopper…")
	ada.look("/admin/orders/"+cancelled.Number).says(".acts .why", "word of thanks are not possible: this order is cancelled.")
	ada.act(first, "thank").says("#result", "The shopper was thanked.")
	ada.look("/admin/orders/"+first.Number).says("[aria-labelledby=h-timeline]", "ada thanked the shopper")
	if got := d.inBook(first.OrderID); got.MerchantReference2 != "thanked" || got.Running != nil {
		t.Errorf("the book has %q, running %v", got.MerchantReference2, got.Running)
	}

	question := ada.send("POST", "/admin/bulk", url.Values{"action": {"thank"}, "order": {second.OrderID, third.OrderID, cancelled.OrderID}})
	question.says("h1", "Thank for 2 orders?")
	question.says("main", "Each is thanked for once.")
	question.says("main", "Word of thanks is not possible: this order is cancelled.")
	progress := ada.submit(question)
	for start := time.Now(); !strings.Contains(progress.part("main"), "2 of 2 done, 0 refused."); {
		if time.Since(start) > 30*time.Second {
			t.Fatal(progress.part("main"))
		}
		if err := desk.Reconcile(t.Context(), soon()); err != nil {
			t.Fatal(err)
		}
		progress = ada.look(progress.Request.URL.Path)
	}
	for _, o := range []order.Order{second, third} {
		if got := d.managed(o.OrderID).MerchantReference2; got != "thanked" {
			t.Errorf("Klarna has %q", got)
		}
	}
	if p := ada.look("/admin/orders/" + first.Number + "/dance"); p.StatusCode != http.StatusNotFound {
		t.Errorf("an action that nobody registered: %d", p.StatusCode)
	}
}
