package fakeklarna_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// node is a piece of a page.
type node struct{ *html.Node }

func parse(t *testing.T, text string) node {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return node{root}
}

// find returns the elements below n with the tag; "#x" stands for the ID x,
// ".x" for the class x.
func (n node) find(what string) []node {
	var found []node
	for d := range n.Descendants() {
		e := node{d}
		if d.Type == html.ElementNode && (d.Data == what || "#"+e.attr("id") == what ||
			what[0] == '.' && slices.Contains(strings.Fields(e.attr("class")), what[1:])) {
			found = append(found, e)
		}
	}
	return found
}

// one returns the only such element.
func (n node) one(t *testing.T, what string) node {
	t.Helper()
	found := n.find(what)
	if len(found) != 1 {
		t.Fatalf("%d of %s, want one", len(found), what)
	}
	return found[0]
}

func (n node) attr(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (n node) text() string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// inline returns the attributes and elements that a strict policy forbids.
func (n node) inline() []string {
	var found []string
	for d := range n.Descendants() {
		if d.Data == "style" || d.Data == "script" && (node{d}).attr("src") == "" {
			found = append(found, d.Data)
		}
		for _, a := range d.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				found = append(found, a.Key)
			}
		}
	}
	return found
}

// words returns the text below n with its white space made single spaces.
func (n node) words() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(n.text(), "\u00a0", " ")), " ")
}
