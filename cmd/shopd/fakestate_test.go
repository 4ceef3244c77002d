package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// fakeAt runs a fake Klarna whose state is in a file; stop ends it.
func fakeAt(t *testing.T, file string) (url string, stop func(), err error) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	c := &config{klarnaAddr: "127.0.0.1:0", fakePushDelay: "2s", fakeSeed: "0", fakeChaos: "0", fakeState: file}
	v := c.problems()
	fake, err := c.listenFake(t.Context(), v).start(context.WithoutCancel(t.Context()), c, logger)
	if err := v.err(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		return "", nil, err
	}
	return fake.url, fake.stop, nil
}

func fakeCall(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// With -state the fake goes on where it ended: its sessions are there, moves of its clock
// too, and time has passed meanwhile. A file that is no state is left alone.
func TestFakeState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "klarna.json")
	url, stop, err := fakeAt(t, file)
	if err != nil {
		t.Fatal(err)
	}
	made := fakeCall(t, "POST", url+"/payments/v1/sessions", `{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":100,"order_tax_amount":20,
		"order_lines":[{"name":"Mugg","quantity":1,"unit_price":100,"tax_rate":2500,"total_amount":100,"total_tax_amount":20}]}`)
	_, id, _ := strings.Cut(made, `"session_id":"`)
	id, _, ok := strings.Cut(id, `"`)
	if !ok {
		t.Fatalf("no session: %s", made)
	}
	fakeCall(t, "POST", url+"/fake/clock", `{"advance":"1h"}`)
	stop()
	stopped := time.Now()

	about, err := os.Stat(file)
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", about, err)
	}
	if err := os.Chtimes(file, time.Time{}, stopped.Add(-24*time.Hour)); err != nil { // as if it had been stopped for a day
		t.Fatal(err)
	}
	url, stop, err = fakeAt(t, file)
	if err != nil {
		t.Fatal(err)
	}
	if got := fakeCall(t, "GET", url+"/payments/v1/sessions/"+id, ""); !strings.Contains(got, `"status":"incomplete"`) {
		t.Errorf("the session: %s", got)
	}
	if got := fakeCall(t, "GET", url+"/fake/clock", ""); !strings.Contains(got, `"offset":"25h0m`) && !strings.Contains(got, `"offset":"24h59m`) {
		t.Errorf("the clock: %s", got)
	}
	stop()
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}

	for _, text := range []string{"no JSON", `{"version":99,"now":"2026-01-01T00:00:00Z","state":{}}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := fakeAt(t, file); err == nil || !strings.Contains(err.Error(), "the fake's state") || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v", text, err)
		}
		if kept, err := os.ReadFile(file); err != nil || string(kept) != text {
			t.Errorf("the file is now %q, %v", kept, err)
		}
	}
	if _, _, err := fakeAt(t, filepath.Join(t.TempDir(), "none", "klarna.json")); err == nil {
		t.Error("a directory that is not there is no mistake")
	}
}

// The state is written while the fake runs, for the case that it is killed.
func TestFakeStateIsWrittenBetween(t *testing.T) {
	file := filepath.Join(t.TempDir(), "klarna.json")
	fake := fakeklarna.New(fakeklarna.Options{})
	_, end, err := keepState(t.Context(), fake, file, time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for _, path := range []string{"/first", "/second"} {
		fake.AddFault(fakeklarna.Fault{Status: 503, Path: path})
		for limit := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), path) {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("the rule for %s is not in the file", path)
			}
		}
	}
}
