package fakeklarna_test

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
)

// What an address answers depends on what is asked for; curl gets JSON.
func TestPagesNegotiate(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	paths := []string{"orders", "orders/" + s.id, "requests", "faults", "clock"}
	for _, tt := range []struct {
		name, accept, query string
		html                bool
	}{
		{"browser", browserAccept, "", true},
		{"only HTML", "text/html", "", true},
		{"HTML as good as JSON", "application/json, text/html", "", true},
		{"curl", "*/*", "", false},
		{"nothing said", "", "", false},
		{"fetch for JSON", "application/json", "", false},
		{"JSON rather than HTML", "text/html;q=0.5, application/json", "", false},
		{"HTML refused", "text/html;q=0, */*", "", false},
		{"malformed", "text/html;q=x, ;;", "", false},
		{"browser that says so", browserAccept, "?format=json", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range paths {
				got := s.browse(http.MethodGet, path+tt.query, nil, map[string]string{"Accept": tt.accept})
				if html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); got.status != 200 || html != tt.html {
					t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
				}
				if got.header.Get("Vary") != "Accept" {
					t.Errorf("%s: Vary = %q", path, got.header.Get("Vary"))
				}
			}
		})
	}
	if got := s.browse(http.MethodGet, "", nil, map[string]string{"Accept": "*/*"}); !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		t.Errorf("/fake/ is a page for everybody, got %s", got.header.Get("Content-Type"))
	}
	s.page("orders/x", 404)
	s.page("sessions/x", 404)
	s.page("no/such/page", 404)
}

// Every page is sound: one h1, a label for each field, no inline script or
// style, and each of its links leads somewhere.
func TestPagesAreSound(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(with(caseA(), "shipping_options", []any{map[string]any{"id": "express", "name": "Express", "price": 100, "tax_amount": 20, "tax_rate": 2500}}))
	s.fake.AddFault(fault{OrderID: s.id, Status: 500})
	for _, path := range []string{"", "orders/" + s.id, "requests", "sessions", "faults", "clock", "reset"} {
		t.Run("/"+path, func(t *testing.T) {
			doc := s.page(path, 200)
			doc.one(t, "h1")
			doc.one(t, "main")
			if inline := doc.inline(); len(inline) > 0 {
				t.Errorf("inline: %v", inline)
			}
			labelled := map[string]bool{}
			for _, label := range doc.find("label") {
				labelled[label.attr("for")] = true
			}
			ids := map[string]bool{}
			for _, tag := range []string{"input", "select", "textarea", "button", "section", "div", "time", "dialog", "h2"} {
				for _, e := range doc.find(tag) {
					id := e.attr("id")
					if id != "" && ids[id] {
						t.Errorf("two elements have the ID %s", id)
					}
					ids[id] = true
					field := tag == "input" && !slices.Contains([]string{"hidden", "radio", "checkbox"}, e.attr("type")) || tag == "select" || tag == "textarea"
					if field && !labelled[id] {
						t.Errorf("no label for %s %s", tag, e.attr("name"))
					}
				}
			}
			for _, form := range doc.find("form") {
				if action := form.attr("action"); form.attr("method") == "post" && !strings.HasPrefix(action, "/klarna/fake/") {
					t.Errorf("form goes to %q", action)
				}
			}
			at, _ := url.Parse(s.fake.URL + "/fake/" + path)
			for _, a := range slices.Concat(doc.find("a"), doc.find("link"), doc.find("script")) {
				to, err := at.Parse(a.attr("href") + a.attr("src"))
				if err != nil || to.Host != at.Host {
					continue
				}
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), nil)
				r.Header.Set("Accept", browserAccept)
				if got := do(r); got.status != 200 {
					t.Errorf("link %s: %d", to, got.status)
				}
			}
		})
	}
}

