package payments_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

const createPath, sessionPath = "/payments/v1/sessions", "/payments/v1/sessions/*"

// reserve does what placing does before its order call.
func (w *world) reserve(sessionID, token string) {
	w.T.Helper()
	body, err := payments.OrderCall{Token: token}.Body()
	if err == nil {
		err = w.TryApprove(stock.Approved{
			CartID: w.cartID, OrderID: payments.Purchase(sessionID), Body: body, Lines: []stock.Line{{SKU: "MUG-1", Quantity: 2}},
		})
	}
	if err != nil {
		w.T.Fatal(err)
	}
}

// place makes the order call, and nothing else.
func (w *world) place(sessionID, token string) (orderID string) {
	w.T.Helper()
	placed, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, w.order(sessionID))
	if err != nil {
		w.T.Fatal(err)
	}
	return placed.OrderID
}

// A case per row of the table in docs/sync.md.
func TestSync(t *testing.T) {
	rdb := redistest.StartServer(t)
	for _, tc := range []struct {
		name    string
		given   func(w *world, id string)
		mode    cartsync.Mode
		calls   []string
		outcome cartsync.Outcome
		created bool
		err     error
	}{
		{name: "same content", given: func(*world, string) {}, calls: []string{"read"}},
		{name: "other content", given: func(w *world, _ string) { w.put("MUG-1", 3) }, calls: []string{"read", "update", "read"}},
		{name: "other content, open page", given: func(w *world, _ string) { w.put("MUG-1", 3) }, mode: cartsync.Change, calls: []string{"update", "read"}},
		{name: "another country", given: func(w *world, _ string) { w.change(cart.Change{Country: "NO"}) }, mode: cartsync.Change, calls: []string{"update", "read"}},
		{name: "empty", given: func(w *world, _ string) { w.put("MUG-1", 0) }, calls: []string{}, outcome: cartsync.Empty},
		{name: "expired", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, calls: []string{"read", "create"}, created: true},
		{name: "expired, open page", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, mode: cartsync.Change, calls: []string{"update", "create"}, created: true},
		{name: "authorized", given: func(w *world, id string) { w.Authorize(id) }, calls: []string{"read"}},
		{name: "authorized, changed", given: func(w *world, id string) { w.Authorize(id); w.put("MUG-1", 3) }, mode: cartsync.Change, calls: []string{"update", "read"}},
		{name: "an update's answer is lost, and it cannot be read", given: func(w *world, _ string) {
			w.put("MUG-1", 3)
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, DropReply: true})
			w.Fake.AddFault(fakeklarna.Fault{Method: "GET", Status: 500, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "update", "read", "read", "read", "create"}, created: true},
		{name: "complete, order known", given: func(w *world, id string) {
			if err := w.Payments.Authorizations.SetOrder(t.Context(), id, w.place(id, w.Authorize(id))); err != nil {
				t.Fatal(err)
			}
		}, calls: []string{"read"}, outcome: cartsync.Complete},
		{name: "complete, order known, open page", given: func(w *world, id string) {
			if err := w.Payments.Authorizations.SetOrder(t.Context(), id, w.place(id, w.Authorize(id))); err != nil {
				t.Fatal(err)
			}
		}, mode: cartsync.Change, calls: []string{"update"}, outcome: cartsync.Complete},
		{name: "complete, being placed", given: func(w *world, id string) {
			token := w.Authorize(id)
			w.reserve(id, token)
			w.place(id, token)
		}, calls: []string{"read"}, err: cartsync.ErrPurchaseRunning},
		{name: "complete, being placed, open page", given: func(w *world, id string) {
			token := w.Authorize(id)
			w.reserve(id, token)
			w.place(id, token)
		}, mode: cartsync.Change, calls: []string{"update"}, err: cartsync.ErrPurchaseRunning},
		{name: "complete, settled long ago", given: func(w *world, id string) { w.place(id, w.Authorize(id)) }, mode: cartsync.Change, calls: []string{"update", "create"}, created: true},
		{name: "may be being placed, read fails", given: func(w *world, id string) {
			w.reserve(id, w.Authorize(id))
			w.Fake.AddFault(fakeklarna.Fault{Method: "GET", Status: 500, Count: 3})
		}, calls: []string{"read", "read", "read"}, err: cartsync.ErrPurchaseRunning},
		{name: "may be being placed, update 401", given: func(w *world, id string) {
			w.reserve(id, w.Authorize(id))
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, Status: 401})
		}, mode: cartsync.Change, calls: []string{"update"}, err: cartsync.ErrUnavailable},
		{name: "may be being placed, gone", given: func(w *world, id string) {
			w.reserve(id, w.Authorize(id))
			w.Fake.Advance(49 * time.Hour)
		}, calls: []string{"read", "create"}, created: true},
		{name: "may be being placed, update refused", given: func(w *world, id string) {
			w.reserve(id, w.Authorize(id))
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, Status: 400})
		}, mode: cartsync.Change, calls: []string{"update", "release", "create"}, created: true},
		{name: "may be being placed, update refused, released before", given: func(w *world, id string) {
			token := w.Authorize(id)
			w.reserve(id, token)
			if err := w.Payments.Client.CancelAuthorization(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, Status: 400})
		}, mode: cartsync.Change, calls: []string{"update", "release", "read", "create"}, created: true},
		{name: "placed, update refused otherwise", given: func(w *world, id string) {
			token := w.Authorize(id)
			w.reserve(id, token)
			w.place(id, token)
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, Status: 400})
		}, mode: cartsync.Change, calls: []string{"update", "release", "read"}, err: cartsync.ErrPurchaseRunning},
		{name: "may be being placed, not released", given: func(w *world, id string) {
			w.reserve(id, w.Authorize(id))
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: sessionPath, Status: 400})
			w.Fake.AddFault(fakeklarna.Fault{Method: "DELETE", Status: 503, Count: 3})
		}, mode: cartsync.Change, calls: []string{"update", "release", "release", "release"}, err: cartsync.ErrPurchaseRunning},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rdb)
			first := w.open()
			tc.given(w, first.SessionID)
			before := len(w.calls())
			got, err := w.sync(tc.mode, first.SessionID)
			if !errors.Is(err, tc.err) || got.Outcome != tc.outcome || got.Created != tc.created {
				t.Errorf("got outcome %d, created %v, %v", got.Outcome, got.Created, err)
			}
			if diff := cmp.Diff(tc.calls, w.calls()[before:]); diff != "" {
				t.Errorf("calls: %s", diff)
			}
			if tc.outcome == cartsync.Complete && got.OrderID == "" {
				t.Error("it is not said which order it is")
			}
			if err != nil || got.Outcome != cartsync.InSync {
				if c := w.cart(); c.SessionID != first.SessionID {
					t.Errorf("the cart has the session %s, want the old one", c.SessionID)
				}
				return
			}
			if (got.Session.SessionID != first.SessionID) != tc.created || got.Session.ClientToken == "" || len(got.Session.Categories) == 0 {
				t.Errorf("the session is %s with %d categories, it was %s", got.Session.SessionID, len(got.Session.Categories), first.SessionID)
			}
			w.holds()
		})
	}
}

