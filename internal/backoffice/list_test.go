package backoffice_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
)

func TestListShowsOrders(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	if got := ada.Get("/admin/"); !strings.Contains(got.Text, "No orders yet. They appear here as they are placed.") {
		t.Errorf("empty list: %d %s", got.StatusCode, got.Text)
	}
	sale := o.sale(8)
	d := ada.look("/admin/orders")
	want := []string{"", sale.Number, sale.PlacedAt.UTC().Format("2 Jan 2006, 15:04"), "Testperson-se Approved", "SE · SEK", "Open", "1 718.00 SEK", "1 718.00"}
	if diff := cmp.Diff(want[1:], d.texts(".list tbody tr > *")[1:]); diff != "" {
		t.Error(diff)
	}
	if id, _ := d.Find(".list input[type=checkbox]").Attr("value"); id != sale.OrderID {
		t.Errorf("tick of %q, want %q", id, sale.OrderID)
	}
	if href, _ := d.Find(".list th a").Attr("href"); href != "/admin/orders/"+sale.Number {
		t.Errorf("link to %q", href)
	}
	if got := strings.Join(d.texts(".views a"), "|"); got != "All|To ship1|Expiring0|Withdrawn0|Flagged0|Being checked0|Rejected0" && got != "All|To ship 1|Expiring 0|Withdrawn 0|Flagged 0|Being checked 0|Rejected 0" {
		t.Errorf("the lists are %s", got)
	}
	// With which nothing can be done cannot be ticked.
	if _, err := o.Book.Management.Cancel(t.Context(), sale.OrderID, "b6e0a2f4-7a3c-4d0e-9f51-1a2b3c4d5e6f"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Book.Refresh(t.Context(), sale.OrderID); err != nil {
		t.Fatal(err)
	}
	d = ada.look("/admin/")
	if row := d.texts(".list tbody tr > *"); row[5] != "Cancelled" || row[7] != "" || d.Find(".list input[type=checkbox]").Length() > 0 {
		t.Errorf("row %q with %d boxes", row, d.Find(".list input[type=checkbox]").Length())
	}
}

// sealed is the address of a list in which nothing that was typed can be read.
var sealed = regexp.MustCompile(`^/admin/\?(q=~[A-Za-z0-9_-]{39,}&)?status=AUTHORIZED$`)

// A search is a form that is sent, so that no e-mail address is in an address, and comes
// back as one that can be kept.
func TestSearch(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	sale := o.sale(1, "email", "Mia.Ek@example.com", "family_name", "Lovelace")
	other := o.sale(2)
	for _, tt := range []struct {
		name, text string
		want       []string // numbers
	}{
		{"number", strings.ToLower(sale.Number), []string{sale.Number}},
		{"Klarna reference", sale.KlarnaReference, []string{sale.Number}},
		{"order ID", sale.OrderID, []string{sale.Number}},
		{"e-mail", "  mia.ek@EXAMPLE.com ", []string{sale.Number}},
		{"name, in part", "LOVEL", []string{sale.Number}},
		{"phone", "070-123 45 67", []string{other.Number, sale.Number}},
		{"amount", "824,00", []string{other.Number}},
		{"nothing of the kind", "zebra", nil},
		{"everything", "", []string{other.Number, sale.Number}},
		{"a pattern of Redis", "*", nil},
		{"markup", `"><script>alert(1)</script>`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ada.Submit("/admin/search", url.Values{"q": {tt.text}, "status": {"AUTHORIZED"}})
			location := got.Header.Get("Location")
			if got.StatusCode != http.StatusSeeOther || !sealed.MatchString(location) {
				t.Fatalf("%d to %q", got.StatusCode, location)
			}
			list := ada.look(location)
			if diff := cmp.Diff(tt.want, list.texts(".list th a")); diff != "" && (len(tt.want) > 0 || len(list.texts(".list th a")) > 0) {
				t.Error(diff)
			}
			if len(tt.want) == 0 && !strings.Contains(list.Text, "No orders match.") {
				t.Error("does not say that there is none")
			}
			if strings.Contains(list.Text, "<script>alert") {
				t.Error("markup is not escaped")
			}
		})
	}
	if log := strings.ToLower(o.Log.String()); strings.Contains(log, "mia.ek") {
		t.Error("the log has the address")
	}
}

