// Package web has the files for browsers, embedded.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"sync"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Must returns v. It panics with err.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

//go:embed *.html assets fake
var Files embed.FS

// versionOf returns a short hash of all assets. It is part of their address, so browsers
// may cache them for ever.
func versionOf(files fs.FS) string {
	h := sha256.New()
	for _, entry := range Must(fs.ReadDir(files, ".")) {
		h.Write([]byte(entry.Name()))
		h.Write(Must(fs.ReadFile(files, entry.Name())))
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func readTexts(files fs.FS) map[i18n.Lang]map[string]string {
	var texts map[i18n.Lang]map[string]string
	if err := json.Unmarshal(Must(fs.ReadFile(files, "texts.json")), &texts); err != nil {
		panic(err)
	}
	return texts
}

// Slow parts are read at first use: a shop in production is the same program and does not
// need them.
var (
	Pages   = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(Files, "*.html")) })
	Assets  = Must(fs.Sub(Files, "assets"))
	Version = versionOf(Assets)
	Texts   = sync.OnceValue(func() map[i18n.Lang]map[string]string { return readTexts(Assets) })
)

// LangOf returns the language of a locale in which the fake speaks: English where it has no
// texts, also when the shop has some.
func LangOf(locale string) i18n.Lang {
	if language := i18n.LangOf(locale); Texts()[language] != nil {
		return language
	}
	return i18n.English
}

// WritePage sends a page made from a template.
func WritePage(w http.ResponseWriter, status int, csp, referrer string, templates *template.Template, name string, data any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // the template does not fit its data: a mistake in this package
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", csp)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// WriteJSON answers a browser or a program that is not a client of the APIs.
func WriteJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(wire.MustJSON(answer), '\n'))
}
