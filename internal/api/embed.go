package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/static"
)

// What web/static/embed.js asks from a page of the merchant's. The page has the client secret
// of one session and no key; it sends no cookie, and nothing stands in an address. Only that
// script calls this, so the document of the API does not have it.

const secretPrefix = "cs_" // of client secrets

// Browsers mounts what pages of the merchant's ask. limit bounds what one browser may.
func (a *API) Browsers(r chi.Router, limit func(http.Handler) http.Handler) {
	r.Get(Path+"/checkout.js", static.ServeModule)
	r.Get(Path+"/checkout.d.ts", static.ServeTypes)
	for path, serve := range map[string]func(*http.Request, embedRequest) (any, error){
		"": a.embed, "/state": a.embedState, "/confirmation": a.embedConfirmation,
	} {
		ask := a.origin(a.guard(limit(respond.Deadline(callTime)(a.answerEmbed(serve)))))
		r.Method(http.MethodPost, Path+"/embed"+path, ask)
		r.Method(http.MethodOptions, Path+"/embed"+path, ask)
	}
}

// origin lets pages of the origins of the shop file through, and answers what a browser asks
// before it.
func (a *API) origin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !slices.Contains(a.Published.Now().Shop.Embed, origin) {
			a.refuse(w, r, problem(http.StatusForbidden, CodeForbidden, "The page's origin is none of the shop file's embed.origins."))
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", http.MethodPost)
			h.Set("Access-Control-Allow-Headers", "Content-Type")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// embedRequest is what a page asks.
type embedRequest struct {
	ClientSecret string `json:"client_secret"`
	OrderID      string `json:"order_id"` // whose form the page shows; "": none yet
	Seen         int64  `json:"seen"`     // the revision that the form shows; 0: it says nothing
	Declined     bool   `json:"declined"` // the form has said that nothing pays the order
}

// embedAnswer is a session whose form can be shown.
type embedAnswer struct {
	OrderID         string       `json:"order_id"`
	Revision        int64        `json:"revision"`
	OrderAmount     int64        `json:"order_amount"`
	OrderTaxAmount  int64        `json:"order_tax_amount"`
	Currency        string       `json:"currency"`
	DeliveryOption  *Delivery    `json:"delivery_option"`
	ShippingAddress embedAddress `json:"shipping_address"`
	HTMLSnippet     string       `json:"html_snippet,omitempty"` // where the page shows another form, or none
}

type embedAddress struct {
	Country    string `json:"country"`
	PostalCode string `json:"postal_code"`
}

// embedProblem says why there is no form, and where the browser should go.
type embedProblem struct {
	*Problem
	Redirect string `json:"redirect,omitempty"`
}

// answerEmbed answers a page.
func (a *API) answerEmbed(serve func(*http.Request, embedRequest) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in embedRequest
		err := respond.CheckType(r, "application/json")
		if err == nil {
			err = respond.DecodeJSON(w, r, &in, respond.ShopperLimit)
		}
		var out any
		if err == nil {
			out, err = serve(r, in)
		}
		if err == nil {
			respond.JSON(w, r, http.StatusOK, out)
			return
		}
		p, fault := embedProblemOf(err), err
		if p.Status < http.StatusInternalServerError {
			fault = nil
		}
		a.Observer.Failure(r.Context(), chi.RouteContext(r.Context()).RoutePattern(), string(p.Code), fault)
		p.RequestID = observe.RequestID(r.Context())
		maps.Copy(w.Header(), p.GetHeaders())
		respond.JSON(w, r, p.Status, p)
	}
}

// embedProblemOf is an error as a page gets it.
func embedProblemOf(err error) *embedProblem {
	if p, ok := errors.AsType[*embedProblem](err); ok {
		return p
	}
	if bad, ok := errors.AsType[*respond.BadRequest](err); ok {
		return &embedProblem{Problem: problem(bad.Status, CodeBadRequest, bad.Message)}
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return &embedProblem{Problem: p}
	}
	p := unavailable()
	switch {
	case errors.Is(err, cartsync.ErrPurchaseRunning):
		p = running()
		p.Status = http.StatusServiceUnavailable
	case errors.Is(err, cartsync.ErrRefused):
		p = problem(http.StatusInternalServerError, CodeKlarnaRefused, "Klarna does not take what the session says.")
	case ofStore(err):
	case errors.Is(err, cartsync.ErrUnavailable), errors.Is(err, session.ErrBusy), errors.Is(err, order.ErrUnavailable):
		p = problem(http.StatusServiceUnavailable, CodeKlarnaDown, "Klarna did not answer in time.").after(retryAfter)
	}
	return &embedProblem{Problem: p}
}

