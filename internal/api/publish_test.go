package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// Stock: counts and deltas that respect what is promised, all or nothing, deltas once.
func TestStock(t *testing.T) {
	w := keyed(t)
	w.Placed() // two mugs, a jam
	c := as(w, "stock")
	levels := func(skus ...string) (text string) {
		t.Helper()
		for _, l := range ask[api.StockList](c, 200, "GET", "/stock?sku="+strings.Join(skus, "&sku="), "").Data {
			text += fmt.Sprintf("%s %d-%d-%d=%d ", l.SKU, l.OnHand, l.Reserved, l.Committed, l.Available)
		}
		return text
	}
	change := func(status int, items, key string) api.Problem {
		t.Helper()
		var headers []string
		if key != "" {
			headers = []string{"Idempotency-Key", key}
		}
		return ask[api.Problem](c, status, "POST", "/stock", `{"items": [`+items+`], "reason": "stocktaking"}`, headers...)
	}
	change(200, `{"sku": "MUG-1", "on_hand": 500}, {"sku": "JAM-1", "on_hand": 9}`, "")
	if got, want := levels("JAM-1", "MUG-1", "NONE"), "JAM-1 9-0-1=8 MUG-1 500-0-2=498 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	first := c.raw("POST", "/stock", `{"items": [{"sku": "MUG-1", "delta": -3}], "reason": "broken"}`, "Idempotency-Key", "d")
	again := c.raw("POST", "/stock", `{"items": [{"sku": "MUG-1", "delta": -3}], "reason": "broken"}`, "Idempotency-Key", "d")
	if first.Text != again.Text || again.Header.Get("Idempotency-Replayed") != "true" || !strings.Contains(first.Text, `"on_hand":497`) {
		t.Errorf("first %s, again %s", first.Text, again.Text)
	}
	for i, bad := range []struct {
		items  string
		status int
		code   api.Code
		at     string
	}{
		{`{"sku": "MUG-1", "delta": 1}, {"sku": "NONE", "on_hand": 1}`, 422, api.CodeUnknownSKU, "body.items[1].sku"},
		{`{"sku": "JAM-1", "on_hand": 5}, {"sku": "MUG-1", "on_hand": 1}`, 409, api.CodeBelowPromised, "body.items[1]"},
		{`{"sku": "MUG-1", "delta": -496}`, 409, api.CodeBelowPromised, "body.items[0]"},
		{`{"sku": "MUG-1", "delta": 1, "on_hand": 1}`, 422, api.CodeInvalid, "body.items[0]"},
		{`{"sku": "MUG-1"}`, 422, api.CodeInvalid, "body.items[0]"},
		{`{"sku": "MUG-1", "on_hand": 9}, {"sku": "MUG-1", "on_hand": 9}`, 422, api.CodeInvalid, "body.items[1].sku"},
		{`{"sku": "campaign:x", "on_hand": 9}`, 422, api.CodeInvalid, "body.items[0].sku"},
	} {
		if p := change(bad.status, bad.items, fmt.Sprint("bad", i)); p.Code != bad.code || len(p.Errors) == 0 || p.Errors[0].Location != bad.at {
			t.Errorf("%s: %+v", bad.items, p)
		}
	}
	if p := change(400, `{"sku": "MUG-1", "delta": 1}`, ""); p.Code != api.CodeKeyMissing {
		t.Errorf("a delta without a key: %+v", p)
	}
	if got, want := levels("JAM-1", "MUG-1"), "JAM-1 9-0-1=8 MUG-1 497-0-2=495 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	moves, err := w.Stock.Ledger(t.Context(), "MUG-1", 1)
	if err != nil || moves[0].Who != "stock" || moves[0].Reason != "broken" || moves[0].Kind != stock.Adjusted {
		t.Errorf("the ledger: %+v, %v", moves, err)
	}
	ask[api.Problem](c, 422, "GET", "/stock", "")
}

// Stock, repeated by several callers at once with one key: it counts once.
func TestStockOnce(t *testing.T) {
	w := keyed(t)
	before := w.Left("MUG-1")
	var all sync.WaitGroup
	for range 8 {
		c := as(w, "stock")
		all.Go(func() {
			for range 3 {
				c.raw("POST", "/stock", `{"items": [{"sku": "MUG-1", "delta": 5}], "reason": "delivery"}`, "Idempotency-Key", "one")
			}
		})
	}
	all.Wait()
	if now := w.Left("MUG-1"); now != before+5 {
		t.Errorf("%d, before %d", now, before)
	}
}

