package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// keyed is a world in which each scope has a key of its name, sk_orders.
func keyed(t *testing.T, changes ...func(*shop.Config)) *shoptest.World {
	t.Helper()
	var lines []string
	for _, scope := range permission.Scopes() {
		lines = append(lines, api.KeyLine(string(scope), string(scope), "sk_"+string(scope)))
	}
	keys, err := api.ParseKeys(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return world(t, append([]func(*shop.Config){func(c *shop.Config) { c.Keys = keys }}, changes...)...)
}

// as calls with the key of a scope.
func as(w *shoptest.World, scope permission.Holder) caller {
	b := w.Browser()
	b.Header = http.Header{"Authorization": {"Bearer sk_" + string(scope)}}
	return caller{b}
}

// ask calls and decodes what is answered.
func ask[T any](c caller, status int, method, path, body string, headers ...string) (into T) {
	c.T.Helper()
	got := c.raw(method, path, body, headers...)
	if got.StatusCode != status {
		c.T.Fatalf("%s %s: %d, want %d\n%s", method, path, got.StatusCode, status, got.Text)
	}
	if err := json.Unmarshal([]byte(got.Text), &into); err != nil {
		c.T.Fatalf("%s %s: %v\n%s", method, path, err, got.Text)
	}
	return into
}

// raw calls with headers.
func (c caller) raw(method, path, body string, headers ...string) shoptest.Answer {
	c.T.Helper()
	b := *c.Browser
	b.Header = b.Header.Clone()
	for i := 0; i < len(headers); i += 2 {
		b.Header.Set(headers[i], headers[i+1])
	}
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	got := b.Do(method, "/v1"+path, contentType, body)
	c.times(got.Text)
	return got
}

// ofSession sells a session: two tents of the merchant's, three mugs of the catalogue, a
// discount over their rates, and a gift card.
func ofSession(t *testing.T, w *shoptest.World, reference string) (o order.Order) {
	t.Helper()
	c := as(w, "all")
	made := c.want(c.put(reference, basket(
		`{"id": "t", "reference": "TENT-2P", "name": "Tent", "quantity": 2, "unit_price": 249900, "tax_rate": 2500, "merchant_data": "shelf 7"}, `+
			`{"id": "m", "reference": "JAM-1", "quantity": 3}, {"id": "off", "type": "discount", "name": "Spring", "quantity": 1, "unit_price": -10000}, `+
			`{"id": "g", "type": "gift_card", "name": "Gift card", "quantity": 1, "unit_price": -5000, "tax_rate": 0}`,
		home, `"metadata": {"a": "b"}`)), 201, "").Session
	_, id := open(w, w.Browser(), made)
	w.Buy(id)
	return w.Place(id)
}

// An order of a session as the API tells it, from the sale to the refund: the merchant's own
// IDs name its lines, parts add up to the whole, and each has its tax by rate.
func TestOrderFromSaleToRefund(t *testing.T) {
	w := keyed(t)
	o := ofSession(t, w, "b-1")
	read, warehouse, ledger := as(w, "orders"), as(w, "fulfil"), as(w, "refund")
	path := "/orders/" + o.ID
	first := ask[api.Order](read, 200, "GET", path, "")
	if again := ask[api.Order](read, 200, "GET", "/orders/"+o.Number, ""); again.ID != o.ID {
		t.Errorf("by its number: %s", again.ID)
	}
	if first.Number != o.Number || *first.OrderID != o.OrderID || *first.Reference != "b-1" || first.Metadata["a"] != "b" || first.Status != "open" || first.FraudStatus != "ACCEPTED" ||
		!first.Shippable || first.PaymentMethod == nil || first.ExpiresAt == nil || first.Customer.Type != "person" || first.Currency != "SEK" || first.UpdatedAt.IsZero() ||
		first.BillingAddress.Email == "" || first.ShippingAddress.PostalCode == "" || first.Delivery == nil || first.Delivery.ID != "parcel" || first.Delivery.Price != 7900 {
		t.Errorf("the order: %+v", first)
	}
	var ids []string
	for _, l := range first.OrderLines {
		ids = append(ids, fmt.Sprintf("%s %s %d/%d", l.ID, l.Type, l.OpenQuantity, l.Quantity))
	}
	want := []string{"t physical 2/2", "m physical 3/3", "off discount 1/1", "off:2 discount 1/1", "shipping_fee:parcel shipping_fee 1/1", "g gift_card 1/1"}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("lines: %s", diff)
	}
	if used := first.OrderLines[5].UsedAmount; used == nil || *used != 5000 || first.OrderLines[0].UsedAmount != nil {
		t.Errorf("used of the card: %v", used)
	}
	if first.OrderLines[0].MerchantData != "shelf 7" {
		t.Errorf("merchant_data is %q", first.OrderLines[0].MerchantData)
	}
	if first.Amounts.Authorized != first.OrderAmount || first.Amounts.Remaining != first.OrderAmount || first.Amounts.Captured != 0 {
		t.Errorf("amounts %+v of %d", first.Amounts, first.OrderAmount)
	}

	// A tent and two mugs are sent.
	const part = `{"order_lines": [{"id": "t", "quantity": 1}, {"id": "m", "quantity": 2}], "shipments": [{"carrier": "PostNord", "tracking_number": "1234"}], "description": "first"}`
	done := ask[api.ActionResult](warehouse, 200, "POST", path+"/captures", part, "Idempotency-Key", "k1")
	again := ask[api.ActionResult](warehouse, 200, "POST", path+"/captures", part, "Idempotency-Key", "k1")
	if done.CaptureID == "" || diffOf(done, again) != "" || done.Order.Status != "part_captured" {
		t.Errorf("captured %+v, again %+v", done, again)
	}
	ask[api.ActionResult](warehouse, 200, "POST", path+"/captures", `{}`, "Idempotency-Key", "k2")
	ask[api.ActionResult](ledger, 200, "POST", path+"/refunds", `{"order_lines": [{"id": "m", "quantity": 1}], "restock": true, "reference": "credit-992"}`, "Idempotency-Key", "k1")
	ask[api.ActionResult](ledger, 200, "POST", path+"/refunds", `{"amount": 1000}`, "Idempotency-Key", "k2")
	now := ask[api.Order](read, 200, "GET", path, "")
	if now.Status != "captured" || len(now.Captures) != 2 || len(now.Refunds) != 2 || len(now.Shipments) != 1 || now.Revision <= first.Revision {
		t.Fatalf("now %+v", now)
	}
	var sum, tax int64
	for _, c := range now.Captures {
		adds(t, c.Amount, c.OrderLines, c.Tax)
		sum += c.Amount
		for _, by := range c.Tax {
			tax += by.TotalTaxAmount
		}
	}
	if sum != first.OrderAmount || tax != first.OrderTaxAmount {
		t.Errorf("captures come to %d with tax %d, the order to %d with %d", sum, tax, first.OrderAmount, first.OrderTaxAmount)
	}
	if c := now.Captures[0]; c.ID != done.CaptureID || c.Description != "first" || c.OrderLines[0].ID != "t" || c.OrderLines[0].Quantity != 1 {
		t.Errorf("first capture %+v", c)
	}
	if s := now.Shipments[0]; s.Carrier != "PostNord" || diffOf(s.OrderLines, []api.LineQuantity{{ID: "t", Quantity: 1}, {ID: "m", Quantity: 2}}) != "" {
		t.Errorf("shipment %+v", s)
	}
	if r := now.Refunds[0]; !r.Restocked || r.OrderLines[0].ID != "m" || r.OrderLines[0].Quantity != 1 {
		t.Errorf("refund %+v", r)
	}
	if now.Refunds[0].Reference != "credit-992" || now.Refunds[1].Reference != "" {
		t.Errorf("references of the refunds: %q, %q", now.Refunds[0].Reference, now.Refunds[1].Reference)
	}
	if found := ask[api.OrderList](read, 200, "POST", "/orders/search", `{"text": "credit-992"}`); len(found.Data) != 1 || found.Data[0].ID != o.ID {
		t.Errorf("found by the reference of a refund: %+v", found.Data)
	}
	adds(t, now.Refunds[0].Amount, now.Refunds[0].OrderLines, now.Refunds[0].Tax)
	adds(t, now.Refunds[1].Amount, nil, now.Refunds[1].Tax)
	if l := now.OrderLines[1]; l.CapturedQuantity != 3 || l.RefundedQuantity != 1 || l.OpenQuantity != 0 {
		t.Errorf("mugs %+v", l)
	}

	// The audit says which key it was, and Klarna was asked once for each.
	entries, err := w.Book.Entries(t.Context(), o.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Result == order.Done && (e.Source != order.ByKey || e.Staff != map[string]string{"capture": "fulfil", "refund": "refund"}[e.Event]) {
			t.Errorf("%s by %s %s", e.Event, e.Source, e.Staff)
		}
	}
	w.Agrees(o.OrderID)

	// What cannot be done has its reason.
	for i, tt := range []struct {
		call, body, reason string
		c                  caller
		status             int
	}{
		{"/captures", `{}`, "fully_captured", warehouse, 409},
		{"/release", ``, "fully_captured", warehouse, 409},
		{"/cancel", ``, "fully_captured", warehouse, 409},
		{"/refunds", `{"amount": 200000000}`, "above_captured", ledger, 409},
		{"/refunds", `{"order_lines": [{"id": "m", "quantity": 3}]}`, "above_captured", ledger, 409},
		{"/refunds", `{"order_lines": [{"id": "x", "quantity": 1}]}`, "", ledger, 422},
		{"/refunds", `{"order_lines": [{"id": "m", "quantity": 1}], "amount": 1}`, "", ledger, 422},
		{"/refunds", `{"amount": 1, "restock": true}`, "", ledger, 422},
		{"/shipments", `{"carrier": "x", "order_lines": [{"id": "t", "quantity": 9}]}`, "", warehouse, 422},
		{"/shipments", `{"carrier": "x", "tracking_uri": "javascript:1"}`, "", warehouse, 422},
		{"/shipments", `{"carrier": "x", "capture_id": "nope"}`, "", warehouse, 422},
	} {
		p := ask[api.Problem](tt.c, tt.status, "POST", path+tt.call, tt.body, "Idempotency-Key", fmt.Sprint("bad-", i))
		if p.Reason != tt.reason || tt.status == 422 && len(p.Errors) == 0 {
			t.Errorf("%s %s: %+v", tt.call, tt.body, p)
		}
	}
	for lines, at := range map[string]string{ // of the mugs two can be refunded
		`{"id": "m", "quantity": 3}`: "body.order_lines[0].quantity",
		`{"id": "t", "quantity": 1}, {"id": "m", "quantity": 2}, {"id": "m", "quantity": 1}`: "body.order_lines[1].quantity",
	} {
		p := ask[api.Problem](ledger, 409, "POST", path+"/refunds", `{"order_lines": [`+lines+`]}`, "Idempotency-Key", at)
		if diffOf(p.Errors, []api.Fault{{Location: at, Message: "is more than what is left: 2"}}) != "" || p.Detail != "Refund is not possible: more of a line is asked for than is left of it." {
			t.Errorf("%s: %+v", lines, p)
		}
	}
	ask[api.ActionResult](warehouse, 200, "POST", path+"/shipments", `{"carrier": "PostNord"}`, "Idempotency-Key", "rest")
	if now = ask[api.Order](read, 200, "GET", path, ""); len(now.Shipments) != 2 || diffOf(now.Shipments[1].OrderLines, []api.LineQuantity{{ID: "t", Quantity: 1}, {ID: "m", Quantity: 1}}) != "" {
		t.Errorf("shipments %+v", now.Shipments)
	}
}

