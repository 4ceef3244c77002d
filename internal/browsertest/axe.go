//go:build a11y

package browsertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-rod/rod"
)

// axe runs axe-core in a document without its frames and returns the violations.
const axe = `async () => {
	const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
	const {violations} = await axe.run(document, {runOnly: {type: "tag", values: tags}, iframes: false, resultTypes: ["violations"]});
	return JSON.stringify(violations.map(({id, help, nodes}) => ({id, help, nodes: nodes.map((node) => node.html + ": " + node.failureSummary)})));
}`

// Audited reports whether the audit runs for a look. With -short it runs for two of them only: wide and light, narrow
// and dark.
func Audited(o Options) bool {
	narrow := o.Phone || o.Width > 0 && o.Width < 600
	return !testing.Short() || narrow == o.Dark
}

// Audit fails the test when axe-core finds a violation in a document, frames excluded. make a11y installs axe-core.
func Audit(t *testing.T, name string, document *rod.Page) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	source, err := os.ReadFile(filepath.Join(filepath.Dir(here), "..", "..", "tools", "a11y", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is not installed, make a11y does so: %v", err)
	}
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
