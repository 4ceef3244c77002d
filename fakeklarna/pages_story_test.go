package fakeklarna_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// storyRows returns the rows of a story on a page, newest first: lane, what,
// status, and the lines below it.
func storyRows(s *shop, path string) []string {
	s.t.Helper()
	var rows []string
	for _, li := range s.page(path, 200).one(s.t.(*testing.T), ".log").find("li") {
		if li.attr("class") == "day" {
			continue
		}
		row := li.find(".lane")[0].words() + " | " + li.find(".what")[0].words()
		if status := li.find(".status")[0].words(); status != "" {
			row += " | " + status
		}
		for _, line := range li.find(".changes") {
			row += " | " + line.words()
		}
		rows = append(rows, row)
	}
	return rows
}

// An order's page tells all that happened to it, the newest first, in words.
func TestStory(t *testing.T) {
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error_type":"approval_failed","error_text":"The cart changed."}`))
	}))
	defer merchant.Close()
	s := newShop(t, fakeklarna.Options{})
	other := s.start(caseA()).OrderID
	s.start(with(caseA(), "merchant_urls.validation", merchant.URL))
	update := "/checkout/v3/orders/" + s.id
	s.send("POST", update, text(decode(`{"order_amount":84500,"order_tax_amount":16900,"order_lines":[
		{"type":"physical","reference":"MUG-1","name":"Mugg","quantity":4,"unit_price":19900,"tax_rate":2500,"total_amount":79600,"total_tax_amount":15920},
		{"type":"shipping_fee","reference":"STD","name":"Frakt","quantity":1,"unit_price":4900,"tax_rate":2500,"total_amount":4900,"total_tax_amount":980}]}`)))
	s.send("POST", update, `{"merchant_reference1":"100123"}`)
	s.send("POST", update, `{"order_amount":1}`)
	s.fake.AddFault(fault{OrderID: s.id, Status: 500})
	s.send("GET", update, "")
	s.shopper(action{Type: map[string]string{"email": "ada@example.com"}})
	s.fake.Advance(2 * time.Hour)
	s.shopper(action{Buy: &fakeklarna.Buy{}})
	if _, err := s.fake.Shopper(other, action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	path := "/checkout/v3/orders/" + s.id[:8] + "…"
	want := []string{
		"shopper | was refused: validation_refused | code validation_refused; message The cart changed.",
		"← fake | POST validation | 400 | The cart changed.",
		"shopper | pressed Buy",
		"clock | moved +2 h",
		"shopper | typed | email ada@example.com",
		"shop → | GET " + path + " | 500 | Fault status 500 | INTERNAL_SERVER_ERROR: Internal server error",
		"fault | The next call of order " + s.id[:8] + " is answered 500.",
		"shop → | POST " + path + " | 400 | BAD_VALUE: Bad value: order_amount",
		"shop → | POST " + path + " | 200 | nothing changed",
		"shop → | POST " + path + " | 200 | order_amount 44700 → 84500; quantity of MUG-1 2 → 4; order_tax_amount 8940 → 16900",
		"state | status checkout_incomplete",
		"shop → | POST /checkout/v3/orders | 201 | locale sv-SE; merchant_reference1 100123; order_amount 44700; 2 order lines; order_tax_amount 8940; purchase_country se; purchase_currency SEK",
	}
	if diff := cmp.Diff(want, storyRows(s, "orders/"+s.id)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	all := storyRows(s, "requests")
	if got := all[0]; !strings.HasSuffix(got, other[:8]) {
		t.Errorf("newest of everything: %q, want one of order %s", got, other)
	}
}

// What an update changed is told by what is new in it.
func TestStoryOfChanges(t *testing.T) {
	line := func(reference, quantity, price string) string {
		return `{"reference":"` + reference + `","name":"n","quantity":` + quantity + `,"unit_price":` + price + `,"tax_rate":0,"total_amount":` + price + `,"total_tax_amount":0}`
	}
	for _, tt := range []struct{ name, first, second, want string }{
		{"country, currency and locale", `"merchant_data":"x"`, `"purchase_country":"NO","purchase_currency":"NOK","locale":"nb-NO"`,
			"purchase_country se → no; purchase_currency SEK → NOK; locale sv-SE → nb-NO"},
		{"member of an object", `"options":{"color_button":"#000000"}`, `"options":{"color_button":"#ffffff"}`, "options.color_button #000000 → #ffffff"},
		{"line added and removed", `"order_lines":[` + line("A", "1", "0") + `]`, `"order_lines":[` + line("B", "1", "0") + `]`, "line A removed; line B added × 1"},
		{"lines in another order", `"order_lines":[` + line("A", "1", "0") + `,` + line("B", "1", "0") + `]`, `"order_lines":[` + line("B", "1", "0") + `,` + line("A", "1", "0") + `]`, "order_lines in another order"},
		{"lines that nothing tells apart", `"order_lines":[` + line("A", "1", "0") + `,` + line("A", "1", "0") + `]`, `"order_lines":[` + line("A", "1", "0") + `]`, "order_lines changed"},
		{"a list of texts", `"shipping_countries":["SE"]`, `"shipping_countries":["SE","NO"]`, "shipping_countries changed"},
		{"price of a shipping option", `"shipping_options":[{"id":"x","name":"X","price":100,"tax_amount":0,"tax_rate":0}]`,
			`"shipping_options":[{"id":"x","name":"X","price":200,"tax_amount":0,"tax_rate":0}]`, "price of x 100 → 200"},
		{"long text", `"merchant_data":"a"`, `"merchant_data":"` + strings.Repeat("b", 100) + `"`, "merchant_data a → " + strings.Repeat("b", 59) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			s.start(with(caseA(), "order_amount", 0, "order_tax_amount", 0, "order_lines", []any{}))
			for _, body := range []string{tt.first, tt.second} {
				if got := s.send("POST", "/checkout/v3/orders/"+s.id, "{"+body+"}"); got.status != 200 {
					t.Fatalf("%s: %d %s", body, got.status, got.body)
				}
			}
			_, got, _ := strings.Cut(storyRows(s, "orders/"+s.id)[0], "| 200 | ")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Calls can be sent again from a shell; whose they were is not told.
func TestStoryBodies(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(with(caseA(), "order_lines[0].name", "Bo's mug"))
	s.sendAs("demo", "secret-word", "POST", "/checkout/v3/orders/"+s.id, `{"merchant_data":"x"}`)
	row := s.page("orders/"+s.id, 200).one(t, ".log")
	var texts []string
	for _, pre := range row.find("pre") {
		texts = append(texts, pre.text())
	}
	all := strings.Join(texts, "\n---\n")
	for _, want := range []string{
		"curl -u USER:PASSWORD -X POST '" + s.fake.URL + "/checkout/v3/orders' \\\n  -H 'Content-Type: application/json' -d '{",
		`Bo'\''s mug`, `"html_snippet": "… `, "\n  \"purchase_country\": \"se\",\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the bodies", want)
		}
	}
	if strings.Contains(all, "secret-word") || strings.Contains(all, "klarna-checkout-container") {
		t.Error("credentials or the whole snippet are shown")
	}
}

// A page shows a hundred rows; what came before is a link away.
func TestStoryIsPaged(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	for i := range 150 {
		s.send("POST", "/checkout/v3/orders/"+s.id, fmt.Sprintf(`{"merchant_data":"%d"}`, i))
	}
	s.send("POST", "/checkout/v3/orders", `"`+strings.Repeat("long ", 50_000)+`"`)
	knows := regexp.MustCompile(`\| merchant_data (0|\d+ → \d+)$`)
	keys := map[string]bool{}
	path, pages := "orders/"+s.id, 0
	for ; path != "" && pages < 5; pages++ {
		doc := s.page(path, 200).one(t, "main")
		if got := doc.one(t, ".head").one(t, ".second").words(); !strings.HasPrefix(got, "152 events") {
			t.Errorf("page %d counts %q", pages, got)
		}
		for _, row := range storyRows(s, path) {
			if update := strings.Contains(row, s.id[:8]); update && !knows.MatchString(row) {
				t.Errorf("page %d: a row knows nothing of the one before: %s", pages, row)
			}
		}
		path = ""
		for _, li := range doc.find("li") {
			if li.attr("class") != "day" {
				keys[li.attr("data-key")] = true
			}
		}
		for _, a := range doc.find("a") {
			if a.text() == "Older" {
				path = "orders/" + s.id + a.attr("href")
			}
		}
	}
	if len(keys) != 152 || pages != 2 { // and the state after the create
		t.Errorf("%d rows on %d pages, want 152 on 2", len(keys), pages)
	}
	for _, pre := range s.page("requests", 200).find("pre") {
		if n := len(pre.text()); n > 21_000 {
			t.Errorf("a body of %d bytes is shown", n)
		}
	}
}

// Sessions of Klarna Payments are listed, can be approved, and have a story that
// goes on with their order.
func TestSessionsPage(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	if got := s.page("sessions", 200).one(t, ".empty").words(); !strings.HasPrefix(got, "No sessions yet.") {
		t.Errorf("text = %q", got)
	}
	for range 2 {
		if got := s.send("POST", sessionsPath, text(with(cartSE(), "billing_address", ada()))); got.status != 200 {
			t.Fatalf("create: %d %s", got.status, got.body)
		}
	}
	id := s.fake.Sessions()[0].SessionID
	if got := s.send("POST", sessionsPath+"/"+id, text(cartOf(3))); got.status != 204 {
		t.Fatalf("update: %d %s", got.status, got.body)
	}
	back := s.browse(http.MethodPost, "sessions/"+id+"/shopper", url.Values{"decision": {"decline"}}, nil)
	if said := parse(t, string(back.body)).one(t, "#wrong").text(); back.status != 422 || !strings.HasPrefix(said, "Refused, ") {
		t.Errorf("declined: %d %q", back.status, said)
	}
	for _, do := range []url.Values{{"do": {"load"}}, {"decision": {"approve"}}} {
		if back := s.browse(http.MethodPost, "sessions/"+id+"/shopper", do, nil); back.status != 303 || !strings.HasSuffix(back.header.Get("Location"), "/fake/sessions/"+id+"?done=shopper") {
			t.Fatalf("%v: %d %s", do, back.status, back.body)
		}
	}
	v, _ := s.fake.Session(id)
	placed := s.send("POST", "/payments/v1/authorizations/"+v.AuthorizationToken+"/order", text(with(cartOf(3), "purchase_country", "SE", "purchase_currency", "SEK")))
	if placed.status != 200 {
		t.Fatalf("order: %d %s", placed.status, placed.body)
	}
	v, _ = s.fake.Session(id)
	order := v.Fake.OrderID
	if got := s.send("POST", "/ordermanagement/v1/orders/"+order+"/captures", `{"captured_amount":64600}`); got.status != 201 {
		t.Fatalf("capture: %d %s", got.status, got.body)
	}

	row := s.page("sessions", 200).one(t, "tbody").find("tr")[0].words()
	if want := id + " complete SE 646.00 SEK ada@example.com " + order[:8] + " just now"; row != want {
		t.Errorf("row  %q\nwant %q", row, want)
	}
	if rows := s.page("?q=100123&status=CAPTURED", 200).one(t, "tbody").find("tr"); len(rows) != 1 || !strings.HasPrefix(rows[0].words(), order+" CAPTURED SE 646.00 SEK ada@example.com 100123") {
		t.Errorf("the order is not in the list: %d", len(rows))
	}
	ofSession, ofOrder := storyRows(s, "sessions/"+id), storyRows(s, "orders/"+order)
	if diff := cmp.Diff(ofSession, ofOrder); diff != "" {
		t.Errorf("the stories of session and order (-session +order):\n%s", diff)
	}
	story := strings.Join(ofOrder, "\n")
	for _, want := range []string{
		"POST /payments/v1/sessions/" + id[:8] + "… | 204 | order_amount 44700 → 64600; quantity of MUG-1 2 → 3; order_tax_amount 8940 → 12920",
		"shopper | authorize", "captures | 201 | captured_amount 64600", "AUTHORIZED → CAPTURED", "session authorized → complete",
	} {
		if !strings.Contains(story, want) {
			t.Errorf("no %q in the story:\n%s", want, story)
		}
	}
	doc := s.page("orders/"+order, 200)
	facts := map[string]string{}
	for _, d := range doc.find("div") {
		if dt := d.find("dt"); len(dt) == 1 {
			facts[dt[0].text()] = d.find("dd")[0].words()
		}
	}
	for name, want := range map[string]string{"captured_amount": "646.00", "remaining_authorized_amount": "0.00", "email": "ada@example.com"} {
		if facts[name] != want {
			t.Errorf("%s = %q, want %q", name, facts[name], want)
		}
	}
	for _, path := range []string{"sessions/" + id, "sessions", "orders/" + order, "clock"} {
		for _, a := range s.page(path, 200).one(t, "main").find("a") {
			if href := a.attr("href"); strings.HasPrefix(href, "/klarna/fake/") && s.browse(http.MethodGet, strings.TrimPrefix(href, "/klarna/fake/"), nil, nil).status != 200 {
				t.Errorf("%s: link to %s", path, href)
			}
		}
	}
}

// The checkout page shows the iframe as a shop would, under a strict policy.
func TestCheckoutPage(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(with(caseA(), "merchant_reference1", "</script><script>x</script>"))
	got := s.browse(http.MethodGet, "orders/"+s.id+"/checkout", nil, nil)
	doc := parse(t, string(got.body))
	policy := got.header.Get("Content-Security-Policy")
	script := doc.one(t, "script")
	if nonce := script.attr("nonce"); len(nonce) < 16 || !strings.Contains(policy, "script-src 'nonce-"+nonce+"' 'strict-dynamic'") {
		t.Errorf("nonce %q, policy %s", nonce, policy)
	}
	for _, e := range doc.find("div") {
		if e.attr("style") != "" {
			t.Errorf("style attribute %q", e.attr("style"))
		}
	}
	again := s.browse(http.MethodGet, "orders/"+s.id+"/checkout", nil, nil).header.Get("Content-Security-Policy")
	if again == policy {
		t.Error("the nonce is the same twice")
	}
	s.fake.Advance(49 * time.Hour)
	s.page("orders/"+s.id+"/checkout", 404)
}
