package storefront_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// after is an order that was bought, and its page, as its buyer in Sweden sees it.
type after struct {
	*shopWorld
	b     *browser
	order order.Order
}

func bought(t *testing.T) *after {
	t.Helper()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "3")
	b.Add("JAM-1", "1")
	o := b.open(s)
	b.Get(s.buy(o.OrderID))
	return &after{s, b, s.placed(o.OrderID)}
}

// page loads the order page, a minute later if need be.
func (a *after) page(later bool) *goquery.Document {
	a.T.Helper()
	if later {
		if err := a.Redis.Client().Del(a.T.Context(), "shopd:order_fresh:{"+a.order.OrderID+"}").Err(); err != nil {
			a.T.Fatal(err)
		}
	}
	got := a.b.Get("/orders/" + a.order.Number + "?key=" + a.order.Key)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
	if err != nil || got.StatusCode != http.StatusOK {
		a.T.Fatalf("got %d, %v", got.StatusCode, err)
	}
	return doc
}

// line is one of the order's, with a quantity of it.
func (a *after) line(sku string, quantity int64) klarna.OrderLine {
	a.T.Helper()
	for _, line := range a.order.OrderLines {
		if line.Reference == sku {
			parts, _, err := order.Take([]klarna.OrderLine{line}, []int64{quantity})
			if err != nil {
				a.T.Fatal(err)
			}
			return parts[0]
		}
	}
	a.T.Fatalf("no line %s", sku)
	return klarna.OrderLine{}
}

// reads is how often Klarna answered about the order.
func (a *after) reads() (n int) {
	for _, r := range a.Fake.Requests(a.order.OrderID) {
		if r.Status == http.StatusOK && strings.HasPrefix(r.Path, "/ordermanagement/") && r.Method == http.MethodGet {
			n++
		}
	}
	return n
}

func (a *after) must(_ any, err error) {
	a.T.Helper()
	if err != nil {
		a.T.Fatal(err)
	}
}

func texts(doc *goquery.Document, selector string) []string {
	return doc.Find(selector).Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
}

