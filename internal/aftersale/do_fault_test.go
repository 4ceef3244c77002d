package aftersale_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// scene is a command on an order that was brought into the state for it.
type scene struct {
	name  string
	order func(*world) order.Order
	of    func(testing.TB, order.Order) order.Command
	// made counts what the command should make once.
	made func(fakeklarna.ManagedOrder) int
}

// capturedOrder is an order of which a mug is captured.
func capturedOrder(w *world) order.Order {
	o := w.Placed()
	return w.Do(o, shoptest.CaptureOf(w.T, o, 1, 0, 0), order.Done).Order
}

var scenes = []scene{
	{"capture", func(w *world) order.Order { return w.Placed() }, func(t testing.TB, o order.Order) order.Command {
		return shoptest.CaptureOf(t, o, 1, 1, 0)
	}, func(m fakeklarna.ManagedOrder) int { return len(m.Captures) }},
	{"refund", capturedOrder, func(_ testing.TB, o order.Order) order.Command {
		return shoptest.Command(o, aftersale.Refund.Name, amount(int64(o.CapturedAmount)))
	}, func(m fakeklarna.ManagedOrder) int { return len(m.Refunds) }},
	{"cancel", func(w *world) order.Order { return w.Placed() }, func(_ testing.TB, o order.Order) order.Command {
		return shoptest.Command(o, aftersale.Cancel.Name)
	}, func(m fakeklarna.ManagedOrder) int { return strings.Count(m.Status, "CANCELLED") }},
	{"correct", shippedOrder, func(_ testing.TB, o order.Order) order.Command {
		return correction(o, func(s *order.Shipment) { s.TrackingNumber = "right" })
	}, func(m fakeklarna.ManagedOrder) int {
		return len(slices.DeleteFunc(m.ShippingInfo, func(i fakeklarna.ShippingInfo) bool { return i.TrackingNumber != "right" }))
	}},
}

// shippedOrder is an order of which a mug is on its way.
func shippedOrder(w *world) order.Order {
	o := w.Placed()
	return w.Do(o, shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) {
		c.Shipments = []order.Shipment{{Carrier: "PostNord", TrackingNumber: "wrong", OrderLines: []order.ShipmentLine{{ID: "physical:MUG-1", Quantity: 1}}}}
	}), order.Done).Order
}

// correction corrects the first shipment of an order.
func correction(o order.Order, edit func(*order.Shipment)) order.Command {
	s := o.Shipments[0]
	edit(&s)
	return shoptest.Command(o, aftersale.Correct.Name, func(c *order.Command) { c.CaptureID, c.Shipments = s.CaptureID, []order.Shipment{s} })
}

// ended holds that a command has had its effect once, and that the audit says
// so once and names what was made.
func (w *world) ended(o order.Order, c order.Command, made int) {
	w.T.Helper()
	now := w.Agrees(o.OrderID)
	if made != 1 {
		w.T.Errorf("%s had its effect %d times", c.Action, made)
	}
	entries, err := w.Book.Audit(w.T.Context(), o.OrderID)
	if err != nil {
		w.T.Fatal(err)
	}
	done := 0
	for _, e := range entries {
		if e.Key != c.Key || e.Result != order.Done {
			continue
		}
		done++
		id := ""
		if c.Action == aftersale.Capture.Name {
			id = now.Captures[len(now.Captures)-1].CaptureID
		}
		if c.Action == aftersale.Refund.Name {
			id = now.Refunds[len(now.Refunds)-1].RefundID
		}
		if e.ID != id || e.Staff != "demo" {
			w.T.Errorf("%s by %q: the audit has %q, want %q", c.Action, e.Staff, e.ID, id)
		}
	}
	if done != 1 {
		w.T.Errorf("the audit says %d times that it was done: %v", done, w.Audited(o.OrderID))
	}
	if due := w.Number("select count(*) from orders where due_at is not null"); due != 0 {
		w.T.Errorf("%d orders are not finished", due)
	}
}

