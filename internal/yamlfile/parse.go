package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep a file may nest.
const maxDepth = 10

// Node is a value of a file with its line. The value is a scalar, []*Node or []Member.
type Node struct {
	Line  int
	value any
}

// scalar is a value that has no parts, as it is written.
type scalar struct {
	text string
	kind string // the tag of YAML's core schema: "!!str", "!!int", "!!bool" …
}

// IsObject reports whether the value is an object.
func (n *Node) IsObject() bool { _, ok := n.value.([]Member); return ok }

// IsArray reports whether the value is an array.
func (n *Node) IsArray() bool { _, ok := n.value.([]*Node); return ok }

// IsText reports whether the value can be read as a text.
func (n *Node) IsText() bool { _, ok := n.text(); return ok }

// IsNumber reports whether the value is a number.
func (n *Node) IsNumber() bool {
	s, ok := n.value.(scalar)
	return ok && (s.kind == "!!int" || s.kind == "!!float")
}

// text returns the value as a text. A number or a date is one as it is written: a postal
// code needs no quotes.
func (n *Node) text() (string, bool) {
	s, ok := n.value.(scalar)
	return s.text, ok && s.kind != "!!bool" && s.kind != "!!null"
}

// Get returns a member of an object, nil without one.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	members, _ := n.value.([]Member)
	for _, m := range members {
		if m.Name == name {
			return m.Node
		}
	}
	return nil
}

// Members returns the members of the object that a member is, none without one.
func (n *Node) Members(name string) []Member {
	if at := n.Get(name); at != nil {
		members, _ := at.value.([]Member)
		return members
	}
	return nil
}

// Items returns the values of the array that a member is, none without one.
func (n *Node) Items(name string) []*Node {
	if at := n.Get(name); at != nil {
		items, _ := at.value.([]*Node)
		return items
	}
	return nil
}

// Member is one member of an object. Its line is that of its name.
type Member struct {
	Name string
	Line int
	*Node
}

// Parse reads exactly one YAML document; JSON is YAML. What makes one value from another
// (anchors, aliases, merge keys) and tags are refused: what a file says stands there.
// Errors name the line, and say nothing that the file says.
func Parse(data []byte) (*Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("line %d: not UTF-8", 1+bytes.Count(validStart(data), []byte("\n")))
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		data = escapes.ReplaceAllFunc(data, unescape)
	}
	lines := &lineReader{data: data}
	dec := yaml.NewDecoder(lines)
	var root yaml.Node
	if err := dec.Decode(&root); errors.Is(err, io.EOF) {
		return nil, errors.New("line 1: the file is empty")
	} else if err != nil {
		return nil, lines.syntaxError(err)
	}
	n, err := convert(root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: more than one document", second.Content[0].Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, lines.syntaxError(err)
	}
	return n, nil
}

// validStart returns the bytes before the first that is not UTF-8.
func validStart(data []byte) []byte {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return data[:i]
		}
		i += size
	}
	return data
}

// escapes are those of JSON that the YAML library does not know: a slash, and a character
// in two halves. A backslash that is escaped itself begins none.
var escapes = regexp.MustCompile(`\\\\|\\/|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)

func unescape(match []byte) []byte {
	switch escape := string(match); escape {
	case `\\`:
		return match
	case `\/`:
		return []byte("/")
	default:
		high, _ := strconv.ParseUint(escape[2:6], 16, 16)
		low, _ := strconv.ParseUint(escape[8:12], 16, 16)
		return utf8.AppendRune(nil, utf16.DecodeRune(rune(high), rune(low)))
	}
}

// lineReader gives out a file line by line and knows how far it is read: the YAML library reads hardly further than it
// understands, and its own errors often name the line at which a list or an object begins, however long it is.
type lineReader struct {
	data []byte
	read int // of the bytes
}

// Read returns the next line, or as much of it as fits.
func (r *lineReader) Read(p []byte) (int, error) {
	rest := r.data[r.read:]
	if len(rest) == 0 {
		return 0, io.EOF
	}
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end+1]
	}
	n := copy(p, rest)
	r.read += n
	return n, nil
}

// yamlError is how the YAML library begins an error.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

const anchors = "anchors and aliases are not taken: write the value out"

// syntaxError is an error of the YAML library with the line at which it stopped, or at which begins what has no end.
func (r *lineReader) syntaxError(err error) error {
	m := yamlError.FindStringSubmatch(err.Error() + " ")
	rest := strings.TrimPrefix(err.Error(), m[0])
	at := bytes.TrimSuffix(r.data[:r.read], []byte("\n"))
	line := 1 + bytes.Count(at, []byte("\n"))
	told, _ := strconv.Atoi(m[1])
	if told > 0 && rest == "found unexpected end of stream" { // of a text in quotes, told where it begins
		return fmt.Errorf("line %d: %s", told, rest)
	}
	for range 5 { // so many lines it may have read more than it needed, or went on where a bracket should have been closed
		end := bytes.LastIndexByte(at, '\n')
		// What has no end lacks it in each shorter text, too.
		if end < 0 || r.read == len(r.data) && strings.HasPrefix(rest, "did not find expected ") {
			break
		}
		at = at[:end]
		if err := yaml.Unmarshal(at, new(yaml.Node)); err == nil || !strings.HasSuffix(err.Error(), rest) {
			break
		}
		line--
	}
	switch {
	case strings.HasPrefix(rest, "unknown anchor "): // it has the name, and errors of Parse say nothing that the file says
		rest = anchors
	case strings.HasPrefix(rest, "did not find expected ") && told > 0 && told+1 < line: // where the list begins, counted from 0
		rest += fmt.Sprintf(" of what begins in line %d", told+1)
	}
	return fmt.Errorf("line %d: %s", line, strings.TrimSpace(rest))
}

// convert makes a node of a node of the library.
func convert(y *yaml.Node, depth int) (*Node, error) {
	fail := func(problem string) (*Node, error) { return nil, fmt.Errorf("line %d: %s", y.Line, problem) }
	switch {
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		return fail(anchors)
	case y.Style&yaml.TaggedStyle != 0:
		return fail("tags such as !!str are not taken")
	case depth == maxDepth:
		return fail("nested too deep")
	}
	n := &Node{Line: y.Line}
	switch y.Kind {
	case yaml.SequenceNode:
		items := make([]*Node, len(y.Content))
		for i, content := range y.Content {
			item, err := convert(content, depth+1)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		n.value = items
	case yaml.MappingNode:
		members := make([]Member, 0, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content); i += 2 {
			name, err := convert(y.Content[i], depth+1)
			if err != nil {
				return nil, err
			}
			key, ok := name.value.(scalar)
			if !ok || key.kind == "!!null" || key.kind == "!!merge" {
				return nil, fmt.Errorf("line %d: the name of a member is a text", name.Line)
			}
			item, err := convert(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			members = append(members, Member{key.text, name.Line, item})
		}
		n.value = members
	default:
		n.value = scalar{y.Value, y.ShortTag()}
	}
	return n, nil
}
