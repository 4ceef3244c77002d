package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// mark is put into every text that is sent: no answer but a good one may have it.
const mark = "hunter2"

// Whatever is sent to any path is answered without a 5xx, and an error never repeats it. The seeds are the examples of
// the document: each call as it stands there, and with the mark in each of its texts.
func FuzzAnything(f *testing.F) {
	var lines []string
	for i := range 500 { // each may make so many calls a minute
		lines = append(lines, api.KeyLine(fmt.Sprint("k", i), string(permission.All), fmt.Sprint("sk_", i)))
	}
	keys, err := api.ParseKeys(strings.Join(lines, "\n"))
	if err != nil {
		f.Fatal(err)
	}
	file, goods := skerry.Files()
	publish := publishing(f, file, goods)
	w := shoptest.Serve(f, shoptest.Options{Config: func(c *shop.Config) {
		c.Keys = keys
		publish(c)
	}})
	handler := w.Server.Handler()
	placed := w.Placed()
	var calls atomic.Int64
	ctx := f.Context()
	call := func(method, path, kind, body string) *httptest.ResponseRecorder {
		n := calls.Add(1)
		r, err := http.NewRequestWithContext(ctx, method, "http://shop.example/v1"+path, strings.NewReader(body))
		if err != nil || r.URL.Host != "shop.example" {
			return nil // no client can send it
		}
		r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
		r.Header = http.Header{"Authorization": {fmt.Sprint("Bearer sk_", n%500)}, "Content-Type": {kind}, "Idempotency-Key": {fmt.Sprint("n", n)}}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		return answer
	}
	var document struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Example json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(call("GET", "/openapi.json", "", "").Body.Bytes(), &document); err != nil {
		f.Fatal(err)
	}
	for path, methods := range document.Paths {
		path = strings.TrimPrefix(path, "/v1")
		path = strings.NewReplacer("{reference}", "basket-1", "{order}", placed.ID, "{command}", "cmd_1", "{capture}", "c-1").Replace(path)
		for method, operation := range methods {
			method = strings.ToUpper(method)
			f.Add(method, path, "application/json", "")
			f.Add(method, path+"?after=-1&limit=2&sku=MUG-1&status=open&placed_after=2026-01-01T00:00:00Z", "application/json", "")
			for kind, c := range operation.RequestBody.Content {
				f.Add(method, path, kind, string(c.Example))
			}
		}
	}
	f.Fuzz(func(t *testing.T, method, path, kind, body string) {
		for _, marked := range []bool{false, true} {
			if marked {
				var value any
				if json.Unmarshal([]byte(body), &value) == nil {
					text, _ := json.Marshal(withMark(value))
					body = string(text)
				} else {
					body += mark
				}
				path += mark
			}
			answer := call(method, path, kind, body)
			switch {
			case answer == nil:
			case answer.Code >= 500 && answer.Code != http.StatusNotImplemented:
				t.Errorf("%s %q with %q: %d %s", method, path, body, answer.Code, answer.Body)
			case answer.Code >= 400 && strings.Contains(answer.Body.String(), mark) && marked:
				t.Errorf("%s %q with %q: %d repeats what was sent: %s", method, path, body, answer.Code, answer.Body)
			}
		}
	})
}

// withMark is a JSON value with the mark in each of its texts.
func withMark(value any) any {
	switch v := value.(type) {
	case string:
		return v + mark
	case []any:
		for i := range v {
			v[i] = withMark(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = withMark(v[name])
		}
	}
	return value
}
