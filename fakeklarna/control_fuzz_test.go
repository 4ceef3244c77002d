package fakeklarna_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		call := newCaller(t)
		id := call.do(http.MethodPost, kcoOrders, text(caseA())).order(t).OrderID
		path := strings.Replace(paths[(which%len(paths)+len(paths))%len(paths)], "ID", id, 1)
		orders, faults := call.fake.Orders(), string(call.do(http.MethodGet, "/fake/faults", "").body)
		got := call.do(http.MethodPost, path, body)
		if got.status >= 500 || len(got.body) > 0 && !json.Valid(got.body) {
			t.Errorf("%s %q: got %d %s", path, body, got.status, got.body)
		}
		if got.status >= 400 {
			if d := cmp.Diff(orders, call.fake.Orders()); d != "" {
				t.Errorf("%s %q: got %d and changed %s", path, body, got.status, d)
			}
			if after := string(call.do(http.MethodGet, "/fake/faults", "").body); after != faults {
				t.Errorf("%s %q: got %d and left the faults %s", path, body, got.status, after)
			}
		}
	})
}
