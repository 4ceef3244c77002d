package e2e_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/until"
)

// keptDemo is a demo with -data that is started and killed, always at the same addresses.
type keptDemo struct {
	*process
	t    *testing.T
	dir  string
	args []string
}

func keepDemo(t *testing.T) *keptDemo {
	t.Helper()
	d := &keptDemo{t: t, dir: filepath.Join(t.TempDir(), "new")}
	ports := redistest.FreePorts(t, 2)
	d.args = []string{"demo", "-data", d.dir, "-addr", "127.0.0.1:" + ports[0], "-klarna-addr", "127.0.0.1:" + ports[1],
		"-ops-addr", "127.0.0.1:0", "-write-limit", "0", "-push-delay", "4s"}
	d.start()
	return d
}

func (d *keptDemo) start() { d.process = startProcess(d.t, d.args, nil) }

// fake asks the fake's own interface.
func (d *keptDemo) fake(method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.ready["klarna"]+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %d %s", path, res.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// buy presses Buy in the form of an order.
func (d *keptDemo) buy(id string) error {
	return d.fake("POST", "/fake/orders/"+id+"/shopper", `{"buy":{}}`, new(any))
}

// keptOrder is an order at the fake.
type keptOrder struct {
	ID     string `json:"order_id"`
	Status string `json:"status"`
	Lines  []struct {
		Quantity int `json:"quantity"`
	} `json:"order_lines"`
	Fake struct {
		Acknowledged bool `json:"acknowledged"`
		Management   struct {
			Number string `json:"merchant_reference1"`
		} `json:"order_management"`
	} `json:"fake"`
}

func (d *keptDemo) order(id string) (o keptOrder) {
	d.t.Helper()
	if err := d.fake("GET", "/fake/orders/"+id, "", &o); err != nil {
		d.t.Fatal(err)
	}
	return o
}

// cart puts mugs into the cart of somebody new.
func (d *keptDemo) cart(quantity int) *client {
	c := &client{t: d.t}
	c.send(d.process, "POST", "/cart/lines", fmt.Sprintf("sku=MUG-1&quantity=%d", quantity), "")
	return c
}

// placed waits until everything that was bought is in the book and acknowledged.
func (d *keptDemo) placed(bought ...string) {
	d.t.Helper()
	for _, id := range bought {
		again := time.Now().Add(15 * time.Second)
		for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			o := d.order(id)
			if o.Fake.Acknowledged && o.Fake.Management.Number != "" {
				break
			}
			// A push that met a dying process comes again after two hours.
			if !again.IsZero() && time.Now().After(again) {
				again = time.Time{}
				if err := d.fake("POST", "/fake/clock", `{"advance":"2h"}`, new(any)); err != nil {
					d.t.Fatal(err)
				}
			}
			if time.Now().After(limit) {
				d.t.Fatalf("bought, but not placed: %+v", o)
			}
		}
	}
}

// A demo that is killed goes on where it was: cart, session, the open order with what is in the form,
// the order in the book, and a purchase of which the shop did not know yet.
func TestDemoData(t *testing.T) {
	t.Parallel()
	d := keepDemo(t)
	open, bought := d.cart(2), d.cart(3)
	openID, boughtID := open.open(d.process), bought.open(d.process)
	if err := d.fake("POST", "/fake/orders/"+openID+"/shopper", `{"type":{"given_name":"Torvald"}}`, new(any)); err != nil {
		t.Fatal(err)
	}
	if err := d.buy(boughtID); err != nil {
		t.Fatal(err)
	}
	confirmation := bought.send(d.process, "GET", "/checkout/confirmation?order_id="+boughtID, "", "")
	d.placed(boughtID)
	number := d.order(boughtID).Fake.Management.Number
	time.Sleep(1500 * time.Millisecond) // of what is younger the carts may forget a second
	late := d.cart(4)
	lateID := late.open(d.process)
	time.Sleep(1500 * time.Millisecond)
	if err := d.buy(lateID); err != nil { // told to the shopper, not yet to the shop
		t.Fatal(err)
	}
	d.kill()
	d.start()

	if id := open.open(d.process); id != openID {
		t.Errorf("the open order was %s and is %s", openID, id)
	}
	if got := open.send(d.process, "GET", "/cart", "", "application/json"); !strings.Contains(got.body, `"quantity":2`) {
		t.Errorf("the cart: %d %s", got.status, got.body)
	}
	var typed map[string]any
	if err := d.fake("GET", "/fake/orders/"+openID, "", &typed); err != nil || !strings.Contains(fmt.Sprint(typed), "Torvald") {
		t.Errorf("what was typed: %v %v", typed, err)
	}
	if got := bought.send(d.process, "GET", "/checkout/confirmation?order_id="+boughtID, "", ""); confirmation.status != 200 || got.status != 200 || !strings.Contains(got.body, number) {
		t.Errorf("the confirmation: before %d, after %d", confirmation.status, got.status)
	}
	d.placed(lateID) // by its push
	until.Holds(t, "the cart is closed, which comes last", func() bool {
		got := late.send(d.process, "GET", "/cart", "", "application/json")
		return got.status == http.StatusOK && !strings.Contains(got.body, `"quantity"`)
	})
	if got := open.send(d.process, "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":5}]}`, ""); got.status != http.StatusOK || d.order(openID).Lines[0].Quantity != 5 {
		t.Errorf("the update: %d %s", got.status, got.body)
	}
	if err := d.buy(openID); err != nil {
		t.Error(err)
	}
	if got := open.send(d.process, "GET", "/checkout/confirmation?order_id="+openID, "", ""); got.status != http.StatusOK {
		t.Errorf("the confirmation of the open one: %d", got.status)
	}
	d.placed(openID)
}

// Killed at any moment while shoppers buy: what the fake said was bought comes into the book, and the book has
// nothing that the fake does not know.
func TestDemoDataKilledAnytime(t *testing.T) {
	t.Parallel()
	d := keepDemo(t)
	var bought []string
	for round := range 6 {
		process, told := d.process, make(chan []string)
		go func() {
			var ids []string
			for {
				c := &client{t: t}
				c.send(process, "POST", "/cart/lines", "sku=MUG-1&quantity=1", "")
				id := shownOrder.FindStringSubmatch(c.send(process, "GET", "/checkout", "", "").body)
				if id == nil || d.buy(id[1]) != nil {
					break
				}
				ids = append(ids, id[1])
				c.send(process, "GET", "/checkout/confirmation?order_id="+id[1], "", "")
			}
			told <- ids
		}()
		time.Sleep(time.Duration(700+130*round) * time.Millisecond)
		process.kill()
		ids := <-told
		bought = append(bought, ids...)
		d.start()
	}
	if len(bought) < 6 {
		t.Fatalf("only %d were bought", len(bought))
	}
	d.placed(bought...)
	d.kill()
	book, err := db.Open(t.Context(), "sqlite://"+filepath.Join(d.dir, "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := db.All(t.Context(), book.Read, func(rows *sql.Rows) (id string, err error) {
		err = rows.Scan(&id)
		return id, err
	}, "select order_id from orders")
	if err := errors.Join(err, book.Close()); err != nil {
		t.Fatal(err)
	}
	d.start()
	if len(ids) < len(bought) {
		t.Errorf("%d were bought, %d are in the book", len(bought), len(ids))
	}
	for _, id := range ids {
		if o := d.order(id); o.Status != "checkout_complete" {
			t.Errorf("in the book, but at the fake %+v", o)
		}
	}
}
