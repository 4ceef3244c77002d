package storefront_test

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// sells makes a shop sell products in these currencies. A product is "SKU", "SKU none" for
// a voucher, or "SKU class price".
func sells(t testing.TB, currencies string, products ...string) func(*shop.Config) {
	t.Helper()
	return sellsFor(t, currencies, campaign.List{{ID: "all", Code: "ALL", Percent: 10000}, {ID: "ten", Code: "TEN", Percent: 1000}}, products...)
}

func sellsFor(t testing.TB, currencies string, campaigns campaign.List, products ...string) func(*shop.Config) {
	t.Helper()
	var list []string
	for _, product := range products {
		fields := strings.Fields(product)
		fields = append(fields, []string{"", "standard", "10000"}[len(fields):]...)
		var prices []string
		for currency := range strings.FieldsSeq(currencies) {
			prices = append(prices, fmt.Sprintf("%q: %s", currency, fields[2]))
		}
		list = append(list, fmt.Sprintf(`{"sku": %q, "category": "things", "name": {"en": "Thing %s", "sv": "Sak %s"}, "tax_class": %q, "stock": 100, "prices": {%s}}`,
			fields[0], fields[0], fields[0], fields[1], strings.Join(prices, ", ")))
	}
	file := fmt.Sprintf(`{"currencies": ["%s"], "products": [%s]}`, strings.Join(strings.Fields(currencies), `", "`), strings.Join(list, ", "))
	goods, err := catalog.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *shop.Config) {
		review(c)
		own := *skerry.Version().Shop
		own.Campaigns = campaigns
		c.Published = publish.Fixed(publish.NewVersion(1, &own, goods))
	}
}

// becomes opens the shop of later: the same shop and browser, with another catalogue.
func (s *shopWorld) becomes(b *browser, change func(*shop.Config)) *browser {
	s.T.Helper()
	_, url := s.Listen(change)
	later := &browser{*s.BrowserAt(url)}
	later.Client.Jar = sameSession{b.Client.Jar, s.URL}
	return later
}

// cartPage is the cart's page.
func (b *browser) cartPage() *goquery.Document {
	b.T.Helper()
	page := b.Get("/cart")
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(page.Text))
	if err != nil || page.StatusCode != http.StatusOK {
		b.T.Fatal(page.StatusCode, err)
	}
	return doc
}

func words(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

// What is withdrawn is named as it was called last, counted nowhere and can be removed; who
// has nothing else is told so, and is led in no circle.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: sells(t, "SEK", "OLD-1", "OLD-2", "MUG-9")})}
	for _, tc := range []struct {
		name  string
		cart  []string // SKU and quantity
		left  []string // what is sold later
		gone  []string // SKUs
		items int
		total int64
	}{
		{"all of it", []string{"OLD-1", "2"}, []string{"MUG-9"}, []string{"OLD-1"}, 0, 0},
		{"all of two", []string{"OLD-1", "2", "OLD-2", "1"}, []string{"MUG-9"}, []string{"OLD-1", "OLD-2"}, 0, 0},
		{"some of it", []string{"OLD-1", "2", "MUG-9", "3"}, []string{"MUG-9"}, []string{"OLD-1"}, 3, 34900},
		{"the last line", []string{"MUG-9", "1", "OLD-2", "99"}, []string{"MUG-9", "OLD-1"}, []string{"OLD-2"}, 1, 14900},
		{"nothing", []string{"MUG-9", "1"}, []string{"MUG-9"}, nil, 1, 14900},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.browser()
			for i := 0; i < len(tc.cart); i += 2 {
				b.Add(tc.cart[i], tc.cart[i+1])
			}
			later := s.becomes(b, sells(t, "SEK", tc.left...))
			c := later.cart()
			var gone []string
			for _, line := range c.Unavailable {
				gone = append(gone, line.SKU)
				if line.Name != "Sak "+line.SKU {
					t.Errorf("%s is called %q", line.SKU, line.Name)
				}
			}
			if !slices.Equal(gone, tc.gone) || c.TotalAmount != tc.total || len(c.Lines) != len(tc.cart)/2-len(tc.gone) {
				t.Errorf("the cart is %+v", c)
			}
			doc := later.cartPage()
			if got := words(doc.Find("#summary .muted")); tc.items > 0 && !strings.HasPrefix(got, fmt.Sprint(tc.items)+" ") {
				t.Errorf("the summary counts %q, want %d", got, tc.items)
			}
			if got := words(doc.Find("[data-cart-count]")); got != "" && got != fmt.Sprint(tc.items) {
				t.Errorf("the head counts %q, want %d", got, tc.items)
			}
			for _, sku := range tc.gone {
				note := doc.Find("[data-note=gone-" + sku + "]")
				line := doc.Find("li[data-sku=" + sku + "]")
				if got := words(note); !strings.HasPrefix(got, "Säljs inte längre: Sak "+sku+".") || note.Find(`form[action="/cart/lines/`+sku+`"] [name=quantity][value="0"]`).Length() != 1 {
					t.Errorf("%s: the page says %q", sku, got)
				}
				if got := words(line.Find(".nm")); got != "Sak "+sku+" Säljs inte här" || line.Find(".step, a").Length() != 0 {
					t.Errorf("%s: its line says %q", sku, got)
				}
			}
			links := doc.Find(`main a[href^="/checkout"]`).Length()
			checkout := later.Get("/checkout")
			if tc.items == 0 {
				if links != 0 || doc.Find("[data-total]").Length() != 0 || !strings.Contains(doc.Text(), "Inget i varukorgen är till salu längre.") {
					t.Errorf("%d links to the checkout of nothing", links)
				}
				if checkout.StatusCode != http.StatusSeeOther || checkout.Header.Get("Location") != "/cart" {
					t.Errorf("checkout: %d to %q", checkout.StatusCode, checkout.Header.Get("Location"))
				}
			} else if links == 0 || checkout.StatusCode != http.StatusOK || strings.Count(checkout.Text, `data-note="gone-`) != len(tc.gone) {
				t.Errorf("checkout: %d links, %d", links, checkout.StatusCode)
			}
			// More of it cannot be had; removing it ends it.
			for _, sku := range tc.gone {
				if got := later.Post("/cart/lines/"+sku, "quantity", "3"); got.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("3 of %s: %d", sku, got.StatusCode)
				}
				later.Post("/cart/lines/"+sku, "quantity", "0")
			}
			if c := later.cart(); len(c.Unavailable) != 0 || c.TotalAmount != tc.total {
				t.Errorf("without what is gone the cart is %+v", c)
			}
		})
	}
}

