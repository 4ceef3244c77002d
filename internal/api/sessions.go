package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/stock"
)

// deciding is how long Klarna may take from a validation to its purchase: meanwhile a basket
// stays as it was approved. After that Klarna itself refuses what comes too late.
const deciding = 10 * time.Second

type sessionPath struct {
	Reference string `path:"reference" pattern:"^[.]*[A-Za-z0-9_-][A-Za-z0-9._-]*$" maxLength:"64" doc:"The merchant's own name of the basket, not of dots alone."`
}

type putInput struct {
	Reference string `path:"reference" pattern:"^[.]*[A-Za-z0-9_-][A-Za-z0-9._-]*$" maxLength:"64" doc:"The merchant's own name of the basket, not of dots alone."`
	IfMatch   string `header:"If-Match" maxLength:"40" doc:"The revision that the session must have, in quotes."`
	Body      SessionRequest
}

type sessionOutput struct {
	Status int
	Body   Session
}

func (a *API) sessions(on huma.API) {
	const path = Path + "/checkout_sessions/{reference}"
	tags := []string{"Checkout sessions"}
	register(a, on, permission.Checkout, huma.Operation{
		OperationID: "put_checkout_session", Method: http.MethodPut, Path: path, Tags: tags,
		Summary:     "Say all of a checkout session: it is made (201), or replaced (200)",
		Description: "Where the shopper has a form open, Klarna's order says the same when this is answered with 200. It may be repeated.",
		Errors:      []int{http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity},
		RequestBody: example(exampleRequest), Responses: answers("Session", exampleAnswer, http.StatusCreated),
	}, a.putSession)
	register(a, on, permission.Checkout, huma.Operation{
		OperationID: "get_checkout_session", Method: http.MethodGet, Path: path, Tags: tags,
		Summary: "Read a checkout session", Errors: []int{http.StatusNotFound}, Responses: answers("Session", exampleAnswer),
	}, a.getSession)
	register(a, on, permission.Checkout, huma.Operation{
		OperationID: "expire_checkout_session", Method: http.MethodPost, Path: path + "/expire", Tags: tags,
		Summary: "End a checkout session that nobody is buying", Errors: []int{http.StatusNotFound, http.StatusConflict},
		Responses: answers("Session", exampleAnswer),
	}, a.expireSession)
}

// putSession makes or replaces a session.
func (a *API) putSession(ctx context.Context, in *putInput) (*sessionOutput, error) {
	var r reading
	purpose := r.purpose(&in.Body)
	if purpose.Mode == embedded && a.Published.Now().Shop.Checkout.Payments {
		r.fault("mode", "embedded is Klarna Checkout's, and the shop file says Klarna Payments")
	}
	b, err := r.basket(&in.Body, a.Published.Now().Shop.Markets)
	if err != nil {
		return nil, err
	}
	purpose.Lines = lineNames(b)
	purpose.Market = checkoutsession.Market{
		Country: b.Country, Currency: b.Currency, Locale: b.Locale, ShippingCountries: b.ShippingCountries, BillingCountries: b.BillingCountries,
	}
	expected, err := revisionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	for { // somebody else may make or change it in this moment: then it is another by now
		out, err := a.put(ctx, in, purpose, *b, expected)
		overtaken := errors.Is(err, checkoutsession.ErrReference) || errors.Is(err, checkoutsession.ErrNotOpen) || errors.Is(err, checkoutsession.ErrRevision)
		if !overtaken || ctx.Err() != nil {
			return out, err
		}
	}
}

// revisionOf reads If-Match: "" is 0, any revision.
func revisionOf(text string) (int64, error) {
	if text == "" || text == "*" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	if err != nil || n < 1 {
		return 0, invalid(Fault{"header.If-Match", `is no revision such as "3"`})
	}
	return n, nil
}

