package storefront_test

import (
	"context"
	"flag"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Most of what takes long here waits for a Klarna that does not answer, so
// more tests run at once than there are processors. Fuzzing does not wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" {
		_ = flag.Set("test.parallel", "12")
	}
	m.Run()
}

// end is how a request ends for the shopper.
type end int

const (
	kept        end = iota // 200: the order is the same one
	renewed                // 200: a new order, the old one is left behind
	refused                // 500: the mistake is ours, the cart is safe
	unavailable            // 503: the page tries again by itself, the cart is safe
)

// klarnaFault is what goes wrong in one kind of call, and how the request ends
// that makes it: when it goes wrong every time, or once only.
type klarnaFault struct {
	name               string
	fault              fakeklarna.Fault
	create             end // never sent again, so once is every time
	read, readOnce     end
	update, updateOnce end
	stored             bool // a create is carried out, and nothing of its answer reaches us: its address would name the order
}

var klarnaFaults = []klarnaFault{
	{"400", fakeklarna.Fault{Status: 400}, refused, renewed, renewed, renewed, renewed, false},
	{"401 in HTML", fakeklarna.Fault{Status: 401}, unavailable, unavailable, unavailable, unavailable, unavailable, false},
	{"403", fakeklarna.Fault{Status: 403}, refused, renewed, renewed, renewed, renewed, false},
	{"404 empty", fakeklarna.Fault{Status: 404}, refused, renewed, renewed, renewed, renewed, false},
	{"409", fakeklarna.Fault{Status: 409}, unavailable, renewed, renewed, renewed, kept, false},
	{"429", fakeklarna.Fault{Status: 429}, unavailable, renewed, kept, renewed, kept, false},
	{"500", fakeklarna.Fault{Status: 500}, unavailable, renewed, kept, renewed, kept, false},
	{"502 in HTML", fakeklarna.Fault{Status: 502, Body: "<html><h1>Bad gateway</h1></html>"}, unavailable, renewed, kept, renewed, kept, false},
	{"503", fakeklarna.Fault{Status: 503}, unavailable, renewed, kept, renewed, kept, false},
	{"504", fakeklarna.Fault{Status: 504}, unavailable, renewed, kept, renewed, kept, false},
	{"slow", fakeklarna.Fault{DelayAfter: fakeklarna.Duration(time.Minute)}, unavailable, renewed, kept, renewed, kept, true},
	{"connection reset", fakeklarna.Fault{Reset: true}, unavailable, renewed, kept, renewed, kept, false},
	{"truncated JSON", fakeklarna.Fault{Truncate: true}, unavailable, renewed, kept, renewed, kept, false},
	{"reply lost", fakeklarna.Fault{DropReply: true}, unavailable, renewed, kept, renewed, kept, true},
	{"not JSON", fakeklarna.Fault{NotJSON: true}, unavailable, renewed, kept, renewed, kept, false},
}

const createPath, orderPath = "/checkout/v3/orders", "/checkout/v3/orders/*"

// way is a way for a shopper to bring about a kind of call.
type way struct {
	name         string
	given        func(s *shopWorld, b *browser)
	page         bool // by loading the checkout; else by an update of the open page
	method, path string
	ends         func(f klarnaFault) (always, once end)
}

var ways = []way{
	{"create, page", nothing, true, "POST", createPath, created},
	{"create, update", nothing, false, "POST", createPath, created},
	{"read, page", opened, true, "GET", orderPath, read},
	{"read, update", openedAndUnanswered, false, "GET", orderPath, read},
	{"update, page", openedAndChanged, true, "POST", orderPath, updated},
	{"update, update", opened, false, "POST", orderPath, updated},
}

func created(f klarnaFault) (always, once end) { return f.create, f.create }
func read(f klarnaFault) (always, once end)    { return f.read, f.readOnce }
func updated(f klarnaFault) (always, once end) { return f.update, f.updateOnce }

func nothing(*shopWorld, *browser)              {}
func opened(_ *shopWorld, b *browser)           { b.Get("/checkout") }
func openedAndChanged(_ *shopWorld, b *browser) { b.Get("/checkout"); b.Add("JAM-1", "1") }
func openedAndUnanswered(s *shopWorld, b *browser) { // so that the update is followed by a read
	b.Get("/checkout")
	s.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: orderPath, DropReply: true})
}

