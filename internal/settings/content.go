package settings

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/shopd/shopd/internal/i18n"
)

// maxSide is the width and height that a logo may have, in pixels.
const maxSide = 4096

// maxIcon is the width and height that an icon may have, in pixels.
const maxIcon = 1024

// checkPicture says what is wrong with a logo.
func checkPicture(f *File) error {
	if strings.EqualFold(f.Name[len(f.Name)-4:], ".png") {
		c, err := png.DecodeConfig(bytes.NewReader(f.Data))
		if err != nil {
			return errors.New("is not a picture in PNG")
		}
		if c.Width > maxSide || c.Height > maxSide {
			return fmt.Errorf("has %d × %d pixels, at most %d each way", c.Width, c.Height, maxSide)
		}
		return nil
	}
	d := xml.NewDecoder(bytes.NewReader(f.Data))
	for root := true; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && !root {
			return nil
		}
		if err != nil {
			return errors.New("is not a picture in SVG")
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root && element.Name.Local != "svg" {
			return errors.New("is not a picture in SVG")
		}
		root = false
		if runs(element) {
			return fmt.Errorf("has the element %s, or an attribute of one, that runs a script", element.Name.Local)
		}
	}
}

// runs reports whether an element of a picture runs something in a browser.
func runs(e xml.StartElement) bool {
	switch strings.ToLower(e.Name.Local) {
	case "script", "foreignobject", "iframe", "object", "embed":
		return true
	}
	for _, a := range e.Attr {
		if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Value)), "javascript:") {
			return true
		}
	}
	return false
}

// checkText says whether a file is text.
func checkText(data []byte) error {
	control := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }
	if !utf8.Valid(data) || bytes.ContainsFunc(data, control) {
		return errNotText
	}
	return nil
}

// page turns Markdown into HTML. HTML in it is left out, and so are addresses that run
// something.
var page = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Linkify))

// markdown returns a page in Markdown as HTML. Its headings begin with h2, since the page
// has a heading above it. The error is what a page cannot have.
func markdown(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if err := checkText(data); err != nil {
		return "", err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return "", errors.New("is empty")
	}
	root := page.Parser().Parse(text.NewReader(data))
	var problem error
	highest := 6
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.HTMLBlock, *ast.RawHTML:
			problem = errors.New("has HTML in it: pages are Markdown alone")
		case *ast.Image:
			problem = errors.New("has a picture in it, which pages do not show")
		case *ast.Heading:
			highest = min(highest, n.Level)
		}
		return ast.WalkContinue, nil
	})
	if err == nil && highest < 2 {
		err = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if h, ok := n.(*ast.Heading); ok && entering {
				h.Level = min(h.Level+1, 6)
			}
			return ast.WalkContinue, nil
		})
	}
	if err != nil || problem != nil {
		return "", errors.Join(err, problem)
	}
	var html strings.Builder
	err = page.Renderer().Render(&html, data, root)
	return html.String(), err
}

// HTML is the question in a language for a label: its paragraphs as lines, and its links lead to
// a tab of their own.
func (b Checkbox) HTML(l i18n.Lang) string {
	asked, _ := b.Text.In(l)
	var html strings.Builder
	if err := page.Convert([]byte(asked), &html); err != nil {
		return ""
	}
	return strings.NewReplacer("<p>", "", "</p>\n<p>", "<br>", "</p>\n", "", "<a href", `<a target="_blank" rel="noopener" href`).Replace(html.String())
}
