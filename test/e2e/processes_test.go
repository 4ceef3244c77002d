package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// client is a shopper without a browser, who keeps his cookie.
type client struct {
	t      *testing.T
	cookie string // all, as the header has them
}

// reply is an answer; status 0 = there was none.
type reply struct {
	status int
	body   string
	header http.Header
}

// send asks one process. A body is a form, or JSON where it begins like it.
func (c *client) send(p *process, method, path, body, accept string) reply {
	req, err := http.NewRequestWithContext(c.t.Context(), method, p.ready["storefront"]+path, strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return reply{}
	}
	req.Header.Set("Accept-Language", "sv-SE")
	req.Header.Set("Accept", accept)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		return reply{}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}
	}
	for _, cookie := range res.Cookies() {
		c.keep(cookie)
	}
	return reply{res.StatusCode, string(data), res.Header}
}

// keep keeps a cookie in place of one of the same name.
func (c *client) keep(cookie *http.Cookie) {
	var all []string
	for one := range strings.SplitSeq(c.cookie, "; ") {
		if one != "" && !strings.HasPrefix(one, cookie.Name+"=") {
			all = append(all, one)
		}
	}
	c.cookie = strings.Join(append(all, cookie.Name+"="+cookie.Value), "; ")
}

// open loads the checkout by one process and returns its order's ID.
func (c *client) open(p *process) string {
	c.t.Helper()
	got := c.send(p, "GET", "/checkout", "", "")
	id := shownOrder.FindStringSubmatch(got.body)
	if got.status != http.StatusOK || id == nil {
		c.t.Fatalf("checkout: got %d\n%s", got.status, got.body)
	}
	return id[1]
}

// buyer is a client with two mugs in the cart.
func (d *deployment) buyer() *client {
	d.t.Helper()
	c := &client{t: d.t}
	if got := c.send(d.shops[0], "POST", "/cart/lines", "sku=MUG-1&quantity=2", ""); got.status != http.StatusSeeOther {
		d.t.Fatalf("add: got %+v", got)
	}
	return c
}

// underWay sends a request and returns when Klarna works on its call.
func (d *deployment) underWay(c *client, p *process, method, path, body string) <-chan reply {
	d.t.Helper()
	calls, done, asker := len(d.fake.Requests("")), make(chan reply, 1), *c
	go func() { done <- asker.send(p, method, path, body, "") }()
	for start := time.Now(); len(d.fake.Requests("")) == calls; time.Sleep(time.Millisecond) {
		if time.Since(start) > 40*time.Second {
			d.t.Fatal("Klarna is not asked")
		}
	}
	return done
}

// A process is killed while it holds a session's lease: its shopper waits for
// no longer than the lease lasts, and what was changed is not lost.
func TestKilledWithTheLease(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, method, path, body string
		mugs                     int64
		orders                   int // those that the killed one asked for included
	}{
		{"first load", "GET", "/checkout", "", 2, 2},
		{"update", "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":5}]}`, 5, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 2, fakeklarna.Options{})
			c := d.buyer()
			if tc.method == "POST" {
				c.open(d.shops[0])
			}
			d.fake.AddFault(fakeklarna.Fault{Method: "POST", Delay: fakeklarna.Duration(3 * time.Second)}) // a start reads
			done := d.underWay(c, d.shops[0], tc.method, tc.path, tc.body)
			time.Sleep(1500 * time.Millisecond) // the lease is renewed each second
			d.shops[0].kill()
			start := time.Now()
			if got := <-done; got.status != 0 {
				t.Fatalf("the killed one answered %d", got.status)
			}
			id := c.open(d.shops[1])
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("waited %s for a lease of 4 s", took)
			}
			d.agrees(id)
			order, _ := d.fake.Order(id)
			if n := order.OrderLines[0].Quantity; n != tc.mugs || len(d.fake.Orders()) > tc.orders {
				t.Errorf("got %d mugs and %d orders, want %d and %d", n, len(d.fake.Orders()), tc.mugs, tc.orders)
			}
			start = time.Now()
			if again := c.open(d.shops[1]); again != id || time.Since(start) > 3*time.Second {
				t.Errorf("then: order %s after %s, in %s", again, id, time.Since(start))
			}
		})
	}
}

// A process that is told to stop finishes what it does; another one takes over
// session, cart and order.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	c := d.buyer()
	d.fake.AddFault(fakeklarna.Fault{Delay: fakeklarna.Duration(time.Second)})
	done := d.underWay(c, d.shops[0], "GET", "/checkout", "")
	if err := d.shops[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.status != http.StatusOK {
		t.Errorf("the request under way: got %d", got.status)
	}
	select {
	case <-d.shops[0].ended:
	case <-time.After(40 * time.Second):
		t.Fatal("the process does not end")
	}
	if code := d.shops[0].cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the process ended with %d", code)
	}
	next := d.start("127.0.0.1:0")
	id := c.open(next)
	d.agrees(id)
	if n := len(d.fake.Orders()); n != 1 {
		t.Errorf("got %d orders, want 1", n)
	}
}

// Redis is restarted under running shops: meanwhile they are unready and say so, then all is there again.
func TestRedisRestarted(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{})
	c := d.buyer()
	id := c.open(d.shops[0])
	d.redis.Stop()
	for _, p := range d.shops {
		for path, want := range map[string]int{"/checkout": 503, "/cart": 503, "/readyz": 503, "/healthz": 200} {
			if got := c.send(p, "GET", path, "", ""); got.status != want {
				t.Errorf("%s without Redis: got %d, want %d", path, got.status, want)
			}
		}
	}
	d.redis.Restart()
	for _, p := range d.shops {
		for start := time.Now(); c.send(p, "GET", "/readyz", "", "").status != http.StatusOK; time.Sleep(20 * time.Millisecond) {
			if time.Since(start) > 40*time.Second {
				t.Fatal("a shop does not find its Redis again")
			}
		}
		if again := c.open(p); again != id {
			t.Errorf("got order %s, it was %s", again, id)
		}
	}
	d.agrees(id)
}

// An order that was replaced is aborted in the background (invariant 2).
func TestLeftBehindIsAborted(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{})
	c := d.buyer()
	old := c.open(d.shops[0])
	d.fake.AddFault(fakeklarna.Fault{Method: "GET", OrderID: old, Status: 403})
	id := c.open(d.shops[1])
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if order, _ := d.fake.Order(old); order.Fake.Aborted {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal("the order that was left behind is not aborted")
		}
	}
	if again := c.open(d.shops[0]); again != id || id == old {
		t.Errorf("got orders %s, %s, %s", old, id, again)
	}
	d.agrees(id)
}

// Headers beyond 64 KiB are refused before anything else is done.
func TestHugeHeader(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	c := &client{t: t, cookie: "shopd=" + strings.Repeat("x", 80<<10)}
	if got := c.send(d.shops[0], "GET", "/cart", "", ""); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d, want 431", got.status)
	}
}
