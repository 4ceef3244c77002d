package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

var update = flag.Bool("update", false, "write the golden files anew")

// metricsLimit is how long a metric may take to show what has happened.
const metricsLimit = 40 * time.Second

// moved does something and waits until each of the selectors has grown.
func (p *process) moved(name string, act func(), grow ...string) {
	p.t.Helper()
	before := p.scrape()
	act()
	p.grown(name, before, grow...)
}

// grown waits until each of the selectors is above what it was before.
func (p *process) grown(name string, before scraped, grow ...string) {
	p.t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		now := p.scrape()
		still := slices.DeleteFunc(slices.Clone(grow), func(selector string) bool { return now.sum(selector) > before.sum(selector) })
		if len(still) == 0 {
			return
		}
		if time.Since(start) > metricsLimit {
			p.t.Errorf("%s: these have not grown: %s", name, strings.Join(still, ", "))
			return
		}
	}
}

// shows waits until a gauge has a value that fits.
func (p *process) shows(selector string, fits func(float64) bool) {
	p.t.Helper()
	for start := time.Now(); !fits(p.scrape().sum(selector)); time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > metricsLimit {
			p.t.Errorf("%s is %v", selector, p.scrape().sum(selector))
			return
		}
	}
}

func above(n float64) func(float64) bool   { return func(v float64) bool { return v > n } }
func exactly(n float64) func(float64) bool { return func(v float64) bool { return v == n } }

// watched is a shop whose metrics are looked at, and its shopper.
type watched struct {
	*deployment
	p *process
}

func (w watched) update(c *client, body string) reply {
	return c.send(w.p, "POST", "/checkout/update", body, "")
}

// fails lets calls to Klarna fail while f runs.
func (w watched) fails(rule fakeklarna.Fault, f func()) {
	w.fake.AddFault(rule)
	f()
	w.fake.ClearFaults()
}

// hidden sends a form of the back office as its page has it.
func (w watched) hidden(c *client, page reply, to string) reply {
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page.body))
	if err != nil {
		w.t.Fatal(err)
	}
	form := url.Values{}
	doc.Find(`main form input[type="hidden"]`).Each(func(_ int, s *goquery.Selection) {
		form.Add(s.AttrOr("name", ""), s.AttrOr("value", ""))
	})
	return c.send(w.p, "POST", to, form.Encode(), "")
}

// TestMetrics sends a shop through a day and looks at its metrics: each one moves by
// what it tells of, none has a label of an unbounded set, and the names are those of
// the golden file, by which dashboard, alerts and documentation are held.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := watched{deployment: deploy(t, 1, fakeklarna.Options{PushDelay: time.Millisecond})}
	w.p = w.shops[0]
	begun := w.p.scrape()
	w.shopping()
	w.faulty()
	orderID := w.selling()
	w.office(orderID)

	told := make(chan struct{}, 1)
	pay := watched{deployment: deploy(t, 1, fakeklarna.Options{}, "-shop", shoptest.ShopFile(t, "checkout: {product: payments}\n"+endpoint(t, told)))}
	pay.p = pay.shops[0]
	pay.paying()
	<-told
	until.Holds(t, "the webhook is counted", func() bool {
		return pay.p.scrape().sum(`shopd_webhook_duration_seconds_count{endpoint="shop",result="2xx"}`) > 0
	})

	w.looped(begun) // has had time meanwhile
	last := w.p.scrape()
	w.outage()

	all := []scraped{last, w.p.scrape(), pay.p.scrape()}
	golden(t, "testdata/metrics.golden", strings.Join(families(all...), "\n")+"\n")
	bounded(t, all)
	w.keepsIDs(all)
}

