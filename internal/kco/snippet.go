package kco

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// ConfirmationLife is how long after the purchase Klarna's confirmation works.
// Source: docs.klarna.com, Render the confirmation snippet.
const ConfirmationLife = 2 * time.Hour

// Snippet returns Klarna's html_snippet as it works under a strict
// Content-Security-Policy: each script and style element has the page's nonce, and each
// style attribute is called data-style, from which web/static/iframe.js sets it. It changes
// nothing else. nonce must have only letters, digits, - and _; "": the page's script sets it.
func Snippet(snippet, nonce string) string {
	var out strings.Builder
	out.Grow(len(snippet) + len(snippet)/8)
	z := html.NewTokenizer(strings.NewReader(snippet))
	for {
		switch z.Next() {
		case html.StartTagToken, html.SelfClosingTagToken:
			raw := z.Raw()
			if concerned.Match(raw) {
				raw = bytes.Clone(raw) // reading the token changes it
				raw = tag(raw, z.Token(), nonce)
			}
			out.Write(raw)
		case html.ErrorToken:
			out.Write(z.Raw())
			return out.String()
		default:
			out.Write(z.Raw())
		}
	}
}

// concerned is what each tag has that a policy concerns, and few others.
var concerned = regexp.MustCompile(`(?i)style|script`)

// tag is a tag as it works under a policy.
func tag(raw []byte, token html.Token, nonce string) []byte {
	for i := range token.Attr {
		if token.Attr[i].Key == "style" {
			token.Attr[i].Key = "data-style"
			raw = []byte(token.String())
		}
	}
	if nonce == "" || token.Data != "script" && token.Data != "style" {
		return raw
	}
	end := 1 + len(token.Data) // of two attributes of one name the first counts
	return slices.Concat(raw[:end], []byte(` nonce="`+nonce+`"`), raw[end:])
}