// A process is killed at any call of Do, or loses the database from there on; then the call
// is carried out and its answer lost, or not made at all. The loop finishes what
// was begun, and the same form again what was not: each once.
func TestDoKilled(t *testing.T) {
	t.Parallel()
	for _, s := range scenes {
		for _, what := range []string{"killed", "database gone", "database gone late"} {
			t.Run(s.name+"/"+what, func(t *testing.T) {
				w := newWorld(t, nil)
				deaths, unknown := 0, 0
				for n := 1; ; n++ {
					mugs := w.Left("MUG-1")
					o := s.order(w)
					c := s.of(t, o)
					r := &shoptest.Reaper{N: n, Late: strings.HasSuffix(what, "late")}
					process := w.CutOff
					if strings.HasPrefix(what, "killed") {
						process = w.Doomed
					}
					out, err := process(r).Desk.Do(t.Context(), o.OrderID, c)
					if !r.Died() {
						if err != nil || out.Result != order.Done {
							t.Fatal(out.Result, err)
						}
						break
					}
					deaths++
					w.Buried()
					if err != nil && !errors.Is(err, order.ErrUnavailable) {
						t.Errorf("at call %d: got %v, want ErrUnavailable", n, err)
					}
					if err == nil && out.Result == order.Unknown {
						unknown++
					}
					if err == nil && out.Result != order.Unknown && out.Result != order.Done {
						t.Errorf("at call %d: got %s", n, out.Result)
					}
					w.Round(10 * time.Minute)
					m, _ := w.Fake.Managed(o.OrderID)
					if begun := w.InBook(o.OrderID).Revision > o.Revision; !begun && s.made(m) > 0 {
						t.Errorf("at call %d: Klarna was asked before the command was stored", n)
					}
					again, err := w.Desk.Do(t.Context(), o.OrderID, c)
					if err != nil || again.Result != order.Done && again.Result != order.Already {
						t.Errorf("at call %d: again: %s, %v", n, again.Result, err)
					}
					m, _ = w.Fake.Managed(o.OrderID)
					w.ended(o, c, s.made(m))
					if now := w.Left("MUG-1"); s.name == "cancel" && now != mugs {
						t.Errorf("%d mugs, there were %d", now, mugs)
					}
					if t.Failed() {
						t.Fatalf("%s at call %d; Do said %q; %v", what, n, out.Result, w.Audited(o.OrderID))
					}
				}
				if deaths < 7 || unknown < 1 {
					t.Errorf("died at %d points, %d without an answer", deaths, unknown)
				}
			})
		}
	}
}

// Klarna answers badly: the command has its effect once, in this call or by the loop.
func TestDoFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, tc := range map[string]struct {
		fault  fakeklarna.Fault
		result order.Result
	}{
		"answer lost":   {fakeklarna.Fault{DropReply: true}, order.Done},
		"answers lost":  {fakeklarna.Fault{DropReply: true, Count: -1}, order.Unknown},
		"lands late":    {fakeklarna.Fault{Late: true, Delay: fakeklarna.Duration(300 * time.Millisecond)}, order.Done},
		"all land late": {fakeklarna.Fault{Late: true, Delay: fakeklarna.Duration(time.Second), Count: -1}, order.Unknown},
		"503 once":      {fakeklarna.Fault{Status: 503}, order.Done},
		"500":           {fakeklarna.Fault{Status: 500, Count: -1}, order.Unknown},
		"429":           {fakeklarna.Fault{Status: 429, Count: -1}, order.Unknown},
		"409":           {fakeklarna.Fault{Status: 409, Count: -1}, order.Unknown},
		"reset":         {fakeklarna.Fault{Reset: true, Count: -1}, order.Unknown},
		"half a body":   {fakeklarna.Fault{Truncate: true, Count: 1}, order.Done},
	} {
		for _, s := range scenes {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				w.T = t
				o := s.order(w)
				c := s.of(t, o)
				fault := tc.fault
				fault.Method = "POST"
				w.Fake.AddFault(fault)
				out, err := w.Desk.Do(t.Context(), o.OrderID, c)
				if err != nil || out.Result != tc.result {
					t.Errorf("got %s, %v, want %s", out.Result, err, tc.result)
				}
				if tc.result == order.Unknown {
					if again, err := w.Desk.Do(briefly(t), o.OrderID, c); err != nil || again.Result != order.Unknown {
						t.Errorf("again meanwhile: %s, %v", again.Result, err)
					}
					if err := w.Desk.Reconcile(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, order.ErrUnavailable) {
						t.Errorf("the loop, in vain: %v", err)
					}
					if story := w.Audited(o.OrderID); strings.Count(strings.Join(story, ","), "unknown") != 1 {
						t.Errorf("the audit: %v", story)
					}
					w.Fake.ClearFaults()
					w.Round(5 * time.Minute)
				}
				shoptest.Landed(t, w.Fake)
				m, _ := w.Fake.Managed(o.OrderID)
				w.ended(o, c, s.made(m))
				w.Fake.ClearFaults()
			})
		}
	}
}

