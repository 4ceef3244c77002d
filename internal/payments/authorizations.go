package payments

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
)

// Authorizations stores the authorizations of each session: the newest token, the tokens
// it replaced, and the order that the session became. Every token ends as an order or is
// released.
type Authorizations struct {
	DB *db.DB
}

const (
	// authorizationLife is how long a session is known after it was touched: it lives 48 h.
	authorizationLife = 49 * time.Hour
	// problemLife is how long a session is kept whose order staff have to look up.
	problemLife = 90 * 24 * time.Hour
	// TokenLife is how long an order can be placed with an authorization.
	// Source: docs.klarna.com, Create an order.
	TokenLife = 60 * time.Minute
	// browserTime is how long the browser has to send the token itself.
	browserTime = 15 * time.Second
	// maxReplaced bounds the waiting tokens of a session: anybody can send invented ones.
	maxReplaced = 50
)

// Authorization describes the authorizations of a session.
type Authorization struct {
	SessionID string
	Token     string    // the newest that came; "" when it is used or released
	At        time.Time // when it came, to the millisecond
	Agreed    bool      // the shopper agreed: the loop may place the order
	OrderID   string    // the order that the session became, "" = not known
	Replaced  []string  // tokens to be released

	due     sql.NullInt64 // when the loop checks it, in ms
	problem sql.NullInt64 // since when staff have to look up its order, in ms
}

const authorizationColumns = "session_id, token, at, agreed, order_id, replaced, due_at, problem_at"

func (a *Authorization) scan(row interface{ Scan(...any) error }) error {
	var token, orderID sql.NullString
	var at sql.NullInt64
	var replaced string
	if err := row.Scan(&a.SessionID, &token, &at, &a.Agreed, &orderID, &replaced, &a.due, &a.problem); err != nil {
		return err
	}
	a.Token, a.OrderID = token.String, orderID.String
	if at.Valid {
		a.At = time.UnixMilli(at.Int64)
	}
	return json.Unmarshal([]byte(replaced), &a.Replaced)
}

// useUp forgets the newest token.
func (a *Authorization) useUp() { a.Token, a.At, a.Agreed = "", time.Time{}, false }

// dueAt makes the loop check the session at a time.
func (a *Authorization) dueAt(at time.Time) {
	a.due = sql.NullInt64{Int64: at.UnixMilli(), Valid: true}
}

