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

// How long a reservation means what.
const (
	// ReservationYoung: until then no other order of the cart may be bought.
	ReservationYoung = 10 * time.Minute
	// StockHeld: then its stock is given back. The record stays.
	StockHeld = 30 * time.Minute
	// ReservationWatched: until then Klarna is asked whether it became a sale.
	ReservationWatched = 49 * time.Hour
)

const (
	askFirst = 5 * time.Minute // push and confirmation have had their time
	askEvery = 30 * time.Minute
	// reservationLife bounds what is kept when no loop forgets reservations: as long as a cart.
	reservationLife = 35 * 24 * time.Hour
	returnBatch     = 100
)

// Keys beside stockKey, in its hash tag.
const (
	heldKey = "shopd:{stock}:held" // carts whose reservation holds stock, by when it was made
	askKey  = "shopd:{stock}:ask"  // carts with a reservation, by when Klarna is to be asked
)

func reservationKey(cartID string) string { return "shopd:{stock}:reservation:" + cartID }
func settledKey(orderID string) string    { return "shopd:{stock}:settled:" + orderID }

// Why a purchase cannot be reserved, beside a *ShortError. Nothing changed.
var (
	// ErrPurchaseRunning: another order of the cart may be being bought.
	ErrPurchaseRunning = errors.New("another purchase of this cart may be running")
	// ErrSettled: the order is bought already.
	ErrSettled = errors.New("the purchase is settled already")
)

// ShortError refuses more than there is.
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
	Lines    []ReservedLine  // all that is being bought; stock is held of limited goods only
	Made     time.Time       // to the millisecond
	Returned bool            // its stock was given back, because it grew old
	Ending   bool            // Klarna was asked to abort its order, and is not known to have refused
	Body     json.RawMessage // of Klarna Payments: the order call, to be repeated until it is answered
}

// ReservedLine is a SKU and how many of it.
type ReservedLine struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// takenLine is a line of limited goods, as the scripts know it.
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

// run runs a script on what belongs to a cart's reservation.
func (s *Stock) run(ctx context.Context, script *redis.Script, cartID, orderID string, args ...any) *redis.Cmd {
	keys := []string{stockKey, reservationKey(cartID), heldKey, askKey, settledKey(orderID)}
	return script.Run(ctx, s.rdb, keys, append([]any{cartID, orderID}, args...)...)
}

// Reserve takes the stock of the lines and writes the cart's reservation, in
// one step, after giving back what the cart's reservation before held: that of
// the same order is replaced by the new lines, another order's only when it is
// no longer young. So a repeat changes nothing, whether its reply was lost or
// not. A zero Made is now. Goods without limit are written down too: the
// reservation is what keeps a cart from being bought twice. The error is
// ErrPurchaseRunning, ErrSettled, a *ShortError, or a fault of Redis, after
// which it may have been done.
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

// reservationFields are what a Reservation is read from.
var reservationFields = []string{"order_id", "made", "returned", "ending", "lines", "body"}

// Reservation returns the cart's reservation, however old; false when it has none.
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

// Settle is the last step of placing an order: what it holds becomes what was
// sold, and its reservation ends. closed is whether the caller took the goods
// out of the cart: then their stock is taken even when there is no reservation
// (any more) that held it. short reports that fewer than 0 of some product are
// left for that. Once settled, an order takes nothing more within 49 h, whoever
// asks and how often; all get the same answer.
func (s *Stock) Settle(ctx context.Context, cartID, orderID string, lines []ReservedLine, closed bool) (short bool, err error) {
	taken, err := s.taken(lines)
	if err != nil {
		return false, fmt.Errorf("settle stock: %w", err)
	}
	short, err = s.run(ctx, settle, cartID, orderID, taken, closed, ReservationWatched.Milliseconds()).Bool()
	return short, redisconn.Wrap("settle stock", err)
}

// Become gives the reservation of a purchase another name, once it is known
// which order the purchase has become; its Body is no longer needed. Where that
// order is settled the reservation ends instead, and its stock is given back: it
// was written anew by somebody who did not know. Another purchase's stays.
func (s *Stock) Become(ctx context.Context, cartID, purchase, orderID string) error {
	return redisconn.Wrap("rename reservation", s.run(ctx, become, cartID, orderID, purchase).Err())
}

// DropReservation ends an order's reservation and gives back its stock, once it
// is known that it will not become a sale. Another order's stays.
func (s *Stock) DropReservation(ctx context.Context, cartID, orderID string) error {
	return redisconn.Wrap("drop reservation", s.run(ctx, drop, cartID, orderID).Err())
}

// SetEnding notes in an order's reservation that Klarna is being asked to abort
// the order (or, false, has refused): so that an abort whose answer was lost is
// known for ours. It reports whether the order still has the reservation.
func (s *Stock) SetEnding(ctx context.Context, cartID, orderID string, ending bool) (ok bool, err error) {
	ok, err = s.run(ctx, setEnding, cartID, orderID, ending).Bool()
	return ok, redisconn.Wrap("note in reservation", err)
}

// ReturnOld gives back the stock of reservations that are 30 min old at now,
// and returns of how many. What they say of a purchase stays.
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

// DueReservations returns at most limit reservations about which Klarna is to
// be asked by now: when they are 5 min old, then every 30 min, the last time at
// 49 h. They come in no order, so that some which fail do not keep the others
// from their turn.
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

// Asked notes that Klarna was asked at now about an order and knew of no sale:
// it is due again in 30 min. At 49 h its reservation is forgotten instead, and
// its stock given back if it was not yet.
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
