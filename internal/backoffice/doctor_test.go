package backoffice_test

import (
	"net/http"
	"strings"
	"testing"
)

// Staff who manage see what the shop depends on, and what is wrong with it; who may look do not.
func TestDoctor(t *testing.T) {
	o := newOffice(t)
	if err := o.Client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	page := o.clerk("ada").Get("/admin/doctor")
	for _, want := range []string{"Doctor", "takes our credentials for checkout", "carts disappear", "set maxmemory-policy noeviction", "it is PostgreSQL", "it is Redis", "<p>" + o.URL + " reaches this shop by GET"} {
		if !strings.Contains(page.Text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if page.StatusCode != http.StatusOK {
		t.Errorf("%d\n%s", page.StatusCode, page.Text)
	}
	if got := o.clerk("bo").Get("/admin/doctor"); got.StatusCode != http.StatusForbidden {
		t.Errorf("who may look: %d", got.StatusCode)
	}
}
