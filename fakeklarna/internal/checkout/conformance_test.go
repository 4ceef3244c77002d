package checkout_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// kcoRow is one rule of the checkout API: the state before, a call, its answer,
// and the state after.
type kcoRow struct {
	rule    string             // "" where given and call say it
	options fakeklarna.Options // of the fake
	given   string             // one of states, made of case A; "" = there is no order
	call    string             // method and path
	body    string
	auth    string // the whole header; "" = user name and password, "none" = none
	status  int
	says    string   // code and message of the error; "-" = an empty body; "" = an order or anything
	shows   []any    // pairs of path and value in the answer, and in the order when it is read again
	headers []string // pairs of name and value, besides those that every answer has
	after   string   // status of the order after; "" = there is none
}

// Every rule of the checkout API by the reference, and what was chosen where
// that says nothing.
func TestConformanceCheckout(t *testing.T) {
	rows := 0
	for name, group := range map[string][]kcoRow{
		"calls": callRows, "refused": refusedRows(), "numbers": numberRows(), "members": memberRows(), "echo": echoRows(),
	} {
		rows += len(group)
		t.Run(name, func(t *testing.T) {
			for _, r := range group {
				t.Run(r.name(), r.run)
			}
		})
	}
	if rows < 330 {
		t.Errorf("%d rules are shown, want at least 330", rows)
	}
}

func (r *kcoRow) name() string {
	if r.rule != "" {
		return r.rule
	}
	return r.given + " " + r.call + " " + r.body
}

func (r kcoRow) run(t *testing.T) {
	s := faketest.NewShop(t, r.options)
	if r.given != "" {
		s.Start(faketest.CaseA())
		faketest.States[r.given](s)
	}
	before := s.Fake.Orders()
	method, path, _ := strings.Cut(r.call, " ")
	got := s.SendWith(method, strings.Replace(path, "{id}", s.ID, 1), r.body, r.auth)
	r.checkAnswer(s, got)
	if r.status == http.StatusCreated {
		s.ID = got.Order(t).OrderID
	}
	if r.status < 300 {
		r.checkKept(s)
	} else if diff := cmp.Diff(before, s.Fake.Orders()); diff != "" {
		t.Errorf("refused, and the orders changed (-before +after):\n%s", diff)
	}
	after, _ := s.Fake.Order(s.ID)
	if after.Status != r.after {
		t.Errorf("after: got status %q, want %q", after.Status, r.after)
	}
}

func (r *kcoRow) checkAnswer(s *faketest.Shop, got faketest.Answer) {
	t := s.T
	t.Helper()
	if got.Status != r.status {
		t.Fatalf("got %d %s, want %d", got.Status, got.Body, r.status)
	}
	if got.Status != http.StatusUnauthorized { // that is the gateway's
		wantHeaders(t, got)
	}
	for i := 0; i < len(r.headers); i += 2 {
		want := strings.NewReplacer("{id}", idOf(got, s.ID), "{fake}", s.Fake.URL).Replace(r.headers[i+1])
		if value := got.Header.Get(r.headers[i]); value != want {
			t.Errorf("got %s %q, want %q", r.headers[i], value, want)
		}
	}
	switch code, message, _ := strings.Cut(r.says, " "); {
	case r.says == "-":
		if len(got.Body) != 0 || got.Header.Get("Content-Type") != "" {
			t.Errorf("got body %q of type %q, want none", got.Body, got.Header.Get("Content-Type"))
		}
	case r.says != "":
		wantError(t, got, r.status, code, message)
	}
	wantShown(t, got.Body, r.shows)
}

// checkKept reads the order again, and posts a new one back as it was read: both
// show the same.
func (r *kcoRow) checkKept(s *faketest.Shop) {
	s.T.Helper()
	read := s.Send("GET", strings.Replace(faketest.KCOOrder, "{id}", s.ID, 1), "")
	wantShown(s.T, read.Body, r.shows)
	if r.status != http.StatusCreated {
		return
	}
	again := s.Send("POST", strings.Replace(faketest.KCOOrder, "{id}", s.ID, 1), string(read.Body))
	if again.Status != http.StatusOK {
		s.T.Errorf("posting back what was read: got %d %s, want 200", again.Status, again.Body)
	}
	wantShown(s.T, again.Body, r.shows)
}