// cartOf is the cart of a client secret.
func (a *API) cartOf(ctx context.Context, in embedRequest) (c cart.Cart, err error) {
	secret, _ := strings.CutPrefix(in.ClientSecret, secretPrefix)
	id, ok := a.Secrets.Cart(secret)
	if !ok || len(in.OrderID) > kco.MaxOrderID {
		return c, problem(http.StatusUnauthorized, CodeUnauthorized, "The client secret is that of no checkout session.")
	}
	return a.Carts.Get(ctx, id, cart.Fallback{})
}

// row is the session of a cart that a client secret has named.
func (a *API) row(ctx context.Context, c cart.Cart) (checkoutsession.Session, error) {
	row, found, err := a.Sessions.ByCart(ctx, c.ID)
	if err == nil && !found {
		err = problem(http.StatusUnauthorized, CodeUnauthorized, "The client secret is that of no checkout session.")
	}
	return row, err
}

// embed brings Klarna's order in step with the session and answers with what its form shows.
func (a *API) embed(r *http.Request, in embedRequest) (any, error) {
	ctx := r.Context()
	c, err := a.cartOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if a.Published.Now().Shop.Checkout.Payments {
		return nil, problem(http.StatusConflict, CodeInvalid, "The shop file says Klarna Payments, and a page can hold Klarna Checkout alone.")
	}
	if isOver(c) {
		return nil, a.over(ctx, c, lastOf(c))
	}
	// What has begun is brought to its end although the page goes.
	held, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	result, err := a.syncEmbed(held, c, in)
	switch {
	case err != nil:
		return nil, err
	case result.Outcome == cartsync.Complete, result.Outcome == cartsync.Bought, result.Outcome == cartsync.Empty:
		return nil, a.over(ctx, result.Cart, result.OrderID)
	case result.Outcome == cartsync.Free: // there is a form for that on the hosted page
		return nil, &embedProblem{
			problem(http.StatusConflict, CodeNothingToPay, "There is nothing to pay."), a.PublicURL + checkoutsession.OpenPath + a.Links.Secret(c.ID),
		}
	}
	c = result.Cart
	fresh := result.OrderID != in.OrderID
	if in.OrderID == "" { // the page shows it by being loaded; an open one says so when its form has read the order
		if err := a.acknowledge(held, c, c.Basket.Revision); err != nil {
			return nil, err
		}
	}
	if in.Declined && !fresh { // Klarna has just said that it is open still
		a.Book.LetGo(held, c)
	}
	out := embedAnswer{
		OrderID: result.OrderID, Revision: c.Basket.Revision, OrderAmount: int64(result.Quote.OrderAmount),
		OrderTaxAmount: int64(result.Quote.OrderTaxAmount), Currency: string(result.Quote.Currency),
	}
	if o := result.Quote.Shipping; o != nil {
		out.DeliveryOption = &Delivery{ID: o.ID, Name: o.Name, Description: o.Time, Price: int64(o.Price), TaxRate: int64(o.Rate / 10)}
	}
	to := result.Order.ShippingAddress
	out.ShippingAddress = embedAddress{strings.ToUpper(cmp.Or(to.Country, c.Country)), to.PostalCode}
	if fresh {
		out.HTMLSnippet = kco.Snippet(result.Order.HTMLSnippet, "")
	}
	return out, nil
}

// syncEmbed is the Sync for a page. It reads first: the merchant's own call has most often
// told Klarna already.
func (a *API) syncEmbed(ctx context.Context, c cart.Cart, in embedRequest) (result kco.Result, err error) {
	// Before the cart is held: the merchant's one process may be in a call that waits for that.
	if err := a.Hooks.Follow(ctx, c.ID, cart.Fallback{}); err != nil {
		return result, err
	}
	release, err := a.Locks.LockCart(ctx, c.ID)
	if err != nil {
		return result, err
	}
	defer release()
	if c, err = a.Carts.Get(ctx, c.ID, cart.Fallback{}); err != nil { // with what the hook has said
		return result, err
	}
	if c, err = a.Sessions.Renew(ctx, a.Carts, a.Pricer, c); err != nil {
		return result, err
	}
	request := kco.Request{CartID: c.ID, Mode: cartsync.Load, PageOrderID: in.OrderID}
	if c.OrderID == "" && c.Basket != nil {
		row, err := a.row(ctx, c)
		if err != nil {
			return result, err
		}
		request.Prefill = row.Customer.Prefill(c.Basket.BillingCountries)
	}
	result, err = a.KCO.Sync(ctx, request)
	if err == nil && result.Outcome == cartsync.InSync {
		err = a.KCO.NoteBilling(ctx, &result)
	}
	return result, err
}

