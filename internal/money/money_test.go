package money_test

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/shopd/shopd/internal/money"
)

const (
	least = money.Amount(math.MinInt64)
	most  = money.Amount(math.MaxInt64)
)

func TestArithmetic(t *testing.T) {
	tests := []struct {
		name string
		do   func() (money.Amount, error)
		want money.Amount
		err  error
	}{
		{"add", func() (money.Amount, error) { return money.Amount(2).Add(3) }, 5, nil},
		{"add negative", func() (money.Amount, error) { return money.Amount(2).Add(-3) }, -1, nil},
		{"add nothing to the most", func() (money.Amount, error) { return most.Add(0) }, most, nil},
		{"add over the most", func() (money.Amount, error) { return most.Add(1) }, 0, money.ErrOverflow},
		{"add under the least", func() (money.Amount, error) { return least.Add(-1) }, 0, money.ErrOverflow},
		{"add least to most", func() (money.Amount, error) { return least.Add(most) }, -1, nil},
		{"sub", func() (money.Amount, error) { return money.Amount(2).Sub(3) }, -1, nil},
		{"sub nothing from the least", func() (money.Amount, error) { return least.Sub(0) }, least, nil},
		{"sub under the least", func() (money.Amount, error) { return least.Sub(1) }, 0, money.ErrOverflow},
		{"sub over the most", func() (money.Amount, error) { return most.Sub(-1) }, 0, money.ErrOverflow},
		{"sub least from 0", func() (money.Amount, error) { return money.Amount(0).Sub(least) }, 0, money.ErrOverflow},
		{"sub least from -1", func() (money.Amount, error) { return money.Amount(-1).Sub(least) }, most, nil},
		{"mul", func() (money.Amount, error) { return money.Amount(-19900).Mul(2) }, -39800, nil},
		{"mul by 0", func() (money.Amount, error) { return least.Mul(0) }, 0, nil},
		{"mul least by 1", func() (money.Amount, error) { return least.Mul(1) }, least, nil},
		{"mul least by -1", func() (money.Amount, error) { return least.Mul(-1) }, 0, money.ErrOverflow},
		{"mul -1 by least", func() (money.Amount, error) { return money.Amount(-1).Mul(math.MinInt64) }, 0, money.ErrOverflow},
		{"mul to the least", func() (money.Amount, error) { return money.Amount(1 << 62).Mul(-2) }, least, nil},
		{"mul just over", func() (money.Amount, error) { return money.Amount(1 << 62).Mul(2) }, 0, money.ErrOverflow},
		{"mul far over", func() (money.Amount, error) { return most.Mul(math.MaxInt64) }, 0, money.ErrOverflow},
		{"10 % of a half", func() (money.Amount, error) { return money.Percent(1295, 1000) }, 130, nil},
		{"10 % of a negative half", func() (money.Amount, error) { return money.Percent(-1295, 1000) }, -130, nil},
		{"100 % of the least", func() (money.Amount, error) { return money.Percent(least, 10000) }, least, nil},
		{"less than nothing", func() (money.Amount, error) { return money.Percent(100, -1) }, 0, money.ErrRate},
		{"more than all", func() (money.Amount, error) { return money.Percent(100, 10001) }, 0, money.ErrRate},
		{"included in the least", func() (money.Amount, error) { return money.TaxRate(100000).Included(least) }, least / 2, nil},
		{"included at rate 0", func() (money.Amount, error) { return money.TaxRate(0).Included(most) }, 0, nil},
		{"included at -1", func() (money.Amount, error) { return money.TaxRate(-1).Included(1) }, 0, money.ErrRate},
		{"included at 100.001 %", func() (money.Amount, error) { return money.TaxRate(100001).Included(1) }, 0, money.ErrRate},
		{"on top of the most", func() (money.Amount, error) { return money.TaxRate(100000).OnTop(most) }, most, nil},
		{"on top, half down", func() (money.Amount, error) { return money.TaxRate(8250).OnTop(10500) }, 866, nil},
		{"on top, half up", func() (money.Amount, error) { return money.TaxRate(5000).OnTop(10) }, 1, nil},
		{"on top, negative half", func() (money.Amount, error) { return money.TaxRate(5000).OnTop(-10) }, -1, nil},
		{"on top at 100.001 %", func() (money.Amount, error) { return money.TaxRate(100001).OnTop(1) }, 0, money.ErrRate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.do()
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %d, %v; want %d, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestIncluded has each line of Klarna's worked examples that has a rate.
func TestIncluded(t *testing.T) {
	tests := []struct {
		name  string
		gross money.Amount
		rate  money.TaxRate
		want  money.Amount
	}{
		{"A goods", 39800, 25000, 7960},
		{"A shipping", 4900, 25000, 980},
		{"B goods, exactly half", 5997, 20000, 1000},
		{"B shipping", 395, 20000, 66},
		{"C less line discount", 25000, 25000, 5000},
		{"D goods", 30000, 25000, 6000},
		{"D discount line", -5000, 25000, -1000},
		{"E standard", 49900, 25000, 9980},
		{"E 12 %", 2990, 12000, 320},
		{"E 6 %", 24900, 6000, 1409},
		{"F goods", 59900, 25000, 11980},
		{"F gift card", -10000, 0, 0},
		{"G standard", 4999, 19000, 798},
		{"G 7 %", 899, 7000, 59},
		{"G shipping", 490, 19000, 78},
		{"H goods", 12900, 25500, 2621},
		{"H surcharge", 390, 25500, 79},
		{"I goods", 89910, 25000, 17982},
		{"I free freight", 0, 25000, 0},
		{"J net goods", 10000, 0, 0},
		{"K sample", 50000, 10000, 4545},
		{"L standard", 40000, 25000, 8000},
		{"L 6 %", 10600, 6000, 600},
		{"L discount, standard", -4000, 25000, -800},
		{"L discount, 6 %", -1060, 6000, -60},
		{"M free", 0, 25000, 0},
		{"N goods", 10000, 10000, 909},
		{"N discount", -1000, 10000, -91},
		{"half away from zero, negative", -5997, 20000, -1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.rate.Included(tt.gross)
			if err != nil || got != tt.want {
				t.Errorf("TaxRate(%d).Included(%d) = %d, %v; want %d", tt.rate, tt.gross, got, err, tt.want)
			}
		})
	}
}

// FuzzTax compares with exact rational arithmetic: the result is the nearest
// whole number, so well within the 1 that Klarna allows.
func FuzzTax(f *testing.F) {
	f.Add(int64(5997), int32(20000))
	f.Add(int64(-1000), int32(10000))
	f.Add(int64(math.MinInt64), int32(100000))
	f.Add(int64(1000000), int32(6625))
	f.Add(int64(math.MaxInt64), int32(1))
	f.Add(int64(1), int32(-1))
	f.Fuzz(func(t *testing.T, amount int64, rate int32) {
		a, r := money.Amount(amount), money.TaxRate(rate)
		included, err := r.Included(a)
		onTop, errOnTop := r.OnTop(a)
		percent, errPercent := money.Percent(a, rate/10)
		if !r.Valid() {
			if !errors.Is(err, money.ErrRate) || !errors.Is(errOnTop, money.ErrRate) {
				t.Fatalf("rate %d is out of range, got %v, %v", rate, err, errOnTop)
			}
			return
		}
		if err != nil || errOnTop != nil || errPercent != nil {
			t.Fatalf("rate %d of %d: %v, %v, %v", rate, amount, err, errOnTop, errPercent)
		}
		nearest(t, "included", included, amount, rate, 100000+int64(rate))
		nearest(t, "on top", onTop, amount, rate, 100000)
		nearest(t, "percent", percent, amount, rate/10, 10000)
	})
}

func TestShare(t *testing.T) {
	for _, tc := range []struct {
		a        money.Amount
		part, of int64
		want     money.Amount
		err      error
	}{
		{1000, 1, 3, 333, nil},
		{1000, 2, 3, 667, nil},
		{1001, 1, 2, 501, nil},
		{-1001, 1, 2, -501, nil},
		{1000, 0, 3, 0, nil},
		{1000, 3, 3, 1000, nil},
		{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64 - 1, nil},
		{1000, 4, 3, 0, money.ErrRate},
		{1000, -1, 3, 0, money.ErrRate},
		{1000, 0, 0, 0, money.ErrRate},
	} {
		if got, err := money.Share(tc.a, tc.part, tc.of); got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%d / %d of %d: got %d, %v, want %d, %v", tc.part, tc.of, tc.a, got, err, tc.want, tc.err)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tc := range []struct {
		a       money.Amount
		weights []money.Amount
		want    []money.Amount
		err     error
	}{
		{490, []money.Amount{1390, 2290}, []money.Amount{185, 305}, nil}, // 185.08, 304.92
		{490, []money.Amount{100, 100, 100}, []money.Amount{164, 163, 163}, nil},
		{-490, []money.Amount{100, 100, 100}, []money.Amount{-164, -163, -163}, nil},
		{100, []money.Amount{1, 1, 4}, []money.Amount{17, 17, 66}, nil}, // 16.67, 16.67, 66.67: the first two of equals
		{1, []money.Amount{1, 3}, []money.Amount{0, 1}, nil},
		{0, []money.Amount{1, 3}, []money.Amount{0, 0}, nil},
		{490, []money.Amount{0, 7}, []money.Amount{0, 490}, nil},
		{490, []money.Amount{0, 0}, []money.Amount{490, 0}, nil},
		{490, nil, []money.Amount{}, nil},
		{math.MinInt64, []money.Amount{math.MaxInt64}, []money.Amount{math.MinInt64}, nil},
		{490, []money.Amount{-1, 2}, nil, money.ErrRate},
		{490, []money.Amount{math.MaxInt64, 1}, nil, money.ErrOverflow},
	} {
		if got, err := money.Split(tc.a, tc.weights); !slices.Equal(got, tc.want) || !errors.Is(err, tc.err) {
			t.Errorf("%d by %d: got %d, %v, want %d", tc.a, tc.weights, got, err, tc.want)
		}
	}
}

// A state's rate has three decimals; the tax is that of all of them.
func TestThreeDecimals(t *testing.T) {
	for _, tc := range []struct {
		rate      money.TaxRate
		net, want money.Amount
	}{
		{6625, 10 * 100000, 66250}, // New Jersey: 662.50
		{6625, 10 * 14999, 9937},   // 99.368…
		{6875, 200, 14},            // Minnesota: 0.1375
		{6875, 40000, 2750},
		{4225, 99999, 4225}, // Missouri: 42.2496…
		{4875, 20000, 975},
		{4875, 12000, 585},
		{1, 50000, 1}, // half a cent
	} {
		if got, err := tc.rate.OnTop(tc.net); got != tc.want || err != nil {
			t.Errorf("%d on %d: got %d, %v, want %d", tc.rate, tc.net, got, err, tc.want)
		}
	}
}

// nearest checks that got is amount × rate / den, rounded half away from zero.
func nearest(t *testing.T, what string, got money.Amount, amount int64, rate int32, den int64) {
	t.Helper()
	exact := new(big.Rat).Mul(new(big.Rat).SetInt64(amount), big.NewRat(int64(rate), den))
	off := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(got)), exact)
	off.Mul(off, big.NewRat(int64(exact.Sign()), 1)) // positive: farther from zero than exact
	if exact.Sign() == 0 && got != 0 || off.Cmp(big.NewRat(1, 2)) > 0 || off.Cmp(big.NewRat(-1, 2)) <= 0 {
		t.Errorf("%s of %d at %d = %d, exactly %s", what, amount, rate, got, exact.FloatString(3))
	}
}

// Klarna's rule for a line: the tax is at most 1 minor unit away from the exact one.
func TestAccepts(t *testing.T) {
	tests := []struct {
		rate     money.TaxRate
		gross    money.Amount
		from, to money.Amount // the taxes that are accepted
	}{
		{25000, 12500, 2499, 2501}, // exactly 2500
		{25000, 999, 199, 200},     // 199.8
		{25000, -999, -200, -199},
		{6625, 106625, 6624, 6626},
		{0, 500, -1, 1},
		{25000, 0, -1, 1},
	}
	for _, tt := range tests {
		for tax, want := range map[money.Amount]bool{tt.from - 1: false, tt.from: true, tt.to: true, tt.to + 1: false} {
			if got := tt.rate.Accepts(tt.gross, tax); got != want {
				t.Errorf("%d of %d at %d: %v, want %v", tax, tt.gross, tt.rate, got, want)
			}
		}
	}
	for _, rate := range []money.TaxRate{-1, 100001} {
		if rate.Accepts(0, 0) {
			t.Errorf("a rate of %d counts", rate)
		}
	}
	if money.TaxRate(25000).Accepts(most, 0) || money.TaxRate(25000).Accepts(0, least) {
		t.Error("amounts count that are too large to compute")
	}
}