// briefly is a context that has little patience.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// Klarna forgets keys after a day: then the order there says how a command
// without an answer ended, and nothing is sent again.
func TestDoForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	captureID := func(o order.Order) string { return o.Captures[0].CaptureID }
	parcel := []order.Shipment{{Carrier: "postnord", TrackingNumber: "7340002"}}
	for _, tc := range []struct {
		name    string
		order   func(*world) order.Order
		of      func(testing.TB, order.Order) order.Command
		visible bool // in the order
	}{
		{"capture", capturedOrder, func(t testing.TB, o order.Order) order.Command { return shoptest.CaptureOf(t, o, 1, 0, 0) }, true}, // as much as the one before
		{"refund", func(w *world) order.Order {
			o := capturedOrder(w)
			return w.Do(o, shoptest.Command(o, aftersale.Refund.Name, amount(100)), order.Done).Order
		}, func(_ testing.TB, o order.Order) order.Command {
			return shoptest.Command(o, aftersale.Refund.Name, amount(100))
		}, true},
		{"refund with a reference", capturedOrder, func(_ testing.TB, o order.Order) order.Command { // which Klarna does not answer
			return shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.Amount, c.Reference = 100, "R-1" })
		}, true},
		{"cancel", scenes[0].order, scenes[2].of, true},
		{"lines", scenes[0].order, func(t testing.TB, o order.Order) order.Command {
			lines, sum, err := order.Take(o.OrderLines, []int64{1, 1, 1})
			if err != nil {
				t.Fatal(err)
			}
			return shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum })
		}, true},
		{"references", scenes[0].order, func(_ testing.TB, o order.Order) order.Command {
			return shoptest.Command(o, aftersale.References.Name, func(c *order.Command) { c.Reference2 = new("7") })
		}, true},
		{"address", scenes[0].order, func(_ testing.TB, o order.Order) order.Command {
			address := o.ShippingAddress
			address.StreetAddress = "Hamngatan 9"
			return shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &address })
		}, true},
		{"parcel", scenes[0].order, func(_ testing.TB, o order.Order) order.Command {
			return shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) { c.Shipments = parcel })
		}, true},
		{"parcel of a capture", capturedOrder, func(_ testing.TB, o order.Order) order.Command {
			return shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) { c.Shipments, c.CaptureID = parcel, captureID(o) })
		}, true},
		{"release", capturedOrder, func(_ testing.TB, o order.Order) order.Command { return shoptest.Command(o, aftersale.Release.Name) }, true},
		{"extend", scenes[0].order, func(_ testing.TB, o order.Order) order.Command { return shoptest.Command(o, aftersale.Extend.Name) }, true},
		{"send out", capturedOrder, func(_ testing.TB, o order.Order) order.Command {
			return shoptest.Command(o, aftersale.SendOut.Name, func(c *order.Command) { c.CaptureID = captureID(o) })
		}, false},
	} {
		for _, made := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/made %v", tc.name, made), func(t *testing.T) {
				w.T = t
				o := tc.order(w)
				if tc.name == "extend" {
					w.Fake.Advance(24 * time.Hour)
				}
				c := tc.of(t, o)
				fault := fakeklarna.Fault{DropReply: true, Count: 3}
				if !made {
					fault = fakeklarna.Fault{Status: 500, Count: 3}
				}
				for _, method := range []string{"POST", "PATCH"} {
					fault.Method = method
					w.Fake.AddFault(fault)
				}
				w.Do(o, c, order.Unknown)
				w.Fake.ClearFaults()
				w.let(o.OrderID)
				if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil { // somebody looks at it
					t.Fatal(err)
				}
				w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 500, Count: -1})
				w.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Status: 500, Count: -1})
				calls := len(w.Fake.Requests(o.OrderID))
				w.Round(25 * time.Hour)
				w.Fake.ClearFaults()
				for _, r := range w.Fake.Requests(o.OrderID)[calls:] {
					if r.Method != http.MethodGet {
						t.Errorf("sent again: %s %s", r.Method, r.Path)
					}
				}
				w.Agrees(o.OrderID)
				want := order.Refused
				if made && tc.visible {
					want = order.Done
				}
				entries, err := w.Book.Audit(t.Context(), o.OrderID)
				i := slices.IndexFunc(entries, func(e order.AuditEntry) bool { return e.Key == c.Key })
				if err != nil || i < 0 || entries[i].Result != want || (want == order.Refused) != (len(entries[i].Messages) == 1) {
					t.Fatalf("got %+v, %v, want %s", entries, err, want)
				}
				if !slices.ContainsFunc(entries[i:], func(e order.AuditEntry) bool { return e.Key == c.Key && e.Result == order.Unknown }) {
					t.Errorf("it was not unknown before: %v", w.Audited(o.OrderID))
				}
				if tc.name == "capture" || tc.name == "refund" {
					if again := slices.IndexFunc(entries[i+1:], func(e order.AuditEntry) bool { return entries[i].ID != "" && e.ID == entries[i].ID }); again >= 0 {
						t.Errorf("%s is in the audit twice", entries[i].ID)
					}
				}
			})
		}
	}
}

