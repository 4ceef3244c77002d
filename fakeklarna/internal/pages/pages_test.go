package pages_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// JSON is taken as JSON, also from a client that names text/html for want of anything better.
func TestPagesTakeJSON(t *testing.T) {
	const javaAccept = "text/html, image/gif, image/jpeg, */*; q=0.2" // of HttpURLConnection
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	big := string(s.Fake.Snapshot()) + strings.Repeat(" ", 100_000)
	for _, tt := range []struct {
		path, body string
		status     int
		done       func() bool
	}{
		{"faults", `{"status":503}`, 201, func() bool { return len(s.Fake.Faults()) == 1 }},
		{"clock", `{"advance":"1h"}`, 200, func() bool { return time.Until(s.Fake.Now()) > 50*time.Minute }},
		{"orders/" + s.ID + "/shopper", `{"buy":{}}`, 200, func() bool { return s.Order().Status == fakeklarna.StatusComplete }},
		{"snapshot", big, 200, func() bool { return s.Order().Status == fakeklarna.StatusIncomplete }},
		{"reset", "", 200, func() bool { return len(s.Fake.Orders()) == 0 }},
		{"no/such/address", "{}", 404, func() bool { return true }},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Fake.URL+"/fake/"+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", javaAccept)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		got := faketest.Do(r)
		if kind := got.Header.Get("Content-Type"); got.Status != tt.status || !strings.HasPrefix(kind, "application/json") || !tt.done() {
			t.Errorf("%s: %d %s, done: %v, want %d as JSON", tt.path, got.Status, kind, tt.done(), tt.status)
		}
	}
}

// What an address answers depends on what is asked for; curl gets JSON.
func TestPagesNegotiate(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	paths := []string{"orders", "orders/" + s.ID, "requests", "faults", "clock"}
	for _, tt := range []struct {
		name, accept, query string
		html                bool
	}{
		{"browser", faketest.BrowserAccept, "", true},
		{"only HTML", "text/html", "", true},
		{"HTML as good as JSON", "application/json, text/html", "", true},
		{"curl", "*/*", "", false},
		{"nothing said", "", "", false},
		{"fetch for JSON", "application/json", "", false},
		{"JSON rather than HTML", "text/html;q=0.5, application/json", "", false},
		{"HTML refused", "text/html;q=0, */*", "", false},
		{"malformed", "text/html;q=x, ;;", "", false},
		{"browser that says so", faketest.BrowserAccept, "?format=json", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range paths {
				got := s.Browse(http.MethodGet, path+tt.query, nil, map[string]string{"Accept": tt.accept})
				if html := strings.HasPrefix(got.Header.Get("Content-Type"), "text/html"); got.Status != 200 || html != tt.html {
					t.Errorf("%s: %d %s", path, got.Status, got.Header.Get("Content-Type"))
				}
				if got.Header.Get("Vary") != "Accept" {
					t.Errorf("%s: Vary = %q", path, got.Header.Get("Vary"))
				}
			}
		})
	}
	if got := s.Browse(http.MethodGet, "", nil, map[string]string{"Accept": "*/*"}); !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("/fake/ is a page for everybody, got %s", got.Header.Get("Content-Type"))
	}
	s.Page("orders/x", 404)
	s.Page("sessions/x", 404)
	s.Page("no/such/page", 404)
}

// Every page is sound: one h1, a label for each field, no inline script or
// style, and each of its links leads somewhere.
func TestPagesAreSound(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "shipping_options", []any{map[string]any{"id": "express", "name": "Express", "price": 100, "tax_amount": 20, "tax_rate": 2500}}))
	s.Fake.AddFault(faketest.Fault{OrderID: s.ID, Status: 500})
	for _, path := range []string{"", "orders/" + s.ID, "requests", "sessions", "faults", "clock", "reset"} {
		t.Run("/"+path, func(t *testing.T) {
			doc := s.Page(path, 200)
			doc.One(t, "h1")
			doc.One(t, "main")
			if inline := doc.Inline(); len(inline) > 0 {
				t.Errorf("inline: %v", inline)
			}
			labelled := map[string]bool{}
			for _, label := range doc.Find("label") {
				labelled[label.Attribute("for")] = true
			}
			ids := map[string]bool{}
			for _, tag := range []string{"input", "select", "textarea", "button", "section", "div", "time", "dialog", "h2"} {
				for _, e := range doc.Find(tag) {
					id := e.Attribute("id")
					if id != "" && ids[id] {
						t.Errorf("two elements have the ID %s", id)
					}
					ids[id] = true
					field := tag == "input" && !slices.Contains([]string{"hidden", "radio", "checkbox"}, e.Attribute("type")) || tag == "select" || tag == "textarea"
					if field && !labelled[id] {
						t.Errorf("no label for %s %s", tag, e.Attribute("name"))
					}
				}
			}
			for _, form := range doc.Find("form") {
				if action := form.Attribute("action"); form.Attribute("method") == "post" && !strings.HasPrefix(action, "/klarna/fake/") {
					t.Errorf("form goes to %q", action)
				}
			}
			at, _ := url.Parse(s.Fake.URL + "/fake/" + path)
			for _, a := range slices.Concat(doc.Find("a"), doc.Find("link"), doc.Find("script")) {
				to, err := at.Parse(a.Attribute("href") + a.Attribute("src"))
				if err != nil || to.Host != at.Host {
					continue
				}
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), nil)
				r.Header.Set("Accept", faketest.BrowserAccept)
				if got := faketest.Do(r); got.Status != 200 {
					t.Errorf("link %s: %d", to, got.Status)
				}
			}
		})
	}
}

