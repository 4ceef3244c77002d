package control_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// FuzzControls: whatever is sent to the fake's own interface, to change its faults and its
// clock or to play a shopper, is answered in JSON and never 5xx; what is refused has changed
// nothing.
func FuzzControls(f *testing.F) {
	paths := []string{"/fake/faults", "/fake/clock", "/fake/orders/ID/shopper", "/fake/sessions/ID/shopper", "/fake/orders/none/shopper", "/fake/reset"}
	for i := range paths {
		for _, body := range []string{
			`{"method":"POST","path":"/checkout/v3/orders/*","status":503,"body":"x","delay":"120ms","count":2,"probability":0.5}`, `{"advance":"49h"}`,
			`{"type":{"email":"a@b.example","postal_code":"11122"}}`, `{"country":"NO"}`, `{"shipping_option":"express"}`, `{"buy":{"method":"x"}}`, `{"authorize":{"data":{}}}`,
			`{"status":-1}`, `{"delay":"-5s","path":"["}`, `{"advance":"-1h"}`, `{"advance":"99999999h"}`, `{"reset":1}`, `[]`, ``, `{"probability":1e308}`, `{"buy":null,"type":null}`,
		} {
			f.Add(i, body)
		}
	}
	f.Fuzz(func(t *testing.T, which int, body string) {
		call := faketest.NewCaller(t)
		id := call.Do(http.MethodPost, faketest.OrdersPath, faketest.Text(faketest.CaseA())).Order(t).OrderID
		path := strings.Replace(paths[(which%len(paths)+len(paths))%len(paths)], "ID", id, 1)
		orders, faults := call.Fake.Orders(), string(call.Do(http.MethodGet, "/fake/faults", "").Body)
		got := call.Do(http.MethodPost, path, body)
		if got.Status >= 500 || len(got.Body) > 0 && !json.Valid(got.Body) {
			t.Errorf("%s %q: got %d %s", path, body, got.Status, got.Body)
		}
		if got.Status >= 400 {
			if d := cmp.Diff(orders, call.Fake.Orders()); d != "" {
				t.Errorf("%s %q: got %d and changed %s", path, body, got.Status, d)
			}
			if after := string(call.Do(http.MethodGet, "/fake/faults", "").Body); after != faults {
				t.Errorf("%s %q: got %d and left the faults %s", path, body, got.Status, after)
			}
		}
	})
}
