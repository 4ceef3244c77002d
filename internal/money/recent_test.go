package money_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/shopd/shopd/internal/money"
)

// What was formatted before, and by whom at the same time, changes no text.
func TestFormatRemembers(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for a := money.Amount(0); a < 100_000; a += 7 {
				want := fmt.Sprintf("%d,%02d\u00a0kr", a/100, a%100)
				if got := money.FormatExact(a, "SEK", "sv-SE"); got != want {
					t.Errorf("FormatExact(%d) = %q, want %q", a, got, want)
					return
				}
				want = fmt.Sprintf("€%d.%02d", a/100, a%100)
				if got := money.Format(a, "EUR", "en-IE"); got != want {
					t.Errorf("Format(%d) = %q, want %q", a, got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
