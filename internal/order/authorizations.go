package order

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
)

const (
	// problemsKey is a sorted set of sessions, by when they became a problem.
	problemsKey  = "shopd:{orders}:payments_problems"
	problemsLife = 90 * 24 * time.Hour

	// lookAgain is when the loop looks again after an authorization.
	lookAgain = 30 * time.Second
)

// askReservation asks about a purchase that may have been made without a word to us.
func (b *Book) askReservation(ctx context.Context, r catalog.Reservation) error {
	sessionID := payments.SessionOf(r.OrderID)
	if sessionID == "" {
		return b.ask(ctx, observe.WorkReservation, r.OrderID)
	}
	if b.Payments == nil {
		return nil
	}
	ctx, done := b.Observer.Item(ctx, observe.WorkReservation, observe.Subject{SessionID: sessionID})
	err := b.repeatPurchase(ctx, r.CartID, sessionID)
	result := resultOfAuthorization(err)
	if errors.Is(err, errUnsettled) {
		result = observe.ResultUnsettled
	}
	done(result, err)
	return err
}

// repeatPurchase repeats an order call that has had no answer. What Klarna has
// placed without saying which order it is, staff have to look up: the
// reservation stays.
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
		err = errors.Join(err, b.noteProblem(ctx, sessionID))
		if known, _ := b.Payments.Authorizations.OrderOf(ctx, sessionID); known != "" {
			err = errors.Join(err, b.settleProblem(ctx, sessionID)) // a push came between
		}
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
	var failed failures
	for _, id := range due {
		again, err := b.lookAfter(ctx, id, now)
		next := time.Time{}
		if again || err != nil {
			next = now.Add(lookAgain)
		}
		failed.add(errors.Join(err, b.Payments.Authorizations.Looked(ctx, id, now, next)))
		if failed.enough() {
			break
		}
	}
	return errors.Join(failed...)
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
		// Our mistake, such as wrong credentials: it may be mended while the token lives.
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
	_, _, err = b.matches(ctx, cartID, session)
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

// noteProblem puts a session on the list that staff have to look at.
func (b *Book) noteProblem(ctx context.Context, sessionID string) error {
	now := time.Now()
	_, err := b.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAddNX(ctx, problemsKey, redis.Z{Score: float64(now.UnixMilli()), Member: sessionID})
		p.ZRemRangeByScore(ctx, problemsKey, "-inf", strconv.FormatInt(now.Add(-problemsLife).UnixMilli(), 10))
		p.Expire(ctx, problemsKey, problemsLife)
		return nil
	})
	return err
}

// settleProblem takes a session off the list: its order is known.
func (b *Book) settleProblem(ctx context.Context, sessionID string) error {
	return b.Redis.ZRem(ctx, problemsKey, sessionID).Err()
}

// PaymentsProblems returns the sessions of Klarna Payments for which Klarna has
// placed an order that the book does not have, oldest first. Staff find it in
// Klarna's portal; Place takes it into the book.
func (b *Book) PaymentsProblems(ctx context.Context) (sessionIDs []string, err error) {
	if sessionIDs, err = b.Redis.ZRange(ctx, problemsKey, 0, -1).Result(); err != nil {
		return nil, fmt.Errorf("list payments problems: %w: %w", ErrUnavailable, err)
	}
	return sessionIDs, nil
}