// What staff did with an order, in our back office or at Klarna, is on its
// page: what was sent, where the parcels are, what is still to come, what was
// refunded, changed and given up.
func TestOrderPageAfterTheSale(t *testing.T) {
	t.Parallel()
	a := bought(t)
	management, ctx, id := a.Book.Management, t.Context(), a.order.OrderID
	today := i18n.Date("sv", a.Fake.Now().UTC())
	expect := func(name string, doc *goquery.Document, want map[string][]string) {
		t.Helper()
		got := map[string][]string{}
		for selector := range want {
			got[selector] = texts(doc, selector)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	expect("bought", a.page(false), map[string][]string{"#state": {"Mottagen"}, "[data-part=sent], [data-part=to-come], [data-part=refunds]": {}, "[data-parcel]": {}})

	two := a.line("MUG-1", 2)
	_, _, err := management.Capture(ctx, id, ordermanagement.CaptureRequest{
		CapturedAmount: two.TotalAmount, OrderLines: []klarna.OrderLine{two}, Description: "Första paketet",
		ShippingInfo: []ordermanagement.ShippingInfo{
			{ShippingCompany: "PostNord", TrackingNumber: "SE 1", TrackingURI: "https://track.example/?id=SE+1", ReturnTrackingNumber: "R 1"},
			{ShippingCompany: "Mallory", TrackingNumber: "2", TrackingURI: "javascript://evil.example/%0aalert(1)"},
		},
	}, uuid.NewString())
	a.must(nil, err)
	expect("within the minute", a.page(false), map[string][]string{"#state": {"Mottagen"}})
	doc := a.page(true)
	expect("a part is sent", doc, map[string][]string{
		"#state": {"Delvis skickad"}, "[data-part=sent] h2": {"Skickat " + today}, "[data-part=sent] .goods li": {"2 × Emaljmugg, 35 cl"},
		"[data-part=sent] > p": {"Första paketet", "Debiterat: 298 kr"}, "[data-part=to-come] li": {"1 × Emaljmugg, 35 cl", "1 × Hjortronsylt, 210 g"},
		"[data-parcel] b": {"Paket, PostNord", "Returpaket", "Paket, Mallory"}, "[data-parcel] a": {"Spåra SE 1"}, "[data-parcel] .onum": {"R 1", "2"},
	})
	link := doc.Find("[data-parcel] a")
	if link.AttrOr("href", "") != "https://track.example/?id=SE+1" || link.AttrOr("rel", "") != "noopener noreferrer" || doc.Find(`[href^="javascript"]`).Length() != 0 {
		t.Error("the link to the parcel is not what it should be")
	}

	one := a.line("MUG-1", 1)
	_, _, err = management.Refund(ctx, id, ordermanagement.RefundRequest{
		RefundedAmount: one.TotalAmount, OrderLines: []klarna.OrderLine{one}, Description: "Trasig",
	}, uuid.NewString())
	a.must(nil, err)
	doc = a.page(true)
	expect("refunded", doc, map[string][]string{"#state": {"Delvis skickad"}, "[data-part=refunds] li b": {"149 kr, " + today}, "[data-part=refunds] .goods li": {"1 × Emaljmugg, 35 cl"}})
	if !strings.Contains(doc.Find("[data-part=refunds]").Text(), "Trasig") {
		t.Error("the refund's description is missing")
	}
	a.must(management.Release(ctx, id, uuid.NewString()))
	rest := a.order.OrderAmount - two.TotalAmount
	doc = a.page(true)
	expect("released", doc, map[string][]string{"#state": {"Skickad"}, "[data-part=to-come]": {}})
	if want := i18n.T("sv", "orderpage.released", money.Format(rest, "SEK", "sv-SE")); !strings.Contains(doc.Find(".op").Text(), want) {
		t.Errorf("the page does not say %q", want)
	}
	_, _, err = management.Refund(ctx, id, ordermanagement.RefundRequest{RefundedAmount: one.TotalAmount}, uuid.NewString())
	a.must(nil, err)
	expect("all refunded", a.page(true), map[string][]string{"#state": {"Återbetald"}})
}

// Staff change lines; the page shows them with the new total, and what it was.
func TestOrderPageChangedLines(t *testing.T) {
	t.Parallel()
	a := bought(t)
	lines := append([]klarna.OrderLine(nil), a.order.OrderLines...)
	lines[0] = a.line("MUG-1", 1)
	less := a.order.OrderAmount - 2*lines[0].UnitPrice
	outcome, err := a.Desk.Do(t.Context(), a.order.OrderID, order.Command{
		Key: uuid.NewString(), Action: aftersale.Lines.Name, Revision: a.order.Revision, Staff: "mia", At: time.Now(), Amount: less, OrderLines: lines,
	})
	if err != nil || outcome.Result != order.Done {
		t.Fatalf("change the lines: %+v, %v", outcome, err)
	}
	doc := a.page(false)
	was, is := money.Format(a.order.OrderAmount, "SEK", "sv-SE"), money.Format(less, "SEK", "sv-SE")
	if want := i18n.T("sv", "orderpage.changed", was, is); !strings.Contains(doc.Find(".op").Text(), want) {
		t.Errorf("the page does not say %q", want)
	}
	if got := texts(doc, ".sum .line .small"); len(got) != 2 || got[0] != "1 × 149 kr" || texts(doc, "[data-total]")[0] != strings.ReplaceAll(is, "\u00a0", " ") {
		t.Errorf("lines %v, total %v", got, texts(doc, "[data-total]"))
	}
	a.must(a.Book.Management.Cancel(t.Context(), a.order.OrderID, uuid.NewString()))
	doc = a.page(true)
	if got := texts(doc, "#state"); got[0] != "Annullerad" || strings.Contains(doc.Find(".op").Text(), was) {
		t.Errorf("cancelled: %v", got)
	}
}

// While Klarna is away the page shows what the book has, in time and without asking again and again.
func TestOrderPageWithoutKlarna(t *testing.T) {
	t.Parallel()
	a := bought(t)
	a.page(false)
	for name, fault := range map[string]fakeklarna.Fault{"500": {Status: 500}, "silent": {Delay: fakeklarna.Duration(time.Minute)}, "reset": {Reset: true}} {
		fault.Count = 99
		a.Fake.ClearFaults()
		a.Fake.AddFault(fault)
		if got := texts(a.page(true), "#state"); got[0] != "Mottagen" {
			t.Errorf("%s: %v", name, got)
		}
	}
	a.Fake.ClearFaults()
	a.page(true)
	before := a.reads()
	for range 5 {
		a.page(false)
	}
	if got := a.reads() - before; got != 0 {
		t.Errorf("%d calls within a minute", got)
	}
	a.Redis.Stop()
	if got := a.b.Get("/orders/" + a.order.Number + "?key=" + a.order.Key); got.StatusCode != http.StatusServiceUnavailable && got.StatusCode != http.StatusInternalServerError {
		t.Errorf("Redis away: got %d", got.StatusCode)
	}
}

// What was captured as an amount is not said to come: nobody knows what it was for.
func TestOrderPageOfAnAmount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		capture func(a *after) ordermanagement.CaptureRequest
		toCome  []string
	}{
		{"an amount", func(*after) ordermanagement.CaptureRequest {
			return ordermanagement.CaptureRequest{CapturedAmount: 20000}
		}, []string{}},
		{"the price of a line", func(*after) ordermanagement.CaptureRequest {
			return ordermanagement.CaptureRequest{CapturedAmount: 8900}
		}, []string{}},
		{"a line", func(a *after) ordermanagement.CaptureRequest {
			line := a.line("JAM-1", 1)
			return ordermanagement.CaptureRequest{CapturedAmount: line.TotalAmount, OrderLines: []klarna.OrderLine{line}}
		}, []string{"3 × Emaljmugg, 35 cl"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := bought(t)
			request := tc.capture(a)
			_, _, err := a.Book.Management.Capture(t.Context(), a.order.OrderID, request, uuid.NewString())
			a.must(nil, err)
			doc := a.page(true)
			if diff := cmp.Diff(tc.toCome, texts(doc, "[data-part=to-come] li")); diff != "" {
				t.Errorf("still to come: %s", diff)
			}
			if got := texts(doc, "#state"); len(got) != 1 || got[0] != "Delvis skickad" {
				t.Errorf("the state is %q", got)
			}
		})
	}
}
