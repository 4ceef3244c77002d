package shoptest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Published is the demo's shop and catalogue after a change.
func Published(change func(*settings.Shop)) *publish.Published {
	shop := *skerry.Version().Shop
	change(&shop)
	return publish.Fixed(publish.NewVersion(1, &shop, skerry.Version().Catalog))
}

// ShopFile writes the demo's shop file with further members, and what it names, and returns
// its path.
func ShopFile(t testing.TB, members string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, skerry.FS); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "shop.yaml")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(file, members...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
