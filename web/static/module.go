package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// parts are the modules of which /v1/checkout.js is made, each after those that it imports.
// They share one scope, so what they name at their top must differ.
var parts = []string{"ask.js", "follow.js", "queue.js", "iframe.js", "form.js", "embed.js"}

var (
	blockComments = regexp.MustCompile(`(?s)[ \t]*/\*\*.*?\*/ ?`)
	lineComments  = regexp.MustCompile(`(?m)^[ \t]*//.*\n`)
	emptyLines    = regexp.MustCompile(`\n(?:[ \t]*\n)+`)
	imports       = regexp.MustCompile(`(?m)^import .*\n`)
	exports       = regexp.MustCompile(`(?m)^export (class|const|function|async)`)
)

// module is the script for pages of the merchant's: the modules of our own page in one, for
// a module of another host can be cached and preloaded only as a whole.
var module = join()

func join() []byte {
	var b bytes.Buffer
	for _, name := range parts {
		content, _ := files.ReadFile(name) // it is embedded
		text := imports.ReplaceAllString(string(content), "")
		if name != parts[len(parts)-1] {
			text = exports.ReplaceAllString(text, "$1")
		}
		text = lineComments.ReplaceAllString(blockComments.ReplaceAllString(text, ""), "")
		b.WriteString(strings.TrimLeft(emptyLines.ReplaceAllString(text, "\n"), "\n"))
	}
	return b.Bytes()
}

var compressed = compress(module)

func compress(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	_, _ = z.Write(content)                               // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

//go:embed checkout.d.ts
var types []byte

// ServeModule answers with the script for pages of the merchant's, at an address that stays.
func ServeModule(w http.ResponseWriter, r *http.Request) {
	content := module
	w.Header().Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		content = compressed
	}
	serveStaying(w, r, "text/javascript; charset=utf-8", content)
}

// ServeTypes answers with the script's types.
func ServeTypes(w http.ResponseWriter, r *http.Request) {
	serveStaying(w, r, "text/plain; charset=utf-8", types)
}

// serveStaying answers any site with a file whose address does not tell its content.
func serveStaying(w http.ResponseWriter, r *http.Request, contentType string, content []byte) {
	sum := sha256.Sum256(content)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
