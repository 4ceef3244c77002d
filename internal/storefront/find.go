package storefront

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// findPath is the page on which a buyer finds an order again, by its number and an e-mail address.
const findPath = "/orders"

// Tries to find orders that may fail within findTime, in each process. Whoever has used them up
// gets the answer of an unknown order, also for a right address.
const (
	findTime    = 5 * time.Minute
	numberTries = 5
	clientTries = 20 // an office may be behind one
	mostTries   = 100_000
)

// finds counts tries to find orders, by number and by client.
type finds struct {
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

// take takes one try of an order's number and of a client; false when either has none left.
func (f *finds) take(number, client string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.since) >= findTime || len(f.count) >= mostTries {
		f.since, f.count = now, map[string]int{}
	}
	number, client = "number "+number, "client "+client
	if f.count[number] >= numberTries || f.count[client] >= clientTries {
		return false
	}
	f.count[number]++
	f.count[client]++
	return true
}

// findPage shows the form that finds an order.
func (s *Storefront) findPage(w http.ResponseWriter, r *http.Request, v *view) {
	respond.Page(w, r, http.StatusOK, templates.Find(templates.FindView{Shell: v.shell()}))
}

// find leads to an order's page whoever knows its number and the e-mail address that it was
// placed with. All others learn nothing, not even whether there is such an order.
func (s *Storefront) find(w http.ResponseWriter, r *http.Request, v *view) {
	s.lookUp(w, r, v, templates.FindView{}, orderview.Path)
}

// lookUp is find, for a page that leads to an address of the order's.
func (s *Storefront) lookUp(w http.ResponseWriter, r *http.Request, v *view, page templates.FindView, path func(order.Order) string) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		s.errorPage(w, r, err, v.cart.Locale)
		return
	}
	number, email := strings.ToUpper(strings.TrimSpace(r.PostFormValue("number"))), strings.TrimSpace(r.PostFormValue("email"))
	allowed := s.finds.take(number, respond.Client(r).String(), time.Now())
	o, found, err := s.Book.ByNumber(r.Context(), number)
	switch {
	case err != nil:
		s.errorPage(w, r, err, v.cart.Locale)
	case allowed && found && email != "" && o.Key != "" && strings.EqualFold(o.BillingAddress.Email, email):
		http.Redirect(w, r, path(o), http.StatusSeeOther) //nolint:gosec // it is an address of ours
	default:
		s.tell(r, "order_not_found", nil)
		page.Shell, page.Number, page.Email, page.None = v.shell(), r.PostFormValue("number"), email, true
		page.Path = r.URL.Path
		respond.Page(w, r, http.StatusUnprocessableEntity, templates.Find(page))
	}
}
