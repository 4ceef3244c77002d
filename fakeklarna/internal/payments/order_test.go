package payments_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// An order is handed over to Order Management with all that is known of it.
func TestPaymentReachesOrderManagement(t *testing.T) {
	s := newKPShop(t)
	s.pay(payment{Authorize: &authorize{Data: billing("title", "Ms", "attention", "Desk 3"), Typed: map[string]string{"date_of_birth": "1941-03-21", "city": "not asked"}}})
	id := s.Do("POST", s.path(placePath), faketest.Text(faketest.With(orderSE(), "merchant_reference2", "R2", "shipping_address", faketest.With(faketest.Ada(), "title", "Ms", "attention", "Desk 3"), "auto_capture", true))).Placed(t).OrderID
	got, ok := s.Fake.Managed(id)
	if !ok {
		t.Fatal("Order Management does not know the order")
	}
	is := []any{got.OrderAmount, got.PurchaseCurrency, got.PurchaseCountry, got.Locale, got.MerchantReference1, got.MerchantReference2, len(got.OrderLines),
		got.BillingAddress.City, got.BillingAddress.Attention, got.ShippingAddress.StreetAddress, got.Customer.DateOfBirth, got.CapturedAmount, got.InitialPaymentMethod.Type, got.FraudStatus}
	want := []any{int64(44700), "SEK", "SE", "sv-SE", "100123", "R2", 2, "Ankeborg", "Desk 3", "Stårgatan 1", "1941-03-21", int64(44700), "INVOICE", "ACCEPTED"}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
	// The shop does not get to know what was typed at Klarna's.
	if read := s.Do("GET", s.path(sessionPath), ""); strings.Contains(string(read.Body), "1941") {
		t.Errorf("typed data in %s", read.Body)
	}
}

// What the shop does not send Klarna asks for itself.
func TestPaymentWithoutAddress(t *testing.T) {
	s := newKPShop(t)
	s.pay(payment{Authorize: &authorize{Typed: map[string]string{"city": "Kiruna"}}})
	got, _ := s.Fake.Managed(s.order().Placed(t).OrderID)
	is := []string{got.BillingAddress.City, got.ShippingAddress.City, got.BillingAddress.FamilyName, got.BillingAddress.Country}
	if diff := cmp.Diff([]string{"Kiruna", "Kiruna", "Approved", "SE"}, is); diff != "" {
		t.Error(diff)
	}
}

// A pending order: its status, and the decision to merchant_urls.notification.
func TestPaymentPending(t *testing.T) {
	for email, event := range map[string]string{"ada+pend-accept-05@example.com": "FRAUD_RISK_ACCEPTED", "ada+pend-reject-05@example.com": "FRAUD_RISK_REJECTED"} {
		synctest.Test(t, func(t *testing.T) {
			s, m := newCalledKP(t, "merchant_urls", map[string]any{"notification": "https://shop.example/{order.id}/{session.id}/notification"})
			m.Will("notification", faketest.Says{Status: 200})
			s.pay(payment{Authorize: &authorize{Data: billing("email", email)}})
			p := s.order().Placed(t)
			if p.FraudStatus != "PENDING" || p.RedirectURL != "" {
				t.Errorf("got %+v, want PENDING and no redirect", p)
			}
			time.Sleep(6 * time.Minute)
			synctest.Wait()
			if len(m.Received()) != 1 || !strings.Contains(m.Received()[0].Body, event) || m.Received()[0].URL != "https://shop.example/"+p.OrderID+"/"+s.session+"/notification" {
				t.Errorf("%s: got %+v", event, m.Received())
			}
		})
	}
}

// redirect_url leads to the confirmation page with both IDs, and only there.
func TestPaymentRedirect(t *testing.T) {
	s := newKPShop(t)
	visit := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.Fake.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		return w
	}
	path := "/kp/v1/sessions/" + s.session + "/redirect"
	if got := visit(path); got.Code != http.StatusNotFound {
		t.Errorf("before the order: got %d, want 404", got.Code)
	}
	s.authorize()
	p := s.order().Placed(t)
	if p.RedirectURL != "http://example.com"+path {
		t.Errorf("redirect_url %s", p.RedirectURL)
	}
	got := visit(path)
	if want := "https://shop.example/thanks?session=" + s.session + "&order=" + p.OrderID; got.Code != http.StatusSeeOther || got.Header().Get("Location") != want || got.Header().Get("Set-Cookie") == "" {
		t.Errorf("got %d to %s, want 303 to %s", got.Code, got.Header().Get("Location"), want)
	}
	if got := visit("/kp/v1/sessions/x/redirect"); got.Code != http.StatusNotFound {
		t.Errorf("of an unknown session: got %d, want 404", got.Code)
	}
}

