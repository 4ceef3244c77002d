package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/shopd/shopd/internal/redisconn"
)

// The ages of a reservation.
const (
	// ReservationYoung: up to this age, no other order of the cart may be bought.
	ReservationYoung = 10 * time.Minute
	// StockHeld: at this age its stock is given back. The record stays.
	StockHeld = 30 * time.Minute
	// ReservationWatched: up to this age, Klarna is asked whether it became a sale.
	ReservationWatched = 49 * time.Hour
)

const (
	askFirst = 5 * time.Minute // push and confirmation have had their time
	askEvery = 30 * time.Minute
	// reservationLife is the life of the keys when no loop runs: as long as a cart.
	reservationLife = 35 * 24 * time.Hour
	returnBatch     = 100
)

// Keys beside stockKey, in its hash tag.
const (
	heldKey = "shopd:{stock}:held" // carts whose reservation holds stock, by when it was made
	askKey  = "shopd:{stock}:ask"  // carts with a reservation, by when Klarna is asked next
)

func reservationKey(cartID string) string { return "shopd:{stock}:reservation:" + cartID }
func settledKey(orderID string) string    { return "shopd:{stock}:settled:" + orderID }

// Why a purchase cannot be reserved, besides a *ShortError. Nothing has changed then.
var (
	// ErrPurchaseRunning: a purchase of another order of the cart may be running.
	ErrPurchaseRunning = errors.New("another purchase of this cart may be running")
	// ErrSettled: the order is bought already.
	ErrSettled = errors.New("the purchase is settled already")
)

// ShortError refuses a quantity above the stock.
type ShortError struct {
	SKU  string
	Left int // what this cart could have, 0 = none
}

// Error names SKU and stock.
func (e *ShortError) Error() string { return fmt.Sprintf("only %d left of %s", e.Left, e.SKU) }

// Reservation says that a purchase of a cart may be running. A cart has one at most.
type Reservation struct {
	CartID   string
	OrderID  string          // KCO order, or "session:<id>" of Klarna Payments
	Lines    []ReservedLine  // all lines of the purchase; only limited goods hold stock
	Made     time.Time       // to the millisecond
	Returned bool            // it grew old and its stock was given back
	Ending   bool            // Klarna was asked to abort its order, and has not refused as far as known
	Body     json.RawMessage // Klarna Payments: the order call, repeated until it is answered
}

// ReservedLine is a SKU and how many of it.
type ReservedLine struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// takenLine is a line of limited goods, as the scripts get it.
type takenLine struct {
	ReservedLine
	Stock int `json:"stock"` // of the catalogue, for what was never counted
}

// taken returns the lines whose stock counts, each SKU once, as JSON.
func (s *Stock) taken(lines []ReservedLine) (string, error) {
	taken, at := []takenLine{}, map[string]int{}
	for _, line := range s.Limited(lines) {
		p, _ := s.catalog.Product(line.SKU)
		if i, again := at[line.SKU]; again {
			taken[i].Quantity += line.Quantity
			continue
		}
		at[line.SKU] = len(taken)
		taken = append(taken, takenLine{line, p.Stock})
	}
	data, err := json.Marshal(taken)
	return string(data), err
}

// run runs a script on the keys of a cart's reservation.
func (s *Stock) run(ctx context.Context, script *redis.Script, cartID, orderID string, args ...any) *redis.Cmd {
	keys := []string{stockKey, reservationKey(cartID), heldKey, askKey, settledKey(orderID)}
	return script.Run(ctx, s.rdb, keys, append([]any{cartID, orderID}, args...)...)
}

// Reserve takes the stock of the lines and stores the cart's reservation, in one step. It
// first gives back the stock of the cart's old reservation. It replaces a reservation of
// another order only when that is no longer young. Repeating it changes nothing. A zero
// Made is now. Unlimited goods are stored too: the reservation keeps a cart from being
// bought twice. The error is ErrPurchaseRunning, ErrSettled or a *ShortError. After any
// other error, which is Redis's, the reservation may have been stored.
func (s *Stock) Reserve(ctx context.Context, r Reservation) error {
	if r.Made.IsZero() {
		r.Made = time.Now()
	}
	if r.Lines == nil {
		r.Lines = []ReservedLine{}
	}
	lines, err := json.Marshal(r.Lines)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	taken, err := s.taken(r.Lines)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	reply, err := s.run(ctx, reserve, r.CartID, r.OrderID,
		r.Made.UnixMilli(), ReservationYoung.Milliseconds(), lines, taken, []byte(r.Body),
		r.Made.Add(askFirst).UnixMilli(), reservationLife.Milliseconds()).Slice()
	if err == nil && len(reply) != 3 {
		err = errors.New("unexpected reply")
	}
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	switch reply[0] {
	case "running":
		return ErrPurchaseRunning
	case "settled":
		return ErrSettled
	case "short":
		sku, _ := reply[1].(string)
		left, _ := reply[2].(int64)
		return &ShortError{SKU: sku, Left: max(int(left), 0)}
	}
	return nil
}

// reservationFields are the fields of a Reservation in Redis.
var reservationFields = []string{"order_id", "made", "returned", "ending", "lines", "body"}

// Reservation returns the cart's reservation, of any age; false when it has none.
func (s *Stock) Reservation(ctx context.Context, cartID string) (r Reservation, ok bool, err error) {
	values, err := s.rdb.HMGet(ctx, reservationKey(cartID), reservationFields...).Result()
	if err != nil {
		return r, false, fmt.Errorf("read reservation: %w", err)
	}
	return decodeReservation(cartID, values)
}

