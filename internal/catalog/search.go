package catalog

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/shopd/shopd/internal/i18n"
)

// Limits of a search.
const (
	maxQuery = 200 // bytes that are looked at
	minStem  = 3   // letters of what is left of a word without its ending
	minPart  = 4   // letters of a stem that is also found within words
	minTypo  = 4   // letters of a word in which a mistake is forgiven
	minLong  = 5   // letters of one that is then also found within words
)

// words is what a search in one language looks through: each word of the groups once.
type words struct {
	lang  i18n.Lang
	known map[string]int32 // folded word to its number; nil when all are known
	list  []string         // by number
	stems []string         // by number
	in    [][]posting      // by number: the groups that have it, in shelf order
}

// posting says where a word stands: twice the group's place on the shelf, plus 1 if only in
// the description.
type posting int32

// How well a group fits a search, by its worst word.
const (
	inDescription = 1
	inName        = 2
)

func newWords(l i18n.Lang, groups []*Group) *words {
	w := &words{lang: l, known: map[string]int32{}}
	raw := map[string]int32{} // words as they are written, because folding takes time
	for i, g := range groups {
		add := func(text string, description posting) {
			for field := range strings.SplitSeq(text, " ") { // no text has line breaks
				n, seen := raw[field]
				if !seen {
					n = w.number(fold(field))
					raw[field] = n
				}
				if n >= 0 {
					w.post(n, posting(2*i)+description) //nolint:gosec // at most 10,000 groups
				}
			}
		}
		text := func(t i18n.Text, description posting) {
			s, _ := t.In(l)
			add(s, description)
		}
		text(g.Title, 0)
		add(g.ID, 0)
		add(g.Brand, 0)
		for _, p := range g.Variants {
			add(p.SKU, 0)
			add(p.GTIN, 0)
			for _, value := range p.Values {
				text(value, 0)
			}
		}
		text(g.Description, 1)
	}
	w.known = nil
	return w
}

// number returns the number of a folded word, -1 of none.
func (w *words) number(folded string) int32 {
	if folded == "" {
		return -1
	}
	n, known := w.known[folded]
	if !known {
		n = int32(len(w.list)) //nolint:gosec // bounded by the file
		w.known[folded] = n
		w.list, w.stems, w.in = append(w.list, folded), append(w.stems, stem(w.lang, folded)), append(w.in, nil)
	}
	return n
}

func (w *words) post(n int32, at posting) {
	if in := w.in[n]; len(in) == 0 || in[len(in)-1]/2 != at/2 { // in the name comes first
		w.in[n] = append(in, at)
	}
}

// search returns how well each group fits a query: 0, inDescription or inName. Every word
// of the query must be there; signs beside words do not count, and signs alone are nowhere.
// Nil: the query is blank.
func (w *words) search(query string, groups int) []uint8 {
	var fits []uint8
	signs := false
	for field := range strings.FieldsSeq(query[:min(len(query), maxQuery)]) {
		word := fold(field)
		if word == "" {
			signs = true
			continue
		}
		found := make([]uint8, groups)
		for _, n := range w.like(word) {
			for _, at := range w.in[n] {
				found[at/2] = max(found[at/2], inName-uint8(at%2)) //nolint:gosec // 0 or 1
			}
		}
		for i := range fits {
			found[i] = min(found[i], fits[i])
		}
		fits = found
	}
	if fits == nil && signs {
		return make([]uint8, groups)
	}
	return fits
}

// like returns the numbers of the words that a word of a query means: those that contain
// it, or differ from it by the endings of the language. Only where there are none, those
// that begin with it but for one mistake; else those that contain it so. One letter, of which
// nearly every word has something, has to stand alone: "t" is in "t-shirt".
func (w *words) like(word string) []int32 {
	end := stem(w.lang, word)
	joins := w.lang != i18n.English // writes words together: what a thing is stands at the end
	contains := func(i int) bool {
		return strings.Contains(w.list[i], word) || w.stems[i] == end || joins && strings.HasSuffix(w.stems[i], end) ||
			len(end) >= minPart && strings.Contains(w.list[i], end)
	}
	other := func(r rune) bool { return !unicode.IsLetter(r) }
	if letter, size := utf8.DecodeRuneInString(word); size == len(word) && unicode.IsLetter(letter) {
		contains = func(i int) bool { return slices.Contains(strings.FieldsFunc(w.list[i], other), word) }
	}
	begins := func(i int) bool { return near(w.list[i], word) || near(w.list[i], end) }
	within := func(i int) bool { return nearPart(w.list[i], word) || nearPart(w.list[i], end) }
	for _, fits := range []func(int) bool{contains, begins, within} {
		var found []int32
		for i := range w.list {
			if fits(i) {
				found = append(found, int32(i))
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// near reports whether a word begins with what was typed, but for one letter that is
// missing, too much, another or exchanged with the next.
func near(word, typed string) bool {
	if len(typed) < minTypo {
		return false
	}
	same := 0
	for same < len(word) && same < len(typed) && word[same] == typed[same] {
		same++
	}
	word, typed = word[same:], typed[same:]
	switch {
	case typed == "":
		return true
	case strings.HasPrefix(word, typed[1:]): // one too much
		return true
	case word == "":
		return false
	case strings.HasPrefix(word[1:], typed), strings.HasPrefix(word[1:], typed[1:]): // one missing, another
		return true
	}
	return len(typed) > 1 && len(word) > 1 && word[0] == typed[1] && word[1] == typed[0] && strings.HasPrefix(word[2:], typed[2:])
}

// nearPart is near within a word. The first letter must be right there: else nearly every
// word had something like it.
func nearPart(word, typed string) bool {
	for i := 1; i < len(word) && len(typed) >= minLong; i++ {
		if word[i] == typed[0] && near(word[i:], typed) {
			return true
		}
	}
	return false
}

// endings are how words of a language end in the plural, and how they do before that: the
// longest first. What follows a plus stays.
var endings = map[i18n.Lang][]string{
	i18n.English:   {"ches+ch", "shes+sh", "ies", "xes+x", "ses+s", "zes+z", "'s", "s", "y"},
	i18n.Swedish:   {"orna", "arna", "erna", "or", "ar", "er", "en", "et", "an", "na", "a", "e"},
	i18n.Norwegian: {"ene", "er", "en", "et", "e", "a"},
	i18n.Danish:    {"erne", "ene", "er", "en", "et", "e"},
	i18n.Finnish:   {"oja", "ita", "ia", "ja", "en", "in", "t", "n", "a"},
	i18n.German:    {"ern", "en", "er", "es", "e", "n", "s"},
	i18n.Dutch:     {"eren", "en", "es", "'s", "s", "e"},
}

// stem returns a folded word without the ending of its plural.
func stem(l i18n.Lang, word string) string {
	for _, ending := range endings[l] {
		ending, stays, _ := strings.Cut(ending, "+")
		if rest, has := strings.CutSuffix(word, ending); has && len(rest)+len(stays) >= minStem {
			return word[:len(rest)+len(stays)]
		}
	}
	return word
}

// letters are letters of our languages that Unicode does not decompose.
var letters = strings.NewReplacer("ø", "o", "æ", "ae", "œ", "oe", "ß", "ss", "’", "'")

// fold makes a word lower case, without accents, double letters and what stands around it:
// "(Kökshandduk)," becomes "kokshanduk".
func fold(s string) string {
	s = letters.Replace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s)))
	last := rune(-1)
	s = strings.Map(func(r rune) rune {
		if r == last && unicode.IsLetter(r) {
			return -1
		}
		last = r
		return r
	}, s)
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