// Each category has a name in each language of the fake.
func TestPaymentCategoriesSpeak(t *testing.T) {
	for language := range web.Texts() {
		s := newKPShop(t)
		s.start(faketest.With(faketest.CartSE(), "locale", string(language)+"-SE"))
		v, _ := s.Fake.Session(s.session)
		for _, c := range v.PaymentMethodCategories {
			if c.Name == "" {
				t.Errorf("%s: %s has no name", language, c.Identifier)
			}
		}
	}
}

// Categories: per country, in the session's language, with pictures.
func TestPaymentCategories(t *testing.T) {
	for _, row := range []struct {
		name    string
		content map[string]any
		want    []string
	}{
		{"Sweden", faketest.CartSE(), []string{"pay_later Betala inom 30 dagar", "pay_now Kort", "pay_over_time Betala i 3 delar"}},
		{"Sweden in English", faketest.With(faketest.CartSE(), "locale", "en-SE"), []string{"pay_later Pay in 30 days", "pay_now Card", "pay_over_time Pay in 3 parts"}},
		{"US", cartUS(), []string{"pay_later Pay in 30 days", "pay_now Card", "pay_over_time Pay in 3 parts"}},
		{"Germany", faketest.With(faketest.CartSE(), "purchase_country", "DE", "purchase_currency", "EUR", "locale", "de-DE"),
			[]string{"pay_later In 30 Tagen bezahlen", "pay_now Karte", "pay_over_time In 3 Raten bezahlen"}},
		{"France", faketest.With(faketest.CartSE(), "purchase_country", "FR", "purchase_currency", "EUR", "locale", "fr-FR"), []string{"pay_now Card", "pay_over_time Pay in 3 parts"}},
		{"company", faketest.With(faketest.CartSE(), "customer.type", "organization"), []string{"pay_later Betala inom 30 dagar"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newKPShop(t)
			s.start(row.content)
			v, _ := s.Fake.Session(s.session)
			var got []string
			for _, c := range v.PaymentMethodCategories {
				got = append(got, c.Identifier+" "+c.Name)
				for _, u := range []string{c.AssetURLs.Standard, c.AssetURLs.Descriptive} {
					picture := s.Do("GET", strings.TrimPrefix(u, "http://example.com"), "")
					if picture.Status != 200 || picture.Header.Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(string(picture.Body), "<svg") {
						t.Errorf("%s: got %d %s", u, picture.Status, picture.Body)
					}
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	s := newKPShop(t)
	for _, path := range []string{"/kp/assets/en/klarna-standard.svg", "/kp/assets/en/pay_now-x.svg", "/kp/assets/en/x"} {
		if got := s.Do("GET", path, ""); got.Status != 404 {
			t.Errorf("%s: got %d, want 404", path, got.Status)
		}
	}
}

// client_token is a JWT with the recorded members.
func TestClientToken(t *testing.T) {
	s := newKPShop(t)
	parts := strings.Split(s.client, ".")
	if len(parts) != 3 || len(s.client) > 4096 {
		t.Fatalf("client_token %q is no JWT", s.client)
	}
	claims := map[string]any{}
	for _, part := range parts[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &claims); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"alg", "base_url", "client_event_base_url", "design", "environment", "experiments", "kid", "language", "merchant_name",
		"purchase_country", "region", "scheme", "session_id", "session_type", "ua_enabled_and_one_pm"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(claims))); diff != "" {
		t.Error(diff)
	}
	if claims["session_id"] != s.session || claims["base_url"] != "http://example.com/kp" || claims["session_type"] != "PAYMENTS" || claims["language"] != "sv" {
		t.Errorf("got %v", claims)
	}
	first := s.client
	s.start(faketest.CartSE())
	if s.client == first {
		t.Error("two sessions have one client_token")
	}
}

// Without its idempotency key a charge is repeated, with it it is not.
func TestChargeOnce(t *testing.T) {
	s := newKPShop(t)
	payStates()["tokenized"](s)
	charge := func(key, body string) faketest.Answer {
		return faketest.Serve(t, s.Fake.ServeHTTP, "POST", s.path(customerPath+"/order"), body, "Klarna-Idempotency-Key", key)
	}
	body := faketest.Text(chargeSE())
	a, again, other := charge("A", body).Placed(t), charge("A", `{}`).Placed(t), charge("B", body).Placed(t)
	first, second := charge("", body).Placed(t), charge("", body).Placed(t)
	if a != again || a == other || first == second {
		t.Errorf("got %v, %v, %v and without a key %v, %v", a, again, other, first, second)
	}
	got, ok := s.Fake.Managed(a.OrderID)
	if !ok || got.OrderAmount != 44700 || got.BillingAddress.Country != "SE" {
		t.Errorf("got %+v, %t", got, ok)
	}
}

// Calls and events are recorded under the session, and the order once it is placed.
func TestPaymentsRecorded(t *testing.T) {
	s := newKPShop(t)
	s.authorize()
	s.Do("POST", s.path(placePath), faketest.Text(faketest.With(orderSE(), "order_amount", 1)))
	s.pay(payment{Reauthorize: &authorize{}})
	id := s.order().Placed(t).OrderID
	for _, r := range s.Fake.Requests("") {
		if r.SessionID != s.session {
			t.Errorf("%s %s: session %q", r.Method, r.Path, r.SessionID)
		}
	}
	if calls := s.Fake.Requests(id); len(calls) != 1 || calls[0].Status != 200 {
		t.Errorf("calls of the order: %+v", calls)
	}
}

// What happened to a session is told.
func TestPaymentEvents(t *testing.T) {
	s := newKPShop(t)
	s.authorize()
	s.update(faketest.Text(faketest.CartOf(3)))
	s.pay(payment{Reauthorize: &authorize{Decision: "approve"}})
	s.pay(payment{Authorize: &authorize{Category: "pay_now", Decision: "close"}})
	s.Do("DELETE", s.path(releasePath), "")
	want := []string{
		"shopper: authorize", "state: session open → authorized",
		"state: quantity of MUG-1 2 → 3, order_amount 44700 → 64600, order_tax_amount 8940 → 12920",
		"shopper: reauthorize approve", "shopper: authorize pay_now close", "state: session authorized → token deleted",
	}
	if diff := cmp.Diff(want, faketest.Events(s.Fake, s.session)); diff != "" {
		t.Error(diff)
	}
}

// Wrong credentials get the gateway's page, before anything else is looked at.
func TestPaymentsUnauthorized(t *testing.T) {
	s := newKPShop(t)
	for _, path := range []string{faketest.SessionsPath, s.path(sessionPath), s.path(placePath), s.path(customerPath + "/order")} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader("{"))
		r.SetBasicAuth("demo", "wrong")
		w := httptest.NewRecorder()
		s.Fake.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized || w.Header().Get("Content-Type") != "text/html" || w.Header().Get("WWW-Authenticate") == "" || !strings.Contains(w.Body.String(), "<html") {
			t.Errorf("%s: got %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
}

// The same order placed many times at once, some otherwise: one order.
func TestOneOrderPerToken(t *testing.T) {
	s := newKPShop(t)
	s.authorize()
	var mu sync.Mutex
	var all sync.WaitGroup
	orders, refused := map[string]int{}, map[int]int{}
	for i := range 20 {
		all.Go(func() {
			body := orderSE()
			if i%2 == 1 {
				body["merchant_reference1"] = "other"
			}
			got := s.Do("POST", s.path(placePath), faketest.Text(body))
			mu.Lock()
			defer mu.Unlock()
			if got.Status == http.StatusOK {
				orders[got.Placed(t).OrderID]++
			} else {
				refused[got.Status]++
			}
		})
	}
	all.Wait()
	if len(orders) != 1 || refused[http.StatusConflict] != 10 || len(refused) != 1 {
		t.Errorf("got %v and %v, want one order ten times and ten conflicts", orders, refused)
	}
}

// Everything at once, for the race detector; nothing gets stuck, and no session
// has more than one order.
func TestPaymentsAtOnce(t *testing.T) {
	s := newKPShop(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 20 {
				switch (worker + i) % 6 {
				case 0:
					_, _ = s.Fake.Pay(s.session, payment{Authorize: &authorize{}})
				case 1:
					s.Do("POST", s.path(sessionPath), faketest.Text(faketest.CartOf(2)))
				case 2:
					s.Do("GET", s.path(sessionPath), "")
					s.Fake.Sessions()
				case 3:
					s.Do("POST", faketest.SessionsPath, faketest.Text(faketest.CartSE()))
				case 4:
					if v, _ := s.Fake.Session(s.session); v.AuthorizationToken != "" && i > 10 {
						s.Do("POST", "/payments/v1/authorizations/"+v.AuthorizationToken+"/order", faketest.Text(orderSE()))
					}
				case 5:
					s.Do("GET", "/fake/sessions", "")
				}
			}
		})
	}
	all.Wait()
	if v, ok := s.Fake.Session(s.session); !ok || (v.Status == payments.SessionComplete) != (v.Fake.OrderID != "") {
		t.Errorf("got %+v", v)
	}
}
