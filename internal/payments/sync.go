package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/insync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/trace"
)

// Request says what to sync.
type Request struct {
	CartID   string
	Fallback cart.Fallback
	Mode     insync.Mode // Load or Change
	// SessionID is the payment session that the shopper's session knows of. Where
	// the cart was bought by it, the outcome is Bought. The cart's own session is
	// what is synced.
	SessionID string
}

// Result is what a Sync found or made.
type Result struct {
	Outcome insync.Outcome
	Cart    cart.Cart
	Quote   cart.Quote
	// Session is the cart's, InSync. After an update of which no more is known than
	// that Klarna took it, ClientToken and Categories are empty: then they are what
	// the page has.
	Session Session
	OrderID string // Complete, Bought: what the session has become
	Created bool   // the session was made by this Sync: the page needs its ClientToken
}

// Syncer keeps sessions in sync. Safe for concurrent use, on any number of
// processes; callers hold the lock of the shopper's session.
type Syncer struct {
	Client         *Client
	Carts          *cart.Store
	Stock          *catalog.Stock // knows of purchases that may be running
	Wants          *Wants
	Authorizations *Authorizations // knows which sessions have become orders
	Logger         *slog.Logger
	Observe        func(insync.Event) // told of each Sync; may be nil
}

// Sync makes the session at Klarna say what the cart says, by the principle of
// kco.Syncer; see [insync.Run.Sync]. A session whose order may just be being
// placed is replaced only when its authorization is released. ctx must carry a
// deadline; an error is insync.ErrRefused, ErrPurchaseRunning, ErrUnavailable
// or context's, wrapped, beside the Result as far as it came.
func (s *Syncer) Sync(ctx context.Context, r Request) (Result, error) {
	run := &run{syncer: s, sessionID: r.SessionID}
	run.Run = insync.Run{Copy: run, Carts: s.Carts, Stock: s.Stock, Logger: s.Logger, CartID: r.CartID, Fallback: r.Fallback, Mode: r.Mode}
	run.Observe = s.Observe
	err := run.Sync(ctx)
	run.result.Outcome, run.result.Cart, run.result.Quote = run.Outcome, run.Cart, run.Quote
	trace.Cart(ctx, run.Cart.Revision, run.result.OrderID)
	if run.result.Created || run.Updated {
		trace.Remember(ctx, run.result.Session.SessionID)
	}
	return run.result, err
}

// run is one Sync under way: the session of Klarna Payments as an [insync.Copy].
type run struct {
	insync.Run
	syncer    *Syncer
	sessionID string
	result    Result
	want      Content
	known     Session // as it was read or made last in this run
}

// ID is the cart's session.
func (s *run) ID(c *cart.Cart) string { return c.SessionID }

// Known ends the run where the session that the shopper's session has, and the
// cart has no longer, bought it.
func (s *run) Known(ctx context.Context) (bool, error) {
	if s.sessionID == "" || s.sessionID == s.Cart.SessionID {
		return false, nil
	}
	orderID, err := s.syncer.Authorizations.OrderOf(ctx, s.sessionID)
	if err != nil {
		return s.Again(err)
	}
	s.sessionID = ""
	if !s.Cart.BoughtBy(orderID) {
		return false, nil
	}
	s.result.OrderID = orderID
	return s.End(insync.Bought)
}

// Want keeps what the session must say.
func (s *run) Want(c cart.Cart) (quote cart.Quote, err error) {
	s.want, quote, err = s.syncer.Wants.Want(c)
	return quote, err
}

// GiveUpOld does nothing: a session that nobody uses ends by itself, and its
// authorization is released by the loop of the order book.
func (s *run) GiveUpOld(context.Context) error { return nil }

// Read compares the cart's session with what is wanted.
func (s *run) Read(ctx context.Context) (bool, error) {
	readCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	session, err := s.syncer.Client.GetSession(readCtx, s.Cart.SessionID)
	switch {
	case err != nil:
		return s.Replace(ctx, insync.Cause{Err: err})
	case session.Status == StatusComplete:
		return s.complete(ctx, insync.Cause{Err: insync.ErrEnded})
	case session.Status != StatusIncomplete:
		return s.Replace(ctx, insync.Cause{Err: insync.ErrEnded})
	}
	s.known = session
	if len(Differences(s.want, session)) > 0 {
		return s.Update(ctx)
	}
	s.result.Session = session
	return s.End(insync.InSync)
}

