package api_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each program of the quick start is copied from docs/api.md, run as it stands, and makes a
// session whose page opens.
func TestQuickStart(t *testing.T) {
	docs, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	w := world(t)
	c := calls(w)
	for language, run := range map[string]struct {
		name, file string
		args       []string
	}{
		"sh": {"sh", "basket.sh", nil}, "php": {"php", "basket.php", nil}, "js": {"node", "basket.mjs", nil},
		"python": {"python3", "basket.py", nil}, "go": {"go", "basket.go", []string{"run"}},
	} {
		t.Run(language, func(t *testing.T) {
			c.T = t
			tool := tool(t, run.name)
			found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(docs)
			if found == nil {
				t.Fatal("the quick start has none")
			}
			for _, copied := range []string{"http://localhost:8080", "sk_demo", "basket-1"} {
				if !strings.Contains(string(found[1]), copied) {
					t.Errorf("it has not %q", copied)
				}
			}
			reference := "basket-" + language
			program := strings.NewReplacer("http://localhost:8080", w.URL, "sk_demo", "sk_test", "basket-1", reference).Replace(string(found[1]))
			dir := t.TempDir()
			file := filepath.Join(dir, run.file)
			output := func(program string) (string, error) {
				if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
					t.Fatal(err)
				}
				command := exec.CommandContext(t.Context(), tool, append(run.args, file)...)
				command.Dir = dir
				out, err := command.CombinedOutput()
				return string(out), err
			}
			if out, _ := output(strings.Replace(program, `"SE"`, `"FR"`, 1)); !strings.Contains(out, "market") || strings.Contains(out, "Traceback") {
				t.Errorf("of a country where nothing is sold it says\n%s", out)
			}
			out, err := output(program)
			made := c.want(c.call("GET", "/checkout_sessions/"+reference, ""), 200, "").Session
			if err != nil || !strings.Contains(out, made.URL) || made.OrderAmount != 257800 {
				t.Errorf("%v: %s\nthe session: %+v", err, out, made)
			}
		})
	}
}