// isOver reports whether a session cannot be bought any more, or has lost its lines.
func isOver(c cart.Cart) bool { return c.Basket == nil || c.Basket.Ended || len(c.Bought) > 0 }

// over says what became of a session that has no form, and where the browser should go.
// orderID is the order that has bought it, "" for none.
func (a *API) over(ctx context.Context, c cart.Cart, orderID string) error {
	row, err := a.row(ctx, c)
	switch {
	case err != nil:
		return err
	case row.Status == checkoutsession.Complete:
		p := problem(http.StatusConflict, CodeComplete, "The session was bought.")
		p.Order, _ = a.sold(ctx, row)
		return &embedProblem{p, row.Way(row.SuccessURL, "")}
	case orderID != "":
		return &embedProblem{
			problem(http.StatusConflict, CodePlacing, "The session is paid, and its order is being written down."),
			a.PublicURL + c.ConfirmationPath() + "?order_id=" + url.QueryEscape(orderID),
		}
	case row.Status == checkoutsession.Expired:
		return &embedProblem{problem(http.StatusGone, CodeExpired, "The session has ended."), row.Over()}
	case c.Basket == nil:
		return problem(http.StatusServiceUnavailable, CodeUnavailable, "The lines are lost; the next call of the merchant's server brings them again.").after(retryAfter)
	}
	return problem(http.StatusConflict, CodeNothingToSell, "Nothing of the session can be bought now.")
}

// lastOf is the order that bought a cart last, "" for none.
func lastOf(c cart.Cart) string {
	if len(c.Bought) == 0 {
		return ""
	}
	return c.Bought[len(c.Bought)-1]
}

// embedState tells an open page whether the merchant has changed the basket, and takes what
// its form has shown. It asks nothing at Klarna.
func (a *API) embedState(r *http.Request, in embedRequest) (any, error) {
	ctx := r.Context()
	c, err := a.cartOf(ctx, in)
	if err == nil {
		c, err = a.Sessions.Renew(ctx, a.Carts, a.Pricer, c)
	}
	switch {
	case err != nil:
		return nil, err
	case isOver(c):
		return nil, a.over(ctx, c, lastOf(c))
	case in.Seen < 0 || in.Seen > c.Basket.Revision:
		return nil, problem(http.StatusBadRequest, CodeBadRequest, "The session has no such revision.")
	}
	if err := a.acknowledge(ctx, c, in.Seen); err != nil {
		return nil, err
	}
	return map[string]int64{"revision": c.Basket.Revision}, nil
}

// acknowledge notes that a form shows a revision of the basket.
func (a *API) acknowledge(ctx context.Context, c cart.Cart, revision int64) error {
	if c.Seen >= revision {
		return nil
	}
	if err := a.Carts.SetSeen(ctx, c.ID, revision); err != nil {
		return fmt.Errorf("acknowledge basket: %w", err)
	}
	return nil
}

// embedConfirmation answers with Klarna's confirmation of a session that was bought.
func (a *API) embedConfirmation(r *http.Request, in embedRequest) (any, error) {
	ctx := r.Context()
	c, err := a.cartOf(ctx, in)
	if err != nil {
		return nil, err
	}
	row, err := a.row(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case row.Status == checkoutsession.Placing, row.Status == checkoutsession.Open && len(c.Bought) > 0:
		return nil, problem(http.StatusServiceUnavailable, CodePlacing, "The session is paid, and its order is being written down.").after(retryAfter)
	case row.Status != checkoutsession.Complete:
		return nil, problem(http.StatusConflict, CodeNoConfirmation, "The session was not bought.")
	}
	gone := problem(http.StatusGone, CodeNoConfirmation, "Klarna shows no confirmation of this order, or none any more.")
	o, found, err := a.Book.ByOrderID(ctx, row.OrderID)
	switch {
	case err != nil:
		return nil, err
	case !found || o.Free() || o.Origin != "" || o.Erased() || time.Since(o.PlacedAt) >= kco.ConfirmationLife: // it says who bought
		return nil, gone
	}
	checkout, err := a.KCO.Client.GetOrder(ctx, o.OrderID)
	switch {
	case klarna.Status(err) == http.StatusNotFound:
		return nil, gone
	case err != nil:
		return nil, fmt.Errorf("read kco order %s: %w: %w", o.OrderID, cartsync.ErrUnavailable, err)
	}
	return map[string]string{"html_snippet": kco.Snippet(checkout.HTMLSnippet, "")}, nil
}
