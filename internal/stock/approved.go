package stock

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/db"
)

// How long an approved order means what.
const (
	// Young: until then no other order of the cart may be bought.
	Young = 10 * time.Minute
	// Held: then its stock is given back. The row stays.
	Held = 10 * time.Minute
	// Watched: until then Klarna is asked whether it became a sale.
	Watched = 49 * time.Hour
)

const (
	askFirst    = 5 * time.Minute // push and confirmation have had their time
	askSoon     = 10 * time.Second
	askEvery    = 30 * time.Minute
	returnBatch = 100
	// locksLife is how long the row of a cart stays after it was locked last.
	locksLife = Watched + time.Hour
)

// Why a purchase is not approved, beside a *ShortError and ErrCrowded. Nothing changed.
var (
	// ErrPurchaseRunning: another order of the cart may be being bought.
	ErrPurchaseRunning = errors.New("another purchase of this cart may be running")
	// ErrSold: the order is bought already.
	ErrSold = errors.New("the order is bought already")
)

// Approved says that Klarna was told to go on with a purchase. A cart may have
// several: one that replaces another forgets nothing.
type Approved struct {
	CartID   string
	OrderID  string    // KCO order, or "session:<id>" of Klarna Payments
	Priced   int64     // the published version by which it was priced; 0: not known
	Lines    []Line    // all that is being bought and can run out; stock is held of what is counted
	Made     time.Time // to the millisecond
	Sold     bool      // it is placed, and its cart is not closed yet
	Returned bool      // its stock was given back: it grew old, or was let go
	Ending   bool      // Klarna was asked to abort its order, and is not known to have refused; approving it again keeps that
	// Campaigns are those of the purchase, for its order.
	Campaigns []campaign.Used
	Body      json.RawMessage // of Klarna Payments: the order call, to be repeated until it is answered

	held []Line // the stock that it holds
	ask  int64  // when Klarna is asked about it, in ms; 0: no more
}

// LockCart lets the caller's transaction alone decide about a cart until it ends: the
// row is there for that only. It is the first that a transaction about a cart does.
// Who looks first and writes later approves two orders of one cart.
func LockCart(ctx context.Context, tx *sql.Tx, cartID string) error {
	if _, err := tx.ExecContext(ctx, `insert into cart_locks (cart_id, touched_at) values ($1, $2)
		on conflict (cart_id) do update set touched_at = excluded.touched_at`, cartID, time.Now().UnixMilli()); err != nil {
		return fmt.Errorf("lock cart: %w", err)
	}
	return nil
}

const approvedColumns = "order_id, cart_id, published, sold, ending, made_at, coalesce(ask_at, 0), returned, lines, held, campaigns, body"

// approved reads rows; clause begins with "where".
func approved(ctx context.Context, q db.Queryer, clause string, args ...any) ([]Approved, error) {
	list, err := db.All(ctx, q, scanApproved, "select "+approvedColumns+" from approved_orders "+clause, args...)
	if err != nil {
		return nil, fmt.Errorf("read approved orders: %w", err)
	}
	return list, nil
}

func scanApproved(rows *sql.Rows) (a Approved, err error) {
	var made int64
	var lines, held, campaigns, body sql.NullString
	if err = rows.Scan(&a.OrderID, &a.CartID, &a.Priced, &a.Sold, &a.Ending, &made, &a.ask, &a.Returned, &lines, &held, &campaigns, &body); err == nil {
		err = json.Unmarshal([]byte(lines.String), &a.Lines)
	}
	if err == nil && held.Valid {
		err = json.Unmarshal([]byte(held.String), &a.held)
	}
	if err == nil && campaigns.Valid {
		err = json.Unmarshal([]byte(campaigns.String), &a.Campaigns)
	}
	a.Made = time.UnixMilli(made).UTC()
	if body.Valid {
		a.Body = json.RawMessage(body.String)
	}
	return a, err
}

