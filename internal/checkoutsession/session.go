// Package checkoutsession keeps what a checkout session of the API is for: the merchant's
// reference, the number of the order, metadata, where to go back to. Its lines are its cart.
// So a sale finds its reference and metadata although the cart is gone.
package checkoutsession

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/stock"
)

// Status is how far a session is.
type Status string

// The statuses that are stored.
const (
	Open     Status = "open"
	Placing  Status = "placing"  // it is paid, and its order is not in the book yet
	Complete Status = "complete" // its order is in the book
	Expired  Status = "expired"  // or ended by the merchant
)

// Life is how long a session stays open after the last change by merchant or shopper.
const Life = 48 * time.Hour

// Session is a checkout session.
type Session struct {
	CartID      string
	Reference   string
	OrderNumber string
	Status      Status
	Revision    int64  // of the basket; it never starts again below
	OrderID     string // ord_…; "" until it is complete
	CreatedAt   time.Time
	changedAt   time.Time // or when its end was put off
	Purpose
}

// settled is after how long nobody who has changed the row of a session is on the way to its cart
// any more: longer than any call takes.
const settled = 20 * time.Second

// Changing reports whether somebody is bringing the cart of a session a newer basket than that of
// a revision: the row says so first. Who takes longer than any call has died on the way.
func (s Session) Changing(revision int64) bool {
	return s.Revision > revision && time.Since(s.changedAt) < settled
}

