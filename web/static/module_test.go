package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The script is small, has no comments and imports nothing; whoever takes it compressed gets the same.
func TestModule(t *testing.T) {
	if n := len(compressed); n > 10_000 {
		t.Errorf("%d bytes compressed", n)
	}
	if found := regexp.MustCompile(`(?m)^(import .*|/\*\*.*|\s*//.*)$`).FindString(string(module)); found != "" {
		t.Errorf("it has %q", found)
	}
	if exported := regexp.MustCompile(`(?m)^export .*?(\w+)\(`).FindAllStringSubmatch(string(module), -1); len(exported) != 2 || exported[0][1] != "mountCheckout" || exported[1][1] != "mountConfirmation" {
		t.Errorf("it exports %q", exported)
	}
	for _, encoding := range []string{"", "gzip, br"} {
		r := httptest.NewRequest("GET", "/v1/checkout.js", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		ServeModule(w, r)
		body := io.Reader(w.Body)
		if encoding != "" {
			body, _ = gzip.NewReader(w.Body)
		}
		got, err := io.ReadAll(body)
		h := w.Header()
		if err != nil || !bytes.Equal(got, module) || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
			h.Get("Content-Type") != "text/javascript; charset=utf-8" || h.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%q: %v, %v", encoding, err, h)
		}
		r.Header.Set("If-None-Match", h.Get("ETag"))
		if w = httptest.NewRecorder(); h.Get("ETag") == "" {
			t.Error("no ETag")
		} else if ServeModule(w, r); w.Code != 304 {
			t.Errorf("the same again is %d", w.Code)
		}
	}
}

// The types have each code of an error that the script makes, and each event that it tells.
func TestTypes(t *testing.T) {
	for _, pattern := range []string{`failure\((?:answer\.why === "timeout" \? )?"(\w+)"`, `#tell\("(\w+)"`, `(\w+): "(?:complete|expired)"`} {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(module), -1)
		if len(found) < 2 {
			t.Errorf("%s: %d found", pattern, len(found))
		}
		names := map[string]bool{}
		for _, match := range found {
			names[match[1]] = true
		}
		for name := range names {
			if !strings.Contains(string(types), `"`+name+`"`) && !strings.Contains(string(types), "  "+name+": (") {
				t.Errorf("the types have no %s", name)
			}
		}
	}
	// What is declared at the top of two parts would be one thing.
	tops := regexp.MustCompile(`(?m)^(?:export )?(?:async )?(?:class|const|let|function) (\w+)`).FindAllStringSubmatch(string(module), -1)
	var names []string
	for _, match := range tops {
		if slices.Contains(names, match[1]) {
			t.Errorf("%s is declared twice", match[1])
		}
		names = append(names, match[1])
	}
}