// published is a shop whose files are in the database.
func published(t *testing.T) *shoptest.World {
	t.Helper()
	file, err := publish.LoadShop("../../examples/shop/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	goods, err := catalog.Load("../../examples/shop/catalog.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return keyed(t, publishing(t, file, &publish.File{Name: "c", Content: goods}))
}

// publishing publishes files in a database of its own, and lets a shop sell by them.
func publishing(t testing.TB, file, goods *publish.File) func(*shop.Config) {
	t.Helper()
	d := dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t)})
	if _, err := (&publish.Publisher{DB: d, Stock: &stock.Store{DB: d}}).Publish(t.Context(), file, goods); err != nil {
		t.Fatal(err)
	}
	return func(c *shop.Config) {
		var err error
		c.DB = d
		if c.Published, err = publish.Open(t.Context(), d, c.Logger); err != nil {
			t.Fatal(err)
		}
	}
}

// The catalogue is read, checked and published; whoever has an old version is told.
func TestCatalog(t *testing.T) {
	w := published(t)
	c := as(w, "catalog")
	put := func(status int, query, kind, body string, headers ...string) (into struct {
		api.CatalogState
		Code   api.Code    `json:"code"`
		Detail string      `json:"detail"`
		Errors []api.Fault `json:"errors"`
	}) {
		t.Helper()
		b := *c.Browser
		b.Header = b.Header.Clone()
		for i := 0; i < len(headers); i += 2 {
			b.Header.Set(headers[i], headers[i+1])
		}
		answer := b.Do(http.MethodPut, "/v1/catalog"+query, kind, body)
		if err := json.Unmarshal([]byte(answer.Text), &into); err != nil || answer.StatusCode != status {
			t.Fatalf("%d, want %d: %v\n%s", answer.StatusCode, status, err, answer.Text)
		}
		return into
	}
	first := c.raw("GET", "/catalog", "")
	if first.StatusCode != 200 || first.Header.Get("Content-Type") != "application/yaml" || first.Header.Get("ETag") != `"1"` || !strings.Contains(first.Text, "products:") {
		t.Fatalf("%d %v\n%.300s", first.StatusCode, first.Header, first.Text)
	}
	const goods = `{"products": [{"sku": "NEW-1", "name": {"en": "New", "sv": "Ny"}, "prices": {"SEK": 10000, "EUR": 1000, "USD": 1000}, "category": "new", "tax_class": "standard", "stock": 7}]}`
	if dry := put(200, "?dry_run=true", "application/json", goods); dry.Version != nil || dry.Products != 1 {
		t.Errorf("dry: %+v", dry)
	} else if w := dry.Warnings; len(w) == 0 || !strings.HasPrefix(w[0], "campaign ") && !strings.HasPrefix(w[0], "texts.") {
		t.Errorf("of what does not fit the shop file it says %q", w)
	}
	if got := put(400, "", "application/json", "{\n\"products\": []\n,,}"); !strings.Contains(got.Detail, "line 3") {
		t.Errorf("of what is no JSON it says %q", got.Detail)
	}
	if again := c.raw("GET", "/catalog", ""); again.Header.Get("ETag") != `"1"` {
		t.Errorf("a dry run has published: %v", again.Header)
	}
	put(412, "", "application/json", goods, "If-Match", `"7"`)
	if done := put(200, "", "application/json", goods, "If-Match", `"1"`); done.Version == nil || *done.Version != 2 {
		t.Errorf("done: %+v", done)
	}
	put(412, "", "application/json", goods, "If-Match", `"1"`)
	if done := put(200, "", "application/json", goods); *done.Version != 2 {
		t.Errorf("the same again: %+v", done)
	}
	if now := c.raw("GET", "/catalog", ""); now.Text != goods || now.Header.Get("Content-Type") != "application/json" || now.Header.Get("ETag") != `"2"` {
		t.Errorf("now: %v\n%s", now.Header, now.Text)
	}
	if l := ask[api.StockList](as(w, "stock"), 200, "GET", "/stock?sku=NEW-1", "").Data; len(l) != 1 || l[0].OnHand != 7 {
		t.Errorf("its stock: %+v", l)
	}
	bad := put(422, "", "application/yaml", "products:\n  - sku: hunter2 hunter2\n    name: New\n    prices: {SEK: -5}\n    colour: hunter2\n")
	if bad.Code != api.CodeInvalid || len(bad.Errors) < 3 || bad.Detail != fmt.Sprintf("Mistakes in the catalogue: %d. Nothing has changed.", len(bad.Errors)) {
		t.Errorf("mistakes: %+v", bad)
	}
	for _, f := range bad.Errors {
		if !strings.HasPrefix(f.Message, "line ") || !strings.HasPrefix(f.Location, "body.products[0]") || strings.Contains(f.Message, "hunter2") {
			t.Errorf("a mistake: %+v", f)
		}
	}
	for _, query := range []string{"?dry_run", "?dry_run="} { // it is not known what is meant
		if got := put(422, query, "application/json", strings.Replace(goods, "NEW-1", "NEW-2", 1)); len(got.Errors) != 1 || got.Errors[0].Location != "query.dry_run" {
			t.Errorf("%s: %+v", query, got)
		}
	}
	if now := c.raw("GET", "/catalog", ""); now.Header.Get("ETag") != `"2"` {
		t.Errorf("published: %v", now.Header)
	}
	for _, wrong := range []struct {
		status     int
		kind, body string
	}{{415, "text/plain", goods}, {400, "application/json", "products: []"}, {400, "application/yaml", " "}, {422, "application/yaml", "a: ["}, {422, "application/yaml", "products: []"}} {
		put(wrong.status, "", wrong.kind, wrong.body)
	}
	put(413, "", "application/yaml", strings.Repeat("#", 16<<20+1))
}

