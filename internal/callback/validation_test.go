package callback_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/stock"
)

// Design of the validation: what the order says, what the cart has become, and
// the answer. Only an approval reserves.
func TestValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const ok, changed = "200", "303 cart_changed"
	american := func(c *cart.Contents) {
		c.Country, c.Locale, c.ShipTo = "US", "en-US", &cart.ShipTo{Region: "CA", PostalCode: "90001"}
	}
	californian := at(func(a *klarna.Address) { a.Region, a.PostalCode = "CA", "90001" })
	for _, tc := range []struct {
		name  string
		cart  func(*cart.Contents) // when the order was made
		later func(*cart.Contents) // what the cart became
		order func(*kco.Order)     // what the order became
		want  string
		moves bool // the cart takes over what the form shows
	}{
		{name: "the cart's order", want: ok},
		{name: "upper case countries", order: func(o *kco.Order) { o.PurchaseCountry = "SE" }, want: ok},
		{name: "no option chosen", order: func(o *kco.Order) { o.SelectedShippingOption = nil }, want: ok},
		{name: "no body's ID", order: func(o *kco.Order) { o.OrderID = "" }, want: ok},
		{name: "another address in the country", order: at(func(a *klarna.Address) { a.PostalCode = "11147" }), want: ok},
		{name: "digital goods", cart: func(c *cart.Contents) { c.Lines = []cart.Line{{SKU: "EBK-1", Quantity: 1}} }, want: ok},
		{name: "with a code", cart: func(c *cart.Contents) { c.DiscountCode = "FOG10" }, want: ok},
		{name: "California", cart: american, order: californian, want: ok},

		// Sync's comparison, less URLs, locale and shipping options.
		{name: "another URL", order: func(o *kco.Order) { o.MerchantURLs.Terms = "https://elsewhere.example" }, want: ok},
		{name: "other options", order: func(o *kco.Order) { o.ShippingOptions = nil }, want: ok},
		{name: "other countries", order: func(o *kco.Order) { o.ShippingCountries = []string{"SE"} }, want: ok},
		{name: "language changed meanwhile", later: func(c *cart.Contents) { c.Locale = "en-SE" }, want: ok},
		{name: "signed with yesterday's key", order: func(o *kco.Order) {
			_, rest, _ := strings.Cut(o.MerchantData, ".")
			id, _, _ := strings.Cut(rest, ".")
			old, _ := kco.NewSigner(oldSecret)
			o.MerchantData = old.Sign(id)
		}, want: ok},

		{name: "a way of delivery that was given up", order: choose("agent:p1"), want: "303 delivery_gone"},
		{name: "one of Klarna's shipping assistant", order: func(o *kco.Order) {
			o.SelectedShippingOption = &kco.SelectedOption{ShippingOption: kco.ShippingOption{ID: "pickup-1"}, TMSReference: "tms"}
		}, want: ok},
		{name: "digital goods, with what they were sent by", cart: func(c *cart.Contents) { c.Lines = []cart.Line{{SKU: "EBK-1", Quantity: 1}} }, order: choose("express"), want: ok},

		{name: "more in the cart", later: func(c *cart.Contents) { c.Lines[0].Quantity = 3 }, want: changed},
		{name: "less in the cart", later: func(c *cart.Contents) { c.Lines = c.Lines[:1] }, want: changed},
		{name: "other goods at the same price", later: func(c *cart.Contents) { c.Lines[0], c.Lines[1] = c.Lines[1], c.Lines[0] }, want: changed},
		{name: "empty cart", later: func(c *cart.Contents) { c.Lines = nil }, want: changed},
		{name: "only what is sold no longer", later: func(c *cart.Contents) { c.Lines = []cart.Line{{SKU: "GONE-1", Quantity: 1}} }, want: changed},
		{name: "a code", later: func(c *cart.Contents) { c.DiscountCode = "FOG10" }, want: changed},
		{name: "another country", later: func(c *cart.Contents) {
			c.Country, c.Locale, c.ShipTo = "NO", "nb-NO", &cart.ShipTo{BillingCountry: "SE"}
		}, want: changed},
		{name: "another amount", order: func(o *kco.Order) { o.OrderAmount-- }, want: changed},
		{name: "another tax", order: func(o *kco.Order) { o.OrderTaxAmount++ }, want: changed},
		{name: "another currency", order: func(o *kco.Order) { o.PurchaseCurrency = "NOK" }, want: changed},
		{name: "another purchase country", order: func(o *kco.Order) { o.PurchaseCountry = "NO" }, want: changed},
		{name: "another price", order: func(o *kco.Order) { o.OrderLines[0].UnitPrice = 1 }, want: changed},
		{name: "a line more", order: func(o *kco.Order) { o.OrderLines = append(o.OrderLines, o.OrderLines[0]) }, want: changed},
		{name: "no lines", order: func(o *kco.Order) { o.OrderLines = nil }, want: changed},

		// What the form shows and the cart was never told: the order that the
		// shopper gets next can be bought.
		{name: "an option that the order does not charge", order: choose("express"), want: changed, moves: true},
		{name: "an address that is not taxed", cart: func(c *cart.Contents) { c.Country, c.Locale = "US", "en-US" }, order: californian, want: changed, moves: true},
		{name: "a country that was not priced", order: country("NO"), want: changed, moves: true},

		{name: "not delivered to", order: at(func(a *klarna.Address) { a.PostalCode = "99999" }),
			want: "400 Vi kan inte leverera till 99999. Prova en annan adress eller välj ”Hämta i hamnen”."},
		{name: "country not served", order: func(o *kco.Order) { o.ShippingAddress.Country = "IS" },
			want: "400 Island: dit levererar vi inte än. Välj ett annat land. Din varukorg finns kvar."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.in(t)
			c := w.cart("order-1", tc.cart)
			o := w.order(c)
			if tc.order != nil {
				tc.order(&o)
			}
			body := w.body(o)
			if tc.later != nil {
				c = w.edit(c.ID, tc.later)
			}
			res := w.call(w.path("validation", "order-1"), body)
			got := answer(res)
			if res.StatusCode == http.StatusBadRequest {
				_, rest, _ := strings.Cut(text(t, res), `"error_text":"`)
				got += " " + strings.TrimSuffix(rest, `"}`)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if tc.want == ok {
				want := []stock.Approved{{CartID: c.ID, OrderID: "order-1", Priced: w.Published.Now().Number}}
				for _, line := range c.Lines {
					if p, _ := w.Published.Now().Catalog.Product(line.SKU); !p.Digital {
						want[0].Lines = append(want[0].Lines, stock.Line(line))
					}
				}
				if diff := cmp.Diff(want, w.Approved(c.ID), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(stock.Approved{}, "Made", "Campaigns"), cmpopts.IgnoreUnexported(stock.Approved{})); diff != "" {
					t.Errorf("approved (-want +got):\n%s", diff)
				}
				return
			}
			if !tc.moves {
				w.unchanged(c)
				return
			}
			// The next page load brings the order to what the cart says; then it can be bought.
			now := w.Cart(c.ID)
			if now.Revision == c.Revision {
				t.Error("the cart did not take over what the form shows")
			}
			o.Content = w.content(now)
			if got := answer(w.call(w.path("validation", "order-1"), w.body(o))); got != ok {
				t.Errorf("once more: got %s", got)
			}
		})
	}
}

