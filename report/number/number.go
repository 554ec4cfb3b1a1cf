// Package number says metrics as clinicians read them: rounded, with a sign where a small
// number is not nothing, and a dash where there is no number. It is pure.
package number

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/dustin/go-humanize"

	"github.com/dexetl/dexetl/metrics"
)

// None is written where there is no number.
const None = "–"

// A Unit is one of glucose.
type Unit string

// The units, as people write them.
const (
	MgdL  Unit = "mg/dL"
	MmolL Unit = "mmol/L"
)

// Of converts mg/dL to the unit.
func (u Unit) Of(mgdL float64) float64 {
	if u == MmolL {
		return mgdL / metrics.MgdLPerMmol
	}
	return mgdL
}

// Glucose says glucose of mg/dL in the unit: whole mg/dL, or mmol/L with one decimal.
func (u Unit) Glucose(mgdL float64) string {
	if u == MmolL {
		return Decimal(u.Of(mgdL), 1)
	}
	return Decimal(mgdL, 0)
}

// Decimal says x with so many decimals; [None] for NaN. A number that rounds to nothing is
// not negative.
func Decimal(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return None
	}
	scale := math.Pow10(decimals)
	rounded := math.Round(x*scale) / scale
	if rounded == 0 {
		rounded = 0 // -0
	}
	return strconv.FormatFloat(rounded, 'f', decimals, 64)
}

// Count says a count, with a comma between thousands.
func Count(n int64) string { return humanize.Comma(n) }

// Percent says a share of 0 to 100, whole: what is more than nothing is never "0 %", and
// what is less than all is never "100 %".
func Percent(share float64) string {
	return percent(share, int(math.Round(share)))
}

// percent says a share that was rounded to whole.
func percent(share float64, whole int) string {
	switch {
	case math.IsNaN(share):
		return None
	case share > 0 && whole <= 0:
		return "<1 %"
	case share < 100 && whole >= 100:
		return ">99 %"
	}
	return strconv.Itoa(whole) + " %"
}

// Percents says the shares of one bar as [Whole] rounds them: what is written adds to 100,
// and "<1 %" counts as nothing there. It is for a bar only: the same share that stands by
// itself is said by [Percent], and may differ by one.
func Percents(shares ...float64) []string {
	whole := Whole(shares...)
	said := make([]string, len(shares))
	for i, share := range shares {
		said[i] = percent(share, whole[i])
	}
	return said
}

// Whole rounds shares to whole numbers; those that add to 100 add to 100 afterwards, by the
// largest remainder, the earlier one first where two are the same. A share below 0.5 becomes
// 0, whatever its remainder, and the others have what is left, each less than 1. Where they
// cannot take all of it, as of 99 and several that small, the sum stays below 100.
func Whole(shares ...float64) []int { return parts(100, shares) }

// parts is Whole for shares that add to a total.
func parts(total int, shares []float64) []int {
	whole := make([]int, len(shares))
	order := make([]int, len(shares))
	sum, left := 0.0, total
	for i, share := range shares {
		order[i] = i
		sum += share
		whole[i] = int(math.Floor(share))
		left -= whole[i]
	}
	if math.IsNaN(sum) || math.Abs(sum-float64(total)) > 1e-6 {
		for i, share := range shares {
			whole[i] = int(math.Round(share))
		}
		return whole
	}
	remainder := func(i int) float64 { return math.Round(1e9 * (shares[i] - math.Floor(shares[i]))) }
	order = slices.DeleteFunc(order, func(i int) bool { return shares[i] < 0.5 || remainder(i) == 0 })
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainder(b), remainder(a)) })
	for _, i := range order[:max(0, min(left, len(order)))] {
		whole[i]++
	}
	return whole
}
