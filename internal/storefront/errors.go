package storefront

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redisconn"
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

// failures is the one table from errors to answers; the first that fits counts.
var failures = []struct {
	err error
	failure
}{
	{errBadRequest, failure{400, "bad_request", "The request cannot be understood.", 0}},
	{cart.ErrUnknownSKU, failure{422, "unknown_sku", "There is no such product.", 0}},
	{cart.ErrQuantityLimit, failure{422, "quantity_limit", "Quantities are whole numbers from 0 to 99, and a cart has at most 100 lines.", 0}},
	{cart.ErrBadDiscountCode, failure{422, "bad_discount_code", "There is no such discount code.", 0}},
	{cart.ErrUnknownRegion, failure{422, "unknown_region", "The state cannot be read. Write it as two letters.", 0}},
	{errUnreached, failure{422, "unreachable", "Nothing is delivered there.", 0}},
	{errUnanswered, failure{503, "delivery_unanswered", "The merchant's server did not say what goes there. Nothing has changed.", templates.ShopDown}},
	{cart.ErrUnknownOption, failure{422, "unknown_option", "There is no such way of delivery.", 0}},
	{cart.ErrUnknownCustomer, failure{422, "unknown_customer_type", "Nobody can buy as that here.", 0}},
	{cart.ErrUnknownMarket, failure{422, "unknown_market", "There is no such country or language.", 0}},
	{cartsync.ErrRefused, failure{500, "order_refused", "The checkout is not available right now.", 0}},
	{order.ErrCartChanged, failure{409, "cart_changed", "The cart is not what was approved.", 0}},
	{order.ErrTokenGone, failure{409, "authorization_gone", "The approval cannot be used any more.", 0}},
	{order.ErrNotOurs, failure{409, "authorization_gone", "The approval cannot be used any more.", 0}},
	{order.ErrDeclined, failure{409, "declined", "The payment was not approved.", 0}},
	{errPaid, failure{503, "order_under_way", "The order is paid and being written down.", templates.OrderUnderWay}},
	{cartsync.ErrPurchaseRunning, failure{503, "purchase_running", "A purchase of this cart may be running.", templates.BeingBought}},
	{cartsync.ErrUnavailable, failure{503, "klarna_unavailable", "The payment service did not answer.", templates.PaymentServiceDown}},
	{order.ErrUnavailable, failure{503, "klarna_unavailable", "The payment service did not answer.", templates.PaymentServiceDown}},
	{session.ErrBusy, failure{503, "busy", "Another request of this session is being served.", templates.SessionBusy}},
}

func failureOf(err error) failure {
	if bad, ok := errors.AsType[*respond.BadRequest](err); ok {
		return failure{status: bad.Status, code: "bad_request", message: bad.Error()}
	}
	if _, ok := errors.AsType[*cart.SoldOutError](err); ok {
		return failure{status: http.StatusUnprocessableEntity, code: "sold_out", message: "There are not that many left."}
	}
	if _, ok := errors.AsType[*tooManyError](err); ok {
		return failure{status: http.StatusTooManyRequests, code: "too_many_requests", message: "Too many requests from your connection. Nothing has changed."}
	}
	if redisconn.Full(err) && !errors.Is(err, errPaid) { // a sync that it failed is no fault of Klarna's
		return failure{503, "carts_full", "The shop's own store is full. Nothing has changed.", templates.CartsFull}
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.failure
		}
	}
	return failure{503, "busy", "The shop's own store did not answer.", templates.ShopDown}
}

// report returns the answer to an error, and logs a fault of ours.
func (s *Storefront) report(r *http.Request, err error) failure {
	f := failureOf(err)
	if f.status < 500 {
		err = nil
	}
	s.tell(r, f.code, err)
	return f
}

// tell reports a request that is answered with an error. err is a fault of ours, else nil.
func (s *Storefront) tell(r *http.Request, code string, err error) {
	route := ""
	if routing := chi.RouteContext(r.Context()); routing != nil {
		route = routing.RoutePattern()
	}
	s.Observer.Failure(r.Context(), route, code, err)
}

// jsonError answers with an error as JSON. c is the cart if it may have changed, else nil.
// With it, the page gets the summary too, with an unconfirmed total.
func (s *Storefront) jsonError(w http.ResponseWriter, r *http.Request, err error, c *cart.Cart) {
	f := s.report(r, err)
	extra := map[string]any{}
	if soldOut, ok := errors.AsType[*cart.SoldOutError](err); ok {
		extra["sku"], extra["left"] = soldOut.SKU, soldOut.Left
	}
	if line, ok := errors.AsType[*cart.LineError](err); ok {
		extra["sku"] = line.SKU
	}
	if c != nil {
		extra["cart_revision"] = c.Revision
		if html, htmlErr := s.view(r, *c).summaryHTML(r.Context(), true); htmlErr == nil {
			extra["summary_html"] = html
		}
	}
	if e, ok := errors.AsType[*tooManyError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(e.seconds()))
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(reloads[0]))
	}
	respond.JSONError(w, r, f.status, f.code, f.message, extra)
}