// Purpose is what a session says beside its lines.
type Purpose struct {
	Version     int               `json:"v"`
	Mode        string            `json:"mode"` // hosted, embedded
	SuccessURL  string            `json:"success_url"`
	CancelURL   string            `json:"cancel_url,omitempty"`
	CheckoutURL string            `json:"checkout_url,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Customer    Customer          `json:"customer,omitzero"`
	Lines       []Line            `json:"lines,omitempty"`
	Market      Market            `json:"market,omitzero"`
}

// Market is where a session is sold, as the merchant has said it: its cart, which knows, may be lost.
type Market struct {
	Country           string         `json:"country"`
	Currency          money.Currency `json:"currency"`
	Locale            string         `json:"locale"`
	ShippingCountries []string       `json:"shipping_countries"`
	BillingCountries  []string       `json:"billing_countries"`
}

// Line is the merchant's own ID of a line, and by what the order's line is known.
type Line struct {
	ID        string          `json:"id"`
	Type      klarna.LineType `json:"type,omitempty"` // "": that of the catalogue's product
	Reference string          `json:"reference,omitempty"`
	Name      string          `json:"name,omitempty"` // "": the catalogue's
}

// Customer is what the merchant knows of the shopper. It is personal data.
type Customer struct {
	Type           string         `json:"type,omitempty"`
	Email          string         `json:"email,omitempty"`
	Billing        klarna.Address `json:"billing_address,omitzero"`
	Shipping       klarna.Address `json:"shipping_address,omitzero"`
	PrefillConsent bool           `json:"prefill_consent,omitempty"`
}

// LogValue keeps the customer out of logs.
func (Customer) LogValue() slog.Value { return slog.StringValue("[customer]") }

// Prefill is what Klarna's form may begin with.
func (c Customer) Prefill(countries []string) kco.Prefill {
	p := kco.Prefill{Type: c.Type}
	if !c.PrefillConsent {
		return p
	}
	p.Billing, p.Shipping = c.Billing, c.Shipping
	p.Billing.Email = cmp.Or(p.Billing.Email, c.Email)
	for _, a := range []*klarna.Address{&p.Billing, &p.Shipping} {
		if *a != (klarna.Address{}) {
			a.Country = cmp.Or(a.Country, countries[0])
		}
	}
	return p
}

// Way is an address of the merchant's for the session, with a reason in its query; "": none.
func (s Session) Way(address, reason string) string {
	address = strings.NewReplacer("{REFERENCE}", url.QueryEscape(s.Reference), "{ORDER_NUMBER}", url.QueryEscape(s.OrderNumber)).Replace(address)
	if address == "" || reason == "" {
		return address
	}
	// What the address has is not read: it may be signed, or no query as Go knows it.
	address, fragment, _ := strings.Cut(address, "#")
	join := "?"
	if strings.Contains(address, "?") {
		join = "&"
	}
	address += join + "reason=" + url.QueryEscape(reason)
	if fragment != "" {
		address += "#" + fragment
	}
	return address
}

// Over is where the shopper goes from the merchant's page when the session has ended.
func (s Session) Over() string { return s.Way(cmp.Or(s.CancelURL, s.CheckoutURL), "expired") }

// Origins are those of the merchant's pages to which the shopper goes from a page of ours, as a
// security policy names them.
func (s Session) Origins() (origins []string) {
	for _, address := range []string{s.SuccessURL, s.CancelURL} {
		u, err := url.Parse(s.Way(address, ""))
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, ";, '\"") { // it would be another policy
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

const version = 1

// Why a session is not stored. Nothing has changed.
var (
	ErrTaken       = errors.New("the order number is taken")
	ErrReference   = errors.New("the reference has a session already")
	ErrNotOpen     = errors.New("the session is not open")
	ErrRevision    = errors.New("the session has another revision")
	ErrUnavailable = errors.New("the database does not answer as it should")
)

// Store keeps sessions in the database. Safe for concurrent use.
type Store struct{ DB *db.DB }

const columns = "cart_id, reference, order_number, status, revision, coalesce(order_id, ''), created_at, expires_at, record"

func scan(rows *sql.Rows) (s Session, err error) {
	var created, expires int64
	var record string
	if err = rows.Scan(&s.CartID, &s.Reference, &s.OrderNumber, &s.Status, &s.Revision, &s.OrderID, &created, &expires, &record); err == nil {
		err = json.Unmarshal([]byte(record), &s.Purpose)
	}
	s.CreatedAt, s.changedAt = time.UnixMilli(created).UTC(), time.UnixMilli(expires).Add(-Life)
	return s, err
}

// one returns the first session of a query; false without one.
func one(ctx context.Context, q db.Queryer, clause string, args ...any) (s Session, found bool, err error) {
	list, err := db.All(ctx, q, scan, "select "+columns+" from checkout_sessions "+clause, args...)
	if err != nil {
		return s, false, fmt.Errorf("%w: read checkout session: %w", ErrUnavailable, err)
	}
	if len(list) == 0 {
		return s, false, nil
	}
	return list[0], true, nil
}

// ByReference returns the newest session with a reference of the merchant's.
func (s *Store) ByReference(ctx context.Context, reference string) (Session, bool, error) {
	return one(ctx, s.DB.Read, "where reference = $1 order by status = 'expired', created_at desc limit 1", reference)
}

// ByCart returns the session of a cart; false: it is a cart of the shop's own.
func (s *Store) ByCart(ctx context.Context, cartID string) (Session, bool, error) {
	return one(ctx, s.DB.Read, "where cart_id = $1", cartID)
}

// Add stores a new session. The error is ErrTaken, ErrReference, or a fault of the database.
func (s *Store) Add(ctx context.Context, new Session) error {
	record, err := new.record()
	if err != nil {
		return err
	}
	return s.tx(ctx, "add", func(tx *sql.Tx) error {
		if err := free(ctx, tx, new.OrderNumber); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `insert into checkout_sessions (cart_id, reference, order_number, status, revision, record, created_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
			new.CartID, new.Reference, new.OrderNumber, Open, new.Revision, record, new.CreatedAt.UnixMilli(), new.CreatedAt.Add(Life).UnixMilli())
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		if _, found, err := one(ctx, tx, "where reference = $1 and status <> 'expired'", new.Reference); err != nil || found {
			return errors.Join(err, ErrReference)
		}
		return ErrTaken
	})
}

