package e2e_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/shopd/shopd/fakeklarna"
)

// told are the records of a process about a cart or an order, each as the values that say what happened.
func (p *process) told(ids ...string) (lines []string) {
	for line := range strings.Lines(p.logged()) {
		var r map[string]any
		if json.Unmarshal([]byte(line), &r) != nil {
			continue
		}
		if !slices.ContainsFunc([]string{"cart_id", "order_id", "order_number", "own_order_id"}, func(key string) bool {
			id, _ := r[key].(string)
			return slices.Contains(ids, id)
		}) {
			continue
		}
		said := []string{fmt.Sprint(r["msg"])}
		for _, key := range []string{"method", "route", "status", "callback", "result", "sync", "code", "action", "staff", "receiver", "event", "amount", "currency"} {
			if value, is := r[key]; is && (key != "callback" || said[0] == "request") { // whoever came first placed it
				said = append(said, fmt.Sprint(value))
			}
		}
		lines = append(lines, strings.Join(said, " "))
	}
	return lines
}

// The log alone tells an order's life, by its cart's and its own ID.
func TestLogStory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	office, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(&postOffice{})
	go func() { _ = server.Serve(office) }()
	t.Cleanup(func() { _ = server.Close() })
	erp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(erp.Close)
	if err := os.CopyFS(dir, os.DirFS("../../examples/skerry")); err != nil {
		t.Fatal(err)
	}
	secret, shop := filepath.Join(dir, "secret"), filepath.Join(dir, "with-webhook.yaml")
	for name, text := range map[string]string{
		secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		shop:   read(t, "../../examples/skerry/shop.yaml") + "\nwebhooks:\n- {id: erp, url: \"" + erp.URL + "\", events: [\"order.*\"], secret_file: " + secret + "}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := deploy(t, 0, fakeklarna.Options{PushDelay: time.Millisecond})
	d.env = map[string]string{"SHOPD_SMTP_URL": "smtp://" + office.Addr().String() + "?starttls=never", "SHOPD_SHOP": shop}
	p := d.start("127.0.0.1:" + d.url[strings.LastIndexByte(d.url, ':')+1:])
	d.shops = []*process{p}

	c := d.buyer()
	id := c.open(p)
	if got := c.send(p, "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":3}]}`, ""); got.status != http.StatusOK {
		t.Fatalf("update: %+v", got)
	}
	if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
		t.Fatalf("buy: %+v %v", out, err)
	}
	if got := c.send(p, "GET", confirmation+"?order_id="+id, "", ""); got.status != http.StatusOK {
		t.Fatalf("confirmation: %d", got.status)
	}
	o, _, err := d.here.Book.ByOrderID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"captures", "refunds"} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", p.ready["storefront"]+"/v1/orders/"+o.Number+"/"+action, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + apiKey}, "Content-Type": {"application/json"}, "Idempotency-Key": {action}}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode/100 != 2 {
			t.Fatalf("%s: %d", action, res.StatusCode)
		}
	}
	staff := &client{t: t}
	if got := staff.send(p, "POST", "/admin/sign-in", "name=ada&password=correct+horse", ""); got.status != http.StatusSeeOther {
		t.Fatalf("sign in: %d", got.status)
	}
	staff.send(p, "GET", "/admin/orders/"+o.Number, "", "")

	// In this order, with anything in between; those after the blank line are told whenever they happen.
	story := strings.Split(`request POST /cart/lines 303
request GET /checkout 200 created
request POST /checkout/update 200 updated
request POST /klarna/{token}/validation 200 validation ok
order placed 49600 SEK
order acknowledged
command done capture test
command done refund test
request GET /admin/orders/{number} 200

request GET /checkout/confirmation 200
request POST /klarna/{token}/push 200 push ok
delivered mail order.created
delivered mail order.refunded
delivered webhook_erp order.created
delivered webhook_erp order.captured
delivered webhook_erp order.refunded`, "\n")
	var missing []string
	for start := time.Now(); time.Since(start) < 40*time.Second; time.Sleep(50 * time.Millisecond) {
		lines, at, inOrder := p.told(o.CartID, id, o.ID, o.Number), 0, true
		missing = nil
		for _, want := range story {
			if want == "" {
				at, inOrder = 0, false
				continue
			}
			found := slices.Index(lines[at:], want)
			if found < 0 {
				missing = append(missing, want)
			} else if inOrder {
				at += found + 1
			}
		}
		if missing == nil {
			break
		}
	}
	if missing != nil {
		t.Errorf("the log does not tell\n%s\nbut\n%s", strings.Join(missing, "\n"), strings.Join(p.told(o.CartID, id, o.ID, o.Number), "\n"))
	}
	p.logs("who signed in", func(r record) bool {
		return r.Msg == "staff: sign_in" && strings.Contains(r.line, `"staff":"ada","outcome":"signed in"`)
	})
}