// ofOrder reads one row; nil when there is none.
func ofOrder(ctx context.Context, q db.Queryer, orderID string) (*Approved, error) {
	list, err := approved(ctx, q, "where order_id = $1", orderID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// OfCart returns the approved orders of a cart, however old, the newest first. q may be a
// transaction that has locked the cart.
func (s *Store) OfCart(ctx context.Context, q db.Queryer, cartID string) ([]Approved, error) {
	return approved(ctx, q, "where cart_id = $1 order by made_at desc, order_id", cartID)
}

// OfOrder returns an approved order; false when it is none.
func (s *Store) OfOrder(ctx context.Context, orderID string) (a Approved, ok bool, err error) {
	found, err := ofOrder(ctx, s.DB.Read, orderID)
	if found == nil {
		return a, false, err
	}
	return *found, true, nil
}

// Reserve approves an order: takes the stock of its lines and writes its row. The
// caller has locked the cart. What the same order held before is replaced; another
// order of the cart forbids it while it is young, else it gives its stock back. So a
// repeat changes nothing. A zero Made is now. The error is ErrPurchaseRunning,
// ErrSold, a *ShortError, or a fault of the database; the transaction is not to be
// committed then.
func (s *Store) Reserve(ctx context.Context, tx *sql.Tx, a Approved) error {
	if a.Made.IsZero() {
		a.Made = time.Now()
	}
	// The order itself first: one that is sold is so whatever else may be running.
	others, err := approved(ctx, tx, "where cart_id = $1 order by order_id <> $2, made_at", a.CartID, a.OrderID)
	if err != nil {
		return err
	}
	var moves []Move
	own := map[string]int{} // what comes back
	for _, other := range others {
		switch {
		case other.OrderID == a.OrderID && other.Sold:
			return ErrSold
		case other.OrderID == a.OrderID:
			for _, line := range other.held {
				own[line.SKU] += line.Quantity
				moves = append(moves, a.move(line, Reserved, -1))
			}
		case other.Sold:
		case a.Made.Sub(other.Made) < Young:
			return ErrPurchaseRunning
		default:
			back, err := letGo(ctx, tx, other)
			if err != nil {
				return err
			}
			moves = append(moves, back...)
			for _, line := range other.held {
				own[line.SKU] += line.Quantity
			}
		}
	}
	held, err := counted(ctx, tx, a.Lines)
	if err != nil {
		return err
	}
	for _, line := range held {
		moves = append(moves, a.move(line, Reserved, 1))
	}
	if err := putApproved(ctx, tx, a, held); err != nil {
		return err
	}
	if _, err := apply(ctx, tx, moves, true); err != nil {
		if short, ok := errors.AsType[*ShortError](err); ok {
			return &ShortError{SKU: short.SKU, Left: short.Left + own[short.SKU]}
		}
		return fmt.Errorf("reserve stock: %w", err)
	}
	return nil
}

// move is a move of reserved stock.
func (a Approved) move(line Line, kind Kind, sign int64) Move {
	return Move{SKU: line.SKU, At: time.Now(), Kind: kind, Reserved: sign * int64(line.Quantity), OrderID: a.OrderID}
}

// counted are the lines whose stock counts, each SKU once.
func counted(ctx context.Context, tx *sql.Tx, lines []Line) (list []Line, err error) {
	quantity := map[string]int{}
	var skus []string
	for _, line := range lines {
		if line.Quantity <= 0 {
			continue
		}
		if quantity[line.SKU] == 0 {
			skus = append(skus, line.SKU)
		}
		quantity[line.SKU] += line.Quantity
	}
	levels, err := read(ctx, tx, skus)
	for _, l := range levels {
		list = append(list, Line{SKU: l.SKU, Quantity: quantity[l.SKU]})
	}
	return list, err
}

// putApproved writes the row of an order that was approved now. That Klarna was asked to abort
// it before stays noted: a try of that may land yet.
func putApproved(ctx context.Context, tx *sql.Tx, a Approved, held []Line) error {
	if a.Lines == nil {
		a.Lines = []Line{}
	}
	lines, err := json.Marshal(a.Lines)
	holds, errHeld := listed(held)
	campaigns, errCampaigns := listed(a.Campaigns)
	if err = cmp.Or(err, errHeld, errCampaigns); err != nil {
		return fmt.Errorf("write approved order: %w", err)
	}
	var body, ask any
	if len(a.Body) > 0 {
		body = string(a.Body)
	}
	if !a.Sold {
		ask = a.Made.Add(askFirst).UnixMilli()
	}
	if _, err := tx.ExecContext(ctx, `insert into approved_orders (order_id, cart_id, sold, ending, made_at, ask_at, returned, lines, held, campaigns, body, published)
		values ($1, $2, $3, $4, $5, $6, $4, $7, $8, $9, $10, $11)
		on conflict (order_id) do update set cart_id = excluded.cart_id, sold = excluded.sold, made_at = excluded.made_at,
		ask_at = excluded.ask_at, returned = excluded.returned, lines = excluded.lines, held = excluded.held, campaigns = excluded.campaigns, body = excluded.body, published = excluded.published`,
		a.OrderID, a.CartID, a.Sold, false, a.Made.UnixMilli(), ask, string(lines), holds, campaigns, body, a.Priced); err != nil {
		return fmt.Errorf("write approved order: %w", err)
	}
	return nil
}

// listed is a list as JSON, null where there is nothing in it.
func listed[T any](list []T) (any, error) {
	if len(list) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(list)
	return string(text), err
}

// letGo ends that an approved order holds stock, and returns the moves of that.
func letGo(ctx context.Context, tx *sql.Tx, a Approved) (moves []Move, err error) {
	if len(a.held) == 0 {
		return nil, nil
	}
	if _, err := tx.ExecContext(ctx, "update approved_orders set held = null, returned = $2 where order_id = $1", a.OrderID, true); err != nil {
		return nil, fmt.Errorf("write approved order: %w", err)
	}
	for _, line := range a.held {
		moves = append(moves, a.move(line, Released, -1))
	}
	return moves, nil
}

// forget deletes the row of an approved order and gives back what it holds.
func forget(ctx context.Context, tx *sql.Tx, a Approved) error {
	moves, err := letGo(ctx, tx, a)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "delete from approved_orders where order_id = $1", a.OrderID); err != nil {
		return fmt.Errorf("forget approved order: %w", err)
	}
	if _, err := apply(ctx, tx, moves, false); err != nil {
		return fmt.Errorf("give stock back: %w", err)
	}
	return nil
}

// Drop ends an approved order and gives back its stock, once it is known that it will
// not become a sale. One that was sold stays.
func (s *Store) Drop(ctx context.Context, cartID, orderID string) error {
	err := s.locked(ctx, cartID, orderID, func(tx *sql.Tx, a Approved) error {
		if a.Sold {
			return nil
		}
		return forget(ctx, tx, a)
	})
	if err != nil {
		return fmt.Errorf("drop approved order: %w", err)
	}
	return nil
}

// Become gives an approved purchase another name, once it is known which order it has
// become; its Body is no longer needed. Where that order has a row of its own the
// purchase ends instead, and gives back its stock: it was written anew by somebody who
// did not know. The caller has locked the cart.
func (s *Store) Become(ctx context.Context, tx *sql.Tx, purchase, orderID string) error {
	a, err := ofOrder(ctx, tx, purchase)
	if err != nil || a == nil || purchase == orderID {
		return err
	}
	there, err := ofOrder(ctx, tx, orderID)
	if err != nil {
		return err
	}
	if there != nil {
		return forget(ctx, tx, *a)
	}
	if _, err := tx.ExecContext(ctx, "update approved_orders set order_id = $2, body = null where order_id = $1", purchase, orderID); err != nil {
		return fmt.Errorf("rename approved order: %w", err)
	}
	return nil
}

// SetEnding notes that Klarna is being asked to abort an approved order (or, false,
// has refused): so that an abort whose answer was lost is known for ours. It reports
// whether the order is approved and not sold.
func (s *Store) SetEnding(ctx context.Context, orderID string, ending bool) (ok bool, err error) {
	changed, err := s.DB.Exec(ctx, "update approved_orders set ending = $2 where order_id = $1 and not sold", orderID, ending)
	if err != nil {
		return false, fmt.Errorf("note in approved order: %w", err)
	}
	return changed > 0, nil
}

// locked runs do on an approved order as it is while its cart is locked, if there is
// one still.
func (s *Store) locked(ctx context.Context, cartID, orderID string, do func(*sql.Tx, Approved) error) error {
	return s.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := LockCart(ctx, tx, cartID); err != nil {
			return err
		}
		a, err := ofOrder(ctx, tx, orderID)
		if err != nil || a == nil {
			return err
		}
		return do(tx, *a)
	})
}

