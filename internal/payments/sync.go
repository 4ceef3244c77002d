package payments

import (
	"context"
	"errors"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/underway"
)

// Request says what to sync.
type Request struct {
	CartID   string
	Fallback cart.Fallback
	Mode     cartsync.Mode // all but OnlyFree
	// SessionID is the payment session that the shopper's session knows. If it bought the
	// cart, the outcome is Bought. Sync works on the cart's own payment session.
	SessionID string
	// Stranger: a payment session that is not the shopper's is another browser's, with what was
	// typed in it. This one gets a session of its own.
	Stranger bool
	// Lease names the lease that the caller holds: the shopper's session's. "": it is the cart's.
	Lease string
}

// errOtherBrowser: the cart's payment session is another browser's.
var errOtherBrowser = errors.New("the payment session is another browser's")

// Result is what a Sync found or made.
type Result struct {
	cartsync.Ending // Created: the session was made by this Sync; the page needs its ClientToken
	Cart            cart.Cart
	Quote           cart.Quote
	// Session is the cart's, InSync. ClientToken and Categories may be empty after an
	// update that could not be read back: then the page keeps what it has.
	Session Session
	OrderID string // Complete, Bought: the order that the session became
}

// Syncer keeps sessions in sync. Safe for concurrent use, in any number of processes. The
// caller holds the lock of the shopper's session.
type Syncer struct {
	Client         *Client
	Carts          *cart.Store
	Stock          *stock.Store // knows of purchases that may be running
	Wants          *Wants
	Authorizations *Authorizations // knows which sessions have become orders
	Underway       *underway.List  // notes each update until it has its answer
	Logger         *slog.Logger
	Observer       *observe.Observer // gets each Sync; may be nil
}

