// Package yamlfile reads YAML files that people write. It tells all mistakes of a file at
// once, each with its line and its member.
package yamlfile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many problems one error has.
const maxShown = 100

// Checker reads the values of a file and collects what is wrong with them. Each method
// takes the path of the value ("products[0].name"), for the problem. The zero value is
// ready.
type Checker struct{ problems, warnings []problem }

type problem struct {
	line int
	text string
}

// Fail adds a problem.
func (c *Checker) Fail(line int, path, format string, args ...any) {
	c.problems = append(c.problems, newProblem(line, path, fmt.Sprintf(format, args...)))
}

// Warn adds something that may be meant and is no problem.
func (c *Checker) Warn(line int, path, format string, args ...any) {
	c.warnings = append(c.warnings, newProblem(line, path, fmt.Sprintf(format, args...)))
}

func newProblem(line int, path, text string) problem {
	path = strings.TrimPrefix(path, ".") // of a member of the file itself
	path = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError // names come from the file: none may change how the problem reads
	}, path)
	return problem{line, fmt.Sprintf("line %d: %s: %s", line, path, text)}
}

// Err is all problems in the order of the file, nil without any.
func (c *Checker) Err() error {
	if len(c.problems) == 0 {
		return nil
	}
	shown := texts(c.problems)
	if more := len(shown) - maxShown; more > 0 {
		shown = append(shown[:maxShown], fmt.Sprintf("and %d more", more))
	}
	return &wrongError{len(c.problems), fmt.Sprintf("%d wrong:\n%s", len(c.problems), strings.Join(shown, "\n"))}
}

// wrongError is that of Err.
type wrongError struct {
	count int
	text  string
}

func (e *wrongError) Error() string { return e.text }

// Count is how many problems an error has: one that is not of Err has one.
func Count(err error) int {
	if w, ok := errors.AsType[*wrongError](err); ok {
		return w.count
	}
	return 1
}

// Warnings are what Warn was told, in the order of the file.
func (c *Checker) Warnings() []string { return texts(c.warnings) }

