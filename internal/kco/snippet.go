package kco

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

// Snippet returns Klarna's html_snippet with the page's nonce on each script and style
// element. So it works under a strict Content-Security-Policy. It changes nothing else.
// nonce must have only letters, digits, - and _.
func Snippet(snippet, nonce string) string {
	var out bytes.Buffer
	z := html.NewTokenizer(strings.NewReader(snippet))
	for {
		token := z.Next()
		raw := z.Raw()
		if token == html.ErrorToken {
			out.Write(raw)
			return out.String()
		}
		if token == html.StartTagToken || token == html.SelfClosingTagToken {
			// TagName moves the tokenizer on, so raw is copied to out in parts before it.
			tag := append([]byte(nil), raw...)
			name, _ := z.TagName()
			if n := string(name); n == "script" || n == "style" {
				// Of two attributes of one name the first counts.
				end := 1 + len(n)
				out.Write(tag[:end])
				out.WriteString(` nonce="` + nonce + `"`)
				out.Write(tag[end:])
				continue
			}
			raw = tag
		}
		out.Write(raw)
	}
}
