package webhook

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/standardwebhooks"
)

// The query of an address may be a secret.
func TestErrorsHideTheAddress(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(breaks.Close)
	w := &Webhooks{caller: standardwebhooks.NewCaller("http://localhost", answerTime, 1)}
	for _, address := range []string{gone.URL, breaks.URL, "http://hunter2.invalid", "http://%zz"} {
		to := settings.Webhook{URL: address + "/hunter2?key=hunter2", SecretFile: secret}
		if _, err := w.send(t.Context(), to, event.Event{ID: "evt_1", Data: []byte("{}")}); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := w.send(t.Context(), settings.Webhook{URL: gone.URL, SecretFile: "whsec_hunter2"}, event.Event{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("without its secret: %v", err)
	}
}