// LetGo gives back at once what the approved orders of a cart hold: Klarna's form has said that
// nothing pays it, or the shopper wants something else. What they say of a purchase stays, for
// a bank may still answer: then the order is a sale, and is flagged where there is not enough.
func (s *Store) LetGo(ctx context.Context, cartID string) error {
	err := s.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := LockCart(ctx, tx, cartID); err != nil {
			return err
		}
		list, err := approved(ctx, tx, "where cart_id = $1 and held is not null and not sold", cartID)
		if err != nil {
			return err
		}
		var moves []Move
		for _, a := range list {
			back, err := letGo(ctx, tx, a)
			if err != nil {
				return err
			}
			moves = append(moves, back...)
		}
		_, err = apply(ctx, tx, moves, false)
		return err
	})
	if err != nil {
		return fmt.Errorf("let stock of a cart go: %w", err)
	}
	return nil
}

// ReturnOld gives back the stock of approved orders that are 10 min old at now, and
// returns of how many. What they say of a purchase stays.
func (s *Store) ReturnOld(ctx context.Context, now time.Time) (returned int, err error) {
	old := now.Add(-Held)
	for {
		list, err := approved(ctx, s.DB.Read, "where held is not null and made_at <= $1 order by made_at limit $2", old.UnixMilli(), returnBatch)
		if err != nil {
			return returned, err
		}
		for _, a := range list {
			err := s.locked(ctx, a.CartID, a.OrderID, func(tx *sql.Tx, a Approved) error {
				if a.Made.After(old) {
					return nil // approved anew
				}
				moves, err := letGo(ctx, tx, a)
				if err != nil {
					return err
				}
				_, err = apply(ctx, tx, moves, false)
				return err
			})
			if err != nil {
				return returned, fmt.Errorf("give stock back: %w", err)
			}
			returned++
		}
		if len(list) < returnBatch {
			return returned, nil
		}
	}
}