func (a *API) put(ctx context.Context, in *putInput, purpose checkoutsession.Purpose, b cart.Basket, expected int64) (*sessionOutput, error) {
	row, found, err := a.Sessions.ByReference(ctx, in.Reference)
	if err != nil {
		return nil, err
	}
	fresh := !found || row.Status == checkoutsession.Expired
	c := cart.Cart{ID: cart.NewID()}
	if !fresh {
		if c, err = a.Carts.Get(ctx, row.CartID, cart.Fallback{Country: b.Country, Locale: b.Locale}); err != nil {
			return nil, err
		}
		if err := a.closed(ctx, row, c); err != nil {
			return nil, err
		}
	}
	b.Reference, b.Lines = in.Reference, slices.Clone(b.Lines) // total writes in them
	b.WayOut = purpose.CancelURL != ""
	if purpose.Mode == embedded {
		b.Back = a.Backs.Secret(c.ID)
	}
	switch {
	case in.Body.OrderNumber != "":
		b.OrderNumber = in.Body.OrderNumber
	case !fresh:
		b.OrderNumber = row.OrderNumber
	default:
		b.OrderNumber = order.NewNumber(a.Published.Now().Shop.OrderPrefix)
	}
	if err := a.total(&in.Body, &b); err != nil {
		return nil, err
	}
	next := row
	next.Revision = newest(row, c)
	if expected != 0 && (fresh || next.Revision != expected) {
		return nil, a.stale(ctx, row, c, fresh)
	}
	next.OrderNumber, next.Purpose = b.OrderNumber, purpose
	next.Version = row.Version
	raised := fresh || !b.Same(c.Basket) || c.Basket.Revision < next.Revision || a.Pricer.Outdated(c.Basket)
	if raised {
		next.Revision++
	}
	done := change{row, next, c.Basket, raised}
	switch {
	case fresh:
		next = checkoutsession.Session{
			CartID: c.ID, Reference: in.Reference, OrderNumber: b.OrderNumber, Status: checkoutsession.Open, Revision: next.Revision,
			CreatedAt: instant(time.Now()), Purpose: purpose,
		}
		err = a.Sessions.Add(ctx, next)
	case !reflect.DeepEqual(next, row):
		if err = a.Sessions.Change(ctx, row.Revision, next); err == nil && !raised {
			err = a.Carts.Touch(ctx, next.CartID) // of the merchant's changes, this one alone does not store it
		}
	}
	switch {
	case errors.Is(err, checkoutsession.ErrTaken):
		return nil, problem(http.StatusConflict, CodeNumberTaken, "Another order, or another open session, has this order number.")
	case err != nil:
		return nil, err
	}
	if raised {
		b.Revision, b.Terms = next.Revision, a.Pricer.Terms(&b)
		if c, err = a.store(ctx, next.CartID, &b); err != nil {
			if redisconn.Full(err) && !fresh { // then it is known that the cart has not got it
				done.raised = false
				a.undo(ctx, done, anyway)
			}
			return nil, err
		}
		// A purchase may have been approved since we looked. Whoever approves looks at the row, so that
		// one of both sees the other.
		if err := a.closed(ctx, next, c); err != nil {
			a.undo(ctx, done, unseen)
			return nil, err
		}
	}
	if c, err = a.push(ctx, c, done); err != nil {
		return nil, err
	}
	if raised {
		a.Book.LetGo(ctx, c)
	}
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
	}
	return a.output(ctx, status, next, c)
}

// store puts a basket in its cart, unless a newer one is there.
func (a *API) store(ctx context.Context, cartID string, b *cart.Basket) (cart.Cart, error) {
	return a.Carts.Update(ctx, cartID, cart.Fallback{Country: b.Country, Locale: b.Locale}, func(c *cart.Cart) error {
		if c.Basket == nil || c.Basket.Revision < b.Revision {
			c.Put(b, a.Published.Now())
		}
		return nil
	})
}

// total checks what a basket comes to as it is said. Where the shopper lets it go and what he has
// chosen, the merchant's server need not know: a call may be repeated whatever he does.
func (a *API) total(in *SessionRequest, b *cart.Basket) error {
	var said cart.Cart
	said.Put(b, a.Published.Now())
	q, err := a.Pricer.Quote(said.Contents)
	if err := totals(in, b, q, err); err != nil {
		return err
	}
	if err := payable(a.Pricer.Quote(said.Contents)); err != nil { // with the tax that totals has taken
		return err
	}
	return possible(a.Pricer.Cheapest(said.Contents)) // by another delivery it may come to less than 0
}