// free reports ErrTaken for a number that an order or an open session has.
func free(ctx context.Context, tx *sql.Tx, number string) error {
	var taken bool
	err := tx.QueryRowContext(ctx, `select exists (select 1 from orders where number = $1)
		or exists (select 1 from checkout_sessions where order_number = $1 and status in ('open', 'placing'))`, number).Scan(&taken)
	if err == nil && taken {
		err = ErrTaken
	}
	return err
}

// Change stores what an open session says now, with its revision, if it has the revision from
// until then. The error is ErrTaken, ErrNotOpen, ErrRevision, or a fault of the database.
func (s *Store) Change(ctx context.Context, from int64, to Session) error {
	record, err := to.record()
	if err != nil {
		return err
	}
	return s.tx(ctx, "change", func(tx *sql.Tx) error {
		now, found, err := lock(ctx, tx, to.CartID)
		switch {
		case err != nil:
			return err
		case !found || now.Status != Open:
			return ErrNotOpen
		case now.Revision != from:
			return ErrRevision
		}
		if now.OrderNumber != to.OrderNumber {
			if err := free(ctx, tx, to.OrderNumber); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "update checkout_sessions set order_number = $2, revision = $3, record = $4, expires_at = $5 where cart_id = $1",
			to.CartID, to.OrderNumber, to.Revision, record, time.Now().Add(Life).UnixMilli())
		return err
	})
}

// Undo makes a session say again what it said before a change, under the change's revision,
// unless it says something else by now, was bought or has ended. Nobody is on the way to its cart
// then. It returns the number of its order: the one that it had may be another's by now.
func (s *Store) Undo(ctx context.Context, change, was Session) (number string, err error) {
	before, err := was.record()
	if err != nil {
		return "", err
	}
	after, err := change.record()
	if err != nil {
		return "", err
	}
	err = s.tx(ctx, "undo change of", func(tx *sql.Tx) error {
		number = was.OrderNumber
		if number != change.OrderNumber {
			switch err := free(ctx, tx, number); {
			case errors.Is(err, ErrTaken):
				number = change.OrderNumber
			case err != nil:
				return err
			}
		}
		quiet := time.Now().Add(-settled)
		if was.changedAt.Before(quiet) {
			quiet = was.changedAt
		}
		_, err := tx.ExecContext(ctx, `update checkout_sessions set order_number = $2, record = $3, expires_at = $7
			where cart_id = $1 and revision = $4 and order_number = $5 and record = $6 and status in ('open', 'placing')`,
			was.CartID, number, before, change.Revision, change.OrderNumber, after, quiet.Add(Life).UnixMilli())
		return err
	})
	return number, err
}

// record is what a row has as JSON.
func (p Purpose) record() (string, error) {
	p.Version = version
	text, err := json.Marshal(p)
	return string(text), err
}

// lock lets the transaction alone decide about the session of a cart. Whoever locks the
// cart, too, locks the session first.
func lock(ctx context.Context, tx *sql.Tx, cartID string) (Session, bool, error) {
	list, err := db.All(ctx, tx, scan, "update checkout_sessions set status = status where cart_id = $1 returning "+columns, cartID)
	if err != nil {
		return Session{}, false, fmt.Errorf("%w: lock checkout session: %w", ErrUnavailable, err)
	}
	if len(list) == 0 {
		return Session{}, false, nil
	}
	return list[0], true, nil
}

// Lock is lock for the transactions of an order; found is false for a cart of the shop's own.
func Lock(ctx context.Context, tx *sql.Tx, cartID string) (s Session, found bool, err error) {
	if cartID == "" {
		return s, false, nil
	}
	return lock(ctx, tx, cartID)
}

