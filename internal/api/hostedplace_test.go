package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// placePage is an open page of Klarna Payments, of the shop's own cart or of a checkout session.
type placePage struct {
	*shoptest.Browser
	w    *shoptest.World
	path string
	data paymentsPage
}

func (w *placePage) load() {
	w.T.Helper()
	got := w.Get(w.path)
	_, data, _ := strings.Cut(got.Text, `id="checkout-data"`)
	_, data, _ = strings.Cut(data, ">")
	data, _, _ = strings.Cut(data, "</script>")
	w.data = paymentsPage{}
	if err := json.Unmarshal([]byte(data), &w.data); err != nil || w.data.Payments == nil || !strings.Contains(got.Text, `id="payments"`) {
		w.T.Fatalf("%s is no form of Klarna Payments: %d to %q, %v\n%s", w.path, got.StatusCode, got.Header.Get("Location"), err, got.Text)
	}
}

type updated struct {
	Redirect       string `json:"redirect"`
	OrderAmount    int64  `json:"order_amount"`
	OrderTaxAmount int64  `json:"order_tax_amount"`
	DeliveryHTML   string `json:"delivery_html"`
	Error          struct {
		Code string `json:"code"`
	} `json:"error"`
}

func (w *placePage) update(members string) (status int, u updated) {
	w.T.Helper()
	got := w.Do(http.MethodPost, w.data.UpdateURL, "application/json", fmt.Sprintf(`{"form": %q, %s}`, w.data.Payments.Form, members))
	if err := json.Unmarshal([]byte(got.Text), &u); err != nil {
		w.T.Fatalf("%s: %d %s: %v", members, got.StatusCode, got.Text, err)
	}
	return got.StatusCode, u
}

// What an update says of a place is taken over beside what is known of it: state and postal code are typed one by one.
func TestPaymentsPlaceInParts(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) { s.Checkout.Payments = true })
	m.says(`{"delivery_options": [{"id": "boat", "name": "Boat", "price": 500, "tax_rate": 0}]}`)
	b := w.Browser()
	b.Header = http.Header{"Accept-Language": {"en-US"}}
	b.Add("MUG-1", "2")
	page := &placePage{Browser: b, w: w, path: "/checkout"}
	page.load()
	_, first := page.update(`"region": "NY"`)
	if first.OrderTaxAmount == 0 {
		t.Fatalf("no tax in New York: %+v", first)
	}
	for _, tt := range []struct {
		members, region, code string
	}{
		{`"postal_code": "10001"`, "NY", "10001"},
		{`"region": "NJ"`, "NJ", "10001"},
		{`"postal_code": "07001", "region": "NY"`, "NY", "07001"},
	} {
		m.questions()
		status, u := page.update(tt.members)
		if status != 200 || u.OrderTaxAmount == 0 || tt.region == "NY" && u.OrderTaxAmount != first.OrderTaxAmount {
			t.Errorf("%s: %d %+v", tt.members, status, u)
		}
		if asked := m.questions(); len(asked) != 1 || asked[0]["region"] != tt.region || asked[0]["postal_code"] != tt.code {
			t.Errorf("%s: asked %v", tt.members, asked)
		}
	}
}
