package shop_test

import (
	"testing"

	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Who visits with an identity that a former secret has signed gets another one, as soon as the
// secret is no longer in use and without a restart.
func TestIdentitiesFollowTheSecret(t *testing.T) {
	var config shop.Config
	w := shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) { config = *c }})
	visitor := w.Browser()
	identity := func() string {
		t.Helper()
		visitor.Get("/products/MUG-1")
		return visitor.Cookie("shopd-visitor")
	}
	first := identity()
	for _, tt := range []struct {
		secret string
		same   bool
	}{
		{shoptest.Secret, true},
		{"another secret of 16 characters\n" + shoptest.Secret, true},
		{"another secret of 16 characters", false},
	} {
		config.Secret = tt.secret
		if err := w.Shop.Change(config); err != nil {
			t.Fatal(err)
		}
		if got := identity(); got == "" || (got == first) != tt.same {
			t.Errorf("identity %q then, %q before; want the same: %v", got, first, tt.same)
		}
	}
	second := identity()
	if again := identity(); again != second {
		t.Error("an identity of the new secret does not stay")
	}
}