// A code without effect says why: on the cart's page, beside the payment form and in /cart.
func TestCodeWithoutEffect(t *testing.T) {
	t.Parallel()
	goods := []string{"GIFT none 50000", "MUG-9", "TINY standard 4", "FREE standard 0"}
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: sells(t, "SEK", goods...)})}
	for _, tc := range []struct {
		name    string
		cart    []string
		code    string
		then    func(*testing.T) func(*shop.Config) // the shop of later, nil for the same
		problem string
		says    string
		total   int64
	}{
		{"vouchers alone", []string{"GIFT"}, "ALL", nil, "only_vouchers", "ALL ger ingen rabatt: presentkort säljs utan rabatt.", 54900},
		{"vouchers alone, in small letters", []string{"GIFT"}, "ten", nil, "only_vouchers", "TEN ger ingen rabatt: presentkort säljs utan rabatt.", 54900},
		{"it rounds to nothing", []string{"TINY"}, "TEN", nil, "nothing_off", "TEN ger ingen rabatt på det som ligger i varukorgen.", 4904},
		{"goods that cost nothing", []string{"FREE", "GIFT"}, "ALL", nil, "nothing_off", "ALL ger ingen rabatt på det som ligger i varukorgen.", 54900},
		{"withdrawn", []string{"MUG-9"}, "TEN", func(t *testing.T) func(*shop.Config) { return without(t, goods...) }, "withdrawn", "Koden TEN gäller inte längre.", 14900},
		{"withdrawn, and vouchers alone", []string{"GIFT"}, "TEN", func(t *testing.T) func(*shop.Config) { return without(t, goods...) }, "withdrawn", "Koden TEN gäller inte längre.", 54900},
		{"nothing is sold any more", []string{"MUG-9"}, "TEN", func(t *testing.T) func(*shop.Config) { return sells(t, "SEK", "TINY standard 4") }, "nothing_sold", "", 0},
		{"effect", []string{"MUG-9"}, "TEN", nil, "", "TEN: 10\u00a0% rabatt.", 13900},
		{"effect on a part", []string{"MUG-9", "GIFT"}, "TEN", nil, "", "TEN: 10\u00a0% rabatt, men inte på presentkort.", 63900},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.browser()
			for _, sku := range tc.cart {
				b.Add(sku, "1")
			}
			if got := b.Post("/cart/discount", "code", tc.code); got.StatusCode != http.StatusSeeOther {
				t.Fatalf("the code: %d", got.StatusCode)
			}
			if tc.then != nil {
				b = s.becomes(b, tc.then(t))
			}
			c := b.cart()
			if c.DiscountProblem.Code != tc.problem || c.TotalAmount != tc.total || c.DiscountCode != strings.ToUpper(tc.code) {
				t.Errorf("the cart is %+v", c)
			}
			if tc.problem != "" && tc.says != "" && c.DiscountProblem.Message != tc.says {
				t.Errorf("the cart says %q, want %q", c.DiscountProblem.Message, tc.says)
			}
			if tc.says == "" {
				return
			}
			if got := b.cartPage().Find(".works span").Text(); got != tc.says {
				t.Errorf("the page says %q, want %q", got, tc.says)
			}
			if got := html.UnescapeString(b.Get("/checkout").Text); !strings.Contains(got, ">"+tc.says+"<") {
				t.Errorf("the checkout does not say %q", tc.says)
			}
			// It can be let go.
			b.Post("/cart/discount", "code", "")
			if c := b.cart(); c.DiscountCode != "" || c.DiscountProblem.Code != "" {
				t.Errorf("without the code the cart is %+v", c)
			}
		})
	}
	b := s.browser()
	b.Add("MUG-9", "1")
	if got := b.Post("/cart/discount", "code", "NEVER"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.Text, "Koden NEVER gäller inte.") {
		t.Errorf("a code that there never was: %d", got.StatusCode)
	}
}

// without is sells, without any discount.
func without(t testing.TB, products ...string) func(*shop.Config) {
	t.Helper()
	return sellsFor(t, "SEK", nil, products...)
}