// AskSoon brings the next question about an approved order forward to 10 s from now: it is
// known to be bought, and is not in the book. Where this fails, or takes more than a second,
// it is asked about at its time.
func (s *Store) AskSoon(ctx context.Context, orderID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = s.DB.Exec(ctx, "update approved_orders set ask_at = $2 where order_id = $1 and ask_at > $2", orderID, time.Now().Add(askSoon).UnixMilli())
}

// Due returns at most limit approved orders about which Klarna is to be asked by now:
// when they are 5 min old (or by AskSoon), then every 30 min, the last time at 49 h. They come in no
// order, so that some which fail do not keep the others from their turn.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]Approved, error) {
	list, err := approved(ctx, s.DB.Read, "where ask_at <= $1 order by ask_at limit $2", now.UnixMilli(), limit)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) //nolint:gosec // no secret
	return list, err
}

// Claim gives an approved order that is due to the caller alone until a time; false
// where somebody else was faster.
func (s *Store) Claim(ctx context.Context, a Approved, until time.Time) (ok bool, err error) {
	if ok, err = s.DB.Claim(ctx, "update approved_orders set ask_at = $3 where order_id = $1 and ask_at = $2", a.OrderID, a.ask, until); err != nil {
		return false, fmt.Errorf("claim approved order: %w", err)
	}
	return ok, nil
}

// Asked notes that Klarna was asked at now about an approved order and knew of no
// sale: it is due again in 30 min. At 49 h it is forgotten instead, and its stock
// given back if it was not yet. Where it is not claimed until that time any more, it was
// approved anew or is to be asked about sooner: then that stays.
func (s *Store) Asked(ctx context.Context, a Approved, claimed, now time.Time) error {
	err := s.locked(ctx, a.CartID, a.OrderID, func(tx *sql.Tx, a Approved) error {
		ends := a.Made.Add(Watched)
		switch {
		case a.Sold, a.ask != claimed.UnixMilli():
			return nil
		case !now.Before(ends):
			return forget(ctx, tx, a)
		}
		next := min(now.Add(askEvery).UnixMilli(), ends.UnixMilli())
		_, err := tx.ExecContext(ctx, "update approved_orders set ask_at = $2 where order_id = $1", a.OrderID, next)
		return err
	})
	if err != nil {
		return fmt.Errorf("note in approved order: %w", err)
	}
	return nil
}

// ForgetLocks deletes the rows of carts that nobody has locked for 50 h at now.
func (s *Store) ForgetLocks(ctx context.Context, now time.Time) error {
	if _, err := s.DB.Exec(ctx, "delete from cart_locks where touched_at < $1", now.Add(-locksLife).UnixMilli()); err != nil {
		return fmt.Errorf("forget locks of carts: %w", err)
	}
	return nil
}
