package internal_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testFolders are the packages that docs/security.md names in short.
var testFolders = map[string]string{
	"templates": "web/templates", "static": "web/static", "cmd/shopd": "cmd/shopd", "tools/licences": "tools/licences", "e2e": "test/e2e",
}

var (
	namedTest = regexp.MustCompile(`^([a-z0-9/]+)\.(Test\w+|Fuzz\w+)$`)
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+)\(`)
)

// Every threat in the threat model has a test that holds it, and each test that is named exists.
func TestThreatModel(t *testing.T) {
	text, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string]bool{} // by folder
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| Threat |") {
			continue
		}
		rows++
		if len(cells) != 3 {
			t.Errorf("%d cells, want 3: %s", len(cells), line)
			continue
		}
		for name := range strings.SplitSeq(cells[2], ",") {
			m := namedTest.FindStringSubmatch(strings.TrimSpace(name))
			if m == nil {
				t.Errorf("%q names no test: %s", name, line)
				continue
			}
			folder := testFolders[m[1]]
			if room, ok := strings.CutPrefix(m[1], "fakeklarna/"); ok {
				folder = path.Join("fakeklarna/internal", room)
			} else if folder == "" {
				folder = path.Join("internal", m[1])
			}
			if tests[folder] == nil {
				tests[folder] = testsIn(t, folder)
			}
			if !tests[folder][m[2]] {
				t.Errorf("%s has no test %s", folder, m[2])
			}
		}
	}
	if rows < 40 {
		t.Errorf("%d threats found, want more", rows)
	}
}

// testsIn returns the names of the tests in a folder of the repository.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob("../" + folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
	}
	return names
}
