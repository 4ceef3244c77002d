// Package yamlfile reads YAML files that people write. It tells all mistakes of a file at
// once, each with its line and its member.
package yamlfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
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
type Checker struct{ problems, warnings []Problem }

// Problem is one thing that is wrong with a file.
type Problem struct {
	Line int    // 0: Text names it, if it has one
	Path string // of the value; "": of the file itself
	Text string
	Bare string // Text without what the file says, for who must not repeat that
}

// String is the problem with its line and member.
func (p Problem) String() string {
	return fmt.Sprintf("line %d: %s: %s", p.Line, cmp.Or(p.Path, "the file"), p.Text)
}

// Said is what the file says, among the arguments of Fail.
type Said string

// unsaid stands where a Said was.
type unsaid struct{}

// Format writes it, whatever the verb is.
func (unsaid) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, "what it says") }

// Fail adds a problem. What the file says is among args as Said.
func (c *Checker) Fail(line int, path, format string, args ...any) {
	c.problems = append(c.problems, newProblem(line, path, format, args...))
}

// Warn adds something that may be meant and is no problem.
func (c *Checker) Warn(line int, path, format string, args ...any) {
	c.warnings = append(c.warnings, newProblem(line, path, format, args...))
}

func newProblem(line int, path, format string, args ...any) Problem {
	path = strings.TrimPrefix(path, ".") // of a member of the file itself
	path = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError // names come from the file: none may change how the problem reads
	}, path)
	bare := slices.Clone(args)
	for i := range bare {
		if _, is := bare[i].(Said); is {
			bare[i] = unsaid{}
		}
	}
	return Problem{line, path, fmt.Sprintf(format, args...), fmt.Sprintf(format, bare...)}
}

// Err is all problems in the order of the file, nil without any.
func (c *Checker) Err() error {
	if len(c.problems) == 0 {
		return nil
	}
	sorted := inOrder(c.problems)
	return &wrongError{len(sorted), sorted[:min(len(sorted), maxShown)]}
}

// wrongError is that of Err.
type wrongError struct {
	count int
	shown []Problem
}

func (e *wrongError) Error() string {
	shown := texts(e.shown)
	if more := e.count - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%d wrong:\n%s", e.count, strings.Join(shown, "\n"))
}

// Problems are the first of an error, in the order of the file: one that is not of Err is one itself.
func Problems(err error) []Problem {
	if w, ok := errors.AsType[*wrongError](err); ok {
		return w.shown
	}
	return []Problem{{Text: err.Error(), Bare: err.Error()}}
}

// Count is how many problems an error has: one that is not of Err has one.
func Count(err error) int {
	if w, ok := errors.AsType[*wrongError](err); ok {
		return w.count
	}
	return 1
}

// Warnings are what Warn was told, in the order of the file.
func (c *Checker) Warnings() []string { return texts(inOrder(c.warnings)) }

func inOrder(problems []Problem) []Problem {
	return slices.SortedStableFunc(slices.Values(problems), func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

func texts(problems []Problem) []string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.String()
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
		c.Fail(n.Line, path, "want an object")
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

// Once holds that what an item of a list says stands in none before it; "" is one that could not be read.
func (c *Checker) Once(n *Node, path, said string, before []string) {
	if said != "" && slices.Contains(before, said) {
		c.Fail(n.Line, path, "%q stands twice", Said(said))
	}
}

// NotEmpty holds that a list that is there says something.
func (c *Checker) NotEmpty(n *Node, path string) {
	if n == nil {
		return
	}
	if items, ok := n.value.([]*Node); ok && len(items) == 0 {
		c.Fail(n.Line, path, "must not be empty")
	}
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
		c.Fail(n.Line, path, "%q is not %s", Said(s), what)
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
		c.Fail(n.Line, path, "%q is none of: %s", Said(s), strings.Join(choices, ", "))
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
