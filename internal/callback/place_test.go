package callback_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The validate hook is told the place of the order that is bought, also where the cart does not
// know it yet.
func TestValidateHookIsToldThePlace(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- string(body)
		_, _ = io.WriteString(w, `{"ok": true}`)
	}))
	t.Cleanup(merchant.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *shop.Config) {
		c.PublicURL = "http://127.0.0.1" // else the merchant's server must be public
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Hooks.Validate = &settings.Hook{URL: merchant.URL, SecretFile: secret, Timeout: time.Second}
		})
	})
	c := w.cart("order-1", nil)
	o := w.order(c)
	o.ShippingAddress = person("SE", func(a *klarna.Address) { a.PostalCode = "981 31" })
	if res := w.call(w.path("validation", "order-1"), w.body(o)); res.StatusCode != http.StatusOK {
		t.Fatalf("got %d", res.StatusCode)
	}
	if question := <-asked; !strings.Contains(question, `"postal_code":"981 31"`) || !strings.Contains(question, `"country":"SE"`) {
		t.Errorf("asked %s", question)
	}
}

// What goes to the place that the form shows the merchant's server alone knows, and the validation asks him nothing: the
// cart takes the place over, and the page that is loaded next asks.
func TestValidationOfAPlaceUnanswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *shop.Config) {
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Hooks.Delivery = &settings.Hook{URL: "http://127.0.0.1:1"}
			s.Markets = slices.Clone(s.Markets)
			s.Markets[0].ShippingOptions = nil
		})
	})
	c := w.cart("order-1", func(c *cart.Contents) {
		c.Asked = &cart.Asked{ShipTo: cart.ShipTo{Country: "SE"}, Options: []cart.BasketOption{{ID: "bud", Name: "Bud", Price: 5000}}}
	})
	o := w.order(c)
	o.ShippingAddress = person("SE", func(a *klarna.Address) { a.PostalCode = "981 31" })
	if got := answer(w.call(w.path("validation", "order-1"), w.body(o))); got != "303 cart_changed" {
		t.Errorf("got %s", got)
	}
	if now := w.Cart(c.ID); now.PostalCode() != "981 31" || len(w.Approved(c.ID)) > 0 {
		t.Errorf("the cart goes to %+v, approved %v", now.ShipTo, w.Approved(c.ID))
	}
	if res := w.call(w.path("address_update", "order-1"), `{"merchant_data": "`+o.MerchantData+`", "shipping_address": {"country": "se", "postal_code": "111 22"}}`); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("address: got %d %s", res.StatusCode, text(t, res))
	}
}
