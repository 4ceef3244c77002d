// Package static holds the shop's style sheets, scripts and pictures and serves
// them under addresses that change with their content.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed *.css *.js *.svg pictures/*.svg
var files embed.FS

// prefix is where everything is, the hash of all files in it: relative imports
// of scripts stay valid, and nothing ever changes under its address.
var prefix = "/static/" + hash() + "/"

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// URL is the address of a file of this folder: URL("pictures/MUG-1.svg").
func URL(name string) string { return prefix + name }

// Handler serves /static/…, to be cached for ever. An address of another
// release, which a page still open may ask for, leads to today's file of that
// name; what does not exist is a 404.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	release, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
	contentType := contentTypes[path.Ext(name)]
	content, err := files.ReadFile(name)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	case err != nil || contentType == "":
		http.NotFound(w, r)
	case URL(name) != "/static/"+release+"/"+name:
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, URL(name), http.StatusFound) //nolint:gosec // URL is an address of ours
	default:
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // the payment form shows our pictures
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	}
}

// hash is of all names and contents. An embedded file system cannot fail to be read.
func hash() string {
	h := sha256.New()
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		_, _ = h.Write([]byte(name + "\x00"))
		_, _ = h.Write(content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8])
}
