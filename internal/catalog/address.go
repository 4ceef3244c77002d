package catalog

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// address returns an https URL as a browser would send it: a host of other letters in
// ASCII, everything else that a URL cannot have percent-encoded, no standard port, no
// dots in the path, no fragment. False: it is no https URL, or names a user.
func address(text string) (string, bool) {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "#")
	u, err := url.Parse(encoded(text))
	if err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil {
		return "", false
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil || host == "" {
		return "", false
	}
	if port := u.Port(); port != "" && port != "443" {
		host += ":" + port
	}
	root := url.URL{Scheme: "https", Host: host, Path: "/"}
	to := root.ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}) // resolves dots
	return to.String(), true
}

// encoded percent-encodes the bytes of the path and the query of a URL that neither can
// have. What is encoded already stays, with capitals.
func encoded(text string) string {
	const allowed = "-._~!$&'()*+,;=:@/"
	start := strings.Index(text, "://")
	if start < 0 {
		return text
	}
	start += len("://")
	if path := strings.IndexAny(text[start:], "/?"); path >= 0 {
		start += path
	} else {
		return text
	}
	var b strings.Builder
	b.WriteString(text[:start])
	query := false
	for i := start; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '?':
			query = true
			b.WriteByte(c)
		case c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			b.WriteString(strings.ToUpper(text[i : i+3]))
			i += 2
		case c == '%' && !query: // a mistake: url.Parse says so
			b.WriteByte(c)
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(allowed, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
