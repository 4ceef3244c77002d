package callback_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
)

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	token := w.Signer.CallbackToken()
	stranger, err := kco.NewSigner("the secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"authorization"}, names...) {
		for _, wrong := range []string{"x", token[:len(token)-1], token + "x", strings.ToUpper(token), stranger.CallbackToken(), "%20", "."} {
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, httptest.NewRequest("POST", "/klarna/"+wrong+"/"+name+"?order_id=order-1", unread{t}))
			if got := text(t, rec.Result()); rec.Code != http.StatusNotFound || got != "404 page not found\n" {
				t.Errorf("%s with token %q: got %d %q", name, wrong, rec.Code, got)
			}
		}
	}
	for line := range strings.Lines(w.Log.String()) { // what is logged of any request
		if !strings.Contains(line, " msg=request method=POST route=/klarna/{token}/") || strings.Contains(line, "order-1") {
			t.Errorf("a wrong token is logged: %s", line)
		}
	}
	w.unchanged(c)
	if len(w.asked()) != 0 || len(w.results) != 0 {
		t.Errorf("the book was asked: %v; observed %v", w.asked(), w.results)
	}

	// Orders made before the key was changed are called about by its token.
	old, err := kco.NewSigner(oldSecret)
	if err != nil {
		t.Fatal(err)
	}
	_, sold := w.Sale()
	if res := w.call("/klarna/"+old.CallbackToken()+"/push?order_id="+sold, ""); res.StatusCode != http.StatusOK {
		t.Errorf("the token of an older key: got %d", res.StatusCode)
	}
}