// Sync makes the session at Klarna equal to the cart, as kco.Syncer does for orders. It
// follows the table of docs/payments.md from top to bottom. While the order of a session
// may be in placement, the session is replaced only after its authorization is released.
// ctx must have a deadline. The error wraps cartsync.ErrRefused, ErrPurchaseRunning,
// ErrUnavailable or the context's. The Result is filled as far as Sync came: Cart and
// Quote are missing only when Redis failed.
func (s *Syncer) Sync(ctx context.Context, r Request) (result Result, err error) {
	defer func() {
		result.Tell(ctx, s.Observer, r.Mode, err, observe.Sync{
			Product: observe.Payments, Revision: result.Cart.Revision, OrderID: result.OrderID, Changed: result.Session.SessionID,
		})
	}()
	ctx = observe.About(ctx, observe.Subject{CartID: r.CartID})
	failed := func(why, err error) (Result, error) { return result, cartsync.Failed(r.CartID, why, err) }
	var (
		readFirst = r.Mode != cartsync.Change && r.Mode != cartsync.Push
		shoppers  = r.SessionID
		own       = r.SessionID // of this browser
		known     Session       // read or made last in this Sync
	)
	for range cartsync.Rounds {
		c, err := s.Carts.Priced(ctx, r.CartID, r.Fallback)
		if err != nil {
			return failed(cartsync.ErrUnavailable, err)
		}
		result.Cart = c

		// The shopper's session has one that the cart has no longer, and that bought the cart.
		if shoppers != "" && shoppers != c.SessionID {
			orderID, err := s.Authorizations.OrderOf(ctx, shoppers)
			if err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
			if c.BoughtBy(orderID) {
				result.Outcome, result.OrderID = cartsync.Bought, orderID
				return result, nil
			}
			shoppers = ""
		}

		// A checkout session that was bought stays bought.
		if c.Basket != nil && len(c.Bought) > 0 {
			result.Outcome, result.OrderID = cartsync.Bought, c.Bought[len(c.Bought)-1]
			return result, nil
		}

		// Nothing to sell.
		want, quote, err := s.Wants.Want(c)
		result.Quote = quote
		if err != nil {
			return failed(cartsync.ErrRefused, err)
		}
		if quote.Empty() || c.Basket != nil && c.Basket.Ended {
			result.Outcome = cartsync.Empty
			return result, nil
		}
		if quote.Version.Number != c.Published { // published in this moment
			continue
		}
		buyer := quote.Version.Shop.Checkout.Forms[c.Country].CustomerType(c.CustomerType)

		// Nothing to pay: the session stays, of which nothing can be bought now.
		if quote.Free() {
			result.Outcome = cartsync.Free
			return result, nil
		}

		var found judgement
		switch {
		case c.SessionID == "": // No session: create.
			found = judgement{verdict: klarna.Gone, err: cartsync.ErrNoCopy}
		case !cartsync.TimeLeft(ctx): // the session is not to blame
			return failed(cartsync.ErrUnavailable, cartsync.ErrNoTime)
		case r.Stranger && own != c.SessionID: // what was typed in it is another browser's
			found = judgement{verdict: klarna.Ended, err: errOtherBrowser}
		case readFirst: // A session, page load: read.
			found = s.read(ctx, c.SessionID, want)
			known = found.session
		default:
			found = judgement{verdict: klarna.Differs}
		}
		// A person or a company: the session is told where that is another by now, for the ways to pay are. Else
		// it keeps what the browser has said of the customer.
		tell := ""
		if c.SessionCustomer != buyer {
			tell = buyer
		}
		if tell != "" && found.verdict == klarna.Agrees {
			found.verdict = klarna.Differs
		}
		switch found.verdict {
		case klarna.Agrees: // incomplete, same: nothing to send
			result.Outcome, result.Session = cartsync.InSync, found.session
			return result, nil
		case klarna.Differs: // incomplete, other content: update
		case klarna.Bought: // complete: below
		case klarna.Unasked: // 401: it stays
			return failed(cartsync.ErrUnavailable, found.err)
		case klarna.Ended, klarna.Gone, klarna.Refused, klarna.Locked, klarna.Failed, klarna.NoAnswer: // create
		}

		// A session, update.
		refused := false // the update, with a 4xx
		if found.verdict == klarna.Differs {
			var lost bool
			var ended func(redis.Pipeliner)
			if found, lost, ended, err = s.update(ctx, c, r.Lease, want, tell); err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
			refused = klarna.IsRefused(found.err)
			if found.verdict == klarna.Agrees { // 204: read back
				result.Updated = true
				if tell != "" {
					s.told(ctx, c, tell)
				}
				now := s.read(ctx, c.SessionID, want)
				switch {
				case now.verdict == klarna.Differs && !lost && len(klarna.OfSale(now.differ)) == 0:
					found.session = now.session // in nothing that is sold
				case lost, now.open(), now.verdict == klarna.Bought, now.verdict == klarna.Ended, now.verdict == klarna.Gone:
					found = now
				case known.SessionID != "" && known.SessionID != c.SessionID: // what was read before is of another session
					return failed(cartsync.ErrUnavailable, now.err)
				default: // Klarna took the update; that is enough
					s.Logger.InfoContext(ctx, "payment session not read after its update", "payments_session_id", c.SessionID, "error", now.err)
					found.session = known
					found.session.SessionID, found.session.Content = c.SessionID, want
				}
			}
			switch found.verdict {
			case klarna.Agrees: // the cart's revision is read once more
				known, result.Outcome, result.Session = found.session, cartsync.InSync, found.session
				now, err := s.Carts.GetAfter(ctx, r.CartID, r.Fallback, ended)
				if err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
				if now.Revision == c.Revision && now.SessionID == c.SessionID {
					return result, nil
				}
				readFirst = r.Mode == cartsync.Repair // Klarna has just answered
				continue
			case klarna.Differs: // a lost try, or somebody else's update, has landed last: again
				continue
			case klarna.Bought: // 404 SESSION_COMPLETED, or read, complete: below
			case klarna.Unasked: // 401: it stays
				return failed(cartsync.ErrUnavailable, found.err)
			case klarna.Ended, klarna.Gone, klarna.Refused, klarna.Locked, klarna.Failed, klarna.NoAnswer: // create
			}
		}

		// A session to be replaced, of which an order may be being placed, unless it is gone.
		approved, running := stock.Approved{}, false
		if found.verdict != klarna.Gone && found.verdict != klarna.Bought {
			if approved, running, err = s.Stock.OfOrder(ctx, Purchase(c.SessionID)); err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
		}
		// A call of the merchant's server creates nothing.
		switch {
		case !r.Mode.CreatesNothing(), found.verdict == klarna.Bought:
		case running && (refused || found.verdict == klarna.Locked):
			return failed(cartsync.ErrPurchaseRunning, found.err)
		case found.verdict == klarna.Gone, found.verdict == klarna.Ended:
			return failed(cartsync.ErrNothingToRepair, found.err)
		case refused:
			return failed(cartsync.ErrRefused, found.err)
		default:
			return failed(cartsync.ErrUnavailable, found.err)
		}
		if running {
			if !refused { // none, after anything else
				return failed(cartsync.ErrPurchaseRunning, found.err)
			}
			over := s.release(ctx, c.SessionID, approved) // DELETE the authorization
			switch over.verdict {
			case klarna.Ended, klarna.Gone: // 204, or 404 with the session incomplete: it is approved no more
				if err := s.Stock.Drop(ctx, approved.CartID, approved.OrderID); err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
			case klarna.Bought: // 404 with the session complete: below
				found = over
			default:
				return failed(cartsync.ErrPurchaseRunning, over.err)
			}
		}

		// Complete: its order is placed.
		if found.verdict == klarna.Bought {
			orderID, err := s.Authorizations.OrderOf(ctx, c.SessionID)
			if err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
			if orderID != "" { // to its confirmation
				result.Outcome, result.OrderID = cartsync.Complete, orderID
				return result, nil
			}
			_, running, err := s.Stock.OfOrder(ctx, Purchase(c.SessionID))
			if err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
			if running { // whoever placed it, or the loop, finds out which order it is
				return failed(cartsync.ErrPurchaseRunning, found.err)
			}
			if r.Mode.CreatesNothing() {
				return failed(cartsync.ErrNothingToRepair, found.err)
			}
			found.verdict = klarna.Ended // settled long ago: create
		}
		if c.SessionID != "" {
			result.Replaced = found.verdict
			s.Logger.InfoContext(ctx, "the copy at klarna is of no use, making a new one",
				"cart_id", c.ID, "payments_session_id", c.SessionID, "reason", found.verdict, "error", found.err)
		}

		// Create.
		known, err = s.Client.CreateSession(ctx, want, buyer)
		switch klarna.VerdictOf(err) {
		case klarna.Agrees: // 200
		case klarna.Gone, klarna.Refused: // 4xx: our mistake
			return failed(cartsync.ErrRefused, err)
		default: // 5xx, time-out
			return failed(cartsync.ErrUnavailable, err)
		}
		set, revision, err := s.Carts.SetSessionID(ctx, c.ID, c.SessionID, known.SessionID, buyer)
		switch {
		case err != nil:
			return failed(cartsync.ErrUnavailable, err)
		case !set: // another request was faster: start again; the unused session ends by itself
			continue
		}
		result.Outcome, result.Session, result.Created = cartsync.InSync, known, true
		result.Cart.SessionID, own = known.SessionID, known.SessionID
		if revision == c.Revision {
			return result, nil
		}
		readFirst = false
	}
	return failed(cartsync.ErrUnavailable, cartsync.ErrKeptChanging)
}

