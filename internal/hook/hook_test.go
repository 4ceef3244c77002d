package hook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/settings"
)

// A shop with an https address asks https addresses of a public network alone; one on a desk
// asks any.
func TestWhere(t *testing.T) {
	asked := 0
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{}`)
	})
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(publicURL, url, secret string) error {
		h := (&Hooks{Logger: slog.New(slog.DiscardHandler)}).Connect(publicURL)
		var into struct{}
		return h.ask(context.WithoutCancel(t.Context()), "delivery", settings.Hook{URL: url, SecretFile: secret, Timeout: time.Second}, into, &into, func() error { return nil })
	}
	for _, url := range []string{plain.URL, secure.URL, strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)} {
		if err := ask("https://shop.example", url, secret); !errors.Is(err, errNotAsked) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := ask("http://localhost:8080", plain.URL, secret+"2"); !errors.Is(err, errNotAsked) {
		t.Errorf("without a secret: %v", err)
	}
	if asked != 0 {
		t.Fatalf("asked %d times", asked)
	}
	if err := ask("http://localhost:8080", plain.URL, secret); err != nil || asked != 1 {
		t.Errorf("on a desk: %v, asked %d times", err, asked)
	}
}
