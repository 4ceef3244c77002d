package callback_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
)

// FuzzSigned: a body that Klarna could send about an order of ours, with any country,
// postal code, region and option in it, is answered, never with a fault of ours; the cart
// stays one that can be sold in a market that is served, and a refusal (4xx) changes nothing.
func FuzzSigned(f *testing.F) {
	for i := range 4 {
		f.Add(i, "se", "11122", "", "express", "Ada")
		f.Add(i, "us", "94103", "CA", "", "")
		f.Add(i, "no", "0150", "x", "collect", "\x00")
		f.Add(i, "", "99999", "", "\xff", "")
		f.Add(i, "ſe", strings.Repeat("1", 3000), "🏴", "none", "{")
	}
	kinds := []string{"address_update", "shipping_option_update", "country_change", "validation"}
	w := newWorld(f, nil)
	c := w.cart("order-1", nil)
	o := w.order(c)
	f.Fuzz(func(t *testing.T, which int, country, postal, region, option, name string) {
		w.in(t) // f must not be used in here
		kind := kinds[(which%len(kinds)+len(kinds))%len(kinds)]
		var body map[string]any
		if err := json.Unmarshal([]byte(w.body(o)), &body); err != nil {
			t.Fatal(err)
		}
		address := map[string]any{"country": country, "postal_code": postal, "region": region, "given_name": name}
		body["billing_address"], body["shipping_address"] = address, address
		body["selected_shipping_option"] = map[string]any{"id": option}
		before, reserved := w.Cart(c.ID), w.Approved(c.ID)
		res := w.call(w.path(kind, "order-1"), w.body(body))
		switch {
		case !slices.Contains([]int{200, 303, 400, 404, 413}, res.StatusCode):
			t.Errorf("%s: got %d", kind, res.StatusCode)
		case res.StatusCode >= http.StatusBadRequest:
			w.unchanged(before, reserved...)
		}
		after := w.Cart(c.ID)
		if _, served := skerry.Version().Markets.Lookup(after.Country); !served || len(after.Lines) != len(before.Lines) {
			t.Errorf("%s left the cart %+v", kind, after)
		}
		if _, _, err := w.KCO.Wants.Want(after); err != nil {
			t.Errorf("%s left a cart that cannot be sold: %v", kind, err)
		}
	})
}

// FuzzAuthorization: whatever is sent as Klarna's word of an authorization is written down
// as it is, or refused and not written down.
func FuzzAuthorization(f *testing.F) {
	for _, body := range []string{
		`{"authorization_token":"b4bd3423-24e3","session_id":"e4b81ca2-0aae","merchant_reference1":"x"}`, `{"authorization_token":"","session_id":"x"}`,
		`{"authorization_token":1}`, `{"authorization_token":"a b","session_id":"../x"}`, `[]`, ``, `{"authorization_token":"\u0000","session_id":"\ud800"}`,
	} {
		f.Add(body)
	}
	w := newWorld(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		w.in(t) // f must not be used in here
		w.Exec("delete from authorizations")
		res := w.call(w.authorizationPath(), body)
		written := w.written()
		var sent struct {
			Token   string `json:"authorization_token"`
			Session string `json:"session_id"`
		}
		switch bad := json.Unmarshal([]byte(body), &sent); {
		case res.StatusCode == http.StatusNoContent:
			if bad != nil || !slices.Equal(written, []string{sent.Session + " " + sent.Token}) || sent.Token == "" || sent.Session == "" {
				t.Errorf("%q was written down as %q", body, written)
			}
		case res.StatusCode >= 500 || res.StatusCode < 400 || len(written) > 0:
			t.Errorf("%q: got %d, written down %q", body, res.StatusCode, written)
		}
	})
}
