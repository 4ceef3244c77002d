package e2e_test

import (
	"sync"
	"testing"
)

// The ledger takes any cart that a shop may have which keeps its word, and no other.
func TestLedger(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   func(*ledger)
		may  []int // mugs in the cart
		not  []int
	}{
		{"nothing", func(*ledger) {}, []int{0}, []int{1}},
		{"a change that was saved", func(l *ledger) { l.begin("MUG-1", to(3)).end(saved) }, []int{3}, []int{0, 4}},
		{"a change under way", func(l *ledger) { l.begin("MUG-1", to(3)) }, []int{0, 3}, []int{1}},
		{"a change without an answer", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			l.begin("MUG-1", func(n int) int { return n + 1 }).end(unsure)
		}, []int{3, 4}, []int{0, 5}},
		{"a change that was refused", func(l *ledger) { l.begin("MUG-1", to(3)).end(rejected) }, []int{0}, []int{3}},
		{"bought, and not out of the cart yet, or so", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			l.sold("order", map[string]int{"MUG-1": 2}, true)
		}, []int{3, 1}, []int{0, 2}},
		{"bought and out", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			l.close(l.sold("order", map[string]int{"MUG-1": 2}, true))
		}, []int{1}, []int{3, 0}},
		{"out before or after a change that was under way", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			c := l.begin("MUG-1", to(5))
			l.close(l.sold("order", map[string]int{"MUG-1": 3}, true))
			c.end(saved)
		}, []int{5, 2}, []int{3, 0}},
		{"out before a change", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			l.close(l.sold("order", map[string]int{"MUG-1": 3}, true))
			l.begin("MUG-1", to(5)).end(saved)
		}, []int{5}, []int{2, 0}},
		{"approved, and it came to nothing", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			l.forget(l.sold("token", map[string]int{"MUG-1": 2}, false))
		}, []int{3}, []int{1}},
		{"told that nothing is bought after it was", func(l *ledger) {
			l.begin("MUG-1", to(3)).end(saved)
			d := l.sold("token", map[string]int{"MUG-1": 2}, false)
			l.become(d, "order")
			l.close(d)
			l.forget(d)
		}, []int{1}, []int{3}},
		{"twice", func(l *ledger) {
			l.begin("MUG-1", to(9)).end(saved)
			l.close(l.sold("one", map[string]int{"MUG-1": 2}, true))
			l.close(l.sold("one", map[string]int{"MUG-1": 2}, true))
			l.sold("two", map[string]int{"MUG-1": 3}, true)
		}, []int{7, 4}, []int{9, 6, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for quantities, fits := range map[*[]int]bool{&tc.may: true, &tc.not: false} {
				for _, n := range *quantities {
					l := newLedger()
					tc.do(l)
					if wrong := l.saw(l.watch(), map[string]int{"MUG-1": n}, false); (len(wrong) == 0) != fits {
						t.Errorf("%d mugs: %v", n, wrong)
					}
				}
			}
		})
	}
}

// What was bought must have been in the cart at some time while it was being
// bought, and not only because it was bought before.
func TestLedgerBought(t *testing.T) {
	t.Parallel()
	mugs := func(n int) map[string]int { return map[string]int{"MUG-1": n} }
	l := newLedger()
	l.begin("MUG-1", to(3)).end(saved)
	w := l.watch()
	var other sync.WaitGroup
	other.Go(func() { l.begin("MUG-1", to(5)).end(saved) })
	other.Wait()
	for n, fits := range map[int]bool{3: true, 5: true, 0: false, 4: false} {
		again := *w
		if wrong := l.saw(&again, mugs(n), true); (len(wrong) == 0) != fits {
			t.Errorf("bought %d: %v", n, wrong)
		}
	}
	l.sold("one", mugs(5), true)
	if wrong := l.saw(l.watch(), mugs(5), true); len(wrong) == 0 {
		t.Error("the same five were bought twice")
	}
	l.begin("MUG-1", to(2)).end(saved)
	if wrong := l.saw(l.watch(), mugs(2), true); len(wrong) > 0 {
		t.Errorf("what came after a purchase: %v", wrong)
	}
}
