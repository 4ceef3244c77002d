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

//go:embed *.css *.js *.svg pictures/*.svg fonts/*.woff2 fonts/OFL.txt
var files embed.FS

// own is this folder. Its hash is of all files in it: relative imports of scripts stay
// valid, and nothing ever changes under its address.
var own = Tree{Root: "/static/", Hash: hash(), File: func(name string) ([]byte, bool) {
	content, err := files.ReadFile(name)
	return content, err == nil
}}

// URL is the address of a file of this folder: URL("pictures/MUG-1.svg").
func URL(name string) string {
	if url, known := urls[name]; known {
		return url
	}
	return own.URL(name)
}

// Has reports whether there is a file of that name in this folder.
func Has(name string) bool {
	_, known := urls[name]
	return known
}

// urls are the addresses by name: a page has dozens.
var urls = func() map[string]string {
	urls := map[string]string{}
	each(func(name string, _ []byte) { urls[name] = own.URL(name) })
	return urls
}()

// Handler serves /static/….
func Handler() http.Handler { return own }

// Tree is files under addresses that change with their content.
type Tree struct {
	Root string // the path of all addresses: "/static/"
	Hash string // of the files
	File func(name string) ([]byte, bool)
}

// URL is the address of a file.
func (t Tree) URL(name string) string { return t.Root + t.Hash + "/" + name }

// contentTypes are those of the files that are served.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".jpg":   "image/jpeg",
	".jpeg":  "image/jpeg",
	".webp":  "image/webp",
	".woff2": "font/woff2",
	".txt":   "text/plain; charset=utf-8",
}

// ServeHTTP answers with a file, to be cached for ever. An address with another hash, which
// a page still open may ask for, leads to today's file of that name; what does not exist is
// a 404.
func (t Tree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, t.Root), "/")
	contentType := contentTypes[path.Ext(name)]
	content, found := t.File(name)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
	case !found || contentType == "":
		http.NotFound(w, r)
	case r.URL.Path != t.URL(name):
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, t.URL(name), http.StatusFound) //nolint:gosec // it is an address of ours
	default:
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin") // the payment form shows our pictures
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	}
}

// hash is of all names and contents.
func hash() string {
	h := sha256.New()
	each(func(name string, content []byte) {
		_, _ = h.Write([]byte(name + "\x00"))
		_, _ = h.Write(content)
	})
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// each goes through all files. An embedded file system cannot fail to be read.
func each(do func(name string, content []byte)) {
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		do(name, content)
		return err
	})
}