// closed says why a session cannot be changed: it was bought, or may be being bought.
func (a *API) closed(ctx context.Context, row checkoutsession.Session, c cart.Cart) error {
	switch {
	case row.Status == checkoutsession.Complete:
		p := problem(http.StatusConflict, CodeComplete, "The session was bought; a new basket needs a reference of its own.")
		p.Order, _ = a.sold(ctx, row)
		return p
	case row.Status == checkoutsession.Placing, len(c.Bought) > 0:
		return running()
	}
	if c.OrderID == "" && c.SessionID == "" {
		return nil // no form was opened
	}
	list, err := a.Stock.OfCart(ctx, a.DB.Read, row.CartID)
	if err != nil {
		return err
	}
	for _, approved := range list {
		if approved.Sold || time.Since(approved.Made) < deciding {
			return running()
		}
	}
	return nil
}

func running() *Problem {
	return problem(http.StatusConflict, CodePurchaseRunning, "The session may be being bought at this moment. Nothing has changed.").after(5 * time.Second)
}

// newest is the revision of a session: that of its row. A cart below it lacks a basket, which Redis
// has lost or which is on its way; one above it is of a database that was restored.
func newest(row checkoutsession.Session, c cart.Cart) int64 {
	if c.Basket == nil {
		return row.Revision
	}
	return max(row.Revision, c.Basket.Revision)
}

// stale says which revision a session has.
func (a *API) stale(ctx context.Context, row checkoutsession.Session, c cart.Cart, fresh bool) error {
	p := problem(http.StatusPreconditionFailed, CodeStaleRevision, "The session has not the revision of If-Match. Nothing has changed.")
	if fresh {
		return p
	}
	out, err := a.output(ctx, 0, row, c)
	if err != nil {
		return err
	}
	p.CheckoutSession = &out.Body
	return p
}

// push brings Klarna's copy of a cart in step, where a form was opened. What Klarna refuses
// is undone: the session is what it was.
func (a *API) push(ctx context.Context, c cart.Cart, done change) (cart.Cart, error) {
	kcoOpen := c.OrderID != "" && !cart.IsOwnOrder(c.OrderID)
	if !kcoOpen && c.SessionID == "" {
		return c, nil
	}
	release, err := a.Locks.LockCart(ctx, c.ID)
	if err != nil {
		return c, klarnaDown(err)
	}
	defer release()
	outcome, orderID := cartsync.InSync, ""
	if kcoOpen {
		result, syncErr := a.KCO.Sync(ctx, kcoRequest(c))
		outcome, orderID, err = result.Outcome, result.OrderID, syncErr
		if err == nil {
			c = result.Cart
		}
	}
	if err == nil && c.SessionID != "" {
		result, syncErr := a.Payments.Sync(ctx, paymentsRequest(c))
		err = syncErr
		if outcome == cartsync.InSync {
			outcome, orderID = result.Outcome, result.OrderID
		}
	}
	switch {
	case errors.Is(err, cartsync.ErrNothingToRepair): // no form is open any more
		return c, nil
	case err == nil && (outcome == cartsync.Complete || outcome == cartsync.Bought):
		switch sold, err := a.isSold(ctx, c, orderID); {
		case err != nil:
			a.undo(ctx, done, unseen)
		case !sold || !done.raised:
			a.undo(ctx, done, anyway)
		}
		return c, running()
	case errors.Is(err, cartsync.ErrPurchaseRunning):
		a.undo(ctx, done, unseen)
		return c, running()
	case errors.Is(err, cartsync.ErrRefused):
		a.undo(ctx, done, anyway)
		return c, problem(http.StatusUnprocessableEntity, CodeKlarnaRefused, "Klarna does not take what the session says. The session is as it was.")
	case errors.Is(err, session.ErrBusy), errors.Is(err, cartsync.ErrUnavailable):
		return c, klarnaDown(err)
	}
	return c, err
}

// ofStore reports whether a sync failed by our own store: nothing of Klarna's is late then.
func ofStore(err error) bool { return errors.Is(err, session.ErrStore) || redisconn.Full(err) }

func klarnaDown(err error) error {
	if ofStore(err) {
		return err
	}
	return problem(http.StatusServiceUnavailable, CodeKlarnaDown, "The change is kept, and Klarna did not answer in time: the next touch brings it there. The call may be repeated.").after(retryAfter)
}

