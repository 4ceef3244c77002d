package kco

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
)

// Mode says how Sync starts when the cart has an order.
type Mode int

const (
	Load   Mode = iota // a page load: reads the order first
	Change             // an update on the open page: updates at once
	Repair             // as Load, but never creates; for the back office
)

// Outcome is how a Sync without error came out.
type Outcome int

const (
	InSync   Outcome = iota // the order at Klarna says what the cart says
	Empty                   // nothing to sell: no order is made, an old one stays
	Complete                // the cart's order is bought at Klarna, the cart not closed yet
	Bought                  // the order asked about is among those that bought the cart
)

// Why Sync failed. The cart is intact either way.
var (
	// ErrRefused: Klarna, or our own check of its rules, refused the order. Our fault.
	ErrRefused = errors.New("klarna refuses the order")
	// ErrPurchaseRunning: the order has to be replaced, and may be being bought.
	// It ends with the purchase.
	ErrPurchaseRunning = errors.New("a purchase of the cart may be running")
	// ErrNothingToRepair: there is no order that could be updated, or none that
	// is still open, and Repair makes none. It is an ErrUnavailable too, beside
	// Klarna's error when there was one.
	ErrNothingToRepair = errors.New("there is no order to update, and none is made")
	// ErrUnavailable: no answer of use from Klarna or Redis in time. The next Sync heals.
	ErrUnavailable = errors.New("order could not be brought in sync")
)

// Limits of a Sync.
const (
	createReserve = 3 * time.Second // of the time left, kept for a create after failed reads and updates
	maxRounds     = 8               // starts from what the cart says now: changes and lost races
)

// Request says what to sync.
type Request struct {
	CartID   string
	Fallback cart.Fallback
	Mode     Mode
	// SessionOrderID and PageOrderID are the orders that the session and the
	// open page know of; they are looked up among the orders by which the
	// cart was bought. The cart's own order_id is what is synced.
	SessionOrderID, PageOrderID string
}

// Result is what a Sync found or made.
type Result struct {
	Outcome Outcome
	Cart    cart.Cart
	Quote   cart.Quote
	Order   Order  // InSync, Complete
	OrderID string // InSync, Complete, Bought
	Created bool   // the order was made by this Sync
	Updated bool   // Klarna answered an update of this Sync with 2xx
}

// Syncer keeps orders in sync. Safe for concurrent use, on any number of
// processes; callers hold the session's lock, so that one shopper's loads do
// not make orders for each other to lose.
type Syncer struct {
	Client     *Client
	Carts      *cart.Store
	Stock      *catalog.Stock // knows of purchases that may be running
	Wants      *Wants
	LeftBehind *LeftBehind
	Logger     *slog.Logger
}

// Sync makes the order at Klarna say what the cart says. Klarna's copy is
// read and compared; there is no memory of what was sent, and nothing counts
// as sent before Klarna has answered 2xx. The old order stays the cart's
// until a create has answered, and one that may be being bought for longer.
// ctx must carry a deadline; an error is ErrRefused, ErrPurchaseRunning,
// ErrUnavailable or context's, wrapped, beside the Result as far
// as it came (Cart and Quote are there unless Redis failed).
func (s *Syncer) Sync(ctx context.Context, r Request) (Result, error) {
	ctx = klarna.About(ctx, klarna.Subject{CartID: r.CartID})
	run := &run{Syncer: s, Request: r}
	for range maxRounds {
		done, err := run.round(ctx)
		if err != nil {
			return run.result, err
		}
		if done {
			return run.result, nil
		}
	}
	return run.result, fmt.Errorf("%w: the cart kept changing", ErrUnavailable)
}

// run is one Sync under way.
type run struct {
	*Syncer
	Request
	result     Result
	want       Content
	unanswered bool // an update of this run had no answer and may still land
}