// What the stock says of a purchase that the cart wants.
func TestReservationRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	reserve := func(cartID, orderID string, mugs int) error {
		return w.TryApprove(stock.Approved{CartID: cartID, OrderID: orderID, Lines: []stock.Line{{SKU: "MUG-1", Quantity: mugs}}})
	}
	for _, tc := range []struct {
		want   string
		before func(cartID string) error
	}{
		{"303 purchase_running", func(id string) error { return reserve(id, "order-0", 1) }},
		{"303 sold_out&sku=MUG-1", func(string) error { return reserve(cart.NewID(), "order-2", w.Left("MUG-1")-1) }},
		{"303 already_bought", func(id string) error {
			return w.DB.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := w.Stock.Sell(t.Context(), tx, id, "order-1", nil)
				return err
			})
		}},
	} {
		t.Run(tc.want, func(t *testing.T) {
			w.in(t)
			c := w.cart("order-1", nil)
			if err := tc.before(c.ID); err != nil {
				t.Fatal(err)
			}
			had := w.Approved(c.ID)
			if got := answer(w.call(w.path("validation", "order-1"), w.body(w.order(c)))); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			w.unchanged(c, had...)
		})
	}
}

// What a callback costs: at most two round trips.
func TestCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tc := range []struct {
		name, callback string
		order          func(*kco.Order)
		status         int
		most           int64
	}{
		{"approved", "validation", nil, 200, 2},
		{"refused", "validation", func(o *kco.Order) { o.OrderAmount-- }, 303, 1},
		{"refused, and the cart follows", "validation", choose("express"), 303, 2},
		{"unchanged address", "address_update", nil, 200, 1},
		{"another address", "address_update", country("NO"), 200, 2},
		{"unsupported address", "address_update", country("IS"), 400, 1},
	} {
		for round := range 2 { // the first loads the scripts
			c := w.cart("order-1", nil)
			o := w.order(c)
			if tc.order != nil {
				tc.order(&o)
			}
			body := w.body(change(o))
			if tc.callback == "validation" {
				body = w.body(o)
			}
			w.Cart(c.ID) // it is not new any more
			before := w.Trips.Load()
			res := w.call(w.path(tc.callback, "order-1"), body)
			if n := w.Trips.Load() - before; res.StatusCode != tc.status || round == 1 && n > tc.most {
				t.Errorf("%s: got %d with %d round trips, want %d with at most %d", tc.name, res.StatusCode, n, tc.status, tc.most)
			}
		}
	}
	if n := len(w.Fake.Requests("")); len(w.asked()) != 0 || n != 0 {
		t.Errorf("the book was asked %v, Klarna %d times", w.asked(), n)
	}
}

// The last one, by two carts at once: one is approved, the other told.
func TestLastOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	answers := make(chan string, 2)
	for _, id := range []string{"order-1", "order-2"} {
		c := w.cart(id, func(c *cart.Contents) { c.Lines = []cart.Line{{SKU: "CLK-1", Quantity: 1}} })
		body := w.body(w.order(c))
		go func() { answers <- answer(w.call(w.path("validation", id), body)) }()
	}
	got := []string{<-answers, <-answers}
	want := []string{"200", "303 sold_out&sku=CLK-1"}
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A Redis that is full cannot be told what the form shows. The shopper is led to the page that follows the form all the
// same, and is not refused without a way on.
func TestValidationRedisFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	o := w.order(c)
	choose("express")(&o)
	body := w.body(o)
	if err := w.Client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := answer(w.call(w.path("validation", "order-1"), body)), "303 cart_changed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := w.Client.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	w.unchanged(c)
}