func TestPagesPolicy(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	for _, path := range []string{"", "orders/" + s.ID, "orders/" + s.ID + "/checkout", "orders/x"} {
		got := s.Browse(http.MethodGet, path, nil, nil).Header
		policy := got.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "same-origin" || got.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// Nothing that a shop or a shopper sends is more than text on a page.
func TestPagesEscape(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "merchant_reference1", hostile, "merchant_data", hostile, "order_lines[0].name", hostile, "order_lines[0].reference", hostile,
		"merchant_urls.confirmation", "https://shop.example/thanks?"+url.QueryEscape(hostile), "billing_address.given_name", hostile))
	s.Send("POST", "/checkout/v3/orders/"+s.ID, faketest.Text(map[string]any{"merchant_reference1": hostile + "2"}))
	s.Send("POST", "/checkout/v3/orders", hostile)
	s.Send("POST", "/checkout/v3/"+url.PathEscape(hostile), "{}")
	s.Shopper(faketest.Action{Type: map[string]string{"city": hostile}})
	s.Fake.AddFault(faketest.Fault{Path: "/" + hostile, OrderID: hostile, Status: 500, Body: hostile})
	for _, path := range []string{"", "orders/" + s.ID, "requests", "faults", "orders/" + s.ID + "/checkout",
		"?q=" + url.QueryEscape(hostile) + "&country=" + url.QueryEscape(hostile), "orders/" + url.PathEscape(hostile)} {
		got := s.Browse(http.MethodGet, path, nil, nil)
		doc := faketest.Parse(t, string(got.Body))
		if images := doc.Find("img"); len(images) > 0 {
			t.Errorf("%s: an image", path)
		}
		if strings.HasSuffix(path, "/checkout") {
			continue // its scripts are those of the snippet; see TestCheckoutPage
		}
		if inline := doc.Inline(); len(inline) > 0 {
			t.Errorf("%s: inline %v", path, inline)
		}
	}
	refused := s.Browse(http.MethodPost, "clock", url.Values{"advance": {hostile}, "back": {hostile}}, nil)
	if inline := faketest.Parse(t, string(refused.Body)).Inline(); refused.Status != 422 || len(inline) > 0 {
		t.Errorf("a refused form: %d, inline %v", refused.Status, inline)
	}
}