// SetComplete notes in the transaction that stores its order that a session was bought, and
// tells of it. One that has ended, and whose reference was put anew, stays so: the reference
// is another basket's, of which nothing is told. The session is locked.
func SetComplete(ctx context.Context, tx *sql.Tx, s Session, orderID string) error {
	if s.OrderID != "" { // the order is one more of the cart's, which is flagged
		return nil
	}
	anew := false
	if s.Status == Expired {
		var err error
		if _, anew, err = one(ctx, tx, "where reference = $1 and status <> 'expired'", s.Reference); err != nil {
			return err
		}
	}
	status := Complete
	if anew {
		status = Expired
	}
	_, err := tx.ExecContext(ctx, "update checkout_sessions set status = $2, order_id = $3 where cart_id = $1", s.CartID, status, orderID)
	if err == nil && !anew {
		err = event.Add(ctx, tx, event.SessionCompleted, event.Session{Reference: s.Reference, Revision: s.Revision})
	}
	if err != nil {
		return fmt.Errorf("complete checkout session: %w", err)
	}
	return nil
}

// Erase takes customer and metadata out of the session of a cart, if it has one.
func Erase(ctx context.Context, tx *sql.Tx, cartID string) error {
	s, found, err := one(ctx, tx, "where cart_id = $1", cartID)
	if err != nil || !found {
		return err
	}
	s.Customer, s.Metadata = Customer{}, nil
	record, err := s.record()
	if err == nil {
		_, err = tx.ExecContext(ctx, "update checkout_sessions set record = $2 where cart_id = $1", cartID, record)
	}
	if err != nil {
		return fmt.Errorf("erase checkout session: %w", err)
	}
	return nil
}

// SetPlacing notes that an open session is paid.
func (s *Store) SetPlacing(ctx context.Context, cartID string) error {
	if _, err := s.DB.Exec(ctx, "update checkout_sessions set status = $2 where cart_id = $1 and status = $3", cartID, Placing, Open); err != nil {
		return fmt.Errorf("%w: note in checkout session: %w", ErrUnavailable, err)
	}
	return nil
}

// Expire ends an open session that nobody is buying. The error is ErrNotOpen,
// stock.ErrPurchaseRunning where a purchase was approved a short time ago, or a fault of the
// database.
func (s *Store) Expire(ctx context.Context, approved *stock.Store, cartID string) error {
	return s.tx(ctx, "expire", func(tx *sql.Tx) error {
		now, found, err := lock(ctx, tx, cartID)
		switch {
		case err != nil:
			return err
		case !found || now.Status == Expired || now.Status == Complete:
			return ErrNotOpen
		}
		if err := stock.LockCart(ctx, tx, cartID); err != nil {
			return err
		}
		list, err := approved.OfCart(ctx, tx, cartID)
		if err != nil {
			return err
		}
		for _, a := range list {
			if a.Sold || time.Since(a.Made) < stock.Young {
				return stock.ErrPurchaseRunning
			}
		}
		now.Customer = Customer{} // nobody needs it any more
		record, err := now.record()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "update checkout_sessions set status = $2, record = $3 where cart_id = $1", cartID, Expired, record); err != nil {
			return err
		}
		return event.Add(ctx, tx, event.SessionExpired, event.Session{Reference: now.Reference, Revision: now.Revision})
	})
}

// Due returns open sessions that are to be looked at by now.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]db.Due, error) {
	return s.DB.Due(ctx, "select cart_id, expires_at from checkout_sessions where status in ('open', 'placing') and expires_at <= $1 order by expires_at limit $2", now, limit)
}

// Claim gives a session that is due to the caller alone until a time.
func (s *Store) Claim(ctx context.Context, due db.Due, until time.Time) (bool, error) {
	return s.DB.Claim(ctx, "update checkout_sessions set expires_at = $3 where cart_id = $1 and expires_at = $2", due.Key, due.At, until)
}

// tx is a transaction whose faults are ErrUnavailable.
func (s *Store) tx(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	err := s.DB.Tx(ctx, do)
	for _, known := range []error{ErrTaken, ErrReference, ErrNotOpen, ErrRevision, stock.ErrPurchaseRunning} {
		if errors.Is(err, known) {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s checkout session: %w", ErrUnavailable, doing, err)
	}
	return nil
}