// round goes once from what the cart says now towards an order that says it.
// It reports false when the cart moved on meanwhile.
func (s *run) round(ctx context.Context) (done bool, err error) {
	c, err := s.Carts.Get(ctx, s.CartID, s.Fallback)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.result.Cart = c
	for _, id := range []string{s.SessionOrderID, s.PageOrderID} {
		if c.BoughtBy(id) {
			s.result.OrderID = id
			return s.end(Bought)
		}
	}
	s.want, s.result.Quote, err = s.Wants.Want(c)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if len(s.result.Quote.Goods) == 0 {
		return s.end(Empty)
	}
	if s.SessionOrderID != "" && s.SessionOrderID != c.OrderID {
		// The session knows an order that the cart has given up.
		if err := s.LeftBehind.Add(ctx, s.CartID, s.SessionOrderID); err != nil {
			return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		s.SessionOrderID = ""
	}
	switch {
	case c.OrderID == "":
		return s.create(ctx)
	case !enoughTime(ctx):
		// Waiting for changes and locks has used it up; the order is not to blame.
		return false, fmt.Errorf("%w: no time left", ErrUnavailable)
	case s.Mode == Change:
		return s.update(ctx)
	default:
		return s.read(ctx)
	}
}

func (s *run) end(o Outcome) (bool, error) {
	s.result.Outcome = o
	return true, nil
}

// read compares the cart's order with what is wanted.
func (s *run) read(ctx context.Context) (bool, error) {
	readCtx, cancel := reserve(ctx)
	defer cancel()
	order, err := s.Client.GetOrder(readCtx, s.result.Cart.OrderID)
	if err != nil {
		return s.replace(ctx, cause{err: err})
	}
	if order.Status == StatusIncomplete && len(Differences(s.want, order)) > 0 {
		return s.update(ctx)
	}
	return s.accept(ctx, order)
}

// accept ends the run with an order that says what is wanted, goes to the
// confirmation with one that is bought, and replaces one in any other state.
func (s *run) accept(ctx context.Context, order Order) (bool, error) {
	switch order.Status {
	case StatusIncomplete:
		s.result.Outcome = InSync
	case StatusComplete:
		s.result.Outcome = Complete
	default:
		return s.replace(ctx, cause{err: errEnded})
	}
	s.result.Order, s.result.OrderID = order, order.OrderID
	return true, nil
}

// update sends what is wanted to the cart's order.
func (s *run) update(ctx context.Context) (bool, error) {
	updateCtx, cancel := reserve(ctx)
	defer cancel()
	order, unanswered, err := s.Client.UpdateOrder(updateCtx, s.result.Cart.OrderID, s.want)
	s.result.Updated = s.result.Updated || err == nil
	s.unanswered = s.unanswered || unanswered
	apiErr, answered := errors.AsType[*klarna.Error](err)
	refused := answered && apiErr.Refused()
	switch {
	case err == nil && s.unanswered:
		// An earlier try may have landed after the one that was answered.
		order, err = s.Client.GetOrder(updateCtx, s.result.Cart.OrderID)
		if err == nil && order.Status == StatusIncomplete && len(Differences(s.want, order)) > 0 {
			return false, nil
		}
	case answered && apiErr.Status == http.StatusForbidden:
		// Read-only: bought, or aborted.
		order, err = s.Client.GetOrder(updateCtx, s.result.Cart.OrderID)
		if err == nil && order.Status == StatusIncomplete {
			err = apiErr
		}
	}
	switch {
	case err != nil:
		return s.replace(ctx, cause{err: err, refused: refused})
	case order.Status != StatusIncomplete && order.Status != StatusComplete:
		return s.replace(ctx, cause{err: errEnded, refused: refused})
	}
	done, err := s.accept(ctx, order)
	if order.Status != StatusIncomplete {
		return done, err
	}
	return s.confirmRevision(ctx)
}

// confirmRevision ends the run unless the cart has moved on since it was read.
func (s *run) confirmRevision(ctx context.Context) (bool, error) {
	now, err := s.Carts.Get(ctx, s.CartID, s.Fallback)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if now.Revision != s.result.Cart.Revision || now.OrderID != s.result.Cart.OrderID {
		s.Mode = changeUnlessRepair(s.Mode)
		return false, nil
	}
	return s.end(InSync)
}

// changeUnlessRepair is the mode of the next round: Klarna has just answered, so it need not be read first.
func changeUnlessRepair(m Mode) Mode {
	if m == Repair {
		return Repair
	}
	return Change
}

// create makes a new order and makes it the cart's, if no one else has done so meanwhile.
func (s *run) create(ctx context.Context) (bool, error) {
	old := s.result.Cart.OrderID
	if s.Mode == Repair {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, ErrNothingToRepair)
	}
	order, err := s.Client.CreateOrder(ctx, s.want)
	if err != nil {
		if apiErr, ok := errors.AsType[*klarna.Error](err); ok && apiErr.Refused() {
			return false, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	set, revision, err := s.Carts.SetOrderID(ctx, s.CartID, old, order.OrderID, func(p redis.Pipeliner) {
		if old != "" {
			s.LeftBehind.queue(ctx, p, s.CartID, old)
		}
	})
	if err != nil || !set {
		// Ours is not the cart's order, or nobody knows: it is given up.
		if addErr := s.LeftBehind.Add(ctx, s.CartID, order.OrderID); addErr != nil {
			s.Logger.WarnContext(ctx, "kco order left behind unlisted", "order_id", order.OrderID, "error", addErr)
		}
		if err != nil {
			return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return false, nil
	}
	s.result.Order, s.result.OrderID, s.result.Created = order, order.OrderID, true
	if revision != s.result.Cart.Revision {
		s.Mode = Change
		return false, nil
	}
	s.result.Cart.OrderID = order.OrderID
	return s.end(InSync)
}

// enoughTime reports whether a read or an update can still be tried.
func enoughTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > createReserve
}

// reserve leaves time for a create after reads and updates that fail.
func reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-createReserve))
}
