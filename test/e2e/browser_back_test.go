package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Back to the checkout by the browser's button, after the cart changed elsewhere: it shows the cart as it is, whether
// the browser loads the page anew or has kept it.
func TestBackToCheckout(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	for _, tt := range []struct {
		name string
		kept bool
	}{{"loaded anew", false}, {"kept", true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := d.shopper(t, browsertest.Options{Whole: tt.kept})
			if tt.kept {
				s.keepPages()
			}
			s.fill("MUG-1")
			s.openCheckout()
			s.typeContact()
			id := s.orderID()
			s.MustEval(`() => { window.same = true }`)
			s.Load(func() { s.click("a.back") }) // to the catalogue, whose script then adds the hat without another page
			s.press("HAT-1:add")
			s.Wait("the hat is in the cart", `() => document.querySelector(".toast")`)
			s.MustEval(`() => { setTimeout(() => history.back()) }`)
			s.Wait("the checkout with the hat", `() => location.pathname === "/checkout" && document.querySelector('[data-key="HAT-1:plus"]')`)
			if got := s.MustEval(`() => window.same === true`).Bool(); got != tt.kept {
				t.Fatalf("the page was kept: %t", got)
			}
			s.formShown()
			s.settled()
			if diff := cmp.Diff(map[string]int{"MUG-1": 1, "HAT-1": 1}, s.agree().Lines); diff != "" {
				t.Errorf("cart (-want +got):\n%s", diff)
			}
			s.wantTyped()
			if s.orderID() != id {
				t.Error("the order is another one than before")
			}
			s.press("HAT-1:plus")
			s.settled()
			s.agree()
		})
	}
}

// keepPages makes Chromium keep pages for the way back that forbid it, as other browsers do.
func (s *shopper) keepPages() {
	s.t.Helper()
	wait := s.EachEvent(func(e *proto.FetchRequestPaused) {
		headers := slices.DeleteFunc(e.ResponseHeaders, func(h *proto.FetchHeaderEntry) bool { return strings.EqualFold(h.Name, "Cache-Control") })
		_ = proto.FetchContinueResponse{RequestID: e.RequestID, ResponseCode: e.ResponseStatusCode, ResponseHeaders: headers}.Call(s)
	})
	go wait()
	patterns := []*proto.FetchRequestPattern{{URLPattern: "*/checkout", ResourceType: proto.NetworkResourceTypeDocument, RequestStage: proto.FetchRequestStageResponse}}
	if err := (proto.FetchEnable{Patterns: patterns}).Call(s); err != nil {
		s.t.Fatal(err)
	}
}
