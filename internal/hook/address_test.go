package hook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/settings"
)

func TestIsPublic(t *testing.T) {
	for text := range strings.FieldsSeq("1.1.1.1 93.184.216.34 2606:4700::1111 ::ffff:1.1.1.1") {
		if !isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is public", text)
		}
	}
	for text := range strings.FieldsSeq("127.0.0.1 ::1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 224.0.0.1 255.255.255.255 " +
		"192.0.0.1 198.18.0.1 203.0.113.1 240.0.0.1 fe80::1 fc00::1 ff02::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: fec0::1") {
		if isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is not public", text)
		}
	}
}

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