func texts(problems []problem) []string {
	sorted := slices.Clone(problems)
	slices.SortStableFunc(sorted, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	texts := make([]string, len(sorted))
	for i, p := range sorted {
		texts[i] = p.text
	}
	return texts
}

// Members returns the members of an object, none of nil. A name that stands
// twice is a problem.
func (c *Checker) Members(n *Node, path string) []Member {
	if n == nil {
		return nil
	}
	members, ok := n.value.([]Member)
	if !ok {
		c.Fail(n.Line, cmp.Or(path, "the file"), "want an object")
	}
	seen := map[string]bool{}
	for _, m := range members {
		if seen[m.Name] {
			c.Fail(m.Line, path+"."+m.Name, "stands twice")
		}
		seen[m.Name] = true
	}
	return members
}

// Object returns the members of an object by name. Missing ones and names
// that are neither required nor optional are problems.
func (c *Checker) Object(n *Node, path string, required []string, optional ...string) map[string]*Node {
	byName := map[string]*Node{}
	for _, m := range c.Members(n, path) {
		byName[m.Name] = m.Node
		if !slices.Contains(required, m.Name) && !slices.Contains(optional, m.Name) {
			c.Fail(m.Line, path+"."+m.Name, "unknown member")
		}
	}
	if n != nil && n.IsObject() {
		for _, name := range required {
			if byName[name] == nil {
				c.Fail(n.Line, path+"."+name, "is missing")
			}
		}
	}
	return byName
}

// Array returns the values of an array, none of nil.
func (c *Checker) Array(n *Node, path string) []*Node {
	if n == nil {
		return nil
	}
	items, ok := n.value.([]*Node)
	if !ok {
		c.Fail(n.Line, path, "want an array")
	}
	return items
}

// Optional is Text for a value that may be "".
func (c *Checker) Optional(n *Node, path string, limit int) string {
	if n != nil {
		if s, ok := n.text(); ok && s == "" {
			return ""
		}
	}
	return c.Text(n, path, limit)
}

// Text returns a string of 1 to limit characters, "" of nil. At least one of them can be
// seen, and none controls how the others are shown. A number is a text as it is written.
func (c *Checker) Text(n *Node, path string, limit int) string {
	if n == nil {
		return ""
	}
	s, ok := n.text()
	_, simple := n.value.(scalar)
	switch {
	case ok && usual(s, limit):
		return s
	case !ok && simple:
		c.Fail(n.Line, path, "want a string: what reads as nothing, true or false needs quotes")
	case !ok:
		c.Fail(n.Line, path, "want a string")
	case strings.ContainsFunc(s, unicode.IsControl):
		c.Fail(n.Line, path, "has a control character")
	case strings.ContainsFunc(s, invisible):
		at := strings.IndexFunc(s, invisible)
		hidden, _ := utf8.DecodeRuneInString(s[at:])
		c.Fail(n.Line, path, "has the character %U, which cannot be seen", hidden)
	case !strings.ContainsFunc(s, visible):
		c.Fail(n.Line, path, "must not be empty")
	case utf8.RuneCountInString(s) > limit:
		c.Fail(n.Line, path, "longer than %d characters", limit)
	default:
		return s
	}
	return ""
}

// Pattern is Text that fits a pattern; what says what it must be.
func (c *Checker) Pattern(n *Node, path string, pattern *regexp.Regexp, what string) string {
	s := c.Text(n, path, 1000)
	if s != "" && !pattern.MatchString(s) {
		c.Fail(n.Line, path, "%q is not %s", s, what)
		return ""
	}
	return s
}

// Choice is Text that is one of several, the first of nil.
func (c *Checker) Choice(n *Node, path string, choices ...string) string {
	if n == nil {
		return choices[0]
	}
	s := c.Text(n, path, 1000)
	if s != "" && !slices.Contains(choices, s) {
		c.Fail(n.Line, path, "%q is none of: %s", s, strings.Join(choices, ", "))
	}
	return s
}

// Number returns a whole number from low to high, 0 of nil.
func (c *Checker) Number(n *Node, path string, low, high int) int {
	if n == nil {
		return 0
	}
	s, _ := n.value.(scalar)
	i, err := strconv.Atoi(s.text)
	if s.kind != "!!int" || err != nil || i < low || i > high || !written.MatchString(s.text) {
		c.Fail(n.Line, path, "want a whole number from %d to %d", low, high)
		return 0
	}
	return i
}

// written is a number as people write it: no other base, no group, no zero before it.
var written = regexp.MustCompile(`^-?(?:0|[1-9]\d*)$`)

// Percent returns a percentage from 0 to 100 with at most so many decimals, in thousandths
// of a percent; 0 of nil.
func (c *Checker) Percent(n *Node, path string, decimals int) int {
	if n == nil {
		return 0
	}
	s, _ := n.value.(scalar)
	whole, fraction, _ := strings.Cut(s.text, ".")
	thousandths, err := strconv.Atoi(whole + (fraction + "000")[:3])
	if s.kind != "!!int" && s.kind != "!!float" || !percentage.MatchString(s.text) || len(fraction) > decimals || err != nil || thousandths > 100_000 {
		c.Fail(n.Line, path, "want a percentage from 0 to 100 with at most %d decimals", decimals)
		return 0
	}
	return thousandths
}

var percentage = regexp.MustCompile(`^(?:0|[1-9]\d{0,2})(?:\.\d{1,3})?$`)

// Boolean returns true or false, false of nil.
func (c *Checker) Boolean(n *Node, path string) bool {
	if n == nil {
		return false
	}
	s, _ := n.value.(scalar)
	if s.kind != "!!bool" {
		c.Fail(n.Line, path, "want true or false")
	}
	return strings.EqualFold(s.text, "true")
}

// usual reports whether a text of at most limit characters has nothing but Latin letters,
// digits and common signs, the first of which can be seen: nearly all have. It is quick, and
// there are catalogues with many texts.
func usual(s string, limit int) bool {
	count := 0
	for _, r := range s {
		if r < ' ' || r > '~' && (r < 'À' || r > 'ſ') {
			return false
		}
		count++
	}
	return count > 0 && count <= limit && s[0] != ' '
}

// invisible reports whether a character only changes how others are shown, or stands for
// none: format characters such as U+202E, which turns a text around, the separators of
// lines and paragraphs, what is left of a broken text (U+FFFD), and what is no character.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point) || r == utf8.RuneError
}

// visible reports whether a character can be seen by itself.
func visible(r rune) bool {
	const braillePatternBlank = '\u2800'
	return unicode.IsGraphic(r) && r != braillePatternBlank &&
		!unicode.In(r, unicode.White_Space, unicode.M, unicode.Other_Default_Ignorable_Code_Point)
}
