package fakeklarna_test

import (
	"go/build"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rooms says for each room which others it may import. A room comes after those that it
// imports, so there is no circle.
var rooms = []struct{ name, imports string }{
	{"wire", ""},       // bodies, errors, lines: what the APIs share
	{"web", "wire"},    // files for browsers, languages
	{"shopper", "web"}, // who buys: test persons, fields, refusals
	{"engine", "wire"},
	{"callback", "engine wire"},
	{"management", "callback engine shopper wire"},
	{"checkout", "callback engine management shopper web wire"},
	{"payments", "callback engine management shopper web wire"},
	{"frontend", "checkout engine management payments shopper web wire"},
	{"control", "callback checkout engine payments web"},
	{"pages", "callback checkout control engine management payments shopper web wire"},
}

func TestRooms(t *testing.T) {
	const below = "github.com/shopd/shopd/fakeklarna/internal/"
	var known []string
	for _, room := range rooms {
		pkg, err := build.ImportDir("internal/"+room.name, 0)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, path := range pkg.Imports {
			if path == "github.com/shopd/shopd/fakeklarna" {
				t.Errorf("%s imports the public face", room.name)
			}
			if name, ok := strings.CutPrefix(path, below); ok {
				imports = append(imports, name)
			}
		}
		if diff := cmp.Diff(room.imports, strings.Join(imports, " ")); diff != "" {
			t.Errorf("%s imports (-allowed +found):\n%s", room.name, diff)
		}
		for _, name := range imports {
			if !slices.Contains(known, name) {
				t.Errorf("%s imports %s, which does not come before it", room.name, name)
			}
		}
		known = append(known, room.name)
	}
	entries, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "faketest" && !slices.Contains(known, e.Name()) {
			t.Errorf("%s is in no row", e.Name())
		}
	}
}
