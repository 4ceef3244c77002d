package yamlfile_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/yamlfile"
)

// texts reads a file whose members are texts.
func texts(t *testing.T, file string) (map[string]string, error) {
	t.Helper()
	root, err := yamlfile.Parse([]byte(file))
	if err != nil {
		return nil, err
	}
	var c yamlfile.Checker
	got := map[string]string{}
	for _, m := range c.Members(root, "") {
		got[m.Name] = c.Text(m.Node, m.Name, 100)
	}
	return got, c.Err()
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		want       map[string]string
	}{
		{"block", "# who\nname: Fjällboden\ncity: 'Umeå'\n", map[string]string{"name": "Fjällboden", "city": "Umeå"}},
		{"a byte order mark, lines of Windows", "\ufeffname: A\r\ncity: B\r\n", map[string]string{"name": "A", "city": "B"}},
		{"JSON", "{\n\t\"name\": \"A\\u00e5\\/\",\"city\":\"B\"}", map[string]string{"name": "Aå/", "city": "B"}},
		{"JSON with a character in two halves", `{"a": "\ud83d\ude00", "b": "\\ud83d\\ude00", "c": "\\\ud83d\ude00"}`,
			map[string]string{"a": "😀", "b": `\ud83d\ude00`, "c": `\😀`}},
		{"numbers are texts as they are written", "a: 01234\nb: 25.50\nc: 0x1F\nd: 1e3\ne: +46800\nf: 2026-06-01\ng: 1_000\n",
			map[string]string{"a": "01234", "b": "25.50", "c": "0x1F", "d": "1e3", "e": "+46800", "f": "2026-06-01", "g": "1_000"}},
		{"Norway", "NO: NO\nno: no\non: yes\n", map[string]string{"NO": "NO", "no": "no", "on": "yes"}},
		{"a number as a name", "1: a\n2.0: b\n", map[string]string{"1": "a", "2.0": "b"}},
		{"several lines", "a: >-\n  one\n  two\n", map[string]string{"a": "one two"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := texts(t, tc.file)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"nothing", "", "line 1: the file is empty"},
		{"comments alone", "# a\n# b\n", "line 1: the file is empty"},
		{"cut off", "{\n\"a\": [\n", "line 2: did not find expected node content"},
		{"cut off in a string", "{\n\"a", "line 2: found unexpected end of stream"},
		{"comma missing", "{\n\"a\": 1\n\"b\": 2}", "line 3: did not find expected ',' or '}'"},
		{"indentation", "a: 1\n  b: 2\n", "line 2: mapping values are not allowed in this context"},
		{"a tab", "a:\n\tb: 1\n", "line 2: found character that cannot start any token"},
		{"two documents", "a: 1\n---\nb: 2\n", "line 3: more than one document"},
		{"rubbish behind", "{}\n}", "line 2: did not find expected <document start>"},
		{"not UTF-8", "a: 1\nb: \xe5\n", "line 2: not UTF-8"},
		{"UTF-16", "\xff\xfea\x00", "line 1: not UTF-8"},
		{"half a character", `{"a": "\ud83d"}`, "line 1: found invalid Unicode character escape code"},
		{"a control character", "a: 1\nb: \x01\n", "control characters are not allowed"},
		{"too deep", strings.Repeat("[", 11) + strings.Repeat("]", 11), "line 1: nested too deep"},
		{"much too deep", strings.Repeat("[", 100_000), "line 1: exceeded max depth of 10000"},
		{"two colons, near the end", "a: b:\nc: 1\n", "line 1: mapping values are not allowed in this context"},
		{"an alias near the end", "a: 1\nb: *x\nc: 2\n", "line 2: anchors and aliases are not taken: write the value out"},
		{"an anchor", "a: &x 1\n", "line 1: anchors and aliases are not taken: write the value out"},
		{"an alias", "a: 1\nb: *x\n", "line 2: anchors and aliases are not taken: write the value out"},
		{"a merge", "a: {b: 1}\n<<: {c: 1}\n", "line 2: the name of a member is a text"},
		{"a tag", "a: 1\nb: !!binary aGVq\n", "line 2: tags such as !!str are not taken"},
		{"a tag of one's own", "a: !secret x\n", "line 1: tags such as !!str are not taken"},
		{"an object as a name", "? {a: 1}\n: 2\n", "line 1: the name of a member is a text"},
		{"no name", "~: 1\n", "line 1: the name of a member is a text"},
		{"a name twice", "a: 1\nb: 2\na: 3\n", "1 wrong:\nline 3: a: stands twice"},
		{"nothing where a text is wanted", "a: 1\nb:\n", "1 wrong:\nline 2: b: want a string: what reads as nothing, true or false needs quotes"},
		{"true where a text is wanted", "a: true\n", "1 wrong:\nline 1: a: want a string: what reads as nothing, true or false needs quotes"},
		{"a list where a text is wanted", "a: [1]\n", "1 wrong:\nline 1: a: want a string"},
		{"a list", "- a\n", "1 wrong:\nline 1: the file: want an object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := texts(t, tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A mistake is told with its line, however far above it the list begins in which it stands.
func TestLinesOfMistakes(t *testing.T) {
	var lines []string
	lines = append(lines, "# a catalogue", "products:")
	for i := 0; len(lines) < 3000; i++ {
		lines = append(lines, fmt.Sprintf("  - sku: A%d", i), "    name: one", "    prices: {SEK: 1, EUR: 2}")
	}
	if _, err := yamlfile.Parse([]byte(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name        string
		after       int // the line that is broken comes so much after the first line of a product
		old, broken string
	}{
		{"a dash too far left", 0, "  - ", " - "},
		{"a dash too far right", 0, "  - ", "   - "},
		{"no blank behind the dash", 1, "    name", "  -name"},
		{"a member too far left", 1, "    name", "   name"},
		{"a member too far right", 1, "    name", "     name"},
		{"a tab", 1, "    name", "\tname"},
		{"no colon", 1, "name: ", "name "},
		{"no comma", 2, ", ", " "},
		{"not closed", 2, "}", ""},
		{"closed twice", 2, "}", "}}"},
		{"an alias", 2, "{SEK: 1, EUR: 2}", "*x"},
		{"two colons", 1, "one", "one: two"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, at := range []int{5, 2003, len(lines) - 6, len(lines) - 3} { // the second product, one in the middle, the last two
				broken := slices.Clone(lines)
				i := at + tc.after
				if broken[i] = strings.Replace(lines[i], tc.old, tc.broken, 1); broken[i] == lines[i] {
					t.Fatalf("line %q has no %q", lines[i], tc.old)
				}
				for _, end := range []string{"", "\n"} {
					_, err := yamlfile.Parse([]byte(strings.Join(broken, "\n") + end))
					if want := fmt.Sprintf("line %d: ", i+1); err == nil || !strings.HasPrefix(err.Error(), want) {
						t.Errorf("error %v, want %s", err, want)
					}
				}
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{ // a whole number to 1000, a percentage of two decimals and one of three
		"0": "0 0 0", "25": "25 25000 25000", "25.5": "- 25500 25500", "6.625": "- - 6625", "13.50": "- 13500 13500", "100": "100 100000 100000",
		"101": "101 - -", "1001": "- - -", "-1": "- - -", "025": "- - -", "0x10": "- - -", "1_0": "- - -", "1e1": "- - -", ".5": "- - -", "5.": "- - -",
		"'25'": "- - -", "25 %": "- - -", "25,5": "- - -", "true": "- - -", "": "- - -", "[1]": "- - -", ".nan": "- - -", "9999999999999999999999": "- - -", "25.0000": "- - -",
	} {
		n, err := yamlfile.Parse([]byte("a: " + text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, read := range []func(*yamlfile.Checker, *yamlfile.Node) int{
			func(c *yamlfile.Checker, n *yamlfile.Node) int { return c.Number(n, "a", 0, 1000) },
			func(c *yamlfile.Checker, n *yamlfile.Node) int { return c.Percent(n, "a", 2) },
			func(c *yamlfile.Checker, n *yamlfile.Node) int { return c.Percent(n, "a", 3) },
		} {
			var c yamlfile.Checker
			value := read(&c, c.Members(n, "")[0].Node)
			if c.Err() != nil {
				got = append(got, "-")
			} else {
				got = append(got, strconv.Itoa(value))
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// FuzzParse holds that no file makes Parse panic, and that each value has a line.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: 1\n", `{"a": ["\ud83d\ude00", {}]}`, "- &x [*x]\n", "a: |\n  b\n--- c", "? - a\n: !!x b", "\ufeff#"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		root, err := yamlfile.Parse(file)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("an error without a line: %v", err)
			}
			return
		}
		var c yamlfile.Checker
		var walk func(n *yamlfile.Node)
		walk = func(n *yamlfile.Node) {
			if n.Line < 1 || n.Line > len(file)+1 {
				t.Errorf("line %d", n.Line)
			}
			if n.IsObject() {
				for _, m := range c.Members(n, "x") {
					walk(m.Node)
				}
			} else if n.IsArray() {
				for _, item := range c.Array(n, "x") {
					walk(item)
				}
			}
		}
		walk(root)
		_ = c.Err()
	})
}
