package storefront

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// errBadRequest is a request that cannot be understood.
var errBadRequest = errors.New("the request cannot be understood")

// failure is how an error is answered.
type failure struct {
	status  int
	code    string           // for JSON
	message string           // for JSON; safe to show
	outage  templates.Outage // for the 503 page
}

// failureOf is the one table from errors to answers.
func failureOf(err error) failure {
	const unprocessable, unavailable = http.StatusUnprocessableEntity, http.StatusServiceUnavailable
	if bad, ok := errors.AsType[*respond.BadRequest](err); ok {
		return failure{status: bad.Status, code: "bad_request", message: bad.Error()}
	}
	if _, ok := errors.AsType[*cart.SoldOutError](err); ok {
		return failure{status: unprocessable, code: "sold_out", message: "There are not that many left."}
	}
	switch {
	case errors.Is(err, errBadRequest):
		return failure{status: http.StatusBadRequest, code: "bad_request", message: "The request cannot be understood."}
	case errors.Is(err, cart.ErrUnknownSKU):
		return failure{status: unprocessable, code: "unknown_sku", message: "There is no such product."}
	case errors.Is(err, cart.ErrQuantityLimit):
		return failure{status: unprocessable, code: "quantity_limit", message: "Quantities are whole numbers from 0 to 99, and a cart has at most 100 lines."}
	case errors.Is(err, cart.ErrBadDiscountCode):
		return failure{status: unprocessable, code: "bad_discount_code", message: "There is no such discount code."}
	case errors.Is(err, cart.ErrUnknownRegion):
		return failure{status: unprocessable, code: "unknown_region", message: "There is no such region."}
	case errors.Is(err, cart.ErrUnknownMarket):
		return failure{status: unprocessable, code: "unknown_market", message: "There is no such country or language."}
	case errors.Is(err, cartsync.ErrRefused):
		return failure{status: http.StatusInternalServerError, code: "order_refused", message: "The checkout is not available right now."}
	case errors.Is(err, order.ErrCartChanged):
		return failure{status: http.StatusConflict, code: "cart_changed", message: "The cart is not what was approved."}
	case errors.Is(err, order.ErrTokenGone), errors.Is(err, order.ErrNotOurs):
		return failure{status: http.StatusConflict, code: "authorization_gone", message: "The approval cannot be used any more."}
	case errors.Is(err, order.ErrDeclined):
		return failure{status: http.StatusConflict, code: "declined", message: "The payment was not approved."}
	case errors.Is(err, errPaid):
		return failure{status: unavailable, code: "order_under_way", message: "The order is paid and being written down.", outage: templates.OrderUnderWay}
	case errors.Is(err, cartsync.ErrPurchaseRunning):
		return failure{status: unavailable, code: "purchase_running", message: "A purchase of this cart may be running.", outage: templates.BeingBought}
	case errors.Is(err, cartsync.ErrUnavailable), errors.Is(err, order.ErrUnavailable):
		return failure{status: unavailable, code: "klarna_unavailable", message: "The payment service did not answer.", outage: templates.PaymentServiceDown}
	case errors.Is(err, session.ErrBusy):
		return failure{status: unavailable, code: "busy", message: "Another request of this session is being served.", outage: templates.SessionBusy}
	}
	return failure{status: unavailable, code: "busy", message: "The shop's own store did not answer.", outage: templates.ShopDown}
}

// report finds the answer for an error and logs what is ours to mend, once.
func (s *Storefront) report(r *http.Request, err error) failure {
	f := failureOf(err)
	if f.status < 500 {
		err = nil
	}
	s.tell(r, f.code, err)
	return f
}

// tell tells of a request that is answered with an error; err is what is ours to
// mend, nil for none.
func (s *Storefront) tell(r *http.Request, code string, err error) {
	route := ""
	if routing := chi.RouteContext(r.Context()); routing != nil {
		route = routing.RoutePattern()
	}
	s.Observer.Failure(r.Context(), route, code, err)
}

// jsonError answers with an error as JSON. c is the cart where it did change
// or may have: then the page gets the summary too, whose total is not confirmed.
func (s *Storefront) jsonError(w http.ResponseWriter, r *http.Request, err error, c *cart.Cart) {
	f := s.report(r, err)
	extra := map[string]any{}
	if soldOut, ok := errors.AsType[*cart.SoldOutError](err); ok {
		extra["sku"], extra["left"] = soldOut.SKU, soldOut.Left
	}
	if c != nil {
		extra["cart_revision"] = c.Revision
		if html, htmlErr := s.view(r, *c).summaryHTML(r.Context(), true); htmlErr == nil {
			extra["summary_html"] = html
		}
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(reloads[0]))
	}
	respond.JSONError(w, r, f.status, f.code, f.message, extra)
}
