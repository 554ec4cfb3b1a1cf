package number

import "strconv"

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
func Tenths(share float64) string {
	said := Decimal(share, 1)
	switch {
	case said == None:
		return None
	case share > 0 && said == "0.0":
		return "<0.1 %"
	case share < 100 && said == "100.0":
		return ">99.9 %"
	}
	return said + " %"
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
