package storefront_test

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// campaignShop is the demo's shop with other campaigns, whose clock can be set.
func campaignShop(t testing.TB, campaigns ...*campaign.Campaign) (s *shopWorld, clock *atomic.Int64) {
	t.Helper()
	own := *skerry.Version().Shop
	own.Campaigns = campaigns
	version := publish.NewVersion(1, &own, skerry.Version().Catalog)
	s = &shopWorld{shoptest.Serve(t, shoptest.Options{Version: version, Config: func(c *shop.Config) {
		c.Published = publish.Fixed(version)
	}})}
	clock = &atomic.Int64{}
	clock.Store(time.Now().Unix())
	s.Pricer.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	return s, clock
}

var spaces = regexp.MustCompile(`\s+`)

// sumsOf are the rows of the sums on a page, "Varor 407,00 kr".
func sumsOf(t *testing.T, page shoptest.Answer) (rows []string) {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page.Text))
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatal(page.StatusCode, err)
	}
	doc.Find(`dl.tot > div`).Each(func(_ int, row *goquery.Selection) {
		rows = append(rows, strings.TrimSpace(spaces.ReplaceAllString(strings.ReplaceAll(row.Find("dt").Text()+" "+row.Find("dd").Text(), "\u00a0", " "), " ")))
	})
	return rows
}

// Cart, checkout, confirmation and the order's page name each campaign with its sum, free
// delivery too; slip and back office as well.
func TestCampaignsAreNamed(t *testing.T) {
	t.Parallel()
	s, _ := campaignShop(t,
		&campaign.Campaign{ID: "jam", Buy: 2, Pay: 1, SKUs: []string{"JAM-1"}},
		&campaign.Campaign{ID: "frakt", Code: "FRAKT", FreeDelivery: []string{"mailboat"}},
	)
	b := s.browser()
	b.Add("MUG-1", "1")
	b.Add("JAM-1", "3")
	b.Post("/cart/discount", "code", " frakt ")
	want := []string{"Varor 536 kr", "2 för 1 −129 kr", "Frakt Postbåten, 3 till 5 dagar 49 kr", "Rabatt FRAKT −49 kr", "Totalt 407 kr"}
	check := func(where string, page shoptest.Answer) {
		t.Helper()
		got := sumsOf(t, page)
		if len(got) > 0 {
			got = got[:len(got)-1] // VAT
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", where, diff)
		}
	}
	page := b.Get("/cart")
	check("cart", page)
	says(t, page, "FRAKT: fri leverans.")
	check("checkout", b.Get("/checkout"))
	order := b.open(s)
	if order.OrderAmount != 40700 || len(order.OrderLines) != 4 {
		t.Errorf("Klarna has %d: %+v", order.OrderAmount, order.OrderLines)
	}
	to := s.buyAs(order.OrderID, map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lind", "street_address": "Hamngatan 1", "postal_code": "11147", "city": "Stockholm"})
	confirmation := b.Get(strings.TrimPrefix(to, s.URL))
	check("confirmation", confirmation)
	link := orderLink.FindStringSubmatch(confirmation.Text)
	if link == nil {
		t.Fatal("no link to the order")
	}
	check("order page", s.browser().Get(html.UnescapeString(link[1])))
	o := s.placed(order.OrderID)
	staff := s.Staff("ada")
	for _, path := range []string{"/admin/orders/" + o.Number, "/admin/orders/" + o.Number + "/packing-slip"} {
		page := html.UnescapeString(staff.Get(path).Text)
		for _, text := range []string{"<dt>2 för 1</dt> <dd>−129.00\u00a0SEK</dd>", "<dt>Rabatt FRAKT</dt> <dd>−49.00\u00a0SEK</dd>"} {
			if !strings.Contains(strings.ReplaceAll(page, "</dt><dd>", "</dt> <dd>"), text) {
				t.Errorf("%s does not say %q", path, text)
			}
		}
	}
}

// A campaign ends, and another begins, while somebody pays: nothing is bought at the old
// price, the page says what has changed with the new total, and that can be bought.
func TestCampaignChangesWhilePaying(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	s, clock := campaignShop(t,
		&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Until: end},
		&campaign.Campaign{ID: "tomorrow", Percent: 2000, From: end, Categories: []string{"kitchen"}},
	)
	b := s.browser()
	b.Add("MUG-1", "1")
	b.Post("/cart/discount", "code", "FEW")
	order := b.open(s)
	typed := map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lind", "street_address": "Hamngatan 1", "postal_code": "11147", "city": "Stockholm", "phone": "+46701740615"}
	if _, err := s.Fake.Shopper(order.OrderID, fakeklarna.Action{Type: typed}); err != nil {
		t.Fatal(err)
	}
	press := func() (refused bool) {
		t.Helper()
		out, err := s.Fake.Shopper(order.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Refused != nil
	}
	if page := b.Get("/checkout"); strings.Contains(page.Text, "data-note=\"campaign-") {
		t.Error("the page says that something changed before it did")
	}
	clock.Store(end.Unix())
	if !press() {
		t.Fatal("it was bought by a campaign that is over")
	}
	page := b.Get("/checkout?reason=cart_changed")
	says(t, page, "Dras inte längre av: Rabatt FEW.")
	says(t, page, "Nu dras av: 20\u00a0% rabatt.")
	says(t, page, "Summan är nu 168,20\u00a0kr.")
	says(t, page, "Koden FEW har gått ut.")
	if press() {
		t.Fatal("refused at the new price")
	}
	if got := s.Fake.Orders(); !slices.ContainsFunc(got, func(o fakeklarna.Order) bool { return o.OrderAmount == 16820 }) {
		t.Error("nobody paid 168.20")
	}
}

// The last use goes to who presses first; the other is told, and buys without it.
func TestLastUse(t *testing.T) {
	t.Parallel()
	s, _ := campaignShop(t, &campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Uses: 1})
	typed := map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lind", "street_address": "Hamngatan 1", "postal_code": "11147", "city": "Stockholm", "phone": "+46701740615"}
	shown := regexp.MustCompile(`"order_id":"([\w-]+)"`)
	shopper := func() (*browser, func() (refused bool)) {
		b := s.browser()
		b.Add("MUG-1", "1")
		b.Post("/cart/discount", "code", "FEW")
		return b, func() bool {
			t.Helper()
			id := shown.FindStringSubmatch(b.Get("/checkout").Text)
			if id == nil {
				t.Fatal("no order")
			}
			out, err := s.Fake.Shopper(id[1], fakeklarna.Action{Type: typed, Buy: &fakeklarna.Buy{}})
			if err != nil {
				t.Fatal(err)
			}
			return out.Refused != nil
		}
	}
	_, first := shopper()
	late, second := shopper()
	if first() {
		t.Fatal("the first is refused")
	}
	if !second() {
		t.Fatal("both had the one use")
	}
	says(t, late.Get("/cart"), "Koden FEW är slut.")
	says(t, late.Get("/cart"), "Dras inte längre av: Rabatt FEW.")
	if c := late.cart(); c.TotalAmount != 19800 || c.DiscountProblem.Code != "used_up" {
		t.Errorf("the cart is %+v", c)
	}
	if second() {
		t.Fatal("refused without it")
	}
	s.Levels("campaign:few", 1, 1, 0)
}
