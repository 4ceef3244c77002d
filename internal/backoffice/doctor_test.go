package backoffice_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Staff who manage see what the shop depends on, and what is wrong with it; who may look do not.
func TestDoctor(t *testing.T) {
	o := newOfficeOf(t, shoptest.Options{Config: func(c *shop.Config) { c.Klarna.Password = "hunter2" }})
	page := o.clerk("ada").Get("/admin/doctor")
	for _, want := range []string{"Doctor", "refuses our credentials for checkout (401)", "SHOPD_KLARNA_PASSWORD", "It is PostgreSQL", "It is Redis"} {
		if !strings.Contains(page.Text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if page.StatusCode != http.StatusOK || strings.Contains(page.Text, "hunter2") {
		t.Errorf("%d\n%s", page.StatusCode, page.Text)
	}
	if got := o.clerk("bo").Get("/admin/doctor"); got.StatusCode != http.StatusForbidden {
		t.Errorf("who may look: %d", got.StatusCode)
	}
}
