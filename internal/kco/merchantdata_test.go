package kco_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/kco"
)

func signer(t *testing.T, secret string) *kco.Signer {
	t.Helper()
	s, err := kco.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSigner(t *testing.T) {
	const first, second = "the first secret key", "the-second-secret-key"
	one, both := signer(t, first), signer(t, second+"\n\n"+first+"\r\n")
	data := one.Sign("cart7")
	if !strings.HasPrefix(data, "v1.cart7.") || len(data) > 1024 {
		t.Errorf("got %s", data)
	}
	for _, tc := range []struct {
		name, data string
		signer     *kco.Signer
		want       string
	}{
		{"own", data, one, "cart7"},
		{"an older key still verifies", data, both, "cart7"},
		{"a newer key is unknown to the old", both.Sign("cart7"), one, ""},
		{"another cart", strings.Replace(data, "cart7", "cart8", 1), one, ""},
		{"cut off", data[:len(data)-1], one, ""},
		{"no version", strings.TrimPrefix(data, "v1."), one, ""},
		{"no cart", "v1.." + data[9:], one, ""},
		{"empty", "", one, ""},
		{"somebody else's", `{"cart":7}`, one, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.signer.Verify(tc.data)
			if got != tc.want || (tc.want == "") != errors.Is(err, kco.ErrForeign) {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
	if one.CallbackToken() == both.CallbackToken() || len(one.CallbackToken()) < 32 {
		t.Errorf("callback tokens %q, %q", one.CallbackToken(), both.CallbackToken())
	}
	for token, want := range map[string][2]bool{ // one, both
		one.CallbackToken(): {true, true}, both.CallbackToken(): {false, true}, "": {}, one.CallbackToken() + "x": {},
	} {
		if got := [2]bool{one.IsCallbackToken(token), both.IsCallbackToken(token)}; got != want {
			t.Errorf("IsCallbackToken(%q) = %v, want %v", token, got, want)
		}
	}
}

// What is not of KCO says what it was bought by; one kind is not the other.
func TestSignerOrigin(t *testing.T) {
	const first, second = "the first secret key", "the-second-secret-key"
	one, both := signer(t, first), signer(t, second+"\n"+first)
	data := one.SignOrigin("cart7", "session:a.b")
	for _, tc := range []struct {
		name, data   string
		signer       *kco.Signer
		cart, origin string
		foreign      bool
	}{
		{"own", data, one, "cart7", "session:a.b", false},
		{"an older key still verifies", data, both, "cart7", "session:a.b", false},
		{"without a cart", one.SignOrigin("", "charge:1"), one, "", "charge:1", false},
		{"of KCO", one.Sign("cart7"), one, "cart7", "", false},
		{"a newer key is unknown to the old", both.SignOrigin("cart7", "session:a.b"), one, "", "", true},
		{"another origin", strings.Replace(data, "session:a", "session:c", 1), one, "", "", true},
		{"another cart", strings.Replace(data, "cart7", "cart8", 1), one, "", "", true},
		{"part of the cart in the origin", one.SignOrigin("cart", "7 session:a.b"), one, "cart", "7 session:a.b", false},
		{"as the first kind", strings.Replace(data, "v2.", "v1.", 1), one, "", "", true},
		{"the first kind as the second", strings.Replace(one.Sign("cart7"), "v1.", "v2.", 1) + ".x", one, "", "", true},
		{"a third kind", strings.Replace(data, "v2.", "v3.", 1), one, "", "", true},
		{"no origin", "v2.cart7", one, "", "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cart, origin, err := tc.signer.VerifyOrigin(tc.data)
			if cart != tc.cart || origin != tc.origin || tc.foreign != errors.Is(err, kco.ErrForeign) {
				t.Errorf("got %q by %q, %v, want %q by %q", cart, origin, err, tc.cart, tc.origin)
			}
		})
	}
}

func TestNewSignerRefuses(t *testing.T) {
	for _, secret := range []string{"", " \n", "short", "long-enough-for-a-key\nshort"} {
		if _, err := kco.NewSigner(secret); err == nil {
			t.Errorf("%q: got no error", secret)
		}
	}
}
