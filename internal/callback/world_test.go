package callback_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/story"
)

const oldSecret = "the secret of yesterday"

// names are the callbacks that name an order.
var names = []string{"push", "notification", "validation", "address_update", "shipping_option_update", "country_change"}

// world is a shop that does not listen, seen by Klarna's servers.
type world struct {
	*shoptest.World
	handler http.Handler

	mu      sync.Mutex
	events  []story.Entry
	results []string       // of the events, "callback result"
	counted map[string]int // by the book's observer
}

// Record and Counts make a world the story that its callbacks tell.
func (w *world) Record(e story.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events, w.results = append(w.events, e), append(w.results, e.Operation+" "+e.Result)
}

func (*world) Counts() (written, dropped int64) { return 0, 0 }

// asked is what the order book was asked for since the last time, by name.
func (w *world) asked() []string {
	var asked []string
	before := w.counted
	w.counted = observetest.Counted(w.T, w.Book.Observer, "shopd_order_book_total")
	for labels, n := range w.counted {
		if event := strings.Split(labels, `"`)[1]; n > before[labels] && (event == "place" || event == "refresh") {
			asked = append(asked, event)
		}
	}
	slices.Sort(asked)
	return asked
}

// personal is what a shopper types; no log may have any of it.
var personal = []string{"Testperson", "Approved", "ada@example.com", "Stårgatan", "12345", "99999", "+46701234567", "California"}

// newWorld returns a world that was made with another secret before; change may be nil.
func newWorld(t testing.TB, change func(*shop.Config)) *world {
	t.Helper()
	w := &world{World: shoptest.New(t, shoptest.Options{Config: func(c *shop.Config) {
		c.Secret += "\n" + oldSecret
		if change != nil {
			change(c)
		}
	}})}
	w.handler = w.Server.Handler()
	w.Callbacks.Observer = observetest.With(t, observe.Options{Story: w})
	w.Book.Observer = observetest.With(t, observe.Options{})
	t.Cleanup(func() {
		log := regexp.MustCompile(`order_id=\S+`).ReplaceAllString(w.Log.String(), "") // which the fuzzer chooses
		for _, hidden := range append([]string{w.Signer.CallbackToken(), shoptest.Secret}, personal...) {
			if strings.Contains(log, hidden) {
				t.Errorf("the log has %q:\n%s", hidden, log)
			}
		}
	})
	return w
}

// in lets the world fail a subtest until that ends.
func (w *world) in(t testing.TB) {
	before := w.T
	w.T = t
	t.Cleanup(func() { w.T = before })
}

// path is the address of a callback about an order.
func (w *world) path(name, orderID string) string {
	return "/klarna/" + w.Signer.CallbackToken() + "/" + name + "?order_id=" + orderID
}

// call posts a callback.
func (w *world) call(path, body string) *http.Response {
	w.T.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest("POST", path, strings.NewReader(body)))
	return rec.Result()
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// answer is the status of an answer, and the reason that it sends the shopper to the checkout with.
func answer(res *http.Response) string {
	reason, sent := strings.CutPrefix(res.Header.Get("Location"), shoptest.PublicURL+"/checkout?reason=")
	if !sent {
		return strconv.Itoa(res.StatusCode) + res.Header.Get("Location")
	}
	return strconv.Itoa(res.StatusCode) + " " + reason
}

// edit changes a cart, or makes it.
func (w *world) edit(id string, edit func(*cart.Contents)) cart.Cart {
	w.T.Helper()
	c, err := w.Carts.Update(w.T.Context(), id, shoptest.Sweden, func(c *cart.Cart) error { edit(&c.Contents); return nil })
	if err != nil {
		w.T.Fatal(err)
	}
	return c
}

// cart makes a cart with an order, which Klarna does not know; edit may change it first.
func (w *world) cart(orderID string, edit func(*cart.Contents)) cart.Cart {
	w.T.Helper()
	c := w.edit(cart.NewID(), func(c *cart.Contents) {
		c.Lines = []cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "BOK-1", Quantity: 1}}
		if edit != nil {
			edit(c)
		}
	})
	if _, _, err := w.Carts.SetOrderID(w.T.Context(), c.ID, "", orderID, nil); err != nil {
		w.T.Fatal(err)
	}
	c.OrderID = orderID
	return c
}

// unchanged holds that a cart is as it was, and has no approved orders but those that it had.
func (w *world) unchanged(before cart.Cart, had ...stock.Approved) {
	w.T.Helper()
	if diff := cmp.Diff(before, w.Cart(before.ID)); diff != "" {
		w.T.Errorf("the cart changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(had, w.Approved(before.ID), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(stock.Approved{})); diff != "" {
		w.T.Errorf("the approved orders changed (-before +after):\n%s", diff)
	}
}

// content is what the order of a cart says.
func (w *world) content(c cart.Cart) kco.Content {
	w.T.Helper()
	content, _, err := w.KCO.Wants.Want(c)
	if err != nil {
		w.T.Fatal(err)
	}
	return content
}

// person is somebody in a country.
func person(country string, change func(*klarna.Address)) klarna.Address {
	a := klarna.Address{
		GivenName: "Testperson", FamilyName: "Approved", Email: "ada@example.com", Phone: "+46701234567",
		StreetAddress: "Stårgatan 1", City: "Ankeborg", Country: country,
	}
	if change != nil {
		change(&a)
	}
	return a
}

// order is the cart's order as Klarna has it, with a shopper of the cart's country.
func (w *world) order(c cart.Cart) kco.Order {
	w.T.Helper()
	content := w.content(c)
	content.PurchaseCountry = strings.ToLower(content.PurchaseCountry) // as Klarna echoes it
	o := kco.Order{
		Content: content, OrderID: c.OrderID, Status: kco.StatusIncomplete,
		BillingAddress: person(c.Country, nil), ShippingAddress: person(c.Country, nil),
	}
	for i := range content.ShippingOptions {
		if content.ShippingOptions[i].Preselected {
			o.SelectedShippingOption = &kco.SelectedOption{ShippingOption: content.ShippingOptions[i]}
		}
	}
	return o
}

// body is the JSON of v with Klarna's further members, which are none of our business.
func (w *world) body(v any) string {
	w.T.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		w.T.Fatal(err)
	}
	return `{"customer":{"type":"person"},"merchant_requested":{"additional_checkboxes":[]},` + string(data[1:])
}

// change is the body of an address callback for an order.
func change(o kco.Order) kco.AddressChange {
	return kco.AddressChange{
		BillingAddress: o.BillingAddress, ShippingAddress: o.ShippingAddress, SelectedShippingOption: o.SelectedShippingOption,
		MerchantData: o.MerchantData, Locale: o.Locale,
	}
}

func salesTax(lines []klarna.OrderLine) money.Amount {
	for _, line := range lines {
		if line.Type == klarna.SalesTax {
			return line.TotalAmount
		}
	}
	return 0
}