// What a session was told of who buys follows the cart, whoever changes it, and is said once.
func TestSyncCustomer(t *testing.T) {
	w := &world{shoptest.New(t, shoptest.Options{Version: shoptest.Published(func(s *settings.Shop) {
		s.Checkout.Forms = map[string]settings.Form{"SE": {CustomerTypes: []string{"person", "organization"}}, "FI": {CustomerTypes: []string{"organization"}}}
	}).Now()}), cart.NewID()}
	id := w.open().SessionID
	for _, step := range []struct {
		change cart.Change
		mode   cartsync.Mode
		want   string
		calls  []string
	}{
		{cart.Change{CustomerType: "organization"}, cartsync.Change, "organization", []string{"update", "read"}},
		{cart.Change{Country: "DE"}, cartsync.Change, "person", []string{"update", "read"}},
		{cart.Change{Country: "FI"}, cartsync.Load, "organization", []string{"read", "update", "read"}},
		{cart.Change{Country: "SE"}, cartsync.Repair, "organization", []string{"read", "update", "read"}},
		{cart.Change{CustomerType: "person"}, cartsync.Load, "person", []string{"read", "update", "read"}}, // the content is the same
		{cart.Change{}, cartsync.Load, "person", []string{"read"}},
	} {
		w.change(step.change)
		before := len(w.calls())
		got, err := w.sync(step.mode, id)
		there, _ := w.Fake.Session(id)
		if err != nil || got.Session.SessionID != id || string(there.Customer) != fmt.Sprintf(`{"type":%q}`, step.want) {
			t.Errorf("%+v: Klarna has %s, %v", step.change, there.Customer, err)
		}
		if diff := cmp.Diff(step.calls, w.calls()[before:]); diff != "" {
			t.Errorf("%+v: calls: %s", step.change, diff)
		}
	}
	// What the widget has said stays with any other change.
	w.change(cart.Change{CustomerType: "organization"})
	if _, err := w.sync(cartsync.Load, id); err != nil {
		t.Fatal(err)
	}
	typed := `{"organization_registration_id":"556016-0680","type":"organization"}`
	if _, err := w.Fake.Pay(id, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Category: "pay_later", Data: []byte(`{"customer":` + typed + `}`)}}); err != nil {
		t.Fatal(err)
	}
	w.put("MUG-1", 3)
	w.holds()
	if there, _ := w.Fake.Session(id); string(there.Customer) != typed {
		t.Errorf("after another change Klarna has %s", there.Customer)
	}
}

