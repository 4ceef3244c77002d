package order_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// told does what Klarna's callback does.
func (w *world) told(in order.Authorized) {
	w.T.Helper()
	if err := w.Book.Authorized(w.T.Context(), in.SessionID, in.Token); err != nil {
		w.T.Fatal(err)
	}
}

// state is the fake's of a session.
func (w *world) state(sessionID string) string {
	w.T.Helper()
	s, _ := w.Fake.Session(sessionID)
	return s.Fake.State
}

// The browser is closed after the approval: the callback alone brings the order,
// once the browser has had its time, if the shopper has looked at it last.
func TestReconcileAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	w.told(in)
	w.Round(0)
	if ids := w.ordersOf(in.CartID); len(ids) != 0 {
		t.Errorf("placed at once: %v", ids)
	}
	w.Round(20 * time.Second)
	w.paidOnce(in)

	w.Book.Published = shoptest.Published(func(s *settings.Shop) { s.Checkout.Review = true })
	in = w.authorized()
	w.told(in)
	for _, later := range []time.Duration{time.Minute, 30 * time.Minute} {
		w.Round(later)
		if ids := w.ordersOf(in.CartID); len(ids) != 0 || w.state(in.SessionID) != "authorized" {
			t.Errorf("after %s: orders %v of a session that is %s; the shopper has not said yes", later, ids, w.state(in.SessionID))
		}
	}
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	w.paidOnce(in)

	// Never said: it is given back when it is over.
	in = w.authorized()
	before := w.Left("MUG-1")
	w.told(in)
	w.Round(time.Minute)
	w.Round(2 * time.Hour)
	w.notPlaced(in, before)
	if state := w.state(in.SessionID); state != "token deleted" {
		t.Errorf("the session is %s", state)
	}
}

// Of several authorizations the newest brings the order, whatever comes late;
// the others are given back.
func TestReplacedAuthorizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	first := in
	in.Token = w.Authorize(in.SessionID)
	w.told(first)
	w.told(in)
	w.told(first) // again
	late := first // that a browser still has
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	w.paidOnce(in)
	w.Round(time.Minute)
	used, released := "", []string{}
	for _, r := range w.Fake.Requests("") {
		token, order := strings.CutSuffix(strings.TrimPrefix(r.Path, "/payments/v1/authorizations/"), "/order")
		switch {
		case r.Method == http.MethodDelete:
			released = append(released, token)
		case order:
			used = token
		}
	}
	if used != in.Token || !slices.Equal(released, []string{first.Token}) {
		t.Errorf("an order by %q, released %v; authorized were %q and %q", used, released, first.Token, in.Token)
	}
	if due := w.Number("select count(*) from authorizations where due_at is not null"); due != 0 {
		t.Errorf("%d sessions are still looked after", due)
	}
}

// The cart is bought by KCO meanwhile: the authorization is given back.
func TestAuthorizedAndBoughtOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	w.told(in)
	orderID := w.Open(in.CartID)
	w.Reserve(in.CartID, orderID, time.Now())
	w.Buy(orderID)
	w.Place(orderID)
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCartChanged) {
		t.Errorf("got %v", err)
	}
	w.Round(time.Minute)
	if ids := w.ordersOf(in.CartID); len(ids) != 0 || w.state(in.SessionID) != "token deleted" {
		t.Errorf("orders %v of a session that is %s", ids, w.state(in.SessionID))
	}
	w.once(in.CartID, orderID)
}

// Another purchase of the cart may be running: not now, and not for ever.
func TestAuthorizedWhilePurchaseRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	kco := w.Open(in.CartID)
	w.Reserve(in.CartID, kco, time.Now())
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrPurchaseRunning) {
		t.Errorf("got %v, want ErrPurchaseRunning", err)
	}
	if err := w.Stock.Drop(t.Context(), in.CartID, kco); err != nil {
		t.Fatal(err)
	}
	w.Round(time.Minute)
	w.paidOnce(in)
}

// forgetful carries an order call out once, loses its answer, and answers every
// other with a refusal.
type forgetful struct {
	calls  atomic.Int64
	status int
	body   string
}