// endpoint is a line of a shop file with an endpoint of webhooks, which says when it is told.
func endpoint(t *testing.T, told chan<- struct{}) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case told <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(s.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "webhooks: [{id: shop, url: " + s.URL + ", secret_file: " + secret + "}]\n"
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// shopping is a shopper without accidents.
func (w watched) shopping() {
	p := w.p
	visitor := &client{t: w.t}
	p.moved("a visit", func() { visitor.send(p, "GET", "/", "", "") },
		`shopd_request_duration_seconds_count{route="/",code="200"}`, `shopd_redis_command_duration_seconds_count{family="read"}`)
	var c *client
	p.moved("a cart", func() { c = w.buyer() }, `shopd_redis_command_duration_seconds_count{family="script"}`)
	var id string
	p.moved("the first checkout", func() { id = c.open(p) },
		`shopd_syncs_total{product="kco",mode="load",result="created"}`, `shopd_session_lock_wait_seconds_count{result="taken"}`,
		`shopd_klarna_call_duration_seconds_count{operation="create kco order",code="201"}`, `shopd_redis_command_duration_seconds_count{family="pipeline"}`,
		`shopd_story_entries_total{result="written"}`)
	p.moved("a reload", func() { c.open(p) }, `shopd_syncs_total{product="kco",mode="load",result="nothing_to_send"}`)
	p.moved("a change", func() { w.update(c, `{"lines":[{"sku":"MUG-1","quantity":3}]}`) }, `shopd_syncs_total{product="kco",mode="change",result="updated"}`)
	p.moved("an unknown product", func() { w.update(c, `{"lines":[{"sku":"NONE","quantity":3}]}`) }, `shopd_failures_total{route="/checkout/update",code="unknown_sku"}`)
	p.moved("an unknown product in a form", func() { c.send(p, "POST", "/cart/lines", "sku=NONE&quantity=1", "") }, `shopd_failures_total{route="/cart/lines",code="unknown_sku"}`)
	p.moved("an empty cart", func() {
		c.send(p, "POST", "/cart/lines/MUG-1", "quantity=0", "")
		c.send(p, "GET", "/checkout", "", "")
	}, `shopd_syncs_total{product="kco",mode="load",result="empty"}`)
	c.send(p, "POST", "/cart/lines/MUG-1", "quantity=2", "")
	p.moved("many changes at once", func() {
		for start := time.Now(); p.scrape().sum("shopd_cart_retries_total") == 0 && time.Since(start) < 20*time.Second; {
			var all sync.WaitGroup
			for range 20 {
				asker := *c
				all.Go(func() { asker.send(p, "POST", "/cart/lines", "sku=JAM-1&quantity=1", "") })
			}
			all.Wait()
			c.send(p, "POST", "/cart/lines/JAM-1", "quantity=0", "")
		}
	}, `shopd_cart_retries_total`)

	w.fake.AddFault(fakeklarna.Fault{Path: "/checkout/v3/orders/" + id, Delay: fakeklarna.Duration(3 * time.Second)})
	p.moved("a second request that waits and leaves", func() {
		done := w.underWay(c, p, "GET", "/checkout", "")
		p.shows("shopd_requests_in_flight", above(0))
		ctx, leave := context.WithTimeout(w.t.Context(), time.Second)
		defer leave()
		req, _ := http.NewRequestWithContext(ctx, "GET", p.ready["storefront"]+"/checkout", nil)
		req.Header.Set("Cookie", c.cookie)
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
		<-done
	}, `shopd_session_lock_wait_seconds_count{result="busy"}`, `shopd_failures_total{route="/checkout",code="busy"}`)
}

// faulty is a shopper while Klarna fails.
func (w watched) faulty() {
	p, c := w.p, w.buyer()
	c.open(p)
	read := fakeklarna.Fault{Method: "GET", Path: "/checkout/v3/orders/*", Count: -1}
	for reason, status := range map[string]int{"gone": 404, "refused": 400, "failed": 500, "locked": 429} {
		rule := read
		rule.Status = status
		p.moved("replaced: "+reason, func() { w.fails(rule, func() { c.open(p) }) },
			`shopd_syncs_total{product="kco",mode="load",result="replaced"}`, fmt.Sprintf(`shopd_sync_replacements_total{product="kco",reason=%q}`, reason))
	}
	rule := read
	rule.Reset = true
	p.moved("replaced: unanswered", func() { w.fails(rule, func() { c.open(p) }) },
		`shopd_sync_replacements_total{product="kco",reason="unanswered"}`, `shopd_klarna_call_duration_seconds_count{operation="read kco order",code="0"}`)
	current := c.open(p)
	p.moved("another try", func() {
		w.fails(fakeklarna.Fault{Method: "GET", Path: "/checkout/v3/orders/" + current, Status: 500}, func() { c.open(p) })
	},
		`shopd_klarna_retries_total{operation="read kco order"}`)
	fresh := w.buyer()
	for result, status := range map[string]int{"refused": 400, "unavailable": 500} {
		p.moved("no order: "+result, func() {
			w.fails(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders", Status: status, Count: -1}, func() {
				fresh.send(p, "GET", "/checkout", "", "")
			})
		}, fmt.Sprintf(`shopd_syncs_total{product="kco",mode="load",result=%q}`, result))
	}
	p.moved("an order that ended", func() {
		order := c.open(p)
		req, _ := http.NewRequestWithContext(w.t.Context(), "POST", w.fake.URL+"/checkout/v3/orders/"+order+"/abort", nil)
		req.SetBasicAuth("demo", "demo")
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
		c.open(p)
	}, `shopd_sync_replacements_total{product="kco",reason="ended"}`)
	w.older("shopd:{left_behind}", time.Minute)
}