// do makes the request: to load the page, or to set MUG-1 to 3.
func (w way) do(ctx context.Context, b *browser, orderID string) (shoptest.Answer, error) {
	if w.page {
		return b.Try(ctx, "GET", "/checkout", "", "")
	}
	body := fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":"MUG-1","quantity":3}]}`, orderID)
	return b.Try(ctx, "POST", "/checkout/update", "application/json", body)
}

// norwegian is a shopper with goods who has chosen country and language, his
// browser's being others.
func (s *shopWorld) norwegian() *browser {
	s.T.Helper()
	b := s.browser()
	b.Post("/market", "country", "NO", "locale", "nb-NO")
	b.Add("MUG-1", "2")
	return b
}

// Every fault of Klarna's in every kind of call: the shopper is told what
// happened in his language, nothing is lost, and the next load heals.
func TestKlarnaFaults(t *testing.T) {
	t.Parallel()
	rdb := redistest.StartServer(t)
	for _, w := range ways {
		for _, f := range klarnaFaults {
			always, once := w.ends(f)
			run := func(name string, want end, count int, paths ...string) {
				t.Run(w.name+"/"+f.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					w.suffers(t, newShopOn(t, rdb, fakeklarna.Options{}), f, want, count, paths)
				})
			}
			run("always", always, -1, w.path)
			if w.path != createPath {
				run("once", once, 1, w.path)
				run("and no new order", f.create, -1, w.path, createPath)
			}
		}
	}
}

// suffers makes the request while calls at paths fail, and looks at the answer and what comes after.
func (w way) suffers(t *testing.T, s *shopWorld, f klarnaFault, want end, count int, paths []string) {
	b := s.norwegian()
	w.given(s, b)
	cartBefore, orderBefore := b.cart(), s.newest()
	for _, path := range paths {
		fault := f.fault
		fault.Method, fault.Path, fault.Count = w.method, path, count
		if path == createPath {
			fault.Method = "POST"
		}
		s.Fake.AddFault(fault)
	}
	got, err := w.do(t.Context(), b, orderBefore)
	if err != nil {
		t.Fatal(err)
	}
	cartAfter := b.cart()
	w.judge(t, got, want, cartAfter.Revision, orderBefore)
	if w.page {
		if diff := cmp.Diff(cartBefore, cartAfter); diff != "" {
			t.Errorf("the cart: %s", diff)
		}
	} else if cartAfter.Revision != cartBefore.Revision+1 || cartAfter.Lines[0].Quantity != 3 {
		t.Errorf("the cart after the change: %+v", cartAfter)
	}
	if log := s.Log.String(); want == refused && !strings.Contains(log, "correlation ID") && !strings.Contains(log, "correlation_id") {
		t.Errorf("the log does not name Klarna's correlation ID:\n%s", log)
	}

	s.Fake.ClearFaults()
	unknown := 0
	if f.stored && (want == unavailable || want == refused) {
		unknown = 1
	}
	healed := s.holds(b, unknown)
	switch {
	case orderBefore == "" || want == renewed && healed.OrderID != orderBefore:
	case want == renewed || healed.OrderID != orderBefore:
		t.Errorf("in the end the order is %s, before the faults it was %s", healed.OrderID, orderBefore)
	}
}

// judge looks at an answer. revision is the cart's, orderBefore the page's order.
func (w way) judge(t *testing.T, got shoptest.Answer, want end, revision int64, orderBefore string) {
	t.Helper()
	status := map[end]int{kept: 200, renewed: 200, refused: 500, unavailable: 503}[want]
	if got.StatusCode != status {
		t.Fatalf("got %d, want %d\n%s", got.StatusCode, status, got.Text)
	}
	if id := got.Header.Get("X-Request-Id"); want == refused && !strings.Contains(got.Text, id) {
		t.Errorf("the answer does not quote the request ID %s", id)
	}
	if w.page {
		judgePage(t, got, want, orderBefore)
		return
	}
	u := updateOf(t, got)
	if u.CartRevision != revision || !strings.Contains(u.SummaryHTML, `data-sku="MUG-1"`) || !strings.Contains(u.SummaryHTML, `data-quantity="3"`) {
		t.Errorf("got revision %d and the summary %q, the cart is at %d", u.CartRevision, u.SummaryHTML, revision)
	}
	unconfirmed := i18n.T("nb", "totals.unconfirmed")
	if says := strings.Contains(u.SummaryHTML, unconfirmed); says != (status != 200) {
		t.Errorf("answer %d: %q in the summary: %v", status, unconfirmed, says)
	}
	code := map[end]string{refused: "order_refused", unavailable: "klarna_unavailable"}[want]
	if u.Error.Code != code || (code != "") != (u.Error.Message != "" && u.Error.RequestID == got.Header.Get("X-Request-Id")) {
		t.Errorf("got the error %+v, want %q", u.Error, code)
	}
	if retry := got.Header.Get("Retry-After"); (retry != "") != (want == unavailable) {
		t.Errorf("Retry-After: got %q", retry)
	}
	if status != 200 {
		return
	}
	replaced := u.OrderID != orderBefore
	if u.OrderID == "" || replaced != (want == renewed || orderBefore == "") || u.Replaced != replaced || (u.HTMLSnippet != "") != replaced {
		t.Errorf("got order %q (replaced: %v, a snippet of %d bytes), it was %q", u.OrderID, u.Replaced, len(u.HTMLSnippet), orderBefore)
	}
}

