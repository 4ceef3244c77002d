package shop

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/publish"
)

// credentials knows whether Klarna takes the shop's user and password. Wrong ones would
// fail every checkout, so the process is not ready with them.
type credentials struct {
	klarna    *klarna.Client
	published *publish.Published // says of which product they are
	logger    *slog.Logger
	wrong     atomic.Bool
	again     chan struct{} // they have changed
}

// change takes other credentials, which are tried at once.
func (c *credentials) change(to Klarna) error {
	if err := c.klarna.Authorize(to.Username, to.Password); err != nil {
		return err
	}
	select {
	case c.again <- struct{}{}:
	default: // it is known already
	}
	return nil
}

const (
	// credentialsEvery is how long Klarna is not asked again after no answer, or a wrong one.
	credentialsEvery = 30 * time.Second
	// credentialsSoon is how long it is not asked again after a first 403.
	credentialsSoon = time.Second
)

// Run asks Klarna until it has taken the credentials, anew when they have changed, until ctx ends. No answer says nothing
// about them. A 401 is about them alone. A 403 may be of something in between, or about what
// was asked for: it counts when the next try has one too.
func (c *credentials) Run(ctx context.Context) {
	forbidden := false
	for {
		err := c.try(ctx)
		wait := time.After(credentialsEvery)
		status := klarna.Status(err)
		first := status == http.StatusForbidden && !forbidden
		forbidden = status == http.StatusForbidden
		switch {
		case err == nil, status == http.StatusNotFound: // known to Klarna: there is just no such thing
			c.wrong.Store(false)
			c.logger.InfoContext(ctx, "klarna takes the credentials")
			wait = nil
		case first:
			wait = time.After(credentialsSoon)
			c.logger.WarnContext(ctx, "klarna forbids the try of the credentials, which is tried again", "error", err)
		case status == http.StatusUnauthorized, forbidden:
			c.wrong.Store(true)
			c.logger.ErrorContext(ctx, "klarna refuses the credentials, nobody can check out: see SHOPD_KLARNA_USERNAME and SHOPD_KLARNA_PASSWORD", "error", err)
		case ctx.Err() == nil:
			c.logger.WarnContext(ctx, "the credentials could not be tried", "error", err)
		}
		select {
		case <-wait:
		case <-c.again:
		case <-ctx.Done():
			return
		}
	}
}

// try reads what nobody has.
func (c *credentials) try(ctx context.Context) error {
	path := "/checkout/v3/orders/"
	if c.published.Now().Shop.Checkout.Payments {
		path = "/payments/v1/sessions/"
	}
	_, err := c.klarna.Do(ctx, klarna.Request{
		Operation: "try credentials", Method: http.MethodGet, Path: path + uuid.NewString(), Retry: klarna.RetryRead,
	}, nil)
	return err
}

// Unready says why the process should get no requests, "" if it should.
func (c *credentials) Unready() string {
	if c.wrong.Load() {
		return "klarna refuses the credentials"
	}
	return ""
}
