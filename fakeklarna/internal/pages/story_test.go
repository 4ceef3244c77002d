package pages_test

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

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// storyRows returns the rows of a story on a page, newest first: lane, what,
// status, and the lines below it.
func storyRows(s *faketest.Shop, path string) []string {
	s.T.Helper()
	var rows []string
	for _, li := range s.Page(path, 200).One(s.T.(*testing.T), ".log").Find("li") {
		if li.Attribute("class") == "day" {
			continue
		}
		row := li.Find(".lane")[0].Words() + " | " + li.Find(".what")[0].Words()
		if status := li.Find(".status")[0].Words(); status != "" {
			row += " | " + status
		}
		for _, line := range li.Find(".changes") {
			row += " | " + line.Words()
		}
		rows = append(rows, row)
	}
	return rows
}

// An order's page tells all that happened to it, the newest first, in words.
func TestStory(t *testing.T) {
	kinds := make(chan string, 2)
	kinds <- "approval_failed"
	kinds <- "sold_out" // is none
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error_type":"` + <-kinds + `","error_text":"The cart changed."}`))
	}))
	defer merchant.Close()
	s := faketest.NewShop(t, fakeklarna.Options{})
	other := s.Start(faketest.CaseA()).OrderID
	s.Start(faketest.With(faketest.CaseA(), "merchant_urls.validation", merchant.URL))
	update := "/checkout/v3/orders/" + s.ID
	s.Send("POST", update, faketest.Text(faketest.Decode(`{"order_amount":84500,"order_tax_amount":16900,"order_lines":[
		{"type":"physical","reference":"MUG-1","name":"Mugg","quantity":4,"unit_price":19900,"tax_rate":2500,"total_amount":79600,"total_tax_amount":15920},
		{"type":"shipping_fee","reference":"STD","name":"Frakt","quantity":1,"unit_price":4900,"tax_rate":2500,"total_amount":4900,"total_tax_amount":980}]}`)))
	s.Send("POST", update, `{"merchant_reference1":"100123"}`)
	s.Send("POST", update, `{"order_amount":1}`)
	s.Fake.AddFault(faketest.Fault{OrderID: s.ID, Status: 500})
	s.Send("GET", update, "")
	s.Shopper(faketest.Action{Type: map[string]string{"email": "ada@example.com"}})
	s.Fake.Advance(2 * time.Hour)
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	if _, err := s.Fake.Shopper(other, faketest.Action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	path := "/checkout/v3/orders/" + s.ID[:8] + "…"
	want := []string{
		"shopper | was refused: validation_refused | code validation_refused; message " + faketest.Again,
		"← fake | POST validation | 400 | answer not taken: error_type is none of unsupported_shipping_address, address_error, approval_failed",
		"shopper | pressed Buy",
		"shopper | was refused: validation_refused | code validation_refused; message The cart changed.",
		"← fake | POST validation | 400 | The cart changed.",
		"shopper | pressed Buy",
		"clock | moved +2 h",
		"shopper | typed | email ada@example.com",
		"shop → | GET " + path + " | 500 | Fault status 500 | INTERNAL_SERVER_ERROR: Internal server error",
		"fault | The next call of order " + s.ID[:8] + " is answered 500.",
		"shop → | POST " + path + " | 400 | BAD_VALUE: Bad value: order_amount",
		"shop → | POST " + path + " | 200 | nothing changed",
		"shop → | POST " + path + " | 200 | order_amount 44700 → 84500; quantity of MUG-1 2 → 4; order_tax_amount 8940 → 16900",
		"state | status checkout_incomplete",
		"shop → | POST /checkout/v3/orders | 201 | locale sv-SE; merchant_reference1 100123; order_amount 44700; 2 order lines; order_tax_amount 8940; purchase_country se; purchase_currency SEK",
	}
	if diff := cmp.Diff(want, storyRows(s, "orders/"+s.ID)); diff != "" {
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
			s := faketest.NewShop(t, fakeklarna.Options{})
			s.Start(faketest.With(faketest.CaseA(), "order_amount", 0, "order_tax_amount", 0, "order_lines", []any{}))
			for _, body := range []string{tt.first, tt.second} {
				if got := s.Send("POST", "/checkout/v3/orders/"+s.ID, "{"+body+"}"); got.Status != 200 {
					t.Fatalf("%s: %d %s", body, got.Status, got.Body)
				}
			}
			_, got, _ := strings.Cut(storyRows(s, "orders/"+s.ID)[0], "| 200 | ")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Calls can be sent again from a shell; whose they were is not told.
func TestStoryBodies(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "order_lines[0].name", "Bo's mug"))
	s.SendAs("demo", "secret-word", "POST", "/checkout/v3/orders/"+s.ID, `{"merchant_data":"x"}`)
	row := s.Page("orders/"+s.ID, 200).One(t, ".log")
	var texts []string
	for _, pre := range row.Find("pre") {
		texts = append(texts, pre.Text())
	}
	all := strings.Join(texts, "\n---\n")
	for _, want := range []string{
		"curl -u USER:PASSWORD -X POST '" + s.Fake.URL + "/checkout/v3/orders' \\\n  -H 'Content-Type: application/json' -d '{",
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
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	for i := range 150 {
		s.Send("POST", "/checkout/v3/orders/"+s.ID, fmt.Sprintf(`{"merchant_data":"%d"}`, i))
	}
	s.Send("POST", "/checkout/v3/orders", `"`+strings.Repeat("long ", 50_000)+`"`)
	knows := regexp.MustCompile(`\| merchant_data (0|\d+ → \d+)$`)
	keys := map[string]bool{}
	path, pages := "orders/"+s.ID, 0
	var others []string
	for ; path != "" && pages < 5; pages++ {
		doc := s.Page(path, 200).One(t, "main")
		if got := doc.One(t, ".head").One(t, ".second").Words(); !strings.HasPrefix(got, "152 events") {
			t.Errorf("page %d counts %q", pages, got)
		}
		for _, row := range storyRows(s, path) {
			if update := strings.Contains(row, s.ID[:8]); update && !knows.MatchString(row) {
				t.Errorf("page %d: a row knows nothing of the one before: %s", pages, row)
			} else if !update {
				others = append(others, row)
			}
		}
		path = ""
		for _, li := range doc.Find("li") {
			if li.Attribute("class") != "day" {
				keys[li.Attribute("data-key")] = true
			}
		}
		for _, a := range doc.Find("a") {
			if a.Text() == "Older" {
				path = "orders/" + s.ID + a.Attribute("href")
			}
		}
	}
	if len(keys) != 152 || pages != 2 { // and the state after the create
		t.Errorf("%d rows on %d pages, want 152 on 2; those that are no updates: %q", len(keys), pages, others)
	}
	for _, pre := range s.Page("requests", 200).Find("pre") {
		if n := len(pre.Text()); n > 21_000 {
			t.Errorf("a body of %d bytes is shown", n)
		}
	}
}

// Sessions of Klarna Payments are listed, can be approved, and have a story that
// goes on with their order.
func TestSessionsPage(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	if got := s.Page("sessions", 200).One(t, ".empty").Words(); !strings.HasPrefix(got, "No sessions yet.") {
		t.Errorf("text = %q", got)
	}
	for range 2 {
		if got := s.Send("POST", faketest.SessionsPath, faketest.Text(faketest.With(faketest.CartSE(), "billing_address", faketest.Ada()))); got.Status != 200 {
			t.Fatalf("create: %d %s", got.Status, got.Body)
		}
	}
	id := s.Fake.Sessions()[0].SessionID
	if got := s.Send("POST", faketest.SessionsPath+"/"+id, faketest.Text(faketest.CartOf(3))); got.Status != 204 {
		t.Fatalf("update: %d %s", got.Status, got.Body)
	}
	back := s.Browse(http.MethodPost, "sessions/"+id+"/shopper", url.Values{"decision": {"decline"}}, nil)
	if said := faketest.Parse(t, string(back.Body)).One(t, "#wrong").Text(); back.Status != 422 || !strings.HasPrefix(said, "Refused, ") {
		t.Errorf("declined: %d %q", back.Status, said)
	}
	for _, do := range []url.Values{{"do": {"load"}}, {"decision": {"approve"}}} {
		if back := s.Browse(http.MethodPost, "sessions/"+id+"/shopper", do, nil); back.Status != 303 || !strings.HasSuffix(back.Header.Get("Location"), "/fake/sessions/"+id+"?done=shopper") {
			t.Fatalf("%v: %d %s", do, back.Status, back.Body)
		}
	}
	v, _ := s.Fake.Session(id)
	placed := s.Send("POST", "/payments/v1/authorizations/"+v.AuthorizationToken+"/order", faketest.Text(faketest.With(faketest.CartOf(3), "purchase_country", "SE", "purchase_currency", "SEK")))
	if placed.Status != 200 {
		t.Fatalf("order: %d %s", placed.Status, placed.Body)
	}
	v, _ = s.Fake.Session(id)
	order := v.Fake.OrderID
	if got := s.Send("POST", "/ordermanagement/v1/orders/"+order+"/captures", `{"captured_amount":64600}`); got.Status != 201 {
		t.Fatalf("capture: %d %s", got.Status, got.Body)
	}

	row := s.Page("sessions", 200).One(t, "tbody").Find("tr")[0].Words()
	if want := id + " complete SE 646.00 SEK ada@example.com " + order[:8] + " just now"; row != want {
		t.Errorf("row  %q\nwant %q", row, want)
	}
	if rows := s.Page("?q=100123&status=CAPTURED", 200).One(t, "tbody").Find("tr"); len(rows) != 1 || !strings.HasPrefix(rows[0].Words(), order+" CAPTURED SE 646.00 SEK ada@example.com 100123") {
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
	doc := s.Page("orders/"+order, 200)
	facts := map[string]string{}
	for _, d := range doc.Find("div") {
		if dt := d.Find("dt"); len(dt) == 1 {
			facts[dt[0].Text()] = d.Find("dd")[0].Words()
		}
	}
	for name, want := range map[string]string{"captured_amount": "646.00", "remaining_authorized_amount": "0.00", "email": "ada@example.com"} {
		if facts[name] != want {
			t.Errorf("%s = %q, want %q", name, facts[name], want)
		}
	}
	for _, path := range []string{"sessions/" + id, "sessions", "orders/" + order, "clock"} {
		for _, a := range s.Page(path, 200).One(t, "main").Find("a") {
			if href := a.Attribute("href"); strings.HasPrefix(href, "/klarna/fake/") && s.Browse(http.MethodGet, strings.TrimPrefix(href, "/klarna/fake/"), nil, nil).Status != 200 {
				t.Errorf("%s: link to %s", path, href)
			}
		}
	}
}

// The checkout page shows the iframe as a shop would, under a strict policy.
func TestCheckoutPage(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "merchant_reference1", "</script><script>x</script>"))
	got := s.Browse(http.MethodGet, "orders/"+s.ID+"/checkout", nil, nil)
	doc := faketest.Parse(t, string(got.Body))
	policy := got.Header.Get("Content-Security-Policy")
	script := doc.One(t, "script")
	if nonce := script.Attribute("nonce"); len(nonce) < 16 || !strings.Contains(policy, "script-src 'nonce-"+nonce+"' 'strict-dynamic'") {
		t.Errorf("nonce %q, policy %s", nonce, policy)
	}
	for _, e := range doc.Find("div") {
		if e.Attribute("style") != "" {
			t.Errorf("style attribute %q", e.Attribute("style"))
		}
	}
	again := s.Browse(http.MethodGet, "orders/"+s.ID+"/checkout", nil, nil).Header.Get("Content-Security-Policy")
	if again == policy {
		t.Error("the nonce is the same twice")
	}
	s.Fake.Advance(49 * time.Hour)
	s.Page("orders/"+s.ID+"/checkout", 404)
}