func diffOf(a, b any) string { return cmp.Diff(a, b) }

// adds checks that lines and taxes come to an amount.
func adds(t *testing.T, amount int64, lines []api.PartLine, taxes []api.TaxAmount) {
	t.Helper()
	var ofLines, ofTaxes int64
	for _, l := range lines {
		ofLines += l.TotalAmount
		if l.ID == "" {
			t.Errorf("a line without a name: %+v", l)
		}
	}
	for _, by := range taxes {
		ofTaxes += by.TotalAmount
	}
	if lines != nil && ofLines != amount || ofTaxes != amount {
		t.Errorf("%d: the lines come to %d, the taxes to %d: %+v", amount, ofLines, ofTaxes, taxes)
	}
}

// What Klarna refuses is 422 with its correlation ID; what it does not answer is 202, and
// goes on by itself. Neither is done twice.
func TestOrderFaults(t *testing.T) {
	w := keyed(t)
	o := w.Placed()
	path := "/orders/" + o.ID
	c, read := as(w, "fulfil"), as(w, "orders")
	w.CancelAtKlarna(o.OrderID)
	p := ask[api.Problem](c, 422, "POST", path+"/captures", `{"amount": 100}`, "Idempotency-Key", "a")
	if p.Code != api.CodeKlarnaRefused || p.CorrelationID == "" || p.Order.Number != o.Number {
		t.Errorf("refused: %+v", p)
	}

	o = w.Placed()
	path = "/orders/" + o.ID
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/ordermanagement/v1/orders/*/captures", Count: -1, DropReply: true})
	got := c.raw("POST", path+"/captures", `{"amount": 100}`, "Idempotency-Key", "b")
	var pending api.ActionResult
	if err := json.Unmarshal([]byte(got.Text), &pending); err != nil || got.StatusCode != 202 || got.Text != `{"command":"`+pending.Command+`"}`+"\n" {
		t.Fatalf("%d %s", got.StatusCode, got.Text)
	}
	if k := ask[api.Command](c, 200, "GET", "/commands/"+pending.Command, ""); k.Status != "running" || k.Action != "capture" || k.Order.ID != o.ID || k.FinishedAt != nil {
		t.Errorf("the command %+v", k)
	}
	flags := func(want ...string) {
		t.Helper()
		if got := ask[api.Order](read, 200, "GET", path, "").Flags; !slices.Equal(got, want) {
			t.Errorf("flags %q, want %q", got, want)
		}
	}
	flags("unsettled")
	ask[api.Problem](as(w, "refund"), 404, "GET", "/commands/"+pending.Command, "")
	if p := ask[api.Problem](c, 409, "POST", path+"/captures", `{"amount": 200}`, "Idempotency-Key", "c"); p.Code != api.CodeInProgress {
		t.Errorf("beside it: %+v", p)
	}
	w.Fake.ClearFaults()
	w.Round(time.Minute)
	k := ask[api.Command](read, 200, "GET", "/commands/"+pending.Command, "")
	if k.Status != "done" || k.CaptureID == "" || k.FinishedAt == nil {
		t.Errorf("the command %+v", k)
	}
	flags()
	done := ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"amount": 100}`, "Idempotency-Key", "b")
	if done.CaptureID != k.CaptureID || done.Command != pending.Command {
		t.Errorf("again %+v", done)
	}
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"amount": 200}`, "Idempotency-Key", "c")
	if o = w.Agrees(o.OrderID); len(o.Captures) != 2 {
		t.Errorf("%d captures", len(o.Captures))
	}
	if n := w.Number("select count(*) from events where type = 'order.command_finished' and subject = $1", o.ID); n != 2 {
		t.Errorf("%d commands have ended", n)
	}
	ask[api.ActionResult](c, 200, "POST", path+"/release", "", "Idempotency-Key", "d")
	ask[api.ActionResult](c, 200, "POST", path+"/release", "", "Idempotency-Key", "d")

	o = w.Placed()
	for range 2 { // needs no key: what is cancelled stays so
		if done := ask[api.ActionResult](c, 200, "POST", "/orders/"+o.ID+"/cancel", ""); done.Order.Status != "cancelled" {
			t.Errorf("cancelled: %+v", done)
		}
	}
	w.Agrees(o.OrderID)
}

// Lists: filters, pages without a gap, the search.
func TestOrderLists(t *testing.T) {
	w := keyed(t)
	c := as(w, "orders")
	var placed []string
	for range 5 {
		placed = append([]string{w.Placed().ID}, placed...)
	}
	list := func(query string) (ids []string, next string) {
		t.Helper()
		l := ask[api.OrderList](c, 200, "GET", "/orders"+query, "")
		for _, o := range l.Data {
			ids = append(ids, o.ID)
		}
		if l.Next != nil {
			next = *l.Next
		}
		return ids, next
	}
	var all []string
	for next := ""; ; {
		ids, after := list("?limit=2&after=" + url.QueryEscape(next))
		all = append(all, ids...)
		if next = after; next == "" {
			break
		}
	}
	if diff := cmp.Diff(placed, all); diff != "" {
		t.Errorf("pages: %s", diff)
	}
	w.Exec("update orders set reference = 'b-7', updated_at = updated_at + 3600000 where id = $1", placed[1])
	ask[api.ActionResult](as(w, "fulfil"), 200, "POST", "/orders/"+placed[3]+"/cancel", "")
	later := url.QueryEscape(time.Now().Add(30 * time.Minute).UTC().Format(time.RFC3339))
	for query, want := range map[string][]string{
		"?status=cancelled": {placed[3]}, "?status=captured": nil, "?country=SE&limit=200": placed, "?country=NO": nil, "?reference=b-7": {placed[1]},
		"?reference=b-8": nil, "?updated_after=" + later: {placed[1]}, "?placed_after=" + later: nil, "?placed_before=" + later: placed,
		"?sku=JAM-1": placed, "?sku=JAM1": nil, "?sku=PIN-1": nil, "?sku=--": nil,
	} {
		if got, _ := list(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	found := ask[api.OrderList](c, 200, "POST", "/orders/search", `{"text": "jam-1"}`)
	if len(found.Data) != 5 || found.Data[0].ID != placed[0] {
		t.Errorf("found %d", len(found.Data))
	}
	for _, bad := range []string{"?status=x", "?country=se", "?limit=0", "?limit=201", "?after=x", "?placed_after=yesterday", "?q=x", "?reference=a%20b"} {
		ask[api.Problem](c, 422, "GET", "/orders"+bad, "")
	}
	ask[api.Problem](c, 404, "GET", "/orders/ord_none", "")
}

// Every action, repeated with its key, at once and afterwards, is done once and answered alike.
func TestRepeated(t *testing.T) {
	w := keyed(t)
	o := w.Placed()
	path := "/orders/" + o.ID
	for i, call := range []struct{ path, body string }{
		{"/captures", `{"amount": 1000}`}, {"/refunds", `{"amount": 500}`}, {"/shipments", `{"carrier": "PostNord", "tracking_number": "1"}`}, {"/release", ""},
	} {
		var all sync.WaitGroup
		var mu sync.Mutex
		answers := map[string]bool{}
		send := func(c caller) {
			got := c.raw("POST", path+call.path, call.body, "Idempotency-Key", fmt.Sprint("k", i))
			mu.Lock()
			defer mu.Unlock()
			if got.StatusCode == 200 {
				answers[got.Text] = true
			} else if got.StatusCode != 409 || !strings.Contains(got.Text, string(api.CodeInProgress)) {
				t.Errorf("%s: %d %s", call.path, got.StatusCode, got.Text)
			}
		}
		for range 5 {
			c := as(w, "all")
			all.Go(func() { send(c) })
		}
		all.Wait()
		send(as(w, "all"))
		if len(answers) != 1 {
			t.Errorf("%s: %d answers: %v", call.path, len(answers), answers)
		}
	}
	now := w.Agrees(o.OrderID)
	if len(now.Captures) != 1 || len(now.Refunds) != 1 || len(now.Shipments) != 1 || now.RemainingAuthorizedAmount != 0 {
		t.Errorf("%d captures, %d refunds, %d shipments, %d remain", len(now.Captures), len(now.Refunds), len(now.Shipments), now.RemainingAuthorizedAmount)
	}
	for event, want := range map[string]int{"order.captured": 1, "order.refunded": 1, "order.shipped": 1, "order.released": 1, "order.command_finished": 4} {
		if n := w.Number("select count(*) from events where type = $1", event); n != int64(want) {
			t.Errorf("%d events %s, want %d", n, event, want)
		}
	}
}