func TestPagesPolicy(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	for _, path := range []string{"", "orders/" + s.id, "orders/" + s.id + "/checkout", "orders/x"} {
		got := s.browse(http.MethodGet, path, nil, nil).header
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
	s := newShop(t, fakeklarna.Options{})
	s.start(with(caseA(), "merchant_reference1", hostile, "merchant_data", hostile, "order_lines[0].name", hostile, "order_lines[0].reference", hostile,
		"merchant_urls.confirmation", "https://shop.example/thanks?"+url.QueryEscape(hostile), "billing_address.given_name", hostile))
	s.send("POST", "/checkout/v3/orders/"+s.id, text(map[string]any{"merchant_reference1": hostile + "2"}))
	s.send("POST", "/checkout/v3/orders", hostile)
	s.send("POST", "/checkout/v3/"+url.PathEscape(hostile), "{}")
	s.shopper(action{Type: map[string]string{"city": hostile}})
	s.fake.AddFault(fault{Path: "/" + hostile, OrderID: hostile, Status: 500, Method: hostile})
	for _, path := range []string{"", "orders/" + s.id, "requests", "faults", "orders/" + s.id + "/checkout",
		"?q=" + url.QueryEscape(hostile) + "&country=" + url.QueryEscape(hostile), "orders/" + url.PathEscape(hostile)} {
		got := s.browse(http.MethodGet, path, nil, nil)
		doc := parse(t, string(got.body))
		if images := doc.find("img"); len(images) > 0 {
			t.Errorf("%s: an image", path)
		}
		if strings.HasSuffix(path, "/checkout") {
			continue // its scripts are those of the snippet; see TestCheckoutPage
		}
		if inline := doc.inline(); len(inline) > 0 {
			t.Errorf("%s: inline %v", path, inline)
		}
	}
	refused := s.browse(http.MethodPost, "clock", url.Values{"advance": {hostile}, "back": {hostile}}, nil)
	if inline := parse(t, string(refused.body)).inline(); refused.status != 422 || len(inline) > 0 {
		t.Errorf("a refused form: %d, inline %v", refused.status, inline)
	}
}

func TestOrdersPage(t *testing.T) {
	s := newShop(t, fakeklarna.Options{MerchantName: "Skerry"})
	empty := s.page("", 200)
	if got := empty.one(t, ".empty").text(); got != "No orders yet. Start a checkout, or send the request below." {
		t.Errorf("text = %q", got)
	}
	if !strings.Contains(empty.one(t, ".tape").text(), "moves no money") {
		t.Error("no tape")
	}
	// The request works as it is written.
	request := empty.one(t, "pre").text()
	_, body, _ := strings.Cut(request, "-d '")
	if !strings.HasPrefix(request, "curl -u demo:demo "+s.fake.URL+"/checkout/v3/orders ") {
		t.Errorf("request = %s", request)
	}
	if got := s.send("POST", "/checkout/v3/orders", strings.TrimSuffix(body, "'")); got.status != 201 {
		t.Errorf("the request is answered %d %s", got.status, got.body)
	}
	s.fake.Reset()

	s.start(with(caseA(), "merchant_reference1", "SK-1"))
	first := s.id
	s.shopper(action{Type: map[string]string{"email": "ada@example.com"}})
	if _, err := s.fake.Shopper(first, action{Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	second := s.start(with(caseA(), "purchase_country", "NO", "purchase_currency", "NOK", "locale", "nb-NO", "merchant_reference1", gone{},
		"billing_address.email", "Bo@Example.com")).OrderID
	s.fake.Advance(49 * time.Hour)
	third := s.start(with(caseA(), "merchant_reference1", gone{}, "merchant_reference2", "two")).OrderID
	rows := func(query string) []string {
		t.Helper()
		var rows []string
		for _, row := range s.page(query, 200).one(t, "main").find("tr") {
			if row.Parent.Data == "tbody" {
				rows = append(rows, row.words())
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
	if got := s.page("", 200).one(t, ".bar").one(t, "b").text(); got != "+49 h" {
		t.Errorf("offset = %q", got)
	}
	if got := s.page("?q=nobody", 200).one(t, ".empty").words(); got != "No order matches. Clear filters" {
		t.Errorf("without a match: %q", got)
	}
}

// Of many orders a page shows the newest hundred, and is quick.
func TestManyOrders(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	var ids []string
	for i := range 250 {
		ids = append(ids, s.start(with(caseA(), "merchant_reference1", fmt.Sprint(i%2))).OrderID)
	}
	slices.Reverse(ids)
	var got []string
	for path, pages := "?q=", 0; path != "" && pages < 5; pages++ {
		doc := s.page(path, 200).one(t, "main")
		path = ""
		for _, row := range doc.find("tr") {
			if id := row.attr("data-key"); id != "" {
				got = append(got, id)
			}
		}
		for _, a := range doc.find("a") {
			if a.text() == "Older" {
				path = a.attr("href")
			}
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("all pages together (-want +got):\n%s", diff)
	}
	doc := s.page("?q=1&status=checkout_incomplete", 200)
	if n := len(doc.one(t, "tbody").find("tr")); n != 100 {
		t.Errorf("%d rows, want 100", n)
	}
	for _, a := range doc.find("a") {
		if a.text() == "Older" && !strings.Contains(a.attr("href"), "status=checkout_incomplete") {
			t.Errorf("the filter is lost: %s", a.attr("href"))
		}
	}
}

// The stream says hello, says when something changed, and ends.
func TestLive(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*shop)
	}{
		{"with the fake", func(s *shop) { s.fake.Close() }},
		{"with everything", func(s *shop) { s.fake.Reset() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t, fakeklarna.Options{})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.fake.URL+"/fake/live", nil)
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
			s.start(caseA())
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
	s := newShop(t, fakeklarna.Options{})
	watch := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.fake.URL+"/fake/live", nil)
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