// older makes all entries of a queue older, so that the loops need not be waited for.
func (w watched) older(queue string, by time.Duration) {
	entries, err := w.asks.ZRangeWithScores(w.t.Context(), queue, 0, -1).Result()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(entries) == 0 { // a slow machine: their time has come
		return
	}
	for i := range entries {
		entries[i].Score -= float64(by.Milliseconds())
	}
	if err := w.asks.ZAddXX(w.t.Context(), queue, entries...).Err(); err != nil {
		w.t.Fatal(err)
	}
}

// looped is what the loops have done since.
func (w watched) looped(since scraped) {
	w.p.grown("the loops", since, `shopd_left_behind_total{result="aborted"}`, `shopd_rounds_total{loop="left_behind",result="done"}`,
		`shopd_rounds_total{loop="reconcile",result="done"}`, `shopd_round_duration_seconds_count{loop="left_behind"}`,
		`shopd_round_duration_seconds_count{loop="reconcile"}`, `shopd_round_finished_timestamp_seconds{loop="reconcile"}`,
		`shopd_round_finished_timestamp_seconds{loop="left_behind"}`)
	w.p.shows(`shopd_queue_entries{queue="left_behind_ask"}`, above(0))
}

// selling is what Klarna tells us while a shopper types and buys. It returns an order.
func (w watched) selling() string {
	p, c := w.p, w.buyer()
	id := c.open(p)
	p.moved("an address", func() { w.shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "111 47"}}) },
		`shopd_callbacks_total{callback="address_update",result="ok"}`, `shopd_request_duration_seconds_count{route="/klarna/{token}/address_update"}`)
	p.moved("nothing is delivered there", func() { w.shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": "999 99"}}) },
		`shopd_callbacks_total{callback="address_update",result="unsupported_address"}`)
	w.shopper(id, fakeklarna.Action{Type: typed})
	c.send(p, "POST", "/cart/lines", "sku=JAM-1&quantity=1", "") // behind the iframe's back
	p.moved("the cart has changed", func() { w.shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}) }, `shopd_callbacks_total{callback="validation",result="cart_changed"}`)
	c.open(p)
	p.moved("a purchase", func() { w.shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}) },
		`shopd_callbacks_total{callback="validation",result="ok"}`, `shopd_callbacks_total{callback="push",result="ok"}`,
		`shopd_orders_placed_total{product="kco",country="SE",currency="SEK"}`, `shopd_orders_placed_minor_units_total{country="SE",currency="SEK"}`,
		`shopd_order_book_total{event="place",result="stored"}`)
	// For longer than a call is waited for: the push is worked on until the fault is over.
	slow := w.buyer().open(p)
	w.fails(fakeklarna.Fault{Method: "GET", Path: "/ordermanagement/v1/orders/" + slow, Delay: fakeklarna.Duration(time.Minute), Count: -1}, func() {
		w.shopper(slow, fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}})
		p.shows(`shopd_queue_entries{queue="reservations"}`, above(0))
		p.shows(`shopd_pushes_running`, above(0))
		p.shows(`shopd_pushes_oldest_seconds`, above(0))
	})
	p.shows(`shopd_pushes_running`, exactly(0))
	p.shows(`shopd_queue_entries{queue="reservations"}`, exactly(0))

	w.fails(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/acknowledge", Status: 500, Count: -1}, func() {
		p.moved("Klarna does not take the acknowledgement", func() { w.bought() }, `shopd_callbacks_total{callback="push",result="unavailable"}`)
		p.shows(`shopd_unacknowledged_orders`, exactly(1))
		p.shows(`shopd_unacknowledged_oldest_seconds`, above(0))
		p.shows(`shopd_queue_entries{queue="unfinished_orders"}`, exactly(1))
	})
	p.moved("an order without a cart", func() { w.stranger(id) }, `shopd_orders_flagged_total{flag="no_cart"}`)
	return id
}

