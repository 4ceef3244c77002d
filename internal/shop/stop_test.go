package shop_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

// A process that is told to stop begins no delivery any more, while it still serves: one may take as
// long as the requests that are under way then, and would be killed on its way.
func TestStoppingBeginsNoDelivery(t *testing.T) {
	sent := &mail.Shown{}
	w := shoptest.New(t, shoptest.Options{Config: func(c *shop.Config) { c.Mail, c.Drain = sent, 4*time.Second }})
	ports := twoPorts(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, ports[0], ports[1]) }()
	until.Holds(t, "mails are delivered from now on", func() bool { return w.Number("select count(*) from event_cursors") > 0 })
	_, orderID := w.Sale()
	stop()
	w.Place(orderID)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if list := sent.List(); len(list) > 0 {
		t.Errorf("sent while the process stopped: %+v", list)
	}
	w.Beside(func(ctx context.Context) { w.Loops(ctx, ctx) })
	until.Holds(t, "the mail is sent by the next process", func() bool { return len(sent.List()) > 0 })
}

// A process that cannot serve any more ends with what is wrong, and whoever watches it starts another one.
func TestEndsWhereItCannotServe(t *testing.T) {
	w := shoptest.New(t, shoptest.Options{})
	ports := twoPorts(t)
	if err := ports[1].Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context(), ports[0], ports[1]) }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it says that all is right")
		}
	case <-time.After(20 * time.Second):
		t.Error("it serves nobody and runs on")
	}
}

// twoPorts are the shop's and the operators'.
func twoPorts(t *testing.T) (ports [2]net.Listener) {
	t.Helper()
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l
	}
	return ports
}
