package frontend

import (
	"net/url"
	"regexp"
)

// piece is a part of a merchant's text, perhaps a link.
type piece struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"` // http or https
}

var markdownLink = regexp.MustCompile(`\[([^\[\]]+)\]\(\s*([^\s()]+)\s*\)`)

// piecesOf splits a merchant's text at its Markdown links. Other Markdown and HTML stay
// plain text. A link that is not http(s) becomes plain text.
// Source: docs.kustom.co, Create order (options.additional_checkbox).
func piecesOf(text string) []piece {
	pieces := []piece{}
	add := func(p piece) {
		if p.Text != "" {
			pieces = append(pieces, p)
		}
	}
	end := 0
	for _, at := range markdownLink.FindAllStringSubmatchIndex(text, -1) {
		add(piece{Text: text[end:at[0]]})
		link := piece{Text: text[at[2]:at[3]]}
		if u, err := url.Parse(text[at[4]:at[5]]); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			link.URL = u.String()
		}
		add(link)
		end = at[1]
	}
	add(piece{Text: text[end:]})
	return pieces
}
