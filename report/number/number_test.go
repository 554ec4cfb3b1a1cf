package number

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0 %", 0.001: "<1 %", 0.3: "<1 %", 0.5: "1 %", 1: "1 %", 69.5: "70 %", 99: "99 %", 99.5: ">99 %", 99.999: ">99 %", 100: "100 %",
		math.NaN(): None,
	} {
		if got := Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q", share, got, want)
		}
	}
}

func TestPercents(t *testing.T) {
	for _, c := range []struct {
		shares []float64
		want   []string
	}{
		{[]float64{0.3, 1.2, 70.5, 20, 8}, []string{"<1 %", "1 %", "71 %", "20 %", "8 %"}},
		{[]float64{33.4, 33.3, 33.3}, []string{"34 %", "33 %", "33 %"}},
		{[]float64{100.0 / 3, 100.0 / 3, 100.0 / 3}, []string{"34 %", "33 %", "33 %"}},
		{[]float64{0.3, 99.7}, []string{"<1 %", ">99 %"}},
		{[]float64{0.49, 1.2, 70.31, 20, 8}, []string{"<1 %", "1 %", "71 %", "20 %", "8 %"}},
		{[]float64{0.4, 0.4, 0.2, 99}, []string{"<1 %", "<1 %", "<1 %", "99 %"}},
		{[]float64{0, 100}, []string{"0 %", "100 %"}},
		{[]float64{math.NaN(), math.NaN()}, []string{None, None}},
		{[]float64{10.6, 10.6}, []string{"11 %", "11 %"}},
	} {
		if got := Percents(c.shares...); !slices.Equal(got, c.want) {
			t.Errorf("Percents(%v) = %q, want %q", c.shares, got, c.want)
		}
	}
}

// What is rounded together adds to 100, or to less by no more than what is written as
// "<1 %" may hold. Nothing moves by 1 or more, and nothing below 0.5 becomes 1.
func TestWholeAddsTo100(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 5000), 2, 7).Draw(t, "counts")
		n := 0
		for _, c := range counts {
			n += c
		}
		if n == 0 {
			t.Skip("no values")
		}
		shares := make([]float64, len(counts))
		for i, c := range counts {
			shares[i] = 100 * float64(c) / float64(n)
		}
		sum, small := 0, 0
		for i, whole := range Whole(shares...) {
			sum += whole
			if shares[i] > 0 && shares[i] < 0.5 {
				small++
				if said := Percents(shares...)[i]; whole != 0 || said != "<1 %" {
					t.Fatalf("%v of %v became %d, %q", shares[i], shares, whole, said)
				}
			}
			if math.Abs(float64(whole)-shares[i]) >= 1 {
				t.Fatalf("%v of %v became %d", shares[i], shares, whole)
			}
		}
		if sum > 100 || 2*(100-sum) > small {
			t.Fatalf("%v became %v, which adds to %d", shares, Whole(shares...), sum)
		}
	})
}

func TestDecimal(t *testing.T) {
	for x, want := range map[float64]string{-0.04: "0.0", 6.85: "6.9", 7.25: "7.3", -1.26: "-1.3", math.Inf(1): None} {
		if got := Decimal(x, 1); got != want {
			t.Errorf("Decimal(%v, 1) = %q, want %q", x, got, want)
		}
	}
}

// The bounds of the ranges print as the consensus has them in both units.
func TestGlucose(t *testing.T) {
	for mgdL, want := range map[float64][2]string{54: {"54", "3.0"}, 70: {"70", "3.9"}, 140: {"140", "7.8"}, 180: {"180", "10.0"}, 250: {"250", "13.9"}} {
		if got := [2]string{MgdL.Glucose(mgdL), MmolL.Glucose(mgdL)}; got != want {
			t.Errorf("%v mg/dL is %q, want %q", mgdL, got, want)
		}
	}
}