func judgePage(t *testing.T, got shoptest.Answer, want end, orderBefore string) {
	t.Helper()
	refresh, key := "", ""
	switch want {
	case refused:
		key = "checkout_error.title"
	case unavailable:
		refresh, key = "2; url=/checkout?try=1", "unavailable.payment.title"
	case kept, renewed:
		id := shownOrder.FindStringSubmatch(got.Text)
		if id == nil || (id[1] == orderBefore) != (want == kept) || !strings.Contains(got.Text, "klarna-checkout-container") {
			t.Errorf("the page shows order %q, before it was %q", id, orderBefore)
		}
		return
	}
	if title := i18n.T("nb", key); !strings.Contains(html.UnescapeString(got.Text), title) {
		t.Errorf("the page does not say %q:\n%s", title, got.Text)
	}
	if got.Header.Get("Refresh") != refresh || (got.Header.Get("Retry-After") != "") != (want == unavailable) {
		t.Errorf("got Refresh %q and Retry-After %q, want %q", got.Header.Get("Refresh"), got.Header.Get("Retry-After"), refresh)
	}
}

// A browser that leaves 100 ms into a request cuts nothing off: the order is
// in the session, and the next load makes no other.
func TestBrowserGone(t *testing.T) {
	t.Parallel()
	rdb := redistest.StartServer(t)
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			s := newShopOn(t, rdb, fakeklarna.Options{})
			b := s.norwegian()
			w.given(s, b)
			before := s.newest()
			s.Fake.AddFault(fakeklarna.Fault{DelayAfter: fakeklarna.Duration(400 * time.Millisecond), Count: -1})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if got, err := w.do(ctx, b, before); err == nil {
				t.Fatalf("got %d before the browser left", got.StatusCode)
			}
			s.Fake.ClearFaults()
			if order := s.holds(b, 0); before != "" && order.OrderID != before {
				t.Errorf("got order %s, it was %s", order.OrderID, before)
			}
			if n := len(s.Fake.Orders()); n != 1 {
				t.Errorf("got %d orders, want 1", n)
			}
		})
	}
}

// The 503 page reloads itself five times, later and later, then it waits for the shopper.
func TestReloads(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	confirmation := "/checkout/confirmation?order_id=" + b.open(s).OrderID
	s.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: -1})
	b.Add("MUG-1", "1") // else the order would be shown as it was read
	for _, tc := range []struct{ address, refresh, button string }{
		{"/checkout", "2; url=/checkout?try=1", "/checkout?try=1"},
		{"/checkout?try=1", "4; url=/checkout?try=2", "/checkout?try=2"},
		{"/checkout?try=2", "8; url=/checkout?try=3", "/checkout?try=3"},
		{"/checkout?try=3", "16; url=/checkout?try=4", "/checkout?try=4"},
		{"/checkout?try=4", "30; url=/checkout?try=5", "/checkout?try=5"},
		{"/checkout?try=5", "", "/checkout"},
		{"/checkout?try=99", "", "/checkout"},
		{"/checkout?try=-1", "2; url=/checkout?try=1", "/checkout?try=1"},
		{"/checkout?try=x", "2; url=/checkout?try=1", "/checkout?try=1"},
		{confirmation + "&try=1", "4; url=" + confirmation + "&try=2", confirmation + "&amp;try=2"},
	} {
		got := b.Get(tc.address)
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Refresh") != tc.refresh {
			t.Errorf("%s: got %d with Refresh %q, want %q", tc.address, got.StatusCode, got.Header.Get("Refresh"), tc.refresh)
		}
		if !strings.Contains(got.Text, `href="`+tc.button+`"`) {
			t.Errorf("%s: no button to %s", tc.address, tc.button)
		}
	}
}
