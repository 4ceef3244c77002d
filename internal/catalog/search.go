package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/shopd/shopd/internal/i18n"
)

// maxQuery is how many bytes of a query are looked at.
const maxQuery = 200

// Search returns the products of a category ("" is all) that contain each word of the
// query, in shelf order. It looks in SKU, name and description in language l. Case and
// accents do not matter. An empty query finds everything.
func (c *Catalog) Search(l i18n.Lang, query, category string) []*Product {
	words := strings.Fields(fold(query[:min(len(query), maxQuery)]))
	haystacks, ok := c.haystacks[l]
	if !ok {
		haystacks = c.haystacks["en"]
	}
	var found []*Product
	for i, p := range c.products {
		if (category == "" || category == p.Category) && containsAll(haystacks[i], words) {
			found = append(found, p)
		}
	}
	return found
}

func containsAll(haystack string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(haystack, word) {
			return false
		}
	}
	return true
}

// makeHaystacks prepares what Search looks through.
func (c *Catalog) makeHaystacks() {
	c.haystacks = map[i18n.Lang][]string{}
	for _, l := range i18n.Langs() {
		for _, p := range c.products {
			name, _ := p.Name.In(l)
			description, _ := p.Description.In(l)
			c.haystacks[l] = append(c.haystacks[l], fold(p.SKU+"\n"+name+"\n"+description))
		}
	}
}

// letters are letters of our languages that Unicode does not decompose.
var letters = strings.NewReplacer("ø", "o", "æ", "ae", "œ", "oe", "ß", "ss", "’", "'")

// fold makes a text lower case and removes accents: "Kökshandduk" becomes "kokshandduk".
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
	return letters.Replace(s)
}
