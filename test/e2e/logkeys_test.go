package e2e_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// walk visits each Go file of the shop itself, without tests, templates and fake.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	for _, root := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				visit(name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sources is all of the code.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	walk(t, func(name string) { all.WriteString(read(t, name)) })
	return all.String()
}

// logKeys are the keys of all records.
func logKeys(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{"time": true, "level": true, "msg": true} // slog's own
	add := func(e ast.Expr) bool {
		literal, ok := e.(*ast.BasicLit)
		if ok {
			key, _ := strconv.Unquote(literal.Value)
			keys[key] = true
		}
		return ok
	}
	walk(t, func(name string) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if n, ok := n.(*ast.CallExpr); ok {
				method, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				from, of := method.X.(*ast.Ident)
				first := slices.IndexFunc([][]string{
					1: {"Debug", "Info", "Warn", "Error"}, 2: {"DebugContext", "InfoContext", "WarnContext", "ErrorContext"},
				}, func(names []string) bool { return slices.Contains(names, method.Sel.Name) })
				switch {
				case first == 2, first == 1 && of && from.Name == "logger":
					for i := first; i < len(n.Args); i += 2 {
						if !add(n.Args[i]) {
							t.Errorf("%s: a record's key is not written out", name)
						}
					}
				case of && from.Name == "slog" && slices.Contains([]string{"String", "Int", "Int64", "Float64", "Bool", "Any", "Duration", "Time"}, method.Sel.Name):
					add(n.Args[0])
				}
			}
			return true
		})
	})
	return keys
}

// The documentation's table lists the keys of all records, no more, no less. That they are in snake_case is a rule of
// the linter's.
func TestLogKeys(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(read(t, "../../docs/monitoring.md"), "\n| Key | Meaning |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	documented := map[string]bool{}
	for row := range strings.Lines(table) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			documented[key[1]] = true
		}
	}
	keys := logKeys(t)
	for key := range keys {
		if !documented[key] {
			t.Errorf("docs/monitoring.md does not tell of the key %q", key)
		}
	}
	for key := range documented {
		if !keys[key] {
			t.Errorf("docs/monitoring.md has the key %q, which no record has", key)
		}
	}
}
