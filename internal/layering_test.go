// Package internal_test holds the order of the packages.
package internal_test

import (
	"errors"
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/shopd/shopd/"

// layers are the packages from the ground up: one may import only those before it.
// A new package gets its place here.
var layers = []string{
	"internal/build",
	"internal/rounds",
	"internal/strictjson",
	"internal/redisconn",
	"internal/quota",
	"internal/money",
	"internal/db",
	"internal/stafflog",
	"internal/story",
	"internal/observe",
	"internal/event",
	"internal/i18n",
	"internal/contrast",
	"internal/form",
	"internal/permission",
	"internal/market",
	"internal/campaign",
	"internal/yamlfile",
	"internal/standardwebhooks",
	"internal/settings",
	"web/static",
	"internal/catalog",
	"internal/stock",
	"internal/publish",
	"internal/klarna",
	"internal/cart",
	"internal/underway",
	"internal/cartsync",
	"internal/hook",
	"internal/kco",
	"internal/checkoutsession",
	"internal/payments",
	"internal/ordermanagement",
	"internal/order",
	"internal/aftersale",
	"internal/session",
	"internal/mend",
	"web/templates",
	"internal/identity",
	"internal/orderview",
	"internal/mail",
	"internal/webhook",
	"internal/doctor",
	"internal/respond",
	"internal/storefront",
	"internal/callback",
	"internal/backoffice/team",
	"internal/backoffice",
	"internal/api",
	"internal/server",
	"internal/shop",
	"examples/skerry",
	"fakeklarna/internal/wire",
	"fakeklarna/internal/web",
	"fakeklarna/internal/shopper",
	"fakeklarna/internal/engine",
	"fakeklarna/internal/callback",
	"fakeklarna/internal/management",
	"fakeklarna/internal/checkout",
	"fakeklarna/internal/payments",
	"fakeklarna/internal/frontend",
	"fakeklarna/internal/control",
	"fakeklarna/internal/pages",
	"fakeklarna",
	"cmd/shopd",
	"tools/bench", // knows of shopd what its clients do
	"tools/bench/hello",
	"tools/licences",
	"tools/clients",
}

// only lists packages that may import less of ours than their layer allows.
var only = map[string][]string{
	// Pages get view models: no rule of the shop is decided in a template.
	"web/templates": {"internal/form", "internal/i18n", "web/static"},
	// The benchmark measures from outside, and reads a large order book as the back office does.
	"tools/bench": {"examples/skerry", "internal/db", "internal/db/dbtest", "internal/order"},
}

// ofFake are the packages of ours that the fake may import. It has its own wire types and
// arithmetic, so that a mistake in a client fails a test instead of agreeing with itself.
// What its rooms may import of one another its own test says.
var ofFake = []string{"internal/money", "internal/i18n"}

// importers lists packages that only some may import; tests may always.
var importers = map[string][]string{
	"fakeklarna":          {"cmd/shopd"},
	"internal/storefront": {"internal/shop"},
	"internal/callback":   {"cmd/shopd", "internal/shop"}, // the command explains an order as a callback makes it
	"internal/backoffice": {"internal/shop"},
}

// helpers are for tests; nothing else imports them.
var helpers = []string{"internal/until", "internal/lifeline", "internal/redistest", "internal/db/dbtest", "internal/browsertest", "internal/tracetest", "internal/observe/observetest", "internal/klarna/klarnatest", "internal/shop/shoptest", "fakeklarna/internal/faketest", "test/e2e"}

// Each package imports only what is below it. What of others a package may not import the linter says (depguard).
func TestLayers(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if base := entry.Name(); base != ".." && strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" {
			return fs.SkipDir
		}
		pkg, err := build.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none || err == nil && len(pkg.GoFiles) == 0 {
			return nil
		}
		name := strings.TrimPrefix(filepath.ToSlash(dir), "../")
		found++
		for _, problem := range problems(name, pkg.Imports) {
			t.Errorf("%s %s", name, problem)
		}
		return err
	})
	if err != nil || found < len(layers) {
		t.Fatalf("%d packages found: %v", found, err)
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
		ours, ok := strings.CutPrefix(imported, module)
		if !ok {
			continue
		}
		allowed, limited := only[name]
		if strings.HasPrefix(name, "fakeklarna") {
			allowed, limited = ofFake, !strings.HasPrefix(ours, "fakeklarna/")
		}
		from, reserved := importers[ours]
		switch {
		case slices.Contains(helpers, name), name == "tools/bench" && slices.Contains(helpers, ours): // what tests need of the shop, and of one another
		case slices.Index(layers, ours) < 0 || slices.Index(layers, ours) >= place,
			limited && !slices.Contains(allowed, ours),
			reserved && !slices.Contains(from, name):
			found = append(found, "must not import "+ours)
		}
	}
	return found
}