// A conflict that lasts is one with the order's state.
func TestDoConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	c := shoptest.CaptureOf(t, o, 1, 0, 0)
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 409, Count: -1})
	w.Do(o, c, order.Unknown)
	for _, in := range []time.Duration{time.Minute, 9 * time.Minute} {
		if err := w.Desk.Reconcile(t.Context(), time.Now().Add(in)); !errors.Is(err, order.ErrUnavailable) {
			t.Errorf("after %v: %v", in, err)
		}
	}
	w.Round(20 * time.Minute)
	w.Tells(o.OrderID, "placed", "acknowledged", "capture unknown", "capture refused")
	w.Agrees(o.OrderID)
}

// A read that fails, or that is older than the command, does not make the
// command fail: the book has what follows from it.
func TestDoReadFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, transport := range map[string]func(o order.Order) http.RoundTripper{
		"away":  func(order.Order) http.RoundTripper { return noReads{} },
		"older": func(o order.Order) http.RoundTripper { return &oldReads{} },
	} {
		t.Run(name, func(t *testing.T) {
			w.T = t
			o := w.Placed()
			step := func(of func(o order.Order) order.Command) {
				t.Helper()
				c := of(o)
				out, err := w.another(w.Client, transport(o)).Do(t.Context(), o.OrderID, c)
				if err != nil || out.Result != order.Done {
					t.Fatalf("%s: %s, %v", c.Action, out.Result, err)
				}
				o = w.Agrees(o.OrderID)
			}
			step(func(o order.Order) order.Command {
				return shoptest.Command(o, aftersale.References.Name, func(c *order.Command) { c.Reference1, c.Reference2 = new("7"), new("8") })
			})
			step(func(o order.Order) order.Command {
				lines, sum, err := order.Take(o.OrderLines, []int64{2, 0, 1})
				if err != nil {
					t.Fatal(err)
				}
				return shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum })
			})
			step(func(o order.Order) order.Command {
				return shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) {
					c.Shipments = []order.Shipment{{TrackingNumber: "7340003"}}
				})
			})
			step(func(o order.Order) order.Command { return shoptest.CaptureOf(t, o, 1, 0) })
			step(func(o order.Order) order.Command {
				return shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) {
					c.CaptureID, c.Shipments = o.Captures[0].CaptureID, []order.Shipment{{TrackingNumber: "7340004"}}
				})
			})
			step(func(o order.Order) order.Command { return shoptest.Command(o, aftersale.Refund.Name, amount(100)) })
			step(func(o order.Order) order.Command { return shoptest.Command(o, aftersale.Release.Name) })
			before := w.InBook(o.OrderID)
			after, err := w.Book.Refresh(t.Context(), o.OrderID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(summary(before), summary(after)); diff != "" {
				t.Errorf("Klarna says something else: %s", diff)
			}
			c := w.Placed()
			if out, err := w.another(w.Client, transport(c)).Do(t.Context(), c.OrderID, shoptest.Command(c, aftersale.Cancel.Name)); err != nil || out.Order.Status != ordermanagement.Cancelled {
				t.Errorf("cancel: %s, %v", out.Order.Status, err)
			}
			w.Agrees(c.OrderID)
		})
	}
}

