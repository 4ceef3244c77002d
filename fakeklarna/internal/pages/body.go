package pages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// maxShown is how much of a body a page shows, in bytes.
const maxShown = 20_000

// snippetMember is the html_snippet, which is too long for people.
var snippetMember = regexp.MustCompile(`"html_snippet": "(?:[^"\\]|\\.)*"`)

// prettyBody returns a recorded body for people: indented, without the html_snippet, and
// cut when it is very long.
func prettyBody(body []byte) string {
	if len(body) == 0 || string(body) == "null" || string(body) == "{}" {
		return ""
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		return cutBody(text)
	}
	if len(body) > 4*maxShown {
		return cutBody(string(body))
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		return cutBody(string(body))
	}
	return cutBody(snippetMember.ReplaceAllStringFunc(pretty.String(), func(found string) string {
		return fmt.Sprintf(`"html_snippet": "… %d characters …"`, utf8.RuneCountInString(found)-len(`"html_snippet": ""`))
	}))
}

func cutBody(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return fmt.Sprintf("%s\n… %d more bytes", strings.ToValidUTF8(text[:maxShown], ""), len(text)-maxShown)
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// curl returns the command that repeats a call. It has placeholders for the credentials,
// which are not recorded.
func curl(c *engine.Request, base string) string {
	command := fmt.Sprintf("curl -u USER:PASSWORD -X %s %s", c.Method, quote(base+c.Path))
	body := string(c.Request)
	var text string
	if json.Unmarshal(c.Request, &text) == nil {
		body = text
	}
	switch {
	case body == "" || body == "null":
	case len(body) > maxShown:
		command += fmt.Sprintf(" \\\n  -H 'Content-Type: application/json' -d @body.json  # %d bytes, see Request", len(body))
	default:
		command += " \\\n  -H 'Content-Type: application/json' -d " + quote(body)
	}
	return command
}

// quote makes a text one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (s *Server) curlBase() string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.BaseURL()
}

// tree is a JSON value for people: a text, or members or elements below it.
type tree struct {
	Name, Text string
	Below      []tree
}

// treeOf returns a JSON value with its members in their order, without empty ones.
func treeOf(name string, value json.RawMessage) tree {
	out := tree{Name: name}
	switch members := membersOf(value); {
	case members != nil:
		var of map[string]json.RawMessage
		_ = json.Unmarshal(value, &of) // it has members, so it is an object
		for _, member := range members {
			out.add(treeOf(member, of[member]))
		}
	case bytes.HasPrefix(value, []byte("[")):
		var elements []json.RawMessage
		_ = json.Unmarshal(value, &elements) // text that starts so and is no list has no elements
		for i, e := range elements {
			out.add(treeOf(fmt.Sprint(i+1), e))
		}
	default:
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && (strings.HasSuffix(name, "amount") || strings.HasSuffix(name, "price")) {
			text = decimal(n)
		}
		out.Text = cut(text, 500)
	}
	return out
}

func (t *tree) add(below tree) {
	if below.Text != "" && below.Text != "null" || len(below.Below) > 0 {
		t.Below = append(t.Below, below)
	}
}

// membersOf returns the names of an object's members in their order, nil when the value is
// no object or has none.
func membersOf(value json.RawMessage) []string {
	d := json.NewDecoder(bytes.NewReader(value))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		text, isText := name.(string)
		if err != nil || !isText {
			return names
		}
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return names
		}
		names = append(names, text)
	}
	return names
}
