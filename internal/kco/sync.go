package kco

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/underway"
)

// Request says what to sync.
type Request struct {
	CartID   string
	Fallback cart.Fallback
	Mode     cartsync.Mode
	// SessionOrderID and PageOrderID are the orders that the session and the open page
	// know. If one of them bought the cart, the outcome is Bought. Sync works on the cart's
	// own order_id.
	SessionOrderID, PageOrderID string
	// Stranger: an order that is not the session's is another browser's, with what was typed
	// in it. This one gets an order of its own.
	Stranger bool
	Prefill  Prefill // of a new order
	// Lease names the lease that the caller holds: the session's. "": it is the cart's.
	Lease string
}

// errOtherBrowser: the cart's order is another browser's.
var errOtherBrowser = errors.New("the order is another browser's")

// Result is what a Sync found or made.
type Result struct {
	cartsync.Ending // Created: the order was made by this Sync
	Cart            cart.Cart
	Quote           cart.Quote
	Order           Order  // InSync, Complete
	OrderID         string // InSync, Complete, Bought
}

// Syncer keeps orders in sync. Safe for concurrent use, in any number of processes. The
// caller holds the session's lock, so that two page loads of one shopper do not create
// two orders.
type Syncer struct {
	Client     *Client
	Carts      *cart.Store
	Stock      *stock.Store // knows of purchases that may be running
	Wants      *Wants
	LeftBehind *LeftBehind
	Underway   *underway.List // notes each update until it has its answer
	Logger     *slog.Logger
	Observer   *observe.Observer // gets each Sync; may be nil
}