// change changes what is known of a session while nobody else does. With false nothing
// is stored.
func change(ctx context.Context, tx *sql.Tx, sessionID string, edit func(*Authorization) bool) error {
	var a Authorization
	if err := a.scan(tx.QueryRowContext(ctx, `insert into authorizations (session_id, agreed, replaced, touched_at) values ($1, $2, '[]', $3)
		on conflict (session_id) do update set touched_at = excluded.touched_at returning `+authorizationColumns,
		sessionID, false, time.Now().UnixMilli())); err != nil {
		return err
	}
	if !edit(&a) {
		return nil
	}
	if a.Replaced == nil {
		a.Replaced = []string{}
	}
	replaced, err := json.Marshal(a.Replaced)
	if err != nil {
		return err
	}
	text := func(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
	_, err = tx.ExecContext(ctx, `update authorizations set token = $2, at = $3, agreed = $4, order_id = $5, replaced = $6, due_at = $7, problem_at = $8
		where session_id = $1`, sessionID, text(a.Token), sql.NullInt64{Int64: a.At.UnixMilli(), Valid: !a.At.IsZero()}, a.Agreed,
		text(a.OrderID), string(replaced), a.due, a.problem)
	return err
}

func (a *Authorizations) change(ctx context.Context, doing, sessionID string, edit func(*Authorization) bool) error {
	err := a.DB.Tx(ctx, func(tx *sql.Tx) error { return change(ctx, tx, sessionID, edit) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Add stores a token. agreed: the shopper agreed to what was authorized. For a known
// token it can only set agreed. Tokens may come late: a replaced token stays replaced,
// and one with an order is used.
func (a *Authorizations) Add(ctx context.Context, sessionID, token string, agreed bool) error {
	now := time.Now()
	return a.change(ctx, "write down authorization", sessionID, func(known *Authorization) bool {
		if known.OrderID != "" || slices.Contains(known.Replaced, token) {
			return false
		}
		if known.Token != token {
			if len(known.Replaced) >= maxReplaced {
				return false
			}
			if known.Token != "" {
				known.Replaced = append(known.Replaced, known.Token)
			}
			known.Token, known.At, known.Agreed = token, now, false
		}
		known.Agreed = known.Agreed || agreed
		known.dueAt(now.Add(browserTime))
		return true
	})
}

// Withdraw forbids an order with this token, even if the token comes again: the shop has
// told the shopper so. The loop releases it.
func (a *Authorizations) Withdraw(ctx context.Context, sessionID, token string) error {
	return a.change(ctx, "withdraw authorization", sessionID, func(known *Authorization) bool {
		if known.OrderID != "" {
			return false
		}
		if known.Token == token {
			known.useUp()
		}
		if !slices.Contains(known.Replaced, token) {
			known.Replaced = append(known.Replaced, token)
		}
		known.dueAt(time.Now())
		return true
	})
}

// Get returns the authorizations of a session, zero for none.
func (a *Authorizations) Get(ctx context.Context, sessionID string) (Authorization, error) {
	known := Authorization{SessionID: sessionID}
	err := known.scan(a.DB.Read.QueryRowContext(ctx, "select "+authorizationColumns+" from authorizations where session_id = $1", sessionID))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return known, fmt.Errorf("read authorization: %w", err)
	}
	return known, nil
}

// OrderOf returns the order that a session became, "" when none is known.
func (a *Authorizations) OrderOf(ctx context.Context, sessionID string) (orderID string, err error) {
	known, err := a.Get(ctx, sessionID)
	return known.OrderID, err
}

// BecameOrder returns the session that became an order, "" when none is known.
func (a *Authorizations) BecameOrder(ctx context.Context, orderID string) (sessionID string, err error) {
	err = a.DB.Read.QueryRowContext(ctx, "select session_id from authorizations where order_id = $1 limit 1", orderID).Scan(&sessionID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find payment session of order: %w", err)
	}
	return sessionID, nil
}

// SetOrder stores the order that a session became, in a transaction of its own.
func (a *Authorizations) SetOrder(ctx context.Context, sessionID, orderID string) error {
	return a.DB.Tx(ctx, func(tx *sql.Tx) error { return SetOrder(ctx, tx, sessionID, orderID) })
}

// SetOrder stores the order that a session became, in the caller's transaction. The loop
// then makes sure that the order is in the book. The newest token is used up; the loop
// releases the replaced ones. Nobody has to look the order up any more.
func SetOrder(ctx context.Context, tx *sql.Tx, sessionID, orderID string) error {
	err := change(ctx, tx, sessionID, func(known *Authorization) bool {
		if known.OrderID == orderID && !known.problem.Valid {
			return false
		}
		known.OrderID, known.problem = orderID, sql.NullInt64{}
		known.useUp()
		known.dueAt(time.Now().Add(browserTime))
		return true
	})
	if err != nil {
		return fmt.Errorf("write down order of payment session: %w", err)
	}
	return nil
}

// Unsettled notes that Klarna has placed an order of a session and does not say which:
// staff have to look it up, unless it is known by now.
func (a *Authorizations) Unsettled(ctx context.Context, sessionID string) error {
	return a.change(ctx, "note problem of payment session", sessionID, func(known *Authorization) bool {
		if known.OrderID != "" || known.problem.Valid {
			return false
		}
		known.problem = sql.NullInt64{Int64: time.Now().UnixMilli(), Valid: true}
		return true
	})
}

// IsUnsettled reports whether a session has an authorization that is neither used nor given
// back, or an order that staff have to look up.
func IsUnsettled(ctx context.Context, q db.Queryer, sessionID string) (unsettled bool, err error) {
	err = q.QueryRowContext(ctx, `select exists (select 1 from authorizations where session_id = $1
		and (token is not null or replaced <> '[]' or due_at is not null or problem_at is not null))`, sessionID).Scan(&unsettled)
	if err != nil {
		return false, fmt.Errorf("read authorization: %w", err)
	}
	return unsettled, nil
}

// Problems returns the sessions whose order staff have to look up, the oldest first.
func (a *Authorizations) Problems(ctx context.Context) ([]string, error) {
	list, err := a.list(ctx, "where problem_at is not null order by problem_at, session_id")
	if err != nil {
		return nil, fmt.Errorf("list problems of payment sessions: %w", err)
	}
	var ids []string
	for _, known := range list {
		ids = append(ids, known.SessionID)
	}
	return ids, nil
}

// Due returns at most limit sessions that the loop must check now.
func (a *Authorizations) Due(ctx context.Context, now time.Time, limit int) ([]Authorization, error) {
	list, err := a.list(ctx, "where due_at <= $1 order by due_at limit $2", now.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("due authorizations: %w", err)
	}
	return list, nil
}

func (a *Authorizations) list(ctx context.Context, clause string, args ...any) ([]Authorization, error) {
	return db.All(ctx, a.DB.Read, func(rows *sql.Rows) (known Authorization, err error) {
		err = known.scan(rows)
		return known, err
	}, "select "+authorizationColumns+" from authorizations "+clause, args...)
}

// Claim gives a session that is due to the caller alone until a time; false where
// somebody else was faster.
func (a *Authorizations) Claim(ctx context.Context, due Authorization, until time.Time) (ok bool, err error) {
	if ok, err = a.DB.Claim(ctx, "update authorizations set due_at = $3 where session_id = $1 and due_at = $2", due.SessionID, due.due.Int64, until); err != nil {
		return false, fmt.Errorf("claim authorization: %w", err)
	}
	return ok, nil
}

// Released forgets a token that can no longer place an order.
func (a *Authorizations) Released(ctx context.Context, sessionID, token string) error {
	return a.change(ctx, "forget authorization", sessionID, func(known *Authorization) bool {
		if known.Token == token {
			known.useUp()
		}
		known.Replaced = slices.DeleteFunc(known.Replaced, func(t string) bool { return t == token })
		return true
	})
}

// Looked stores when the loop checks a session next that it had claimed until a time; a
// zero next is never, unless the session gets a new authorization. A session that was
// added again meanwhile keeps its time.
func (a *Authorizations) Looked(ctx context.Context, sessionID string, claimed, next time.Time) error {
	due := sql.NullInt64{Int64: next.UnixMilli(), Valid: !next.IsZero()}
	_, err := a.DB.Exec(ctx, "update authorizations set due_at = $3 where session_id = $1 and due_at = $2", sessionID, claimed.UnixMilli(), due)
	if err != nil {
		return fmt.Errorf("put off authorization: %w", err)
	}
	return nil
}

// Forget deletes what is known of sessions that are over.
func (a *Authorizations) Forget(ctx context.Context, now time.Time) error {
	_, err := a.DB.Exec(ctx, "delete from authorizations where touched_at < $1 and (problem_at is null or problem_at < $2)",
		now.Add(-authorizationLife).UnixMilli(), now.Add(-problemLife).UnixMilli())
	if err != nil {
		return fmt.Errorf("forget authorizations: %w", err)
	}
	return nil
}

// Body returns the call as an approved order stores it.
func (c OrderCall) Body() (json.RawMessage, error) { return json.Marshal(c) }

// DecodeCall reads an order call from an approved order.
func DecodeCall(body json.RawMessage) (OrderCall, error) {
	var call OrderCall
	if err := json.Unmarshal(body, &call); err != nil {
		return call, fmt.Errorf("read order call: %w", err)
	}
	if call.Token == "" {
		return call, errors.New("read order call: it has no token")
	}
	return call, nil
}
