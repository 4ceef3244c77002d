package storefront

import (
	"net/http"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/quota"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// findPath is the page on which a buyer finds an order again, by its number and an e-mail address.
const findPath = "/orders"

// Tries to find orders within findTime, over all processes. Whoever has used them up gets the
// answer of an unknown order, also for a right address.
const (
	findTime    = 5 * time.Minute
	numberTries = 5
	clientTries = 20 // an office may be behind one
)

// mayFind takes one try of a client and of an order's number; false when either has none left.
func (s *Storefront) mayFind(r *http.Request, number string) bool {
	return s.take(r.Context(), findTime, quota.Client("find", respond.Client(r), clientTries)) == 0 &&
		s.take(r.Context(), findTime, []quota.Counter{quota.Of("find", "number", number, numberTries)}) == 0
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
	number, email := strings.TrimSpace(r.PostFormValue("number")), strings.TrimSpace(r.PostFormValue("email"))
	capitals := strings.ToUpper(number)
	allowed := s.mayFind(r, capitals)
	o, found, err := s.Book.ByNumber(r.Context(), number) // two of a merchant's own may differ in case alone
	if err == nil && !found {
		o, found, err = s.Book.ByNumber(r.Context(), capitals)
	}
	switch {
	case err != nil:
		s.errorPage(w, r, err, v.cart.Locale)
	case allowed && found && email != "" && o.Key != "" && strings.EqualFold(o.BillingAddress.Email, email):
		http.Redirect(w, r, path(o), http.StatusSeeOther)
	default:
		s.tell(r, "order_not_found", nil)
		page.Shell, page.Number, page.Email, page.None = v.shell(), r.PostFormValue("number"), email, true
		page.Path = page.To(r.URL.Path)
		respond.Page(w, r, http.StatusUnprocessableEntity, templates.Find(page))
	}
}
