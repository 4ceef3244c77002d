package faketest

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Node is a piece of a page.
type Node struct{ *html.Node }

// Parse returns a page.
func Parse(t *testing.T, text string) Node {
	t.Helper()
	root, err := html.ParseWithOptions(strings.NewReader(text), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	return Node{root}
}

// Find returns the elements below n with the tag; "#x" stands for the ID x,
// ".x" for the class x.
func (n Node) Find(what string) []Node {
	var found []Node
	for d := range n.Descendants() {
		e := Node{d}
		if d.Type == html.ElementNode && (d.Data == what || "#"+e.Attribute("id") == what ||
			what[0] == '.' && slices.Contains(strings.Fields(e.Attribute("class")), what[1:])) {
			found = append(found, e)
		}
	}
	return found
}

// One returns the only such element.
func (n Node) One(t *testing.T, what string) Node {
	t.Helper()
	found := n.Find(what)
	if len(found) != 1 {
		t.Fatalf("%d of %s, want one", len(found), what)
	}
	return found[0]
}

// Attribute returns an attribute, "" when there is none.
func (n Node) Attribute(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Text returns all text in n.
func (n Node) Text() string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// Inline returns the attributes and elements that a strict policy forbids.
func (n Node) Inline() []string {
	var found []string
	for d := range n.Descendants() {
		if d.Data == "style" || d.Data == "script" && (Node{d}).Attribute("src") == "" {
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

// Words returns the text below n with its white space made single spaces.
func (n Node) Words() string {
	return strings.Join(strings.Fields(strings.ReplaceAll(n.Text(), "\u00a0", " ")), " ")
}