// What cannot be understood is answered 4xx and changes nothing (invariant 10).
func TestBadRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	good := w.body(w.order(c))
	large := `{"merchant_data":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, tc := range []struct {
		name, orderID, body string
		status              int
	}{
		{"nothing", "order-1", "", 400},
		{"no JSON", "order-1", "ada@example.com", 400},
		{"half of it", "order-1", good[:len(good)/2], 400},
		{"a list", "order-1", "[]", 400},
		{"null", "order-1", "null", 400},
		{"two objects", "order-1", good + good, 400},
		{"a member of another type", "order-1", `{"merchant_data":["Stårgatan"],"order_id":7}`, 400},
		{"an address of another type", "order-1", `{"billing_address":"Stårgatan 1","order_id":[]}`, 400},
		{"an amount that is none", "order-1", `{"order_amount":"12345","selected_shipping_option":7,"order_id":{}}`, 400},
		{"binary", "order-1", "\xff\x00\xfe", 400},
		{"deep", "order-1", strings.Repeat(`{"a":`, 20000), 400},
		{"1 MiB", "order-1", large, 413},
		{"no order", "", good, 400},
		{"placeholder that was not filled in", "%7Bcheckout.order.id%7D", good, 400},
		{"no order's ID", "..%2Fx", good, 400},
		{"long ID", strings.Repeat("x", 300), good, 400},
	} {
		for _, name := range names {
			wrong := tc.orderID == "" || !kco.IsOrderID(tc.orderID)
			if name == "push" && !wrong {
				continue // its body is empty and not looked at
			}
			res := w.call(w.path(name, tc.orderID), tc.body)
			if got := text(t, res); res.StatusCode != tc.status || !strings.Contains(got, `"code":"bad_request"`) {
				t.Errorf("%s: %s: got %d %s, want %d", name, tc.name, res.StatusCode, got, tc.status)
			}
		}
	}
	w.unchanged(c)
	if len(w.asked()) != 0 {
		t.Errorf("the book was asked: %v", w.asked())
	}
}

// A client that does not send its body is answered when the time is over.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	var slow sync.WaitGroup
	for _, name := range names[1:] {
		slow.Go(func() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{\"merchant_data\":", w.path(name, "order-1"))
			start := time.Now()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			defer res.Body.Close()
			if took := time.Since(start); res.StatusCode != http.StatusRequestTimeout || took > 3*time.Second || took < time.Second {
				t.Errorf("%s: got %d after %s", name, res.StatusCode, took)
			}
		})
	}
	slow.Wait()
	w.unchanged(c)
}

// Orders that are not the cart's own change nothing, whatever their body says.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	mine, other := w.cart("order-1", nil), w.cart("order-2", nil)
	bought := w.cart("order-3", nil)
	if _, _, err := w.Carts.Close(t.Context(), bought.ID, "order-3", nil); err != nil {
		t.Fatal(err)
	}
	bought = w.Cart(bought.ID)
	stranger, err := kco.NewSigner("the secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	data := w.content(mine).MerchantData
	for _, tc := range []struct {
		name, orderID, data   string
		validation, addresses string // status and reason
	}{
		{"unknown order", "order-9", data, "303 unknown_order", "303 unknown_order"},
		{"somebody else's cart", "order-1", w.content(other).MerchantData, "303 unknown_order", "303 unknown_order"},
		{"cart that is gone", "order-1", w.Signer.Sign("nocart"), "303 unknown_order", "303 unknown_order"},
		{"bought already", "order-3", w.content(bought).MerchantData, "303 already_bought", "303 already_bought"},
		{"no merchant_data", "order-1", "", "303 unknown_order", "404"},
		{"tampered: another cart", "order-2", strings.Replace(data, mine.ID, other.ID, 1), "303 unknown_order", "404"},
		{"tampered: signature", "order-1", data + "x", "303 unknown_order", "404"},
		{"tampered: version", "order-1", "v2" + data[2:], "303 unknown_order", "404"},
		{"another secret", "order-1", stranger.Sign(mine.ID), "303 unknown_order", "404"},
	} {
		for _, name := range names[2:] {
			o := w.order(mine)
			o.OrderID, o.MerchantData = tc.orderID, tc.data
			o.BillingAddress.Country, o.ShippingAddress.Country = "NO", "NO"
			want, body := tc.addresses, w.body(change(o))
			if name == "validation" {
				want, body = tc.validation, w.body(o)
			}
			res := w.call(w.path(name, tc.orderID), body)
			if got := answer(res); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, tc.name, got, want)
			}
		}
	}
	// Address and body name different orders.
	o := w.order(mine)
	o.OrderID = "order-2"
	if got := answer(w.call(w.path("validation", "order-1"), w.body(o))); got != "303 unknown_order" {
		t.Errorf("another order in the body: got %s", got)
	}
	for _, c := range []cart.Cart{mine, other, bought} {
		w.unchanged(c)
	}
	if len(w.Redis.Keys("shopd:cart:*")) != 3 {
		t.Error("a cart was made")
	}
}

// Redis is away: no consent, and the next call finds all as it was.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	o := w.order(c)
	w.Redis.Stop()
	for _, name := range names[2:] {
		body := w.body(change(o))
		if name == "validation" {
			body = w.body(o)
		}
		start := time.Now()
		res := w.call(w.path(name, "order-1"), body)
		if took := time.Since(start); res.StatusCode != http.StatusServiceUnavailable || took > 2500*time.Millisecond {
			t.Errorf("%s: got %d after %s", name, res.StatusCode, took)
		}
	}
	w.Redis.Restart()
	w.unchanged(c)
	// The cart is there and the database is not: the shopper is asked to press again.
	w.Exec("alter table approved_orders rename to elsewhere")
	res := w.call(w.path("validation", "order-1"), w.body(o))
	if got := text(t, res); res.StatusCode != http.StatusBadRequest || !strings.Contains(got, `"error_type":"approval_failed"`) || !strings.Contains(got, i18n.T(i18n.Swedish, "purchase.again")) {
		t.Errorf("without the database: got %d %s", res.StatusCode, got)
	}
	w.Exec("alter table elsewhere rename to approved_orders")
	w.unchanged(c)
	if diff := cmp.Diff([]string{
		"validation unavailable", "address_update unavailable", "shipping_option_update unavailable", "country_change unavailable", "validation unavailable",
	}, w.results); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// Whatever is sent is answered, never with a fault of ours, and without the
// signature it changes nothing.
func FuzzCallbacks(f *testing.F) {
	w := newWorld(f, nil)
	c := w.cart("order-1", nil)
	o := w.order(c)
	signature := o.MerchantData
	o.MerchantData = ""
	for i := range names {
		f.Add(i, "order-1", w.body(o))
	}
	f.Add(2, "order-1", `{"order_lines":[{"quantity":1e400}],"merchant_data":"v1.x.y"}`)
	f.Add(3, "x", `{"billing_address":{"country":"ſe"},"selected_shipping_option":{"id":"\u0000"}}`)
	f.Fuzz(func(t *testing.T, which int, orderID, body string) {
		if strings.Contains(body, signature) {
			return
		}
		w.in(t) // f must not be used in here
		name := names[(which%len(names)+len(names))%len(names)]
		res := w.call(w.path(name, url.QueryEscape(orderID)), body)
		if !slices.Contains([]int{200, 303, 400, 404, 413}, res.StatusCode) {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
		w.unchanged(c)
	})
}