// The shopper's session knows one that has bought the cart, or one that is over.
func TestSyncKnown(t *testing.T) {
	w := newWorld(t, nil)
	first := w.open()
	if err := w.Payments.Authorizations.SetOrder(t.Context(), first.SessionID, "order-1"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Carts.Close(t.Context(), w.cartID, "order-1", []cart.Line{{SKU: "MUG-1", Quantity: 2}}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.sync(cartsync.Load, first.SessionID); err != nil || got.Outcome != cartsync.Bought || got.OrderID != "order-1" {
		t.Errorf("bought: outcome %d with %q, %v", got.Outcome, got.OrderID, err)
	}
	w.put("JAM-1", 1)
	if got, err := w.sync(cartsync.Load, "given up"); err != nil || got.Outcome != cartsync.InSync || !got.Created {
		t.Errorf("given up: outcome %d, %v", got.Outcome, err)
	}
}

// Any number of loads and changes at once, without the lock: one session in the
// end, which says what the cart says (invariants 1 to 3).
func TestSyncAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.put("MUG-1", 1)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if i%2 == 1 {
				w.put("MUG-1", i)
			}
			got, err := w.sync(cartsync.Mode(i%2), "")
			if err != nil || got.Outcome != cartsync.InSync || got.Session.OrderAmount != got.Quote.OrderAmount {
				t.Errorf("outcome %d, %v; the session has %d, the cart at its revision %d", got.Outcome, err, got.Session.OrderAmount, got.Quote.OrderAmount)
			}
		})
	}
	wg.Wait()
	id := w.cart().SessionID
	if s := w.holds(); s.SessionID != id {
		t.Errorf("the next load has the session %s, the cart had %s", s.SessionID, id)
	}
}

// end is how a Sync ends.
type end string

const (
	kept        end = "the same session"
	renewed     end = "a new session"
	isRefused   end = "refused"
	unavailable end = "unavailable"
)

