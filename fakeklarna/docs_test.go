package fakeklarna_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
)

// Every shell block of the documentation works as written: the first as it
// stands, the others with the order that its beginning makes. Each prints what
// stands behind the arrows of its comments.
func TestDocumentedCommands(t *testing.T) {
	text, err := os.ReadFile("../docs/fake-klarna.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 10 {
		t.Fatalf("%d shell blocks in the documentation", len(blocks))
	}
	quickStart := blocks[0][1]
	makeOrder, _, _ := strings.Cut(quickStart, "\n\n")
	arrow := regexp.MustCompile(`(?m)# → (.*)$`)
	for _, block := range blocks {
		name, _, _ := strings.Cut(block[1], "\n")
		t.Run(name, func(t *testing.T) {
			fake := fakeklarna.NewServer(t, fakeklarna.Options{})
			script := block[1]
			if script != quickStart {
				script = makeOrder + "\n" + script
			}
			script = strings.ReplaceAll(script, "http://127.0.0.1:9090", fake.URL)
			command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
			command.Dir = t.TempDir()
			output, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, want := range arrow.FindAllStringSubmatch(script, -1) {
				if !strings.Contains(string(output), want[1]) {
					t.Errorf("%q is not in the output:\n%s", want[1], output)
				}
			}
			if script == strings.ReplaceAll(quickStart, "http://127.0.0.1:9090", fake.URL) && !strings.Contains(string(output), `"status":"AUTHORIZED"`) {
				t.Errorf("the quick start's order is not bought:\n%s", output)
			}
		})
	}
}