func idOf(got faketest.Answer, id string) string {
	var o fakeklarna.Order
	if json.Unmarshal(got.Body, &o) == nil && o.OrderID != "" {
		return o.OrderID
	}
	return id
}

// wantShown checks what JSON has at each path; gone means that it has nothing.
// {id} in a wanted text stands for the order's ID.
func wantShown(t testing.TB, body []byte, shows []any) {
	t.Helper()
	if len(shows) == 0 {
		return
	}
	got := faketest.Decode(string(body))
	for i := 0; i < len(shows); i += 2 {
		found, ok := faketest.Find(got, shows[i].(string))
		if shows[i+1] == any(faketest.Gone{}) {
			if ok {
				t.Errorf("%s: got %v, want none", shows[i], found)
			}
			continue
		}
		id, _ := got["order_id"].(string)
		want := strings.ReplaceAll(faketest.Text(shows[i+1]), "{id}", id)
		if shown := faketest.Text(found); !ok || shown != want && !cmp.Equal(faketest.Generic(want), faketest.Generic(shown)) {
			diff := cmp.Diff(faketest.Generic(want), faketest.Generic(shown))
			t.Errorf("%s (-want +got):\n%s", shows[i], diff)
		}
	}
}

func basicAuth(pair string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

const (
	kcoReadOnly   = "READ_ONLY_ORDER Resource is read-only"
	kcoNotAllowed = "HTTP_ERROR "
	kcoInactive   = "MERCHANT_INACTIVE Merchant is not activated"
)

// callRows are the rules about calls: who may make them, in which state of the
// order, and the headers of the answer.
var callRows = []kcoRow{
	{given: "", call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.CaseA()), status: 201, after: "checkout_incomplete",
		shows:   []any{"order_id", "{id}", "status", "checkout_incomplete"},
		headers: []string{"Location", "{fake}" + faketest.OrdersPath + "/{id}", "Content-Type", "application/json"}},
	{rule: "create with a slash at the end", call: "POST " + faketest.OrdersPath + "/", body: faketest.Text(faketest.CaseA()), status: 201, after: "checkout_incomplete",
		headers: []string{"Location", "{fake}" + faketest.OrdersPath + "/{id}"}},
	{rule: "create once more makes another order", given: "open", call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.CaseA()), status: 201, after: "checkout_incomplete"},
	{rule: "a list is no order", call: "POST " + faketest.OrdersPath, body: "[]", status: 400, says: "BAD_REQUEST Bad request: the body is not a JSON object"},
	{rule: "nothing is no order", call: "POST " + faketest.OrdersPath, status: 400, says: "BAD_REQUEST Bad request: the body is not JSON"},
	{rule: "two values", call: "POST " + faketest.OrdersPath, body: "{} {}", status: 400, says: "BAD_REQUEST Bad request: more than one JSON value"},
	{rule: "a list is no update", given: "open", call: "POST " + faketest.KCOOrder, body: "[]", status: 400,
		says: "BAD_REQUEST Bad request: the body is not a JSON object", after: "checkout_incomplete"},

	{rule: "no credentials", call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.CaseA()), auth: "none", status: 401},
	{rule: "wrong password", given: "open", call: "GET " + faketest.KCOOrder, auth: basicAuth("demo:x"), status: 401, after: "checkout_incomplete"},
	{rule: "wrong user", given: "open", call: "GET " + faketest.KCOOrder, auth: basicAuth("x:demo"), status: 401, after: "checkout_incomplete"},
	{rule: "key as it is", given: "open", call: "GET " + faketest.KCOOrder, auth: "Basic demo", status: 200, after: "checkout_incomplete"},
	{rule: "bearer", given: "open", call: "GET " + faketest.KCOOrder, auth: "Bearer demo", status: 401, after: "checkout_incomplete"},
	{rule: "unknown order without credentials", given: "unknown", call: "GET " + faketest.KCOOrder, auth: "none", status: 401},

	{rule: "not activated, read", options: kcoNotActivated, call: "GET " + faketest.OrdersPath + "/x", status: 403, says: kcoInactive},
	{rule: "not activated, create", options: kcoNotActivated, call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.CaseA()), status: 403, says: kcoInactive},
	{rule: "not activated, wrong credentials", options: kcoNotActivated, call: "GET " + faketest.OrdersPath + "/x", auth: "none", status: 401},
	{rule: "not activated, wrong method", options: kcoNotActivated, call: "GET " + faketest.OrdersPath, status: 405, says: kcoNotAllowed},

	{rule: "methods of an order", given: "open", call: "PUT " + faketest.KCOOrder, status: 405, says: kcoNotAllowed, headers: []string{"Allow", "GET, POST"}, after: "checkout_incomplete"},
	{rule: "methods of orders", given: "open", call: "GET " + faketest.OrdersPath, status: 405, says: kcoNotAllowed, headers: []string{"Allow", "POST"}, after: "checkout_incomplete"},
	{rule: "methods of abort", given: "open", call: "GET " + faketest.KCOAbort, status: 405, says: kcoNotAllowed, headers: []string{"Allow", "POST"}, after: "checkout_incomplete"},

	{given: "open", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_incomplete"}, after: "checkout_incomplete"},
	{given: "complete", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_complete"}, after: "checkout_complete"},
	{given: "aborted", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_aborted"}, after: "checkout_aborted"},
	{given: "expired", call: "GET " + faketest.KCOOrder, status: 404, says: "-", after: "checkout_incomplete"},
	{given: "unknown", call: "GET " + faketest.KCOOrder, status: 404, says: "-", after: ""},
	{given: "nearly over", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_incomplete"}, after: "checkout_incomplete"},
	{given: "old, updated", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_incomplete"}, after: "checkout_incomplete"},
	{given: "old, typed in", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_incomplete"}, after: "checkout_incomplete"},
	{given: "old, read only", call: "GET " + faketest.KCOOrder, status: 404, says: "-", after: "checkout_incomplete"},
	{given: "old, complete", call: "GET " + faketest.KCOOrder, status: 200, shows: []any{"status", "checkout_complete"}, after: "checkout_complete"},
	{given: "old, aborted", call: "GET " + faketest.KCOOrder, status: 404, says: "-", after: "checkout_aborted"},
	{given: "open", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 200, shows: []any{"locale", "en-SE"}, after: "checkout_incomplete"},
	{given: "open", call: "POST " + faketest.KCOOrder, body: `{}`, status: 200, shows: []any{"locale", "sv-SE"}, after: "checkout_incomplete"},
	{given: "complete", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 403, says: kcoReadOnly, after: "checkout_complete"},
	{given: "complete", call: "POST " + faketest.KCOOrder, body: `[]`, status: 403, says: kcoReadOnly, after: "checkout_complete"},
	{given: "aborted", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 403, says: kcoReadOnly, after: "checkout_aborted"},
	{given: "expired", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 404, says: "-", after: "checkout_incomplete"},
	{given: "unknown", call: "POST " + faketest.KCOOrder, body: `[]`, status: 404, says: "-", after: ""},
	{given: "open", call: "POST " + faketest.KCOAbort, status: 200, shows: []any{"status", "checkout_aborted"}, after: "checkout_aborted"},
	{given: "touched", call: "POST " + faketest.KCOAbort, status: 200, shows: []any{"status", "checkout_aborted"}, after: "checkout_aborted"},
	{given: "complete", call: "POST " + faketest.KCOAbort, status: 403, says: kcoReadOnly, after: "checkout_complete"},
	{given: "aborted", call: "POST " + faketest.KCOAbort, status: 403, says: kcoReadOnly, after: "checkout_aborted"},
	{given: "expired", call: "POST " + faketest.KCOAbort, status: 404, says: "-", after: "checkout_incomplete"},
	{given: "unknown", call: "POST " + faketest.KCOAbort, status: 404, says: "-", after: ""},
	{given: "open", call: "PUT " + faketest.KCOOrder, body: "{}", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "PATCH " + faketest.KCOOrder, body: "{}", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "DELETE " + faketest.KCOOrder, status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "GET /checkout/v3/orders", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "GET " + faketest.KCOAbort, status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "POST " + faketest.KCOOrder + "/buy", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "POST /checkout/v3/ordersx", body: "{}", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "open", call: "POST /checkout/v2/orders", body: "{}", status: 405, says: kcoNotAllowed, after: "checkout_incomplete"},
	{given: "old, complete", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 403, says: kcoReadOnly, after: "checkout_complete"},
	{given: "old, aborted", call: "POST " + faketest.KCOOrder, body: `{"locale":"en-SE"}`, status: 404, says: "-", after: "checkout_aborted"},
	{given: "old, aborted", call: "POST " + faketest.KCOAbort, status: 404, says: "-", after: "checkout_aborted"},
	{given: "old, complete", call: "POST " + faketest.KCOAbort, status: 403, says: kcoReadOnly, after: "checkout_complete"},

	// What an update does.
	{rule: "a member sent takes the old one's place", given: "open", call: "POST " + faketest.KCOOrder, body: `{"merchant_reference1":"7","merchant_data":"x"}`, status: 200,
		shows: []any{"merchant_reference1", "7", "merchant_data", "x", "locale", "sv-SE", "order_amount", 44700}, after: "checkout_incomplete"},
	{rule: "objects are not mixed", given: "open", call: "POST " + faketest.KCOOrder, body: `{"merchant_urls":{"terms":"https://a.example/"}}`, status: 400,
		says: "BAD_VALUE Bad value: merchant_urls.checkout", after: "checkout_incomplete"},
	{rule: "lines and sums together", given: "open", call: "POST " + faketest.KCOOrder, status: 200, after: "checkout_incomplete",
		body:  `{"order_amount":5,"order_tax_amount":1,"order_lines":[{"name":"x","quantity":1,"unit_price":5,"tax_rate":2500,"total_amount":5,"total_tax_amount":1}]}`,
		shows: []any{"order_amount", 5, "order_lines[0].name", "x", "order_lines[1]", faketest.Gone{}}},
	{rule: "a sum alone must fit the lines", given: "open", call: "POST " + faketest.KCOOrder, body: `{"order_amount":1}`, status: 400,
		says: "BAD_VALUE Bad value: order_amount", after: "checkout_incomplete"},
	{rule: "lines alone must fit the sums", given: "open", call: "POST " + faketest.KCOOrder, body: `{"order_lines":[]}`, status: 400,
		says: "BAD_VALUE Bad value: order_amount", after: "checkout_incomplete"},
	{rule: "country, currency and locale", given: "open", call: "POST " + faketest.KCOOrder, body: `{"purchase_country":"NO","purchase_currency":"NOK","locale":"nb-NO"}`, status: 200,
		shows: []any{"purchase_country", "no", "purchase_currency", "NOK", "locale", "nb-NO", "billing_address.country", "no", "shipping_address.country", "no"}, after: "checkout_incomplete"},
	{rule: "an empty list clears", given: "open", call: "POST " + faketest.KCOOrder, body: `{"shipping_options":[],"tags":[]}`, status: 200,
		shows: []any{"shipping_options", faketest.Gone{}, "tags", faketest.Gone{}}, after: "checkout_incomplete"},
	{rule: "address before the shopper", given: "open", call: "POST " + faketest.KCOOrder, body: `{"billing_address":{"city":"Kiruna"}}`, status: 200,
		shows: []any{"billing_address.city", "Kiruna"}, after: "checkout_incomplete"},
	{rule: "address after the shopper", given: "touched", call: "POST " + faketest.KCOOrder, body: `{"billing_address":{"city":"Kiruna"},"merchant_data":"x"}`, status: 200,
		shows: []any{"billing_address.city", faketest.Gone{}, "billing_address.email", "a@b.example", "merchant_data", "x"}, after: "checkout_incomplete"},
	{rule: "null leaves a member", given: "open", call: "POST " + faketest.KCOOrder, body: `{"merchant_reference1":null}`, status: 200,
		shows: []any{"merchant_reference1", "100123"}, after: "checkout_incomplete"},
	{rule: "completed has its times and the shopper", given: "complete", call: "GET " + faketest.KCOOrder, status: 200,
		shows: []any{"billing_address.given_name", "Testperson-se", "customer.type", "person", "order_amount", 44700}, after: "checkout_complete"},
}

var kcoNotActivated = fakeklarna.Options{NotActivated: true}