// RoundTrip is a call of Klarna.
func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/order") {
		return http.DefaultTransport.RoundTrip(r)
	}
	if f.calls.Add(1) == 1 {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			err = errors.Join(res.Body.Close(), errors.New("the answer is lost"))
		}
		return nil, err
	}
	return &http.Response{
		StatusCode: f.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(f.body)),
	}, nil
}

// Klarna has placed the order, its answer is lost, and it does not say which
// order it is: staff are told, it stays approved, and a push makes it good.
func TestUnsettledSession(t *testing.T) {
	t.Parallel()
	for _, answer := range []*forgetful{
		{status: 404, body: `{"error_code":"SESSION_COMPLETED","error_messages":["Session has already been completed"],"correlation_id":"c"}`},
		{status: 403, body: `{"error_code":"INVALID_OPERATION","error_messages":["Authorization token already consumed"],"correlation_id":"c"}`},
		{status: 409, body: `{"error_code":"BAD_VALUE","error_messages":["The order has been already completed with different request body"],"correlation_id":"c"}`},
	} {
		t.Run(strconv.Itoa(answer.status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.Shop = w.Process(shoptest.On(nil, answer))
			in := w.authorized()
			before := w.Left("MUG-1")
			for range 2 {
				if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrPurchaseRunning) {
					t.Errorf("got %v, want ErrPurchaseRunning", err)
				}
			}
			if problems, _ := w.Book.PaymentsProblems(t.Context()); len(problems) != 0 {
				t.Errorf("staff are told of %v before anybody else had time", problems)
			}
			for _, later := range []time.Duration{6 * time.Minute, time.Hour} {
				w.Round(later)
				if problems, err := w.Book.PaymentsProblems(t.Context()); err != nil || !slices.Equal(problems, []string{in.SessionID}) {
					t.Errorf("staff are told of %v, %v", problems, err)
				}
			}
			if _, ok, _ := w.Stock.OfOrder(t.Context(), payments.Purchase(in.SessionID)); !ok {
				t.Error("it is approved no more")
			}
			// The checkout does not begin another purchase meanwhile.
			if got, err := w.Book.Payments.Sync(t.Context(), payments.Request{CartID: in.CartID, Fallback: sweden}); !errors.Is(err, cartsync.ErrPurchaseRunning) {
				t.Errorf("sync: outcome %d, %v", got.Outcome, err)
			}
			w.Place(w.ordersOf(in.CartID)[0]) // as the push does
			w.paidOnce(in)
			if problems, _ := w.Book.PaymentsProblems(t.Context()); len(problems) != 0 {
				t.Errorf("staff are still told of %v", problems)
			}
			if got := w.Left("MUG-1"); got != before-2 {
				t.Errorf("%d mugs left, there were %d", got, before)
			}
		})
	}
}

// The order is cancelled at Klarna before it is placed: nothing is placed, and
// the cart can be bought by another session.
func TestAuthorizedAndCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	before := w.Left("MUG-1")
	w.Fake.AddFault(fakeklarna.Fault{Method: "GET", Path: "/ordermanagement/v1/orders/*", Status: 503, Count: -1})
	o, _, err := w.Book.PlaceAuthorized(t.Context(), in)
	if err != nil || o.OrderID == "" || o.Number != "" {
		t.Fatalf("got order %q, number %q, %v; want the ID alone", o.OrderID, o.Number, err)
	}
	w.Fake.ClearFaults()
	w.CancelAtKlarna(o.OrderID)
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCancelled) {
		t.Errorf("got %v, want ErrCancelled", err)
	}
	w.Round(10 * time.Minute)
	if running := len(w.Approved(in.CartID)) > 0; running || w.Left("MUG-1") != before {
		t.Errorf("approved: %v, %d mugs left, there were %d", running, w.Left("MUG-1"), before)
	}
	if again := w.Session(in.CartID).SessionID; again == in.SessionID {
		t.Error("the checkout still has the session that was cancelled")
	}
}