// summary is what does not depend on the second in which it was written down.
func summary(o order.Order) []any {
	var captures []string
	for _, x := range o.Captures {
		captures = append(captures, fmt.Sprint(x.CaptureID, x.KlarnaReference, int64(x.CapturedAmount), len(x.ShippingInfo)))
	}
	return []any{o.Status, int64(o.OrderAmount), int64(o.OrderTaxAmount), captures, len(o.Refunds), o.MerchantReference1}
}

// errLost is what the caller of a Klarna sees whose answer never comes.
var errLost = errors.New("lost")

// noReads is a Klarna that answers no read.
type noReads struct{}

func (noReads) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return nil, errLost
	}
	return http.DefaultTransport.RoundTrip(req)
}

// oldReads is a Klarna whose reads are older than its writes: it answers what it
// read before the last write.
type oldReads struct{ body []byte }

func (r *oldReads) RoundTrip(req *http.Request) (*http.Response, error) {
	path, rest, _ := strings.Cut(req.URL.Path, "/orders/")
	orderID, _, _ := strings.Cut(rest, "/")
	read := req.Clone(req.Context())
	read.Method, read.URL.Path, read.Body, read.ContentLength = http.MethodGet, path+"/orders/"+orderID, nil, 0
	res, err := http.DefaultTransport.RoundTrip(read)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if req.Method != http.MethodGet {
		if r.body, err = io.ReadAll(res.Body); err != nil {
			return nil, err
		}
		return http.DefaultTransport.RoundTrip(req)
	}
	answer := *res
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(r.body)), int64(len(r.body))
	return &answer, nil
}

// let has nobody at work on an order's command any more: as if 20 s had passed.
func (w *world) let(orderID string) {
	w.T.Helper()
	text := w.Record(orderID)
	until := regexp.MustCompile(`"sending_until":"[^"]*"`)
	if !until.MatchString(text) {
		w.T.Fatal("no command runs")
	}
	w.SetRecord(orderID, until.ReplaceAllString(text, `"sending_until":"2026-01-01T00:00:00Z"`))
}

// A gateway's 401 says that a command was not done only while it is the first answer.
func TestDoUnauthorized(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, lost := range []bool{false, true} {
		o := w.Placed()
		c := shoptest.CaptureOf(t, o, 1, 0, 0)
		out, err := w.another(w.Client, &unauthorized{lost: lost}).Do(t.Context(), o.OrderID, c)
		if want := map[bool]order.Result{false: order.Refused, true: order.Unknown}[lost]; err != nil || out.Result != want || out.Entry.Status != 401 {
			t.Errorf("lost %v: got %s, %d, %v", lost, out.Result, out.Entry.Status, err)
		}
		w.Round(time.Minute)
		if o = w.Agrees(o.OrderID); (len(o.Captures) == 1) != lost {
			t.Errorf("lost %v: %d captures", lost, len(o.Captures))
		}
	}
	// So it is when the process that lost the answer is gone.
	o := w.Placed()
	c := shoptest.CaptureOf(t, o, 1, 0, 0)
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", DropReply: true, Count: 3})
	w.Do(o, c, order.Unknown)
	if err := w.another(w.Client, &unauthorized{}).Reconcile(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("the loop: %v", err)
	}
	w.let(o.OrderID)
	w.Do(o, c, order.Done) // the same form again
	m, _ := w.Fake.Managed(o.OrderID)
	w.ended(o, c, len(m.Captures))
}

// unauthorized is a gateway that refuses credentials; with lost it first lets a
// write through and loses the answer.
type unauthorized struct{ lost bool }

func (u *unauthorized) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && !u.lost {
		return &http.Response{
			StatusCode: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<html></html>")), Request: req,
		}, nil
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || req.Method == http.MethodGet {
		return res, err
	}
	_ = res.Body.Close()
	u.lost = false
	return nil, errLost
}
