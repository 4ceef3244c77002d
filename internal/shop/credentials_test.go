package shop_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Wrong credentials are an error in the log and a process that is not ready, at once and
// not with the first shopper; when Klarna does not answer nothing is known.
func TestCredentials(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*shop.Config)
		status int
		logged string
		faults []fakeklarna.Fault
	}{
		{"right", nil, http.StatusOK, "klarna takes the credentials", nil},
		{"right, Klarna Payments", func(c *shop.Config) {
			c.Published = shoptest.Published(func(s *settings.Shop) { s.Checkout.Payments = true })
		}, http.StatusOK, "klarna takes the credentials", nil},
		{"right, after one 403", nil, http.StatusOK, "klarna takes the credentials", []fakeklarna.Fault{{Status: http.StatusForbidden}}},
		{"403 again and again", nil, http.StatusServiceUnavailable, "klarna refuses the credentials", []fakeklarna.Fault{{Status: http.StatusForbidden, Count: 2}}},
		{"wrong", func(c *shop.Config) { c.Klarna.Password = "hunter2" }, http.StatusServiceUnavailable, "klarna refuses the credentials", nil},
		{"wrong, Klarna Payments", func(c *shop.Config) {
			c.Published, c.Klarna.Password = shoptest.Published(func(s *settings.Shop) { s.Checkout.Payments = true }), "hunter2"
		}, http.StatusServiceUnavailable, "klarna refuses the credentials", nil},
		{"no answer", func(c *shop.Config) { c.Klarna.URL = "http://127.0.0.1:1" }, http.StatusOK, "the credentials could not be tried", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := shoptest.Serve(t, shoptest.Options{Fake: fakeklarna.Options{}, Config: tt.change})
			for _, fault := range tt.faults {
				w.Fake.AddFault(fault)
			}
			w.Beside(func(ctx context.Context) { w.Loops(ctx, ctx) })
			for start := time.Now(); !strings.Contains(w.Log.String(), tt.logged); time.Sleep(10 * time.Millisecond) {
				if time.Since(start) > 30*time.Second {
					t.Fatalf("the log does not say %q:\n%s", tt.logged, w.Log.String())
				}
			}
			got := w.Browser().Get("/readyz")
			if got.StatusCode != tt.status {
				t.Errorf("/readyz is %d %q, want %d", got.StatusCode, got.Text, tt.status)
			}
			if strings.Contains(w.Log.String(), "hunter2") || strings.Contains(got.Text, "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}