// The fault table: each fault in each kind of call, every time and once.
var faults = []struct {
	name                                       string
	fault                                      fakeklarna.Fault
	create, read, readOnce, update, updateOnce end
	readBack                                   end // the read after an update
}{
	{"400", fakeklarna.Fault{Status: 400}, isRefused, renewed, renewed, renewed, renewed, kept},
	{"401 in HTML", fakeklarna.Fault{Status: 401}, unavailable, unavailable, unavailable, unavailable, unavailable, kept},
	{"403", fakeklarna.Fault{Status: 403}, isRefused, renewed, renewed, renewed, renewed, kept},
	{"404 empty", fakeklarna.Fault{Status: 404}, isRefused, renewed, renewed, renewed, renewed, renewed},
	{"409", fakeklarna.Fault{Status: 409}, unavailable, renewed, renewed, renewed, kept, kept},
	{"429", fakeklarna.Fault{Status: 429}, unavailable, renewed, kept, renewed, kept, kept},
	{"500", fakeklarna.Fault{Status: 500}, unavailable, renewed, kept, renewed, kept, kept},
	{"502 in HTML", fakeklarna.Fault{Status: 502, Body: "<html><h1>Bad gateway</h1></html>"}, unavailable, renewed, kept, renewed, kept, kept},
	{"503", fakeklarna.Fault{Status: 503}, unavailable, renewed, kept, renewed, kept, kept},
	{"504", fakeklarna.Fault{Status: 504}, unavailable, renewed, kept, renewed, kept, kept},
	{"slow", fakeklarna.Fault{DelayAfter: fakeklarna.Duration(time.Minute)}, unavailable, renewed, kept, renewed, kept, kept},
	{"connection reset", fakeklarna.Fault{Reset: true}, unavailable, renewed, kept, renewed, kept, kept},
	// An update has no body that could be broken.
	{"truncated JSON", fakeklarna.Fault{Truncate: true}, unavailable, renewed, kept, kept, kept, kept},
	{"reply lost", fakeklarna.Fault{DropReply: true}, unavailable, renewed, kept, renewed, kept, kept},
	{"not JSON", fakeklarna.Fault{NotJSON: true}, unavailable, renewed, kept, kept, kept, kept},
}

func TestSyncFaults(t *testing.T) {
	rdb := redistest.StartServer(t)
	for _, f := range faults {
		for _, way := range []struct {
			name         string
			opened       bool
			changed      bool
			mode         cartsync.Mode
			method, path string
			count        int
			want         end
		}{
			{"create", false, false, cartsync.Load, "POST", createPath, -1, f.create},
			{"read always", true, false, cartsync.Load, "GET", sessionPath, -1, f.read},
			{"read once", true, false, cartsync.Load, "GET", sessionPath, 1, f.readOnce},
			{"update always", true, true, cartsync.Change, "POST", sessionPath, -1, f.update},
			{"update once", true, true, cartsync.Load, "POST", sessionPath, 1, f.updateOnce},
			{"read back always", true, true, cartsync.Change, "GET", sessionPath, -1, f.readBack},
			{"all always", true, true, cartsync.Load, "", "", -1, f.create},
		} {
			t.Run(f.name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, rdb)
				w.put("MUG-1", 2)
				old := ""
				if way.opened {
					old = w.open().SessionID
				}
				if way.changed {
					w.put("MUG-1", 3)
				}
				fault := f.fault
				fault.Method, fault.Path, fault.Count = way.method, way.path, way.count
				w.Fake.AddFault(fault)
				got, err := w.sync(way.mode, old)
				now := w.cart()
				switch want := map[end]error{isRefused: cartsync.ErrRefused, unavailable: cartsync.ErrUnavailable}[way.want]; {
				case want != nil:
					if !errors.Is(err, want) || now.SessionID != old {
						t.Errorf("got %v, want %v; the cart has session %q, it had %q", err, want, now.SessionID, old)
					}
					if way.want == isRefused && !strings.Contains(fmt.Sprint(err), "correlation ID") {
						t.Errorf("%v: no correlation ID", err)
					}
				case err != nil || got.Outcome != cartsync.InSync || got.Session.SessionID != now.SessionID:
					t.Errorf("outcome %d, %v", got.Outcome, err)
				case (now.SessionID == old) != (way.want == kept):
					t.Errorf("the session is %s, it was %s; want %s", now.SessionID, old, way.want)
				case got.Session.OrderAmount != got.Quote.OrderAmount:
					t.Errorf("the session has %d, the cart %d", got.Session.OrderAmount, got.Quote.OrderAmount)
				}
				if got.Quote.OrderAmount == 0 || got.Cart.Revision != now.Revision {
					t.Errorf("the result has the cart at revision %d with %d to pay, it is at %d", got.Cart.Revision, got.Quote.OrderAmount, now.Revision)
				}
				w.Fake.ClearFaults()
				w.holds()
			})
		}
	}
}
