package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// bursts is how many runs TestBursts makes: SHOPD_TEST_BURSTS, else 40; they are other ones each time.
func bursts(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SHOPD_TEST_BURSTS")
	if text == "" {
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// collecting is for how many milliseconds the page waits for more before it sends.
const collecting = 120

// click is one press of a control.
type click struct {
	At  int    `json:"at"` // milliseconds after the first
	Key string `json:"key"`
}

// play presses the controls at their times and answers how long that took in truth.
const play = `async (clicks) => {
	const start = performance.now();
	for (const {at, key} of clicks) {
		const wait = start + at - performance.now();
		if (wait > 0) await new Promise((done) => setTimeout(done, wait));
		document.querySelector('[data-key="' + key + '"]').click();
	}
	return performance.now() - start;
}`

// Fast clicks on several lines while Klarna answers when it likes: the last click wins, and everybody says so.
func TestBursts(t *testing.T) {
	t.Parallel()
	const shoppers = 2
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SHOPD_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SHOPD_TEST_SEED=%d", seed)
	runs := bursts(t) / shoppers
	for shopper := range shoppers {
		t.Run(fmt.Sprint(shopper), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(shopper)))
			d := deploy(t, 1, fakeklarna.Options{})
			for done := 0; done < runs; done += 25 { // a page's time is limited
				d.burst(t, random, min(25, runs-done))
			}
		})
	}
}

// burst makes runs on one page.
func (d *deployment) burst(t *testing.T, random *rand.Rand, runs int) {
	t.Helper()
	skus := []string{"MUG-1", "JAM-1", "HAT-1"}
	d.fake.ClearFaults()
	s := d.shopper(t, browsertest.Options{})
	s.fill(skus...)
	for _, sku := range skus {
		s.post("/cart/lines/"+sku, "quantity=20")
	}
	s.openCheckout()
	s.typeContact()
	s.keepNode()
	for _, chance := range []float64{0.3, 0.5} {
		d.fake.AddFault(fakeklarna.Fault{Count: -1, Probability: chance, Jitter: milliseconds(200), JitterAfter: milliseconds(200)})
	}
	want := map[string]int{"MUG-1": 20, "JAM-1": 20, "HAT-1": 20}
	clicks := func(start int) []click {
		made := make([]click, 3+random.IntN(8))
		for i := range made {
			sku, step := skus[random.IntN(len(skus))], 1
			if random.IntN(3) == 0 {
				step = -1
			}
			made[i] = click{start, sku + map[int]string{1: ":plus", -1: ":minus"}[step]}
			want[sku] += step
			start += random.IntN(11) // ten of them within 100 ms
		}
		return made
	}
	for run := range runs {
		burst, atOnce := clicks(0), true
		if random.IntN(3) == 0 { // a second one, as likely as not into the first one's answer
			burst, atOnce = append(burst, clicks(130+random.IntN(400))...), false
		}
		before := len(d.fake.Requests(""))
		took := s.MustEval(play, burst).Int()
		s.settled()
		if diff := cmp.Diff(want, s.agree().Lines); diff != "" {
			t.Fatalf("run %d, clicks %+v (-want +got):\n%s", run, burst, diff)
		}
		if calls := s.calls(before); atOnce && took < collecting && len(calls) > 2 {
			t.Errorf("run %d: %d clicks in %d ms made the calls %q", run, len(burst), took, calls)
		}
	}
	if !s.sameNode() {
		t.Error("the iframe is another one than before")
	}
	s.wantTyped()
	if got := len(s.d.fake.Orders()); got > 2 {
		t.Errorf("%d orders at Klarna", got)
	}
}

func milliseconds(n int) fakeklarna.Duration {
	return fakeklarna.Duration(n) * fakeklarna.Duration(time.Millisecond)
}
