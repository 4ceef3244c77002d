//go:build a11y

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna"
)

// axe runs axe-core in a document without its frames and answers what it finds wrong.
const axe = `async () => {
	const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
	const {violations} = await axe.run(document, {runOnly: {type: "tag", values: tags}, iframes: false, resultTypes: ["violations"]});
	return JSON.stringify(violations.map(({id, help, nodes}) => ({id, help, nodes: nodes.map((node) => node.html + ": " + node.failureSummary)})));
}`

// Every page and state, light and dark, wide and on a phone, has nothing that axe-core finds fault with; nor has the
// iframe.
func TestAccessibility(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "..", "tools", "a11y", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is not installed, make a11y does so: %v", err)
	}
	audit := func(t *testing.T, name string, document *rod.Page) {
		t.Helper()
		if _, err := document.Eval("() => { if (!window.axe) {" + string(source) + "\n} }"); err != nil {
			t.Fatal(err)
		}
		result, err := document.Eval(axe)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var violations []struct {
			ID, Help string
			Nodes    []string
		}
		if err := json.Unmarshal([]byte(result.Value.Str()), &violations); err != nil {
			t.Fatal(err)
		}
		for _, v := range violations {
			t.Errorf("%s: %s: %s\n  %s", name, v.ID, v.Help, strings.Join(v.Nodes, "\n  "))
		}
	}
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			look := func(s *shopper) func(string) {
				return func(name string) {
					t.Helper()
					audit(t, name, s.Page.Page)
					if s.MustHas(kco) {
						audit(t, fmt.Sprintf("the iframe of %s", name), s.Frame(kco))
					}
				}
			}
			s := d.shopper(t, l.o)
			s.tour(look(s))
			s = d.shopper(t, l.o)
			s.states(look(s))
			url, names := accidents(t)
			for _, name := range names {
				s.Go(url + name)
				look(s)(name)
			}
		})
	}
}
