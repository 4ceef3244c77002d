package e2e_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// typed is who buys in these tests.
var typed = map[string]string{
	"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "111 47",
	"city": "Ankeborg", "phone": "+46701234567",
}

// sale buys two mugs by turns on all processes, changing the cart on the way, and returns the buyer with the order.
func (d *deployment) sale() (c *client, orderID string) {
	d.t.Helper()
	c = d.buyer()
	orderID = c.open(d.shops[0])
	last := d.shops[len(d.shops)-1]
	if got := c.send(last, "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":5},{"sku":"JAM-1","quantity":1}]}`, ""); got.status != http.StatusOK {
		d.t.Fatalf("update: %d %s", got.status, got.body)
	}
	if out, err := d.fake.Shopper(orderID, fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		d.t.Fatalf("buy: %+v, %v", out, err)
	}
	if got := c.send(last, "GET", "/checkout/confirmation?order_id="+orderID, "", ""); got.status != http.StatusOK {
		d.t.Fatalf("confirmation: %d %s", got.status, got.body)
	}
	return c, orderID
}

// office is a tab in which ada is signed in.
func (d *deployment) office(t *testing.T, o browsertest.Options) *browsertest.Page {
	t.Helper()
	p := browsertest.Open(t, o)
	p.Go(d.url + "/admin/sign-in")
	p.MustElement("#name").MustInput("ada")
	p.MustElement("#password").MustInput(shoptest.Password)
	p.MustElement("main form button[type=submit]").MustClick()
	p.Wait("the back office", `() => document.querySelector("nav[aria-label='Back office']")`)
	return p
}

// inspect looks something up, until its story tells of a call.
func inspect(d *deployment, p *browsertest.Page, query, until string) {
	p.WaitFor(20*time.Second, "the story of "+until, `async (url, until) => {
		if (location.href !== url) location.href = url;
		else if (![...document.querySelectorAll(".story .what b")].some((e) => e.textContent === until)) location.reload();
		else return true;
	}`, d.url+"/admin/inspect?"+url.Values{"q": {query}}.Encode(), until)
}

// cartOf is the cart that an order was made for, as its merchant_data says.
func (d *deployment) cartOf(orderID string) string {
	d.t.Helper()
	o, _ := d.fake.Order(orderID)
	return strings.Split(o.MerchantData, ".")[1]
}

// inspections shows the inspector in its states, and the order page after the sale.
func (d *deployment) inspections(t *testing.T, o browsertest.Options, look func(p *browsertest.Page, name string)) {
	t.Helper()
	c, orderID := d.sale()
	p := d.office(t, o)
	p.Go(d.url + "/admin/inspect")
	look(p, "inspect-start")
	inspect(d, p, orderID, "acknowledge order")
	look(p, "inspect-placed")
	open := d.buyer()
	openID := open.open(d.shops[0])
	open.send(d.shops[0], "POST", "/cart/lines/MUG-1", "quantity=5", "")
	open.send(d.shops[0], "POST", "/cart/lines", "sku=JAM-1", "")
	inspect(d, p, d.cartOf(openID), "create kco order")
	look(p, "inspect-differs")
	p.MustElement("form[action='/admin/inspect/sync'] button").MustClick()
	p.Wait("the verdict", `() => document.querySelector("[data-note=verdict]")?.textContent.includes("Cart and order agree.")`)
	look(p, "inspect-synced")
	p.Go(d.url + "/admin/inspect?q=nobody")
	look(p, "inspect-nothing")

	management := d.here.Book.Management
	order, err := management.GetOrder(t.Context(), orderID)
	if err != nil {
		t.Fatal(err)
	}
	line := order.OrderLines[0]
	if _, _, err = management.Capture(t.Context(), orderID, ordermanagement.CaptureRequest{
		CapturedAmount: line.TotalAmount, OrderLines: []klarna.OrderLine{line},
		ShippingInfo: []ordermanagement.ShippingInfo{{ShippingCompany: "PostNord", TrackingNumber: "SE 123", TrackingURI: "https://track.example/SE123"}},
	}, uuid.NewString()); err == nil {
		_, _, err = management.Refund(t.Context(), orderID, ordermanagement.RefundRequest{RefundedAmount: line.UnitPrice, Description: "Scratched"}, uuid.NewString())
	}
	if err != nil {
		t.Fatal(err)
	}
	confirmation := c.send(d.shops[0], "GET", "/checkout/confirmation?order_id="+orderID, "", "")
	page := regexp.MustCompile(`/orders/SK-[^"]+`).FindString(confirmation.body)
	shopper := browsertest.Open(t, o)
	shopper.Go(d.url + strings.ReplaceAll(page, "&amp;", "&"))
	shopper.Wait("what was sent", `() => document.querySelector("[data-part=sent]") && document.querySelector("[data-part=refunds]")`)
	look(shopper, "order-after-the-sale")
}

// The inspector tells of all processes' calls and callbacks in the order of time; what it keeps in Redis says nothing of
// who bought, and has no token.
func TestInspector(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{})
	_, orderID := d.sale()
	p := d.office(t, browsertest.Options{})
	inspect(d, p, d.cartOf(orderID), "acknowledge order")
	told := p.MustEval(`() => [...document.querySelectorAll(".story .call")].map((e) => e.querySelector(".what b").textContent)`).String()
	for before, after := range map[string]string{
		"create kco order": "update kco order", "update kco order": "validation", "validation": "acknowledge order",
	} {
		if a, b := strings.Index(told, before), strings.Index(told, after); a < 0 || b < a {
			t.Errorf("%q is not told before %q: %s", before, after, told)
		}
	}
	times := p.MustEval(`() => [...document.querySelectorAll(".story time")].map((e) => e.dateTime).join(" ")`).String()
	if list := strings.Fields(times); len(list) < 6 || !slices.IsSortedFunc(list, func(a, b string) int {
		at, _ := time.Parse(time.RFC3339Nano, a)
		bt, _ := time.Parse(time.RFC3339Nano, b)
		return at.Compare(bt)
	}) {
		t.Errorf("not in the order of time: %s", times)
	}
	for _, shop := range d.shops { // what waits is written at the end
		if err := shop.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-shop.ended
	}
	rdb := d.redis.Client()
	o, _ := d.fake.Order(orderID)
	_, token, _ := strings.Cut(o.MerchantURLs.Push, "/klarna/")
	token, _, _ = strings.Cut(token, "/")
	hidden := append(slices.Clone(personal), shoptest.Secret, token, o.MerchantData, "ZGVtbzpkZW1v")
	for _, value := range typed {
		hidden = append(hidden, value)
	}
	ctx := context.WithoutCancel(t.Context())
	keys, err := rdb.Keys(ctx, "shopd:inspect:*").Result()
	if err != nil || len(keys) < 2 {
		t.Fatalf("the story is in %v, %v", keys, err)
	}
	for _, key := range keys {
		entries, err := rdb.ZRange(ctx, key, 0, -1).Result()
		if err != nil || len(entries) == 0 {
			t.Fatalf("%s: %v", key, err)
		}
		for _, text := range hidden {
			if all := key + strings.Join(entries, "\n"); strings.Contains(all, text) {
				t.Errorf("%s has %q", key, text)
			}
		}
	}
}