func TestOrdersPage(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{MerchantName: "Skerry"})
	empty := s.Page("", 200)
	if got := empty.One(t, ".empty").Text(); got != "No orders yet. Start a checkout, or send the request below." {
		t.Errorf("text = %q", got)
	}
	if !strings.Contains(empty.One(t, ".tape").Text(), "moves no money") {
		t.Error("no tape")
	}
	// The request works as it is written.
	request := empty.One(t, "pre").Text()
	_, body, _ := strings.Cut(request, "-d '")
	if !strings.HasPrefix(request, "curl -u demo:demo "+s.Fake.URL+"/checkout/v3/orders ") {
		t.Errorf("request = %s", request)
	}
	if got := s.Send("POST", "/checkout/v3/orders", strings.TrimSuffix(body, "'")); got.Status != 201 {
		t.Errorf("the request is answered %d %s", got.Status, got.Body)
	}
	s.Fake.Reset()

	s.Start(faketest.With(faketest.CaseA(), "merchant_reference1", "SK-1"))
	first := s.ID
	s.Shopper(faketest.Action{Type: map[string]string{"email": "ada@example.com"}})
	if _, err := s.Fake.Shopper(first, faketest.Action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	second := s.Start(faketest.With(faketest.CaseA(), "purchase_country", "NO", "purchase_currency", "NOK", "locale", "nb-NO", "merchant_reference1", faketest.Gone{},
		"billing_address.email", "Bo@Example.com")).OrderID
	s.Fake.Advance(49 * time.Hour)
	third := s.Start(faketest.With(faketest.CaseA(), "merchant_reference1", faketest.Gone{}, "merchant_reference2", "two")).OrderID
	rows := func(query string) []string {
		t.Helper()
		var rows []string
		for _, row := range s.Page(query, 200).One(t, "main").Find("tr") {
			if row.Parent.Data == "tbody" {
				rows = append(rows, row.Words())
			}
		}
		return rows
	}
	c := third + " checkout_incomplete SE 447.00 SEK just now"
	b := second + " expired NO 447.00 NOK Bo@Example.com 49 h ago"
	a := first + " AUTHORIZED SE 447.00 SEK ada@example.com SK-1 49 h ago"
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{c, b, a}},
		{"?q=" + first[5:20], []string{a}},
		{"?q=ADA@", []string{a}},
		{"?q=bo@example", []string{b}},
		{"?q=sk-1", []string{a}},
		{"?q=two", []string{c}},
		{"?q=nobody", nil},
		{"?status=expired", []string{b}},
		{"?status=checkout_complete", []string{a}},
		{"?status=AUTHORIZED", []string{a}},
		{"?status=CAPTURED", nil},
		{"?country=no", []string{b}},
		{"?from=447", []string{c, b, a}},
		{"?from=447.01", nil},
		{"?to=447,00", []string{c, b, a}},
		{"?to=446.99", nil},
		{"?age=1h", []string{c}},
		{"?age=1h&country=NO", nil},
		{"?older=" + third, []string{b, a}},
		{"?older=" + first, nil},
	} {
		got := rows(tt.query)
		for i := range got {
			got[i] = strings.Replace(got[i], "1 s ago", "just now", 1)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.query, diff)
		}
	}
	if got := s.Page("", 200).One(t, ".bar").One(t, "b").Text(); got != "+49 h" {
		t.Errorf("offset = %q", got)
	}
	if got := s.Page("?q=nobody", 200).One(t, ".empty").Words(); got != "No order matches. Clear filters" {
		t.Errorf("without a match: %q", got)
	}
}

// Of many orders a page shows the newest hundred, and is quick.
func TestManyOrders(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	var ids []string
	for i := range 250 {
		ids = append(ids, s.Start(faketest.With(faketest.CaseA(), "merchant_reference1", fmt.Sprint(i%2))).OrderID)
	}
	slices.Reverse(ids)
	var got []string
	for path, pages := "?q=", 0; path != "" && pages < 5; pages++ {
		doc := s.Page(path, 200).One(t, "main")
		path = ""
		for _, row := range doc.Find("tr") {
			if id := row.Attribute("data-key"); id != "" {
				got = append(got, id)
			}
		}
		for _, a := range doc.Find("a") {
			if a.Text() == "Older" {
				path = a.Attribute("href")
			}
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("all pages together (-want +got):\n%s", diff)
	}
	doc := s.Page("?q=1&status=checkout_incomplete", 200)
	if n := len(doc.One(t, "tbody").Find("tr")); n != 100 {
		t.Errorf("%d rows, want 100", n)
	}
	for _, a := range doc.Find("a") {
		if a.Text() == "Older" && !strings.Contains(a.Attribute("href"), "status=checkout_incomplete") {
			t.Errorf("the filter is lost: %s", a.Attribute("href"))
		}
	}
}

// The stream says hello, says when something changed, and ends.
func TestLive(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*faketest.Shop)
	}{
		{"with the fake", func(s *faketest.Shop) { s.Fake.Close() }},
		{"with everything", func(s *faketest.Shop) { s.Fake.Reset() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := faketest.NewShop(t, fakeklarna.Options{})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Fake.URL+"/fake/live", nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("content type = %s", got)
			}
			lines := bufio.NewScanner(res.Body)
			next := func() string {
				for lines.Scan() {
					if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
						return data
					}
				}
				return "end"
			}
			if got := next(); got != "hello" {
				t.Errorf("first: %q", got)
			}
			s.Start(faketest.CaseA())
			if got := next(); got != "changed" {
				t.Errorf("after a call: %q", got)
			}
			tt.end(s)
			for range 5 { // what changed before may come first
				if next() == "end" {
					return
				}
			}
			t.Error("the stream goes on")
		})
	}
}

// Not everybody can watch: the connections are bounded.
func TestLiveIsBounded(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	watch := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Fake.URL+"/fake/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	var open []io.Closer
	for range 100 {
		res := watch()
		open = append(open, res.Body)
		if res.StatusCode != 200 {
			t.Fatalf("stream %d: %d", len(open), res.StatusCode)
		}
	}
	over := watch()
	over.Body.Close()
	if over.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one too many: %d", over.StatusCode)
	}
	for _, body := range open {
		body.Close()
	}
}
