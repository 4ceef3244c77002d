package kco

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/insync"
	"github.com/shopd/shopd/internal/trace"
)

// Mode says how Sync starts when the cart has an order.
type Mode = insync.Mode

// The modes; see [insync.Mode].
const (
	Load   = insync.Load
	Change = insync.Change
	Repair = insync.Repair
)

// Outcome is how a Sync without error came out.
type Outcome = insync.Outcome

// The outcomes; see [insync.Outcome].
const (
	InSync   = insync.InSync
	Empty    = insync.Empty
	Complete = insync.Complete
	Bought   = insync.Bought
)

// Why Sync failed; see [insync.ErrRefused]. The cart is intact either way.
var (
	ErrRefused         = insync.ErrRefused
	ErrPurchaseRunning = insync.ErrPurchaseRunning
	ErrNothingToRepair = insync.ErrNothingToRepair
	ErrUnavailable     = insync.ErrUnavailable
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
	Observe    func(insync.Event) // told of each Sync; may be nil
}

// Sync makes the order at Klarna say what the cart says; see [insync.Run.Sync].
// An order that may be being bought stays the cart's until it is over. ctx must
// carry a deadline; an error is ErrRefused, ErrPurchaseRunning, ErrUnavailable
// or context's, wrapped, beside the Result as far as it came (Cart and Quote
// are there unless Redis failed).
func (s *Syncer) Sync(ctx context.Context, r Request) (Result, error) {
	run := &run{syncer: s, sessionOrderID: r.SessionOrderID, pageOrderID: r.PageOrderID}
	run.Run = insync.Run{Copy: run, Carts: s.Carts, Stock: s.Stock, Logger: s.Logger, CartID: r.CartID, Fallback: r.Fallback, Mode: r.Mode}
	run.Observe = s.Observe
	err := run.Sync(ctx)
	run.result.Updated = run.Updated
	run.result.Outcome, run.result.Cart, run.result.Quote = run.Outcome, run.Cart, run.Quote
	trace.Cart(ctx, run.Cart.Revision, run.result.OrderID)
	if run.result.Created || run.result.Updated {
		trace.Remember(ctx, run.result.OrderID)
	}
	return run.result, err
}

// run is one Sync under way: the order of KCO as an [insync.Copy].
type run struct {
	insync.Run
	syncer                      *Syncer
	sessionOrderID, pageOrderID string
	result                      Result
	want                        Content
	made                        Order // by a create of this run
	unanswered                  bool  // an update of this run had no answer and may still land
}

// ID is the cart's order.
func (s *run) ID(c *cart.Cart) string { return c.OrderID }

// Known ends the run where the order that session or page has was bought.
func (s *run) Known(context.Context) (bool, error) {
	for _, id := range []string{s.sessionOrderID, s.pageOrderID} {
		if s.Cart.BoughtBy(id) {
			s.result.OrderID = id
			return s.End(Bought)
		}
	}
	return false, nil
}

// Want keeps what the order must say.
func (s *run) Want(c cart.Cart) (quote cart.Quote, err error) {
	s.want, quote, err = s.syncer.Wants.Want(c)
	return quote, err
}

// GiveUpOld lists an order that the session knows and the cart has given up.
func (s *run) GiveUpOld(ctx context.Context) error {
	if s.sessionOrderID == "" || s.sessionOrderID == s.Cart.OrderID {
		return nil
	}
	if err := s.syncer.LeftBehind.Add(ctx, s.CartID, s.sessionOrderID); err != nil {
		return err
	}
	s.sessionOrderID = ""
	return nil
}

// Read compares the cart's order with what is wanted.
func (s *run) Read(ctx context.Context) (bool, error) {
	readCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	order, err := s.syncer.Client.GetOrder(readCtx, s.Cart.OrderID)
	if err != nil {
		return s.Replace(ctx, insync.Cause{Err: err})
	}
	if order.Status == StatusIncomplete && len(Differences(s.want, order)) > 0 {
		return s.Update(ctx)
	}
	return s.accept(ctx, order)
}

// accept ends the run with an order that says what is wanted, goes to the
// confirmation with one that is bought, and replaces one in any other state.
func (s *run) accept(ctx context.Context, order Order) (bool, error) {
	switch order.Status {
	case StatusIncomplete:
		s.Outcome = InSync
	case StatusComplete:
		s.Outcome = Complete
	default:
		return s.Replace(ctx, insync.Cause{Err: insync.ErrEnded})
	}
	s.result.Order, s.result.OrderID = order, order.OrderID
	return true, nil
}

// Update sends what is wanted to the cart's order.
func (s *run) Update(ctx context.Context) (bool, error) {
	updateCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	order, unanswered, err := s.syncer.Client.UpdateOrder(updateCtx, s.Cart.OrderID, s.want)
	s.Updated = s.Updated || err == nil
	s.unanswered = s.unanswered || unanswered
	refused := insync.Refused(err)
	switch {
	case err == nil && s.unanswered:
		// An earlier try may have landed after the one that was answered.
		order, err = s.syncer.Client.GetOrder(updateCtx, s.Cart.OrderID)
		if err == nil && order.Status == StatusIncomplete && len(Differences(s.want, order)) > 0 {
			return false, nil
		}
	case insync.StatusOf(err) == http.StatusForbidden:
		// Read-only: bought, or aborted.
		readOnly := err
		order, err = s.syncer.Client.GetOrder(updateCtx, s.Cart.OrderID)
		if err == nil && order.Status == StatusIncomplete {
			err = readOnly
		}
	}
	switch {
	case err != nil:
		return s.Replace(ctx, insync.Cause{Err: err, Refused: refused})
	case order.Status != StatusIncomplete && order.Status != StatusComplete:
		return s.Replace(ctx, insync.Cause{Err: insync.ErrEnded, Refused: refused})
	}
	done, err := s.accept(ctx, order)
	if order.Status != StatusIncomplete {
		return done, err
	}
	return s.Confirm(ctx)
}

// Create makes a new order.
func (s *run) Create(ctx context.Context) (id string, err error) {
	s.made, err = s.syncer.Client.CreateOrder(ctx, s.want)
	return s.made.OrderID, err
}

// Set makes an order the cart's, and lists the old one.
func (s *run) Set(ctx context.Context, old, id string) (set bool, revision int64, err error) {
	return s.Carts.SetOrderID(ctx, s.CartID, old, id, func(p redis.Pipeliner) {
		if old != "" {
			s.syncer.LeftBehind.queue(ctx, p, s.CartID, old)
		}
	})
}

// GiveUp lists an order that did not become the cart's.
func (s *run) GiveUp(ctx context.Context, id string) {
	if err := s.syncer.LeftBehind.Add(ctx, s.CartID, id); err != nil {
		s.Logger.WarnContext(ctx, "kco order left behind unlisted", "order_id", id, "error", err)
	}
}

// Created notes that the order that was made is the cart's.
func (s *run) Created(id string) {
	s.result.Order, s.result.OrderID, s.result.Created = s.made, id, true
	s.Cart.OrderID = id
}
