// Package internal_test holds the order of the packages.
package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/shopd/shopd/"

// layers are the packages from the ground up: one may import only those before it.
// A new package gets its place here.
var layers = []string{
	"internal/redisconn",
	"internal/money",
	"internal/story",
	"internal/observe",
	"internal/i18n",
	"internal/market",
	"internal/catalog",
	"internal/klarna",
	"internal/cart",
	"internal/cartsync",
	"internal/kco",
	"internal/payments",
	"internal/ordermanagement",
	"internal/order",
	"internal/session",
	"web/static",
	"web/templates",
	"internal/respond",
	"internal/storefront",
	"internal/callback",
	"internal/backoffice",
	"internal/server",
	"internal/shop",
	"fakeklarna",
	"cmd/shopd",
	"tools/bench", // knows of shopd what its clients do
	"tools/bench/hello",
	"tools/licences",
}

// only lists packages that may import less of ours than their layer allows.
var only = map[string][]string{
	// Pages get view models: no rule of the shop is decided in a template.
	"web/templates": {"internal/i18n", "web/static"},
	// The fake has its own wire types and arithmetic, so that a mistake in a client
	// fails a test instead of agreeing with itself.
	"fakeklarna": {"internal/money", "internal/i18n"},
	// The benchmark measures from outside, and reads a large order book as the back office does.
	"tools/bench": {"internal/order"},
}

// importers lists packages that only some may import; tests may always.
var importers = map[string][]string{
	"fakeklarna":          {"cmd/shopd"},
	"internal/storefront": {"internal/shop"},
	"internal/callback":   {"internal/shop"},
	"internal/backoffice": {"cmd/shopd", "internal/shop"}, // the command reads who is staff
}

// forbidden are packages of others that do not belong in a package.
var forbidden = map[string][]string{
	"internal/money":   {"net/http"},
	"internal/market":  {"net/http"},
	"internal/catalog": {"net/http"},
}

// helpers are for tests; nothing else imports them.
var helpers = []string{"internal/redistest", "internal/browsertest", "internal/tracetest", "internal/observe/observetest", "internal/shop/shoptest", "test/e2e"}

func TestLayers(t *testing.T) {
	for name, imports := range importsOf(t, os.DirFS("..")) {
		for _, problem := range problems(name, imports) {
			t.Errorf("%s %s", name, problem)
		}
	}
}

// problems says what is wrong with the imports of a package.
func problems(name string, imports []string) []string {
	var found []string
	place := slices.Index(layers, name)
	if place < 0 && !slices.Contains(helpers, name) {
		found = append(found, "has no place among the layers")
	}
	for _, imported := range imports {
		if slices.Contains(forbidden[name], imported) {
			found = append(found, "imports "+imported)
		}
		ours, ok := strings.CutPrefix(imported, module)
		if !ok {
			continue
		}
		allowed, limited := only[name]
		from, reserved := importers[ours]
		switch {
		case slices.Contains(helpers, name): // what tests need of the shop, and of one another
		case slices.Index(layers, ours) < 0 || slices.Index(layers, ours) >= place,
			limited && !slices.Contains(allowed, ours),
			reserved && !slices.Contains(from, name):
			found = append(found, "must not import "+ours)
		}
	}
	return found
}

// importsOf reads the imports of every package outside tests, by its folder.
func importsOf(t *testing.T, root fs.FS) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(path.Dir(name))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			all[dir] = append(all[dir], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < len(layers) {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

// The check itself finds what it should.
func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		name, pkg, imports string
		bad                bool
	}{
		{"downwards", "internal/kco", module + "internal/cart", false},
		{"upwards", "internal/cart", module + "internal/kco", true},
		{"sideways", "internal/storefront", module + "internal/server", true},
		{"template and i18n", "web/templates", module + "internal/i18n", false},
		{"template and money", "web/templates", module + "internal/money", true},
		{"fake and money", "fakeklarna", module + "internal/money", false},
		{"fake and klarna", "fakeklarna", module + "internal/klarna", true},
		{"fake in the command", "cmd/shopd", module + "fakeklarna", false},
		{"test helper in the shop", "internal/session", module + "internal/redistest", true},
		{"test helper and the shop", "internal/redistest", module + "internal/redisconn", false},
		{"test helper and another", "internal/shop/shoptest", module + "internal/redistest", false},
		{"http in money", "internal/money", "net/http", true},
		{"http in klarna", "internal/klarna", "net/http", false},
		{"unknown package", "internal/util", "fmt", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := problems(tt.pkg, []string{tt.imports}); (len(got) > 0) != tt.bad {
				t.Errorf("problems = %q", got)
			}
		})
	}
}
