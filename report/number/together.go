package number

import (
	"math"
	"strconv"
)

// Together says the sum of shares first to before end so that it agrees with what
// [Percents] says of the shares: it is the sum of the rounded ones.
func Together(shares []float64, first, end int) string {
	sum, whole := 0.0, 0
	for i, rounded := range Whole(shares...) {
		if first <= i && i < end {
			sum += shares[i]
			whole += rounded
		}
	}
	return percent(sum, whole)
}

// Tenths says a share of 0 to 100 with one decimal: what is more than nothing is never
// "0.0 %", and what is less than all is never "100.0 %".
func Tenths(share float64) string { return tenths(share, int(math.Round(10*share))) }

// tenths says a share that was rounded to so many tenths.
func tenths(share float64, of int) string {
	switch {
	case math.IsNaN(share):
		return None
	case share > 0 && of <= 0:
		return "<0.1 %"
	case share < 100 && of >= 1000:
		return ">99.9 %"
	}
	return Decimal(float64(of)/10, 1) + " %"
}

// AllTenths says the shares of one bar with one decimal, rounded as [Percents] rounds them:
// what is written adds to 100.0.
func AllTenths(shares ...float64) []string {
	scaled, said := make([]float64, len(shares)), make([]string, len(shares))
	for i, share := range shares {
		scaled[i] = 10 * share
	}
	for i, of := range parts(1000, scaled) {
		said[i] = tenths(shares[i], of)
	}
	return said
}

// Amount says what is not negative with so many decimals: what is more than nothing is never
// written as nothing, but as "<0.1".
func Amount(x float64, decimals int) string {
	said := Decimal(x, decimals)
	if value, err := strconv.ParseFloat(said, 64); err == nil && value == 0 && x > 0 {
		return "<" + Decimal(math.Pow10(-decimals), decimals)
	}
	return said
}

// Signed says a difference with its sign and so many decimals; one that rounds to nothing
// has none.
func Signed(x float64, decimals int) string {
	said := Decimal(x, decimals)
	if value, err := strconv.ParseFloat(said, 64); err != nil || value == 0 {
		return said
	} else if value > 0 {
		return "+" + said
	}
	return "−" + said[1:]
}
