package e2e_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// walk parses each Go file of the shop itself, without tests, templates and fake.
func walk(t *testing.T, visit func(name string, file *ast.File)) {
	t.Helper()
	for _, root := range []string{"../../internal", "../../cmd"} {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err == nil {
				visit(name, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// text is the value of a string literal.
func text(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// stringsOf are all strings that the code says.
func stringsOf(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	walk(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if value, ok := text(e); ok {
					all[value] = true
				}
			}
			return true
		})
	})
	return all
}

// sources is all of the code.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	walk(t, func(name string, _ *ast.File) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	})
	return all.String()
}

var (
	logMethods = []string{"DebugContext", "InfoContext", "WarnContext", "ErrorContext"}
	attrMakers = []string{"String", "Int", "Int64", "Float64", "Bool", "Any", "Duration", "Time"}
	snakeCase  = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
)

// logKeys are the keys of all records, with a file that has each.
func logKeys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{"time": "slog", "level": "slog", "msg": "slog"}
	walk(t, func(name string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, of := method.X.(*ast.Ident)
			switch {
			case slices.Contains(logMethods, method.Sel.Name):
				for i := 2; i < len(call.Args); i += 2 {
					if key, ok := text(call.Args[i]); ok {
						keys[key] = name
					} else {
						t.Errorf("%s: a record's key is not written out", name)
					}
				}
			case of && from.Name == "slog" && slices.Contains(attrMakers, method.Sel.Name):
				if key, ok := text(call.Args[0]); ok {
					keys[key] = name
				}
			}
			return true
		})
	})
	return keys
}

// Keys are snake_case, one name per thing, and the documentation's table lists them.
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
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !snakeCase.MatchString(key) {
			t.Errorf("%s: key %q is not in snake_case", keys[key], key)
		}
		if !documented[key] {
			t.Errorf("docs/monitoring.md does not tell of the key %q of %s", key, keys[key])
		}
	}
	for key := range documented {
		if keys[key] == "" {
			t.Errorf("docs/monitoring.md has the key %q, which no record has", key)
		}
	}
}