func decodeReservation(cartID string, values []any) (r Reservation, ok bool, err error) {
	field := func(i int) string { text, _ := values[i].(string); return text }
	if field(0) == "" {
		return r, false, nil
	}
	made, err := strconv.ParseInt(field(1), 10, 64)
	if err != nil {
		return r, false, fmt.Errorf("read reservation: made: %w", err)
	}
	r = Reservation{
		CartID: cartID, OrderID: field(0), Made: time.UnixMilli(made), Returned: field(2) != "", Ending: field(3) != "",
	}
	if err := json.Unmarshal([]byte(field(4)), &r.Lines); err != nil {
		return r, false, fmt.Errorf("read reservation: lines: %w", err)
	}
	if body := field(5); body != "" {
		r.Body = json.RawMessage(body)
	}
	return r, true, nil
}

// Settle is the last step of placing an order. The stock that the reservation holds is
// sold, and the reservation ends. closed: the caller took the goods out of the cart. Then
// their stock is taken even if no reservation holds it. short reports that the stock of a
// product fell below 0 by that. Settling an order again within 49 h changes nothing and
// returns the same.
func (s *Stock) Settle(ctx context.Context, cartID, orderID string, lines []ReservedLine, closed bool) (short bool, err error) {
	taken, err := s.taken(lines)
	if err != nil {
		return false, fmt.Errorf("settle stock: %w", err)
	}
	short, err = s.run(ctx, settle, cartID, orderID, taken, closed, ReservationWatched.Milliseconds()).Bool()
	return short, redisconn.Wrap("settle stock", err)
}

// Become renames the reservation of a purchase when its order is known, and drops its
// Body. If the order is settled already, the reservation ends and its stock is given
// back: a late process wrote it. The reservation of another purchase stays.
func (s *Stock) Become(ctx context.Context, cartID, purchase, orderID string) error {
	return redisconn.Wrap("rename reservation", s.run(ctx, become, cartID, orderID, purchase).Err())
}

// DropReservation ends the reservation of an order that will not become a sale, and gives
// back its stock. The reservation of another order stays.
func (s *Stock) DropReservation(ctx context.Context, cartID, orderID string) error {
	return redisconn.Wrap("drop reservation", s.run(ctx, drop, cartID, orderID).Err())
}

// SetEnding stores in an order's reservation that Klarna is asked to abort the order; with
// false, that Klarna refused. So an abort with a lost answer is known as ours. It reports
// whether the order still has the reservation.
func (s *Stock) SetEnding(ctx context.Context, cartID, orderID string, ending bool) (ok bool, err error) {
	ok, err = s.run(ctx, setEnding, cartID, orderID, ending).Bool()
	return ok, redisconn.Wrap("note in reservation", err)
}

// ReturnOld gives back the stock of reservations that are 30 min old at now, and returns
// how many. The reservations stay.
func (s *Stock) ReturnOld(ctx context.Context, now time.Time) (returned int, err error) {
	old := now.Add(-StockHeld).UnixMilli()
	for {
		carts, err := s.due(ctx, heldKey, old, returnBatch)
		if err != nil {
			return returned, fmt.Errorf("return stock: %w", err)
		}
		for _, cartID := range carts {
			done, err := s.run(ctx, giveBack, cartID, "", old).Bool()
			if err != nil {
				return returned, fmt.Errorf("return stock: %w", err)
			}
			if done {
				returned++
			}
		}
		if len(carts) < returnBatch {
			return returned, nil
		}
	}
}

// DueReservations returns at most limit reservations that are due for a question to
// Klarna: at 5 min, then every 30 min, a last time at 49 h. They come in random order, so
// that failing ones do not block the others.
func (s *Stock) DueReservations(ctx context.Context, now time.Time, limit int) ([]Reservation, error) {
	carts, err := s.due(ctx, askKey, now.UnixMilli(), limit)
	if err != nil || len(carts) == 0 {
		return nil, err
	}
	records := make([]*redis.SliceCmd, len(carts))
	if _, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, cartID := range carts {
			records[i] = p.HMGet(ctx, reservationKey(cartID), reservationFields...)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	var due []Reservation
	for i, cartID := range carts {
		r, ok, err := decodeReservation(cartID, records[i].Val())
		switch {
		case err != nil:
			return nil, err
		case ok:
			due = append(due, r)
		default: // its record has outlived reservationLife
			if err := s.run(ctx, drop, cartID, "").Err(); err != nil {
				return nil, fmt.Errorf("drop reservation: %w", err)
			}
		}
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] }) //nolint:gosec // no secret
	return due, nil
}

// Asked stores that Klarna knew of no sale at now. The reservation is due again in 30 min.
// At 49 h it is removed instead, and its stock given back if that was not done before.
func (s *Stock) Asked(ctx context.Context, cartID, orderID string, now time.Time) error {
	return redisconn.Wrap("note in reservation", s.run(ctx, asked, cartID, orderID,
		now.UnixMilli(), askEvery.Milliseconds(), ReservationWatched.Milliseconds()).Err())
}

// due returns the carts in a sorted set whose time has come, the oldest first.
func (s *Stock) due(ctx context.Context, key string, by int64, limit int) ([]string, error) {
	carts, err := s.rdb.ZRangeByScore(ctx, key, &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(by, 10), Count: int64(limit),
	}).Result()
	return carts, redisconn.Wrap("read reservations", err)
}
