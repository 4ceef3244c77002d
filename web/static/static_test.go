package static_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/web/static"
)

func request(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestHandler(t *testing.T) {
	css := static.URL("tokens.css")
	for _, test := range []struct {
		name, method, path string
		status             int
		header, want       string
	}{
		{"style sheet", "GET", css, 200, "Content-Type", "text/css; charset=utf-8"},
		{"script", "GET", static.URL("shop.js"), 200, "Content-Type", "text/javascript; charset=utf-8"},
		{"picture", "GET", static.URL("pictures/MUG-1.svg"), 200, "Content-Type", "image/svg+xml"},
		{"for ever", "GET", css, 200, "Cache-Control", "public, max-age=31536000, immutable"},
		{"head", "HEAD", css, 200, "Content-Type", "text/css; charset=utf-8"},
		{"another release", "GET", "/static/0123456789abcdef/pictures/MUG-1.svg", 302, "Location", static.URL("pictures/MUG-1.svg")},
		{"another release is not cached", "GET", "/static/0123456789abcdef/tokens.css", 302, "Cache-Control", "no-store"},
		{"missing", "GET", static.URL("missing.css"), 404, "Cache-Control", ""},
		{"missing in another release", "GET", "/static/0123456789abcdef/missing.css", 404, "Location", ""},
		{"program text", "GET", static.URL("static.go"), 404, "Location", ""},
		{"folder", "GET", static.URL("pictures"), 404, "Location", ""},
		{"folder above", "GET", static.URL("../templates/view.go"), 404, "Location", ""},
		{"nothing", "GET", "/static/", 404, "Location", ""},
		{"post", "POST", css, 405, "Allow", "GET, HEAD"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := request(t, test.method, test.path)
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get(test.header); got != test.want {
				t.Errorf("%s: got %q, want %q", test.header, got, test.want)
			}
		})
	}
}

// assets calls f for each style sheet, script and picture of this folder.
func assets(t *testing.T, f func(name, content string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch filepath.Ext(name) {
		case ".css", ".js", ".svg":
		default:
			return err
		}
		content, err := os.ReadFile(name)
		f(filepath.ToSlash(name), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryAssetIsServed(t *testing.T) {
	assets(t, func(name, content string) {
		if w := request(t, http.MethodGet, static.URL(name)); w.Code != 200 || w.Body.String() != content {
			t.Errorf("%s: status %d, %d bytes, want 200 and %d bytes", name, w.Code, w.Body.Len(), len(content))
		}
	})
}

// Pictures are shown under a strict content security policy and in dark mode
// too: presentation attributes only.
func TestPicturesArePlain(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)style|<script|\son\w+=|<text|gradient|filter|href|<!`)
	assets(t, func(name, content string) {
		if found := forbidden.FindString(content); strings.HasSuffix(name, ".svg") && found != "" {
			t.Errorf("%s has %q", name, found)
		}
	})
}

func TestStyleSheets(t *testing.T) {
	defined, used := map[string]bool{}, map[string]string{}
	assets(t, func(name, content string) {
		if !strings.HasSuffix(name, ".css") {
			return
		}
		if lines := strings.Count(content, "\n"); lines >= 500 {
			t.Errorf("%s has %d lines", name, lines)
		}
		for _, bad := range []string{"outline: none", "url(", "@import"} {
			// The skip link's target is the one place without an outline.
			if n := strings.Count(content, bad); n > 0 && (bad != "url(" || name != "tokens.css") && (bad != "outline: none" || name != "base.css" || n > 1) {
				t.Errorf("%s has %q", name, bad)
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*(--[\w-]+):`).FindAllStringSubmatch(content, -1) {
			defined[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`var\((--[\w-]+)`).FindAllStringSubmatch(content, -1) {
			used[m[1]] = name
		}
	})
	for token, name := range used {
		if !defined[token] {
			t.Errorf("%s uses %s, which no file defines", name, token)
		}
	}
	for token := range defined {
		if used[token] == "" {
			t.Errorf("%s is not used", token)
		}
	}
}
