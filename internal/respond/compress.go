package respond

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// Compressed compresses the answers of next, with zstd or gzip as the client likes. It is for
// files and for pages that anybody may see: what holds a secret beside what a stranger can
// write would tell it by its length.
var Compressed = func() func(http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.EnableZstd(true), gzhttp.PreferZstd(true), gzhttp.MinSize(512),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml", "application/xml", "application/manifest+json"}),
	)
	if err != nil {
		panic(err) // the options are ours
	}
	return func(next http.Handler) http.Handler { return wrap(next) }
}()