// Sync makes the order at Klarna equal to the cart. It follows the table of docs/sync.md
// from top to bottom. It reads and compares Klarna's order and remembers nothing of
// earlier calls. The old order stays the cart's until Klarna has answered a create. An
// order that may be in a purchase stays until the purchase is over. ctx must have a
// deadline. The error wraps cartsync.ErrRefused, ErrPurchaseRunning, ErrUnavailable or
// the context's. The Result is filled as far as Sync came: Cart and Quote are missing
// only when Redis failed.
func (s *Syncer) Sync(ctx context.Context, r Request) (result Result, err error) {
	defer func() {
		if result.Outcome == cartsync.Complete { // whoever was told that may be gone before it is in the book
			s.Stock.AskSoon(ctx, result.OrderID)
		}
		result.Tell(ctx, s.Observer, r.Mode, err, observe.Sync{
			Product: observe.KCO, Revision: result.Cart.Revision, OrderID: result.OrderID, Changed: result.OrderID,
		})
	}()
	ctx = observe.About(ctx, observe.Subject{CartID: r.CartID})
	failed := func(why, err error) (Result, error) { return result, cartsync.Failed(r.CartID, why, err) }
	var (
		readFirst    = r.Mode != cartsync.Change && r.Mode != cartsync.Push
		sessionOrder = r.SessionOrderID
		unanswered   = false // an update had no answer, and may still land
		full         = false // Redis is: the cart was not told what its form shows
	)
	for range cartsync.Rounds {
		c, err := s.Carts.Priced(ctx, r.CartID, r.Fallback)
		if err != nil {
			return failed(cartsync.ErrUnavailable, err)
		}
		if full {
			c = s.asShown(ctx, c)
		}
		result.Cart = c

		// The session's or the page's order is among the cart's bought.
		for _, known := range []string{sessionOrder, r.PageOrderID} {
			if c.BoughtBy(known) {
				result.Outcome, result.OrderID = cartsync.Bought, known
				return result, nil
			}
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

		if sessionOrder != "" && sessionOrder != c.OrderID && !cart.IsOwnOrder(sessionOrder) { // the cart has given it up
			if err := s.LeftBehind.Add(ctx, c.ID, sessionOrder); err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
			sessionOrder = ""
		}

		// Nothing to pay: an order of the shop's own.
		switch {
		case quote.Free() && (r.Mode.CreatesNothing() || cart.IsOwnOrder(c.OrderID)):
			result.Outcome, result.OrderID = cartsync.Free, c.OrderID
			return result, nil
		case quote.Free():
			done, err := s.own(ctx, c, &result)
			if done || err != nil {
				return result, err
			}
			continue
		case r.Mode == cartsync.OnlyFree:
			result.Outcome = cartsync.ToPay
			return result, nil
		}

		var found judgement
		switch {
		case c.OrderID == "", cart.IsOwnOrder(c.OrderID): // No order ID: create.
			found = judgement{verdict: klarna.Gone, err: cartsync.ErrNoCopy}
		case !cartsync.TimeLeft(ctx): // the order is not to blame
			return failed(cartsync.ErrUnavailable, cartsync.ErrNoTime)
		case r.Stranger && sessionOrder != c.OrderID: // what was typed in it is another browser's
			found = judgement{verdict: klarna.Ended, err: errOtherBrowser}
		case readFirst: // An ID, page load: read.
			found = s.read(ctx, c.OrderID, want)
		default:
			found = judgement{verdict: klarna.Differs}
		}
		switch found.verdict {
		case klarna.Agrees: // 200, open, same content: nothing to send
			return result.of(cartsync.InSync, found.order), nil
		case klarna.Differs: // 200, open, other content: update
		case klarna.Bought: // 200, complete: to the confirmation
			return result.of(cartsync.Complete, found.order), nil
		case klarna.Unasked: // 401: it stays
			return failed(cartsync.ErrUnavailable, found.err)
		case klarna.Ended, klarna.Gone, klarna.Refused, klarna.Locked, klarna.Failed, klarna.NoAnswer: // create
		}

		// An ID, update.
		refused := false // the update, with a 4xx
		if found.verdict == klarna.Differs {
			noted, err := s.note(ctx, c.ID, r.Lease)
			switch {
			case err != nil:
				return failed(cartsync.ErrUnavailable, err)
			case noted.Full && !full: // again, with what the form shows
				full = true
				continue
			}
			var lost bool
			var ended func(redis.Pipeliner)
			found, lost, ended = s.update(ctx, c, noted, want)
			unanswered = unanswered || lost
			refused = klarna.IsRefused(found.err)
			result.Updated = result.Updated || found.verdict == klarna.Agrees
			switch {
			case found.verdict == klarna.Agrees && unanswered: // 200 after a try that had no answer
				found = s.read(ctx, c.OrderID, want)
			case klarna.Status(found.err) == http.StatusForbidden: // 403: read
				if now := s.read(ctx, c.OrderID, want); !now.open() {
					found = now
				}
			}
			switch found.verdict {
			case klarna.Agrees: // the cart's revision is read once more
				result = result.of(cartsync.InSync, found.order)
				now, err := s.Carts.GetAfter(ctx, r.CartID, r.Fallback, ended)
				if err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
				if now.Revision == c.Revision && now.OrderID == c.OrderID {
					return result, nil
				}
				// A callback may have told Klarna already, and the update has undone that: the order
				// is looked at although what follows here should fail.
				if _, err := s.note(ctx, c.ID, r.Lease); err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
				readFirst = r.Mode == cartsync.Repair // Klarna has just answered
				continue
			case klarna.Differs: // the lost try has landed last: again
				continue
			case klarna.Bought: // complete: to the confirmation
				return result.of(cartsync.Complete, found.order), nil
			case klarna.Unasked: // 401: it stays
				return failed(cartsync.ErrUnavailable, found.err)
			case klarna.Ended, klarna.Gone, klarna.Refused, klarna.Locked, klarna.Failed, klarna.NoAnswer: // create
			}
		}

		// An order to be replaced that may be being bought, unless it is gone.
		approved, running := stock.Approved{}, false
		if found.verdict != klarna.Gone {
			if approved, running, err = s.Stock.OfOrder(ctx, c.OrderID); err != nil {
				return failed(cartsync.ErrUnavailable, err)
			}
		}
		// A repair and a call of the merchant's server create nothing.
		switch {
		case !r.Mode.CreatesNothing():
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
			over := found
			switch {
			case found.verdict == klarna.Ended && approved.Ending && !errors.Is(found.err, errOtherBrowser): // by an earlier abort of ours
			case refused, errors.Is(found.err, errOtherBrowser) && time.Since(approved.Made) >= stock.Young: // abort
				if over, err = s.abort(ctx, approved); err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
				if over.verdict == "" {
					continue
				}
			default: // none, after anything else
				return failed(cartsync.ErrPurchaseRunning, found.err)
			}
			switch over.verdict {
			case klarna.Ended, klarna.Gone: // it is approved no more, its stock given back
				if err := s.Stock.Drop(ctx, approved.CartID, approved.OrderID); err != nil {
					return failed(cartsync.ErrUnavailable, err)
				}
			case klarna.Bought: // to the confirmation
				return result.of(cartsync.Complete, over.order), nil
			default:
				return failed(cartsync.ErrPurchaseRunning, over.err)
			}
		}
		if c.OrderID != "" && !cart.IsOwnOrder(c.OrderID) {
			result.Replaced = found.verdict
			s.Logger.InfoContext(ctx, "the copy at klarna is of no use, making a new one",
				"cart_id", c.ID, "order_id", c.OrderID, "reason", found.verdict, "error", found.err)
		}

		// Create.
		made, err := s.Client.CreateOrder(ctx, want, r.Prefill)
		if klarna.IsRefused(err) && r.Prefill != (Prefill{}) { // perhaps an address that Klarna does not take
			made, err = s.Client.CreateOrder(ctx, want, Prefill{})
		}
		switch klarna.VerdictOf(err) {
		case klarna.Agrees: // 201
		case klarna.Gone, klarna.Refused: // 4xx: our mistake
			return failed(cartsync.ErrRefused, err)
		default: // 5xx, time-out
			if made.OrderID != "" { // the rest of the answer is not to be read
				s.giveUp(ctx, c.ID, made.OrderID)
			}
			return failed(cartsync.ErrUnavailable, err)
		}
		set, revision, err := s.Carts.SetOrderID(ctx, c.ID, c.OrderID, made.OrderID, func(p redis.Pipeliner) {
			s.LeftBehind.queue(ctx, p, c.ID, c.OrderID)
		})
		if err != nil || !set {
			s.giveUp(ctx, c.ID, made.OrderID) // it is not the cart's, or nobody knows
		}
		switch {
		case err != nil:
			return failed(cartsync.ErrUnavailable, err)
		case !set: // another request was faster: start again
			continue
		}
		result = result.of(cartsync.InSync, made)
		result.Created, result.Cart.OrderID = true, made.OrderID
		sessionOrder = made.OrderID
		if revision == c.Revision {
			return result, nil
		}
		readFirst = false
	}
	return failed(cartsync.ErrUnavailable, cartsync.ErrKeptChanging)
}

// own makes an order of the shop's own the cart's newest in place of one at Klarna, which
// is left behind. One that may be being bought is aborted first. Not done: the cart or the
// purchase is another by now.
func (s *Syncer) own(ctx context.Context, c cart.Cart, result *Result) (done bool, err error) {
	failed := func(why, err error) (bool, error) { return false, cartsync.Failed(c.ID, why, err) }
	if c.OrderID != "" {
		approved, running, err := s.Stock.OfOrder(ctx, c.OrderID)
		switch {
		case err != nil:
			return failed(cartsync.ErrUnavailable, err)
		case approved.Sold:
			result.Outcome, result.OrderID = cartsync.Complete, c.OrderID
			return true, nil
		case running:
			over, err := s.abort(ctx, approved)
			if err == nil && (over.verdict == klarna.Ended || over.verdict == klarna.Gone) {
				err = s.Stock.Drop(ctx, approved.CartID, approved.OrderID)
			}
			switch {
			case err != nil:
				return failed(cartsync.ErrUnavailable, err)
			case over.verdict == "":
				return false, nil
			case over.verdict == klarna.Bought:
				*result = result.of(cartsync.Complete, over.order)
				return true, nil
			case over.verdict != klarna.Ended && over.verdict != klarna.Gone:
				return failed(cartsync.ErrPurchaseRunning, over.err)
			}
		}
	}
	id := cart.NewOrderID()
	set, revision, err := s.Carts.SetOrderID(ctx, c.ID, c.OrderID, id, func(p redis.Pipeliner) {
		s.LeftBehind.queue(ctx, p, c.ID, c.OrderID)
	})
	if err != nil {
		return failed(cartsync.ErrUnavailable, err)
	}
	if !set || revision != c.Revision {
		return false, nil
	}
	result.Outcome, result.OrderID, result.Cart.OrderID = cartsync.Free, id, id
	return true, nil
}

// of returns the result with an outcome and an order.
func (r Result) of(outcome cartsync.Outcome, order Order) Result {
	r.Outcome, r.Order, r.OrderID = outcome, order, order.OrderID
	return r
}

// judgement is the result of a call about the cart's order.
type judgement struct {
	verdict klarna.Verdict
	order   Order // Agrees, Differs, Bought
	err     error // all others
}

// open reports whether the order can still be updated.
func (j judgement) open() bool { return j.verdict == klarna.Agrees || j.verdict == klarna.Differs }

// judge judges Klarna's answer about an order. An open order Agrees: judge does not
// compare its content.
func judge(order Order, err error) judgement {
	switch {
	case err != nil:
		return judgement{verdict: klarna.VerdictOf(err), err: err}
	case order.Status == StatusIncomplete:
		return judgement{verdict: klarna.Agrees, order: order}
	case order.Status == StatusComplete:
		return judgement{verdict: klarna.Bought, order: order}
	}
	return judgement{verdict: klarna.Ended, err: cartsync.ErrEnded}
}

// read reads an order and compares it with what is wanted.
func (s *Syncer) read(ctx context.Context, id string, want Content) judgement {
	ctx, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	found := judge(s.Client.GetOrder(ctx, id))
	if found.verdict == klarna.Agrees && len(Differences(want, found.order)) > 0 {
		found.verdict = klarna.Differs
	}
	return found
}

// note notes an update, so that a try that lands late is found although this process is
// killed. The error is Redis's.
func (s *Syncer) note(ctx context.Context, cartID, lease string) (underway.Update, error) {
	return s.Underway.Begin(ctx, underway.Update{Product: observe.KCO, CartID: cartID, Lease: lease})
}

// update sends the wanted content; it is noted. lost: a try had no answer, and Klarna may
// still act on it; then the note stays. ended is for the next commands to Redis.
func (s *Syncer) update(ctx context.Context, c cart.Cart, noted underway.Update, want Content) (found judgement, lost bool, ended func(redis.Pipeliner)) {
	kept, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	order, lost, err := s.Client.UpdateOrder(kept, c.OrderID, want)
	found = judge(order, err)
	return found, lost, s.Underway.Ended(ctx, noted, lost, found.verdict == klarna.Agrees)
}

// abort ends an approved order, unless it is bought. Ended and Gone mean that it ended
// without a sale, by this abort or an earlier one of ours. After any other verdict but
// Bought, a purchase may still be running; no verdict: it is not approved any more, or
// sold. When Klarna refuses the first abort, the note of it is removed. The error is that
// of the database.
func (s *Syncer) abort(ctx context.Context, approved stock.Approved) (judgement, error) {
	// It is noted first: an abort of which nobody learns would keep the cart from being bought.
	if still, err := s.Stock.SetEnding(ctx, approved.OrderID, true); err != nil || !still {
		return judgement{}, err
	}
	kept, cancel := cartsync.KeepTime(ctx)
	defer cancel()
	retried, err := s.Client.AbortOrder(kept, approved.OrderID)
	switch {
	case err == nil: // 200
		return judgement{verdict: klarna.Ended}, nil
	case klarna.Status(err) != http.StatusForbidden: // 404, or no answer of use
		return judge(Order{}, err), nil
	}
	// 403: read. It is bought, or ended.
	now := judge(s.Client.GetOrder(kept, approved.OrderID))
	tried := approved.Ending || retried
	switch {
	case now.verdict == klarna.Bought, now.verdict == klarna.Gone, now.verdict == klarna.Ended && tried:
		return now, nil
	case !tried && (now.verdict == klarna.Ended || now.open()):
		if _, err := s.Stock.SetEnding(ctx, approved.OrderID, false); err != nil {
			return judgement{}, err
		}
	}
	return judgement{verdict: klarna.Refused, err: errors.Join(err, now.err)}, nil
}

// giveUp lists an order that did not become the cart's, and which no page has shown. While Redis is away this process
// keeps it. One that is full would have it keep one for each try of the page: then the order is aborted at once.
func (s *Syncer) giveUp(ctx context.Context, cartID, orderID string) {
	err := s.LeftBehind.Add(ctx, cartID, orderID)
	if redisconn.Full(err) {
		_, err = s.Client.AbortOrder(ctx, orderID)
	}
	if err != nil {
		s.LeftBehind.keep(cartID, orderID)
		s.Logger.WarnContext(ctx, "kco order left behind, listed later", "order_id", orderID, "error", err)
	}
}
