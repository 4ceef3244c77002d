package static

import (
	"strings"
	"testing"
)

func TestModuleIsSmall(t *testing.T) {
	if n := len(compressed); n > 10_000 {
		t.Errorf("%d bytes compressed", n)
	} else {
		t.Logf("%d bytes, %d compressed", len(module), n)
	}
	for _, word := range []string{"import ", "sourceMapp", "/**"} {
		if strings.Contains(string(module), "\n"+word) {
			t.Errorf("it has %q", word)
		}
	}
}
