package kco_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/shopd/shopd/internal/kco"
)

func TestSnippet(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"nothing to stamp", `<div id="a" CLASS=b>x &amp; y</div>`, `<div id="a" CLASS=b>x &amp; y</div>`},
		{"style attribute", `<div id='a' STYLE='overflow: "hidden"; a: &amp;'>style="x"</div>`, `<div id="a" data-style="overflow: &#34;hidden&#34;; a: &amp;">style="x"</div>`},
		{"style attribute of a script", `<script style=a id=b>1</script>`, `<script nonce="N" data-style="a" id="b">1</script>`},
		{"script", `<script id="c">if (a<b && "</div>") {}</script>`, `<script nonce="N" id="c">if (a<b && "</div>") {}</script>`},
		{"style and src", `<style>a{}</style><SCRIPT async src="x"></SCRIPT>`, `<style nonce="N">a{}</style><SCRIPT nonce="N" async src="x"></SCRIPT>`},
		{"ours comes first", `<script nonce="theirs">1</script>`, `<script nonce="N" nonce="theirs">1</script>`},
		{"a script in a comment or a text is none", `<!-- <script> --><p title="<script>">`, `<!-- <script> --><p title="<script>">`},
		{"noscript", `<noscript>Turn on <b>it</b></noscript>`, `<noscript>Turn on <b>it</b></noscript>`},
		{"cut off", `<script>a`, `<script nonce="N">a`},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := kco.Snippet(tc.in, "N"); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// Whatever Klarna sends, stamping only adds nonces: every script and style
// element has ours first, and without them the snippet is what it was.
func FuzzSnippet(f *testing.F) {
	f.Add(`<div><script id="x">var a = "<script>";</script><style>b{}</style></div>`)
	f.Add(`<script/><style/ x><sCript y=z>`)
	f.Add("<script\n>\x00</script\t><plaintext><script>")
	f.Fuzz(func(t *testing.T, in string) {
		if strings.Contains(in, "nonce") || strings.Contains(in, "data-style") {
			return // would be confused with ours
		}
		got := kco.Snippet(in, "N")
		if without := strings.ReplaceAll(got, ` nonce="N"`, ""); without != in && !strings.Contains(got, "data-style") {
			t.Fatalf("changed more than nonces:\n%q\n%q", in, without)
		}
		for z := html.NewTokenizer(strings.NewReader(got)); z.Next() != html.ErrorToken; {
			token := z.Token()
			if slices.ContainsFunc(token.Attr, func(a html.Attribute) bool { return a.Key == "style" }) {
				t.Fatalf("%q: a style attribute in %v", in, token)
			}
			if token.Type == html.StartTagToken && (token.Data == "script" || token.Data == "style") &&
				(len(token.Attr) == 0 || token.Attr[0] != html.Attribute{Key: "nonce", Val: "N"}) {
				t.Fatalf("%q: unstamped %v", in, token)
			}
		}
	})
}