// judgement is the result of a call about the cart's session.
type judgement struct {
	verdict klarna.Verdict
	session Session  // Agrees, Differs
	differ  []string // Differs: the members
	err     error    // all others
}

// open reports whether the session can still be updated.
func (j judgement) open() bool { return j.verdict == klarna.Agrees || j.verdict == klarna.Differs }

// errComplete: the session is complete, and Klarna does not name its order.
var errComplete = errors.New("the order of the payment session is placed")

// read reads a session and compares it with want. It leaves time for a create.
func (s *Syncer) read(ctx context.Context, id string, want Content) judgement {
	ctx, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	session, err := s.Client.GetSession(ctx, id)
	switch {
	case err != nil:
		return judgement{verdict: klarna.VerdictOf(err), err: err}
	case session.Status == StatusComplete:
		return judgement{verdict: klarna.Bought, err: errComplete}
	case session.Status != StatusIncomplete:
		return judgement{verdict: klarna.Ended, err: cartsync.ErrEnded}
	}
	if differ := Differences(want, session); len(differ) > 0 {
		return judgement{verdict: klarna.Differs, session: session, differ: differ}
	}
	return judgement{verdict: klarna.Agrees, session: session}
}

// update sends the wanted content, with the type of the customer unless that is "", and
// leaves time for a create. Agrees has no session: the answer has no body. The note, lost,
// ended and the error are as in kco.Syncer.
func (s *Syncer) update(ctx context.Context, c cart.Cart, lease string, want Content, customerType string) (found judgement, lost bool, ended func(redis.Pipeliner), err error) {
	noted, err := s.Underway.Begin(ctx, underway.Update{Product: observe.Payments, CartID: c.ID, Lease: lease})
	if err != nil {
		return found, false, nil, err
	}
	kept, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	lost, err = s.Client.UpdateSession(kept, c.SessionID, want, customerType)
	found = judgement{verdict: klarna.VerdictOf(err), err: err}
	if klarna.Code(err) == klarna.CodeSessionCompleted { // a 404
		found.verdict = klarna.Bought
	}
	return found, lost, s.Underway.Ended(ctx, noted, lost, found.verdict == klarna.Agrees), nil
}

// told notes who buys, as the session of a cart was told. Where that fails the next Sync tells it again.
func (s *Syncer) told(ctx context.Context, c cart.Cart, customerType string) {
	if _, _, err := s.Carts.SetSessionID(ctx, c.ID, c.SessionID, c.SessionID, customerType); err != nil {
		s.Logger.InfoContext(ctx, "what a payment session was told of its customer is not noted", "payments_session_id", c.SessionID, "error", err)
	}
}

// release releases the authorization of a running order call. Ended and Gone mean that no
// order can be placed any more, Bought that one is placed. Any other verdict leaves it
// open.
func (s *Syncer) release(ctx context.Context, id string, approved stock.Approved) judgement {
	call, err := DecodeCall(approved.Body)
	if err != nil {
		return judgement{verdict: klarna.NoAnswer, err: err}
	}
	ctx, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	switch err := s.Client.CancelAuthorization(ctx, call.Token); klarna.VerdictOf(err) {
	case klarna.Agrees: // 204
		return judgement{verdict: klarna.Ended}
	case klarna.Gone: // used, or over: the session tells
		if now := s.read(ctx, id, Content{}); !now.open() {
			return now
		}
		return judgement{verdict: klarna.Ended}
	default:
		return judgement{verdict: klarna.VerdictOf(err), err: err}
	}
}
