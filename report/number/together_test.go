package number

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTogether(t *testing.T) {
	shares := []float64{0.3, 1.2, 70.5, 20, 8}
	for _, c := range []struct {
		first, end int
		want       string
	}{{0, 2, "1 %"}, {0, 1, "<1 %"}, {3, 5, "28 %"}, {0, 5, "100 %"}, {2, 2, "0 %"}} {
		if got := Together(shares, c.first, c.end); got != c.want {
			t.Errorf("Together(%v, %d, %d) = %q, want %q", shares, c.first, c.end, got, c.want)
		}
	}
	if got := Together([]float64{0.2, 0.2, 99.6}, 0, 2); got != "<1 %" {
		t.Errorf("two shares that are each less than 1 %% are together %q", got)
	}
	if got := Together([]float64{math.NaN(), math.NaN()}, 0, 1); got != None {
		t.Errorf("no shares are together %q", got)
	}
}

// Parts and their sum, as they are written, are never further apart than the parts allow:
// the whole numbers add up.
func TestTogetherAgreesWithParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(1, 5000), 5, 5).Draw(t, "counts")
		n := 0
		for _, c := range counts {
			n += c
		}
		shares := make([]float64, len(counts))
		for i, c := range counts {
			shares[i] = 100 * float64(c) / float64(n)
		}
		whole := Whole(shares...)
		if got, want := Together(shares, 0, 2), percent(shares[0]+shares[1], whole[0]+whole[1]); got != want {
			t.Fatalf("%v: together %q, the parts %v add to %q", shares, got, whole[:2], want)
		}
	})
}

func TestTenths(t *testing.T) {
	for share, want := range map[float64]string{0: "0.0 %", 0.04: "<0.1 %", 0.05: "0.1 %", 62.25: "62.3 %", 99.97: ">99.9 %", 100: "100.0 %", math.NaN(): None} {
		if got := Tenths(share); got != want {
			t.Errorf("Tenths(%v) = %q, want %q", share, got, want)
		}
	}
}

// Shares of a bar add to 100.0, and none is moved by a tenth or more.
func TestAllTenths(t *testing.T) {
	for want, shares := range map[string][]float64{
		"33.4 % 33.3 % 33.3 %": {100.0 / 3, 100.0 / 3, 100.0 / 3},
		"<0.1 % 0.2 % 99.8 %":  {0.04, 0.16, 99.8},
		"<0.1 % >99.9 %":       {0.02, 99.98},
		"0.0 % 100.0 %":        {0, 100},
		None + " " + None:      {math.NaN(), math.NaN()},
		"90.2 % 2.2 % 7.6 %":   {90.16, 2.25, 7.59},
	} {
		if got := strings.Join(AllTenths(shares...), " "); got != want {
			t.Errorf("AllTenths(%v) = %q, want %q", shares, got, want)
		}
	}
}

func TestAmount(t *testing.T) {
	for x, want := range map[float64]string{0: "0.0", 0.04: "<0.1", 0.05: "0.1", 3.14: "3.1", math.NaN(): None} {
		if got := Amount(x, 1); got != want {
			t.Errorf("Amount(%v, 1) = %q, want %q", x, got, want)
		}
	}
	if got := Amount(0.3, 0); got != "<1" {
		t.Errorf("Amount(0.3, 0) = %q", got)
	}
}

func TestSigned(t *testing.T) {
	for x, want := range map[float64]string{3.14: "+3.1", -3.14: "−3.1", 0.04: "0.0", -0.04: "0.0", math.NaN(): None} {
		if got := Signed(x, 1); got != want {
			t.Errorf("Signed(%v, 1) = %q, want %q", x, got, want)
		}
	}
}
