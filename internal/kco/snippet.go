package kco

import (
	"bytes"
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
	var out bytes.Buffer
	z := html.NewTokenizer(strings.NewReader(snippet))
	for {
		kind := z.Next()
		raw := append([]byte(nil), z.Raw()...) // reading the token moves the tokenizer on
		if kind == html.ErrorToken {
			out.Write(raw)
			return out.String()
		}
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			raw = tag(raw, z.Token(), nonce)
		}
		out.Write(raw)
	}
}

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