// output is the answer with a session.
func (a *API) output(ctx context.Context, status int, row checkoutsession.Session, c cart.Cart) (*sessionOutput, error) {
	touched, err := a.Carts.TouchedAt(ctx, row.CartID)
	if err != nil {
		return nil, err
	}
	if touched.IsZero() {
		touched = row.CreatedAt
	}
	sold, pricer := a.sold(ctx, row)
	var q cart.Quote
	if c.Basket != nil {
		if q, err = pricer.Offer(c.Contents); err != nil {
			if _, ok := errors.AsType[*klarna.RuleError](err); !ok {
				return nil, err
			}
		}
	}
	out := &sessionOutput{Status: status, Body: a.answer(row, c, q, touched, sold)}
	if c.Basket == nil && sold != nil {
		o, found, err := a.Book.ByOrderID(ctx, row.OrderID)
		if err != nil {
			return nil, err
		}
		if found {
			out.Body.bought(o, row.Lines)
		}
	}
	return out, nil
}

// sold is the order that a session became, nil before, and by what its basket is priced: what was
// bought by the version of then.
func (a *API) sold(ctx context.Context, row checkoutsession.Session) (*OrderRef, *cart.Pricer) {
	if row.OrderID == "" {
		return nil, a.Pricer
	}
	o, found, err := a.Book.ByOrderID(ctx, row.OrderID)
	if err != nil || !found {
		return &OrderRef{row.OrderID, row.OrderNumber}, a.Pricer
	}
	pricer := *a.Pricer
	if priced, err := a.Published.At(ctx, o.Priced); err == nil {
		pricer.Published = publish.Fixed(priced)
	}
	return &OrderRef{o.ID, o.Number}, &pricer
}

// find is the session of a reference.
func (a *API) find(ctx context.Context, reference string) (row checkoutsession.Session, c cart.Cart, err error) {
	row, found, err := a.Sessions.ByReference(ctx, reference)
	if err != nil {
		return row, c, err
	}
	if !found {
		return row, c, problem(http.StatusNotFound, CodeNotFound, "There is no checkout session with this reference.")
	}
	c, err = a.Carts.Get(ctx, row.CartID, cart.Fallback{})
	return row, c, err
}

func (a *API) getSession(ctx context.Context, in *sessionPath) (*sessionOutput, error) {
	row, c, err := a.find(ctx, in.Reference)
	if err == nil {
		c, err = a.Sessions.Renew(ctx, a.Carts, a.Pricer, c)
	}
	if err != nil {
		return nil, err
	}
	return a.output(ctx, http.StatusOK, row, c)
}

func (a *API) expireSession(ctx context.Context, in *sessionPath) (*sessionOutput, error) {
	row, c, err := a.find(ctx, in.Reference)
	switch {
	case err != nil:
		return nil, err
	case row.Status == checkoutsession.Expired:
		return a.output(ctx, http.StatusOK, row, c)
	case row.Status != checkoutsession.Open, len(c.Bought) > 0:
		return nil, a.closed(ctx, row, c)
	}
	if c, err = a.end(ctx, row.CartID); err != nil {
		switch {
		case errors.Is(err, stock.ErrPurchaseRunning):
			return nil, running()
		case errors.Is(err, checkoutsession.ErrNotOpen): // since this moment
			return a.expireSession(ctx, in)
		}
		return nil, err
	}
	row.Status = checkoutsession.Expired
	return a.output(ctx, http.StatusOK, row, c)
}

// end ends a session: here at once; Klarna's order is aborted by the list of those that were
// left behind.
func (a *API) end(ctx context.Context, cartID string) (c cart.Cart, err error) {
	if err := a.Sessions.Expire(ctx, a.Stock, cartID); err != nil {
		return c, err
	}
	c, err = a.Carts.Update(ctx, cartID, cart.Fallback{}, func(c *cart.Cart) error {
		if c.Basket != nil && !c.Basket.Ended {
			b := *c.Basket
			b.Ended, c.Basket = true, &b
		}
		return nil
	})
	if err == nil && c.OrderID != "" && !cart.IsOwnOrder(c.OrderID) {
		if err = a.KCO.LeftBehind.Add(ctx, cartID, c.OrderID); err == nil {
			_, _, err = a.Carts.SetOrderID(ctx, cartID, c.OrderID, "", nil)
		}
	}
	if err != nil { // its form cannot be bought any more, whatever it shows
		a.Logger.WarnContext(ctx, "the form of an ended session is not ended", "cart_id", cartID, "error", err)
	}
	a.Book.LetGo(ctx, c)
	return c, nil
}
