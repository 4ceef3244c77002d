package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxDepth is how deep a file may nest.
const maxDepth = 10

// Node is a JSON value with its line in the file. The value is a nil, bool, string,
// json.Number, []*Node or []Member.
type Node struct {
	Line  int
	value any
}

// IsObject reports whether the value is an object.
func (n *Node) IsObject() bool { _, ok := n.value.([]Member); return ok }

// IsText reports whether the value is a string.
func (n *Node) IsText() bool { _, ok := n.value.(string); return ok }

// Member is one member of a JSON object. Its line is that of its name.
type Member struct {
	Name string
	Line int
	*Node
}

// parser reads JSON into nodes.
type parser struct {
	dec  *json.Decoder
	data []byte
	// line is the line of the byte at offset.
	line   int
	offset int64
}

// Parse reads exactly one JSON value. Errors name the line.
func Parse(data []byte) (*Node, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := &parser{dec: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	p.dec.UseNumber()
	if !utf8.Valid(data) {
		valid := bytes.ToValidUTF8(data, nil)
		at := 0
		for at < len(valid) && valid[at] == data[at] {
			at++
		}
		return nil, fmt.Errorf("line %d: not UTF-8", p.lineAt(int64(at)))
	}
	n, err := p.value(0)
	if err == nil {
		if _, err = p.dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = errors.New("more than one value")
		}
	}
	at := p.dec.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(at, syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, err = int64(len(data)), errors.New("unexpected end of the file")
	}
	return nil, fmt.Errorf("line %d: %w", p.lineAt(at), err)
}

// lineAt returns the line of the byte at an offset. Offsets must not go down.
func (p *parser) lineAt(offset int64) int {
	offset = max(min(offset, int64(len(p.data))), p.offset)
	p.line += bytes.Count(p.data[p.offset:offset], []byte("\n"))
	p.offset = offset
	return p.line
}

// token returns the next token and its line. No token spans lines.
func (p *parser) token() (json.Token, int, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, 0, err
	}
	return t, p.lineAt(p.dec.InputOffset()), nil
}

func (p *parser) value(depth int) (*Node, error) {
	if depth == maxDepth {
		return nil, errors.New("nested too deep")
	}
	t, line, err := p.token()
	if err != nil {
		return nil, err
	}
	n := &Node{Line: line, value: t}
	switch t {
	case json.Delim('['):
		items := []*Node{}
		for p.dec.More() {
			item, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		n.value = items
	case json.Delim('{'):
		members := []Member{}
		for p.dec.More() {
			name, line, err := p.token()
			if err != nil {
				return nil, err
			}
			item, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			members = append(members, Member{name.(string), line, item})
		}
		n.value = members
	default:
		return n, nil
	}
	_, _, err = p.token() // the closing bracket
	return n, err
}
