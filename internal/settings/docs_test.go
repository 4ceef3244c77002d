package settings_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/settings"
)

// members are the names of all members that the package reads: what it tells Object.
func members(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, file := range []string{"read.go", "markets.go", "checkout.go", "campaigns.go", "webhooks.go", "hooks.go"} {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		collect := func(n ast.Node) {
			ast.Inspect(n, func(n ast.Node) bool {
				if _, ok := n.(*ast.IndexExpr); ok {
					return false
				}
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					if name, _ := strconv.Unquote(lit.Value); regexp.MustCompile(`^[a-z][a-z_]*$`).MatchString(name) {
						names[name] = true
					}
				}
				return true
			})
		}
		ast.Inspect(source, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Object" {
					for _, arg := range n.Args[2:] {
						collect(arg)
					}
				}
			case *ast.ValueSpec:
				if n.Names[0].Name == "formMembers" {
					collect(n.Values[0])
				}
			}
			return true
		})
	}
	return names
}

// docs/shop.md names every member, and each thing that it shows in a block is one.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/shop.md")
	if err != nil {
		t.Fatal(err)
	}
	names := members(t)
	if len(names) < 50 {
		t.Fatalf("only %d members found: %v", len(names), names)
	}
	for name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/shop.md does not name %q", name)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\|").FindAllStringSubmatch(string(page), -1) {
		if !names[m[1]] {
			t.Errorf("docs/shop.md has a member %q that there is not", m[1])
		}
	}
}

// The example is read without a warning.
func TestExample(t *testing.T) {
	source, err := settings.Load("../../examples/shop/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	shop, warnings, err := settings.Read(source)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %q", err, warnings)
	}
	if shop.Name != "Fjällboden" || len(shop.Markets) != 3 || len(shop.Pages.Returns) != 3 || shop.Look.Logo == nil {
		t.Errorf("read %+v", shop)
	}
}
