package engine_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// A call waits for one with its key that runs, and takes its place when that
// has no answer to be kept.
func TestIdempotencyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := engine.New(engine.Config{Username: "demo", Password: "demo", Logger: slog.New(slog.DiscardHandler)})
		started, answer := make(chan struct{}, 2), make(chan int)
		fake.Serve("POST", "/slow", fake.Once(func(*engine.Call) (wire.Reply, *wire.Error) {
			fake.Mu.Unlock()
			defer fake.Mu.Lock()
			started <- struct{}{}
			status, ok := <-answer
			if !ok {
				panic("the operation panics")
			}
			if status >= http.StatusBadRequest {
				return wire.Reply{}, &wire.Error{Status: status, Code: "SLOW", Message: "slow"}
			}
			return wire.Reply{Status: status, Body: []byte("done")}, nil
		}))
		type result struct {
			status int
			body   string
		}
		results := make(chan result, 3)
		call := func(key string) {
			defer func() {
				if recover() != nil {
					results <- result{0, "panic"}
				}
			}()
			got := faketest.Serve(t, fake.ServeAPI, "POST", "/slow", "", "Klarna-Idempotency-Key", key)
			body, _, _ := strings.Cut(string(got.Body), `,"correlation_id"`)
			results <- result{got.Status, body}
		}
		want := func(what string, starts int, all ...result) {
			t.Helper()
			synctest.Wait()
			if len(started) != starts || len(results) != len(all) {
				t.Fatalf("%s: got %d calls started and %d answered, want %d and %d", what, len(started), len(results), starts, len(all))
			}
			for range len(started) {
				<-started
			}
			for _, w := range all {
				if got := <-results; got != w {
					t.Errorf("%s: got %v, want %v", what, got, w)
				}
			}
		}
		go call("k")
		want("one runs", 1)
		go call("k")
		go call("other")
		want("one waits, another key does not", 1)
		answer <- 200
		answer <- 200
		want("all have answers", 0, result{200, "done"}, result{200, "done"}, result{200, "done"})

		const busy = `{"error_code":"SLOW","error_messages":["slow"]`
		go call("5xx")
		want("one runs", 1)
		go call("5xx")
		want("one waits", 0)
		answer <- 503
		want("a 5xx is not kept", 1, result{503, busy})
		answer <- 409
		want("the second", 0, result{409, busy})
		go call("5xx")
		want("a 4xx is kept", 0, result{409, busy})

		go call("panics")
		want("one runs", 1)
		go call("panics")
		want("one waits", 0)
		close(answer)
		want("a panic frees the key", 1, result{0, "panic"}, result{0, "panic"})

		answer = make(chan int)
		go call("reset")
		want("one runs", 1)
		go call("reset")
		want("one waits", 0)
		fake.Reset()
		want("the one that waits ends without an answer", 0, result{0, "panic"})
		answer <- 200
		want("the one that runs has its answer", 0, result{200, "done"})
		go call("reset")
		want("which is not kept", 1)
		fake.Close()
		go call("reset")
		want("a closed fake lets none wait", 0, result{0, "panic"})
		answer <- 200
		want("the last", 0, result{200, "done"})
	})
}