// The mistakes of a catalogue are told in words of ours, all of them, and never in those that were sent.
func TestCatalogMistakes(t *testing.T) {
	c := as(published(t), "catalog")
	product := func(from, to string) string {
		const right = `{"sku": "A-1", "name": {"en": "Lamp", "sv": "Lampa"}, "prices": {"SEK": 100}, "category": "notebook", "tax_class": "standard", "stock": 1}`
		return `{"products": [` + right + ",\n" + strings.NewReplacer("A-1", "A-2", from, to).Replace(right) + `]}`
	}
	for _, tt := range []struct{ name, body, location, message string }{
		{"what is allowed", product("standard", "standart"), "body.products[1].tax_class", `line 2: what it says is not "standard", "food", "book" or "none"`},
		{"an escape", product(`"sku": "A-1"`, `"sku": "hunter\u0032 x"`), "body.products[1].sku", "line 2: what it says is not 1 to 64 of "},
		{"no ASCII", product(`"sku": "A-1"`, `"sku": "hunter2 \u00f6"`), "body.products[1].sku", "line 2: what it says is not 1 to 64 of "},
		{"a currency", strings.Replace(product("x", "x"), `{"products"`, `{"currencies": ["hunter2"], "products"`, 1), "body.currencies[0]", "line 1: longer than 3 characters"},
		{"another currency", strings.Replace(product("x", "x"), `{"products"`, `{"currencies": ["QQQ"], "products"`, 1), "body.products[0].prices.SEK", "line 1: not one of the catalogue's currencies what it says"},
		{"a member", product(`"tax_class"`, `"tax class"`), "body.products[1].tax class", "line 2: unknown member"},
		{"no object", "\n[]", "body", "line 2: want an object"},
		{"a tag", "\nproducts: !hunter2 []", "body", "line 2: tags such as !!str are not taken"},
		{"an alias", "products: *hunter2", "body", "line 1: anchors and aliases are not taken"},
	} {
		kind := "application/json"
		if !json.Valid([]byte(tt.body)) {
			kind = "application/yaml"
		}
		answer := c.Do(http.MethodPut, "/v1/catalog", kind, tt.body)
		var p api.Problem
		if err := json.Unmarshal([]byte(answer.Text), &p); err != nil || answer.StatusCode != 422 {
			t.Fatalf("%s: %d %v\n%s", tt.name, answer.StatusCode, err, answer.Text)
		}
		told := slices.ContainsFunc(p.Errors, func(f api.Fault) bool { return f.Location == tt.location && strings.HasPrefix(f.Message, tt.message) })
		repeated := slices.ContainsFunc(p.Errors, func(f api.Fault) bool { return strings.Contains(f.Message, "QQQ") })
		if !told || repeated || strings.Contains(answer.Text, "hunter2") {
			t.Errorf("%s: %s", tt.name, answer.Text)
		}
	}
}

