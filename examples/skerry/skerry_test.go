package skerry_test

import (
	"testing"

	"github.com/shopd/shopd/internal/settings"
)

// Nothing is left to say of the demo's shop file.
func TestShopFile(t *testing.T) {
	source, err := settings.Load("shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, warnings, err := settings.Read(source); err != nil || len(warnings) > 0 {
		t.Errorf("%v %q", err, warnings)
	}
}
