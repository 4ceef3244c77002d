package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/rounds"
	"github.com/shopd/shopd/internal/stock"
)

// lookAgain is when the loop looks again after an authorization.
const lookAgain = 30 * time.Second

// askApproved asks about a purchase that may have been made without a word to us.
func (b *Book) askApproved(ctx context.Context, a stock.Approved) error {
	sessionID := payments.SessionOf(a.OrderID)
	if sessionID == "" {
		return b.ask(ctx, observe.WorkReservation, a.OrderID)
	}
	if b.Payments == nil {
		return nil
	}
	ctx, done := b.Observer.Item(ctx, observe.WorkReservation, observe.Subject{SessionID: sessionID})
	err := b.repeatPurchase(ctx, a.CartID, sessionID)
	result := resultOfAuthorization(err)
	if errors.Is(err, errUnsettled) {
		result = observe.ResultUnsettled
	}
	done(result, err)
	return err
}

// repeatPurchase repeats an order call that has had no answer. What Klarna has
// placed without saying which order it is, staff have to look up: it stays approved.
func (b *Book) repeatPurchase(ctx context.Context, cartID, sessionID string) error {
	orderID, err := b.Payments.Authorizations.OrderOf(ctx, sessionID)
	switch {
	case err != nil:
		return fmt.Errorf("repeat purchase of payment session %s: %w: %w", sessionID, ErrUnavailable, err)
	case orderID != "":
		_, err = b.bought(ctx, sessionID, orderID)
	default:
		_, _, err = b.repeatCall(ctx, cartID, sessionID)
	}
	if errors.Is(err, errUnsettled) {
		b.Logger.ErrorContext(ctx, "klarna has placed an order and does not say which: find it by its cart and place it",
			"cart_id", cartID, "payments_session_id", sessionID, "error", err)
		err = errors.Join(err, b.Payments.Authorizations.Unsettled(ctx, sessionID))
	}
	return err
}

// authorizations makes orders of authorizations that the browser did not bring,
// and releases those that will be none.
func (b *Book) authorizations(ctx context.Context, now time.Time) error {
	if b.Payments == nil {
		return nil
	}
	due, err := b.Payments.Authorizations.Due(ctx, now, roundItems)
	if err != nil {
		return err
	}
	until := now.Add(lease)
	err = rounds.Each(due, roundFailures, func(a payments.Authorization) error {
		if mine, err := b.Payments.Authorizations.Claim(ctx, a, until); !mine {
			return err
		}
		next := time.Time{}
		again, err := b.lookAfter(ctx, a.SessionID, now)
		if again || err != nil {
			next = now.Add(lookAgain)
		}
		return errors.Join(err, b.Payments.Authorizations.Looked(ctx, a.SessionID, until, next))
	})
	return errors.Join(err, b.Payments.Authorizations.Forget(ctx, now))
}

// lookAfter goes on with a session's authorizations. again is whether something
// remains to be done.
func (b *Book) lookAfter(ctx context.Context, sessionID string, now time.Time) (again bool, err error) {
	ctx, done := b.Observer.Item(ctx, observe.WorkAuthorized, observe.Subject{SessionID: sessionID})
	defer func() { done("", err) }()
	a, err := b.Payments.Authorizations.Get(ctx, sessionID)
	if err != nil {
		return true, err
	}
	unused := a.Replaced
	switch {
	case a.OrderID != "":
		if o, err := b.bought(ctx, sessionID, a.OrderID); err == nil && o.Number == "" {
			return true, nil
		}
	case a.Token != "":
		keep, err := b.wanted(ctx, a, now)
		if keep || err != nil {
			// Which of several is the newest only Klarna knows: none is released yet.
			return true, err
		}
		unused = append(unused, a.Token)
	}
	for _, token := range unused[:min(len(unused), roundItems)] {
		if err := b.release(ctx, sessionID, token); err != nil {
			return true, err
		}
	}
	return len(unused) > roundItems, nil
}

// wanted makes an order of an authorization, and reports whether it is still
// to become one: not yet, or not by us.
func (b *Book) wanted(ctx context.Context, a payments.Authorization, now time.Time) (keep bool, err error) {
	in := Authorized{SessionID: a.SessionID, Token: a.Token}
	if a.Agreed {
		_, _, err = b.placeAuthorized(ctx, in)
		b.Observer.Book(observe.BookAuthorization, resultOfAuthorization(err))
		if err == nil {
			return true, nil // the next look is at the order
		}
	} else if err = b.mayYet(ctx, in); err == nil {
		return now.Before(a.At.Add(payments.TokenLife)), nil
	}
	switch {
	case errors.Is(err, ErrPurchaseRunning):
		return true, nil
	case errors.Is(err, ErrUnavailable):
		return true, err
	case errors.Is(err, cartsync.ErrRefused):
		// Our mistake, such as a product that the account may not use: it may be mended while the token lives.
		if now.Before(a.At.Add(payments.TokenLife)) {
			return true, err
		}
	case errors.Is(err, ErrNotOurs):
		// Somebody else's is not ours to release.
		return true, b.Payments.Authorizations.Released(ctx, a.SessionID, a.Token)
	}
	return false, nil
}

// mayYet reports, as an error, why an authorization cannot become an order.
func (b *Book) mayYet(ctx context.Context, in Authorized) error {
	cartID, session, err := b.session(ctx, in)
	if err != nil {
		return err
	}
	if session.Status == payments.StatusComplete {
		return ErrTokenGone
	}
	_, _, _, err = b.matches(ctx, cartID, session)
	return err
}

// release gives back an authorization that will not be used. That Klarna itself
// refuses is as good: it is over, or was used. A gateway says nothing of it.
func (b *Book) release(ctx context.Context, sessionID, token string) error {
	err := b.Payments.Client.CancelAuthorization(ctx, token)
	if klarna.IsRefused(err) && klarna.Code(err) != "" {
		err = nil
	}
	if err == nil {
		err = b.Payments.Authorizations.Released(ctx, sessionID, token)
	}
	b.Observer.Book(observe.BookRelease, resultOf(false, err))
	return err
}

// PaymentsProblems returns the sessions of Klarna Payments for which Klarna has
// placed an order that the book does not have, oldest first. Staff find it in
// Klarna's portal; Place takes it into the book.
func (b *Book) PaymentsProblems(ctx context.Context) (sessionIDs []string, err error) {
	if b.Payments == nil {
		return nil, nil
	}
	if sessionIDs, err = b.Payments.Authorizations.Problems(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return sessionIDs, nil
}