// Whoever reads events sees all, in order, without a gap, whatever the size of the pages.
func TestEvents(t *testing.T) {
	w := keyed(t)
	w.Beside(func(ctx context.Context) { w.Events.Run(ctx) })
	c := as(w, "orders")
	type list struct {
		Data []struct {
			ID        string
			Sequence  int64
			Type      event.Type
			Timestamp time.Time
			Data      map[string]any
		}
		Next int64
	}
	o := ofSession(t, w, "b-1")
	warehouse := as(w, "fulfil")
	ask[api.ActionResult](warehouse, 200, "POST", "/orders/"+o.ID+"/captures", `{}`, "Idempotency-Key", "k")
	var types []event.Type
	var next int64 = -1
	for deadline := time.Now().Add(20 * time.Second); len(types) < 4 && time.Now().Before(deadline); {
		query := "?limit=1"
		if next >= 0 {
			query += fmt.Sprint("&after=", next)
		}
		page := ask[list](c, 200, "GET", "/events"+query, "")
		for _, e := range page.Data {
			types = append(types, e.Type)
			if e.Data["reference"] != "b-1" || !strings.HasPrefix(e.ID, "evt_") || e.Sequence != int64(len(types)) || e.Timestamp.IsZero() {
				t.Errorf("%+v", e)
			}
		}
		next = page.Next
	}
	want := []event.Type{event.OrderCreated, event.SessionCompleted, event.OrderCaptured, event.OrderCommandFinished}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Error(diff)
	}
	if page := ask[list](c, 200, "GET", fmt.Sprint("/events?after=", next), ""); len(page.Data) != 0 || page.Next != next {
		t.Errorf("nothing new: %+v", page)
	}
	if page := ask[list](c, 200, "GET", "/events?type=order.captured", ""); len(page.Data) != 1 || page.Next < 4 {
		t.Errorf("of a type: %+v", page)
	}
	if p := ask[api.Problem](c, 410, "GET", "/events?after=4711", ""); p.Code != api.CodeGone {
		t.Errorf("an unknown cursor: %+v", p)
	}
	for _, bad := range []string{"?after=-2", "?after=x", "?type=x", "?limit=0"} {
		ask[api.Problem](c, 422, "GET", "/events"+bad, "")
	}
}

// Without the right scope every call is 403, with it none; and every action needs its
// Idempotency-Key.
func TestScopes(t *testing.T) {
	w := keyed(t)
	calls := []struct{ scope, method, path string }{
		{"checkout", "PUT", "/checkout_sessions/a"}, {"checkout", "GET", "/checkout_sessions/a"}, {"checkout", "POST", "/checkout_sessions/a/expire"},
		{"orders", "GET", "/orders"}, {"orders", "POST", "/orders/search"}, {"orders", "GET", "/orders/a"}, {"orders", "GET", "/events"},
		{"fulfil", "POST", "/orders/a/captures"}, {"fulfil", "POST", "/orders/a/cancel"}, {"fulfil", "POST", "/orders/a/release"}, {"fulfil", "POST", "/orders/a/shipments"},
		{"refund", "POST", "/orders/a/refunds"},
		{"stock", "GET", "/stock"}, {"stock", "POST", "/stock"},
		{"catalog", "GET", "/catalog"}, {"catalog", "PUT", "/catalog"},
		{"", "GET", "/commands/7c9e6679-7425-40de-944b-e07fc1f90ae7"},
	}
	document := ask[struct {
		Paths map[string]map[string]any
	}](as(w, "all"), 200, "GET", "/openapi.json", "")
	n := 0
	for _, methods := range document.Paths {
		for method := range methods {
			if method != "parameters" {
				n++
			}
		}
	}
	if n != len(calls) {
		t.Errorf("the document has %d calls, the table %d", n, len(calls))
	}
	for _, key := range []string{"checkout", "orders", "fulfil", "refund", "stock", "catalog", "all"} {
		for _, call := range calls {
			got := as(w, "all")
			got.Header = http.Header{"Authorization": {"Bearer sk_" + key}}
			answer := got.raw(call.method, call.path, "")
			if forbidden := answer.StatusCode == 403; forbidden != (call.scope != "" && key != "all" && key != call.scope) || answer.StatusCode == 401 || answer.StatusCode >= 500 {
				t.Errorf("%s %s with the key %s: %d", call.method, call.path, key, answer.StatusCode)
			}
		}
	}
	for _, path := range []string{"captures", "refunds", "release", "shipments"} {
		if p := ask[api.Problem](as(w, "all"), 400, "POST", "/orders/a/"+path, `{}`); p.Code != api.CodeKeyMissing {
			t.Errorf("%s: %+v", path, p)
		}
	}
}