func TestFilter(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	sale := o.sale(1)
	today := sale.PlacedAt.UTC().Format("2006-01-02")
	for _, tt := range []struct {
		name, query string
		found       bool
		chips       []string
	}{
		{"status", "status=AUTHORIZED", true, []string{"Status: Open"}},
		{"another status", "status=CAPTURED", false, []string{"Status: Captured"}},
		{"being checked", "risk=PENDING", false, []string{"Risk: Being checked"}},
		{"accepted", "risk=ACCEPTED", true, []string{"Risk: Accepted"}},
		{"to ship", "to_ship=1", true, []string{"Only: to ship"}},
		{"expiring", "expiring=1", false, []string{"Only: expiring"}},
		{"flagged", "flagged=1", false, []string{"Only: flagged"}},
		{"in another order", "sort=-amount", true, nil},
		{"country", "country=SE", true, []string{"Country: Sweden"}},
		{"another country", "country=NO", false, []string{"Country: Norway"}},
		{"the day", "from=" + today + "&to=" + today, true, []string{"From: " + sale.PlacedAt.UTC().Format("2 Jan 2006"), "To: " + sale.PlacedAt.UTC().Format("2 Jan 2006")}},
		{"long ago", "to=2020-01-01", false, []string{"To: 1 Jan 2020"}},
		{"empty members of the form", "status=&country=&from=&to=", true, nil},
		{"all at once", "q=" + sale.Number + "&status=AUTHORIZED&country=SE&from=" + today, true, []string{"Search: " + sale.Number, "Status: Open", "Country: Sweden", "From: " + sale.PlacedAt.UTC().Format("2 Jan 2006")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := ada.look("/admin/?" + tt.query)
			if found := slices.Contains(d.texts(".list th a"), sale.Number); found != tt.found {
				t.Errorf("found %v, want %v", found, tt.found)
			}
			var chips []string
			for _, text := range d.texts(".chips li a:not(.clear)") {
				chips = append(chips, strings.TrimPrefix(text, "Remove the filter "))
			}
			if diff := cmp.Diff(tt.chips, chips); diff != "" {
				t.Error(diff)
			}
			// Without its chip a filter is as if it had not been set.
			d.Find(".chips li a:not(.clear)").Each(func(i int, chip *goquery.Selection) {
				href, _ := chip.Attr("href")
				left := ada.look(href).texts(".chips li a:not(.clear)")
				if len(left) != len(tt.chips)-1 || slices.Contains(left, "Remove the filter "+tt.chips[i]) {
					t.Errorf("without %q: %q", tt.chips[i], left)
				}
			})
		})
	}
}

func TestBadList(t *testing.T) {
	o := newOffice(t)
	o.sale(1)
	ada := o.clerk("ada")
	for name, query := range map[string]string{
		"status": "status=OPEN", "risk": "risk=HIGH", "to ship": "to_ship=yes", "expiring": "expiring=2", "flagged": "flagged=oversold", "order": "sort=number",
		"cursor of another order": "sort=amount&page=n1760000000000:a", "search of another shop": "q=~c2VhbGVk", "search that is not sealed": "q=~%25", "country": "country=XX", "day": "from=yesterday", "day that is none": "to=2026-02-30",
		"cursor": "page=1", "cursor with more": "page=" + url.QueryEscape("n0000000000000:\x00"), "long text": "q=" + strings.Repeat("x", 400),
	} {
		if got := ada.Get("/admin/?" + query); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.Text, "cannot be understood") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	for name, form := range map[string]url.Values{"long text": {"q": {strings.Repeat("x", 400)}}, "status": {"status": {"OPEN"}}} {
		if got := ada.Submit("/admin/search", form); got.StatusCode != http.StatusBadRequest {
			t.Errorf("search, %s: %d", name, got.StatusCode)
		}
	}
}

// A list is in the order that was asked for, on the page and in what its pages lead to; its
// files have the same orders.
func TestSorted(t *testing.T) {
	o := newOffice(t)
	ada := o.clerk("ada")
	small, large, middle := o.sale(1), o.sale(8), o.sale(2)
	o.do(large.OrderID, order.Command{Action: aftersale.Cancel.Name})
	for query, want := range map[string][]string{
		"": {middle.Number, large.Number, small.Number}, "sort=placed": {small.Number, large.Number, middle.Number},
		"sort=-amount": {large.Number, middle.Number, small.Number}, "sort=amount": {small.Number, middle.Number, large.Number},
		"sort=status": {small.Number, middle.Number, large.Number}, "sort=-status": {large.Number, middle.Number, small.Number},
		"sort=-amount&to_ship=1": {middle.Number, small.Number},
	} {
		d := ada.look("/admin/?" + query)
		if diff := cmp.Diff(want, d.texts(".list th a")); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		file, _ := d.Find(".pager p a").First().Attr("href")
		got := ada.Get(file).Text
		for _, s := range []order.Order{small, large, middle} {
			if strings.Contains(got, s.Number) != slices.Contains(want, s.Number) {
				t.Errorf("%s: the file has %s: %v", query, s.Number, !slices.Contains(want, s.Number))
			}
		}
	}
}

// Newer and Older lead through all orders and back, with the filter kept.
func TestPages(t *testing.T) {
	o := newAgreeing(t)
	ada := o.clerk("ada")
	for range order.DefaultLimit + 5 {
		o.sale(1)
	}
	first := ada.look("/admin/?country=SE")
	older, _ := first.Find(".pager a[rel=next]").Attr("href")
	second := ada.look(older)
	newer, _ := second.Find(".pager a[rel=prev]").Attr("href")
	if !strings.Contains(older, "country=SE") || !strings.Contains(newer, "country=SE") {
		t.Errorf("the filter is lost: %q, %q", older, newer)
	}
	a, b := first.texts(".list th a"), second.texts(".list th a")
	if len(a) != order.DefaultLimit || len(b) != 5 || slices.ContainsFunc(b, func(n string) bool { return slices.Contains(a, n) }) {
		t.Errorf("%d and %d orders", len(a), len(b))
	}
	if diff := cmp.Diff(a, ada.look(newer).texts(".list th a")); diff != "" {
		t.Error(diff)
	}
	if first.Find(".pager a[rel=prev]").Length()+second.Find(".pager a[rel=next]").Length() > 0 {
		t.Error("a page beyond the end")
	}
	if text := first.texts(".pager p"); !strings.HasPrefix(text[0], "55 orders.") {
		t.Errorf("found %q", text)
	}
}