// Update sends what is wanted to the cart's session, and reads what has become
// of it: the ways to pay depend on what is paid for.
func (s *run) Update(ctx context.Context) (bool, error) {
	updateCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	id := s.Cart.SessionID
	unanswered, err := s.syncer.Client.UpdateSession(updateCtx, id, s.want)
	switch {
	case IsCompleted(err):
		return s.complete(ctx, insync.Cause{Err: err, Refused: true})
	case err != nil:
		return s.Replace(ctx, insync.Cause{Err: err, Refused: insync.Refused(err)})
	}
	s.Updated = true
	session, err := s.syncer.Client.GetSession(updateCtx, id)
	switch {
	case err == nil && session.Status == StatusComplete:
		return s.complete(ctx, insync.Cause{Err: insync.ErrEnded})
	case err == nil && session.Status == StatusIncomplete:
		if differ := Differences(s.want, session); unanswered && len(differ) > 0 || len(klarna.OfSale(differ)) > 0 {
			// An earlier try has landed after the one that was answered, or somebody
			// else's update.
			return false, nil
		}
	case unanswered, insync.StatusOf(err) == http.StatusNotFound, err == nil:
		return s.Replace(ctx, insync.Cause{Err: errors.Join(err, insync.ErrEnded)})
	default:
		// Klarna took the update; that is enough.
		s.Logger.InfoContext(ctx, "payment session not read after its update", "payments_session_id", id, "error", err)
		if s.known.SessionID != "" && s.known.SessionID != id {
			return s.Again(err) // what was read before is of another session
		}
		session = s.known
		session.SessionID, session.Content = id, s.want
	}
	s.known, s.result.Session = session, session
	return s.Confirm(ctx)
}

// complete goes to the confirmation with a session whose order is placed, as
// soon as it is known which order that is.
func (s *run) complete(ctx context.Context, why insync.Cause) (bool, error) {
	orderID, err := s.syncer.Authorizations.OrderOf(ctx, s.Cart.SessionID)
	switch {
	case err != nil:
		return s.Again(err)
	case orderID != "":
		s.result.OrderID = orderID
		return s.End(insync.Complete)
	}
	reserved, ok, err := s.Stock.Reservation(ctx, s.CartID)
	switch {
	case err != nil:
		return s.Again(err)
	case ok && reserved.OrderID == Purchase(s.Cart.SessionID):
		// Whoever placed it, or the loop, finds out which order it is.
		return false, fmt.Errorf("%w: %w", insync.ErrPurchaseRunning, why.Err)
	}
	return s.Renew(ctx, why)
}

// Create makes a new session.
func (s *run) Create(ctx context.Context) (id string, err error) {
	s.known, err = s.syncer.Client.CreateSession(ctx, s.want)
	return s.known.SessionID, err
}

// Set makes a session the cart's.
func (s *run) Set(ctx context.Context, old, id string) (set bool, revision int64, err error) {
	return s.Carts.SetSessionID(ctx, s.CartID, old, id)
}

// GiveUp does nothing: nobody was shown the session, and it ends by itself.
func (s *run) GiveUp(context.Context, string) {}

// Created notes that the session that was made is the cart's.
func (s *run) Created(id string) {
	s.result.Session, s.result.Created = s.known, true
	s.Cart.SessionID = id
}

// Purchase is the name that a reservation has of a purchase of a session.
func (s *run) Purchase(id string) string { return Purchase(id) }

// Abort releases the authorization with which an order of the session may be
// being placed: then none can be placed any more.
func (s *run) Abort(ctx context.Context, reserved catalog.Reservation, why insync.Cause) (bool, error) {
	call, err := DecodeCall(reserved.Body)
	if err != nil {
		return false, fmt.Errorf("%w: %w", insync.ErrPurchaseRunning, err)
	}
	abortCtx, cancel := insync.Reserve(ctx)
	defer cancel()
	err = s.syncer.Client.CancelAuthorization(abortCtx, call.Token)
	if err != nil && insync.StatusOf(err) != http.StatusNotFound {
		return false, fmt.Errorf("%w: %w", insync.ErrPurchaseRunning, err)
	}
	if err != nil {
		// Used, or over: the session tells.
		session, readErr := s.syncer.Client.GetSession(abortCtx, s.Cart.SessionID)
		switch {
		case insync.StatusOf(readErr) == http.StatusNotFound:
		case readErr != nil:
			return false, fmt.Errorf("%w: %w", insync.ErrPurchaseRunning, readErr)
		case session.Status == StatusComplete:
			return s.complete(ctx, why)
		}
	}
	return s.Over(ctx, why)
}

// IsCompleted reports whether Klarna answered that the session's order is placed.
func IsCompleted(err error) bool { return klarna.HasCode(err, klarna.CodeSessionCompleted) }
