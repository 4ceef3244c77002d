package browsertest

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/go-rod/rod"
)

// axe runs axe-core in a document without its frames and returns the violations. Transitions are over first: their
// colours are not the page's.
const axe = `async () => {
	document.getAnimations().forEach((a) => { if (a instanceof CSSTransition) a.finish() });
	const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
	const {violations} = await axe.run(document, {runOnly: {type: "tag", values: tags}, iframes: false, resultTypes: ["violations"]});
	return JSON.stringify(violations.map(({id, help, nodes}) => ({id, help, nodes: nodes.map((node) => node.html + ": " + node.failureSummary)})));
}`

// Audit fails the test when axe-core finds a violation in a document of the page, frames excluded. It looks at wide pages
// in the light and at narrow ones in the dark; where SHOPD_LOOKS is all, at each in both. It does nothing unless SHOPD_AXE
// names the file axe.min.js, as make check and make a11y do.
func (p *Page) Audit(name string, document *rod.Page) {
	p.t.Helper()
	file := os.Getenv("SHOPD_AXE")
	if file == "" {
		return
	}
	source, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := document.Eval("() => { if (!window.axe) {" + string(source) + "\n} }"); err != nil {
		p.t.Fatal(err)
	}
	now := p.o
	narrow := now.Phone || now.Width > 0 && now.Width < 600
	defer p.As(now)
	for _, dark := range []bool{narrow, !narrow} {
		if dark != narrow && os.Getenv("SHOPD_LOOKS") != "all" {
			continue
		}
		o := now
		o.Dark = dark
		p.As(o)
		result, err := document.Eval(axe)
		if err != nil {
			p.t.Fatalf("%s: %v", name, err)
		}
		var violations []struct {
			ID, Help string
			Nodes    []string
		}
		if err := json.Unmarshal([]byte(result.Value.Str()), &violations); err != nil {
			p.t.Fatal(err)
		}
		for _, v := range violations {
			p.t.Errorf("%s, dark %t: %s: %s\n  %s", name, dark, v.ID, v.Help, strings.Join(v.Nodes, "\n  "))
		}
	}
}