// bought is a new purchase.
func (w watched) bought() string {
	id := w.buyer().open(w.p)
	w.shopper(id, fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}})
	return id
}

func (w watched) shopper(orderID string, a fakeklarna.Action) {
	if _, err := w.fake.Shopper(orderID, a); err != nil {
		w.t.Errorf("%+v: %v", a, err)
	}
}

// stranger is an order that was made without us, for which Klarna calls us all the same.
func (w watched) stranger(like string) {
	known, _ := w.fake.Order(like)
	push := strings.ReplaceAll(known.MerchantURLs.Push, like, "{checkout.order.id}")
	body, err := json.Marshal(map[string]any{
		"purchase_country": known.PurchaseCountry, "purchase_currency": known.PurchaseCurrency, "locale": known.Locale,
		"order_amount": 10000, "order_tax_amount": 2000,
		"order_lines": []map[string]any{{
			"name": "Mug", "quantity": 1, "unit_price": 10000, "tax_rate": 2500, "total_amount": 10000, "total_tax_amount": 2000,
		}},
		"merchant_urls": map[string]string{
			"terms": known.MerchantURLs.Terms, "checkout": known.MerchantURLs.Checkout, "confirmation": known.MerchantURLs.Confirmation, "push": push,
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), "POST", w.fake.URL+"/checkout/v3/orders", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		OrderID string `json:"order_id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.OrderID == "" {
		w.t.Fatalf("a stranger's order: %d, %v", res.StatusCode, err)
	}
	w.shopper(made.OrderID, fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}})
}

// office is what staff do.
func (w watched) office(orderID string) {
	p, ada := w.p, &client{t: w.t}
	ada.send(p, "POST", "/admin/sign-in", url.Values{"name": {"ada"}, "password": {shoptest.Password}}.Encode(), "")
	managed, _ := w.fake.Managed(orderID)
	at := "/admin/orders/" + managed.MerchantReference1 + "/cancel"
	p.moved("a command", func() { w.hidden(ada, ada.send(p, "GET", at, "", ""), at+"/confirm") }, `shopd_commands_total{action="cancel",result="done"}`)
	another := w.bought()
	for start := time.Now(); time.Since(start) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		if managed, _ := w.fake.Managed(another); managed.MerchantReference1 != "" {
			break
		}
	}
	p.moved("a bulk capture", func() {
		w.hidden(ada, ada.send(p, "POST", "/admin/bulk", "action=capture&order="+another, ""), "/admin/bulk/start")
	}, `shopd_bulk_items_total{result="done"}`, `shopd_order_book_total{event="bulk",result="done"}`, `shopd_commands_total{action="capture",result="done"}`)
}

// outage is Redis away.
func (w watched) outage() {
	w.p.moved("no Redis", func() {
		w.redis.Stop()
		(&client{t: w.t, cookie: "shopd=x"}).send(w.p, "GET", "/cart", "", "")
	}, `shopd_redis_errors_total{kind="network"}`, `shopd_queue_errors_total`, `shopd_failures_total{route="/cart",code="busy"}`)
	now := w.p.scrape()
	for _, queue := range []string{"left_behind_abort", "left_behind_ask"} {
		if n := now.sum(`shopd_queue_entries{queue="` + queue + `"}`); n != 0 {
			w.t.Errorf("without Redis the queue %s is said to have %v entries", queue, n)
		}
	}
	w.redis.Restart()
}

// paying is a purchase with Klarna Payments.
func (w watched) paying() {
	p, c := w.p, w.buyer()
	var page reply
	p.moved("the payment form", func() { page = c.send(p, "GET", "/checkout/payments", "", "") },
		`shopd_syncs_total{product="payments",mode="load",result="created"}`, `shopd_klarna_call_duration_seconds_count{operation="create payment session",code="200"}`)
	found := pageData.FindStringSubmatch(page.body)
	if found == nil {
		w.t.Fatalf("the payment form: %d %s", page.status, page.body)
	}
	var data struct {
		Payments struct {
			Form    string
			Session map[string]any
		}
	}
	if err := json.Unmarshal([]byte(found[1]), &data); err != nil {
		w.t.Fatal(err)
	}
	p.moved("a change", func() { c.send(p, "POST", "/checkout/payments/update", `{"form":"`+data.Payments.Form+`"}`, "") }, `shopd_syncs_total{product="payments",mode="change"}`)
	address := maps.Clone(typed)
	address["country"] = "SE"
	sent := maps.Clone(data.Payments.Session)
	sent["billing_address"], sent["shipping_address"] = address, address
	text, err := json.Marshal(sent)
	if err != nil {
		w.t.Fatal(err)
	}
	var token string
	p.moved("an authorization", func() {
		out, err := w.fake.Pay(w.fake.Sessions()[0].SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Data: text, Decision: "approve"}})
		if err != nil || out.AuthorizationToken == "" {
			w.t.Fatalf("authorize: %+v, %v", out, err)
		}
		token = out.AuthorizationToken
	}, `shopd_callbacks_total{callback="authorization",result="ok"}`)
	p.shows(`shopd_queue_entries{queue="authorizations"}`, above(0))
	p.moved("the order", func() {
		body, err := json.Marshal(map[string]any{
			"authorization_token": token, "form": data.Payments.Form, "order_amount": data.Payments.Session["order_amount"], "billing_address": address,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if got := c.send(p, "POST", "/checkout/payments/place", string(body), ""); got.status != http.StatusOK {
			w.t.Errorf("place: %d %s", got.status, got.body)
		}
	}, `shopd_orders_placed_total{product="payments",country="SE",currency="SEK"}`, `shopd_order_book_total{event="authorization",result="done"}`)
}

// labelValues is what the values of a label look like.
var labelValues = map[string]string{
	"action": `[a-z_]+`, "callback": `[a-z_]+`, "code": `[a-z_]+|[0-5]\d\d|0`, "country": `[A-Z]{2}|other`, "currency": `[A-Z]{3}|other`, "event": `[a-z_]+`,
	"family": `[a-z]+`, "flag": `[a-z_]+`, "go_version": `go[0-9.]+\S*`, "kind": `[a-z]+`, "lane": `[a-z]+`, "loop": `[a-z_]+`, "method": `GET|HEAD|POST|other`,
	"mode": `load|change|repair|free|push`, "operation": `[a-z ]+`, "product": `kco|payments|free`, "queue": `[a-z_]+`, "reason": `[a-z]+`, "receiver": `[a-z_]+`, "result": `[a-z0-9_]+`, "endpoint": `[a-z]+`, "hook": `delivery|validate`,
	"route": `none|\*|/(?:[a-z_\-]*|\{[a-z]+\}|\*)(?:/(?:[a-z_\-]+|\{[a-z]+\}|\*))*/?`, "state": `idle|busy`, "version": `\S+`, "commit": `[0-9a-f]{40}(?:\+dirty)?|unknown`, "schema": `\d+`,
	"le": `[0-9.e+\-]+|\+Inf`, "quantile": `[0-9.]+`,
}

// bounded holds that each label's values are of a set that does not grow with the
// number of shoppers.
func bounded(t *testing.T, all []scraped) {
	t.Helper()
	seen := map[string]map[string]bool{}
	for _, s := range all {
		for _, one := range s.series {
			if strings.HasPrefix(one.name, "go_") {
				continue
			}
			for label, value := range one.labels {
				if pattern, known := labelValues[label]; !known || !regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString(value) {
					t.Errorf("%s has %s=%q", one.name, label, value)
				}
				if seen[label] == nil {
					seen[label] = map[string]bool{}
				}
				seen[label][value] = true
			}
		}
	}
	for label, values := range seen {
		if len(values) > 60 {
			t.Errorf("label %s has %d values", label, len(values))
		}
	}
}

// keepsIDs holds that no metric names an order or a shopper.
func (w watched) keepsIDs(all []scraped) {
	var forbidden []string
	for _, o := range w.fake.Orders() {
		forbidden = append(forbidden, o.OrderID)
	}
	for _, s := range all {
		for _, one := range s.series {
			for label, value := range one.labels {
				if slices.ContainsFunc(slices.Concat(forbidden, personal), func(text string) bool { return strings.Contains(value, text) }) {
					w.t.Errorf("%s has %s=%q", one.name, label, value)
				}
			}
		}
	}
}
