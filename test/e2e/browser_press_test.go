package e2e_test

import (
	"testing"

	"github.com/go-rod/rod/lib/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// A press during which the summary is replaced counts as any other: no click is lost.
func TestPressWhileAnswered(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	for _, tt := range []struct {
		name, key string
		finger    bool
		want      map[string]int
	}{
		{"plus", "JAM-1:plus", false, map[string]int{"MUG-1": 2, "JAM-1": 2}},
		{"remove", "JAM-1:remove", false, map[string]int{"MUG-1": 2}},
		{"plus by finger", "JAM-1:plus", true, map[string]int{"MUG-1": 2, "JAM-1": 2}},
		{"remove by finger", "JAM-1:remove", true, map[string]int{"MUG-1": 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := d.shopper(t, browsertest.Options{Phone: tt.finger, Width: 1200})
			s.fill("MUG-1", "JAM-1")
			s.openCheckout()
			d.fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*", OrderID: s.orderID(), DelayAfter: milliseconds(100)})
			at := s.pointOf(`[data-key="` + tt.key + `"]`)
			down, up := func() { s.Mouse.MustDown(proto.InputMouseButtonLeft) }, func() { s.Mouse.MustUp(proto.InputMouseButtonLeft) }
			if tt.finger {
				down = func() { s.Touch.MustStart(&proto.InputTouchPoint{X: at.X, Y: at.Y}) }
				up = func() { s.Touch.MustEnd() }
			} else {
				s.Mouse.MustMoveTo(at.X, at.Y)
			}
			s.MustEval(`() => document.querySelector('[data-key="MUG-1:plus"]').click()`)
			down()
			s.settled()
			up()
			s.settled()
			if diff := cmp.Diff(tt.want, s.agree().Lines); diff != "" {
				t.Errorf("cart (-want +got):\n%s", diff)
			}
		})
	}
}
