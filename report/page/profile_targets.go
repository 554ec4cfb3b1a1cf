package page

import (
	"cmp"
	"math"

	"github.com/dexetl/dexetl/report/number"
)

// mostDecimals of a value beside a bound: no sensor is that exact.
const mostDecimals = 4

// Beside says a percentage of which bounds are told: with so many decimals, or as many more
// as it takes to lie on the same side of each bound as the value itself. So "met" and "not
// met" agree with what is printed.
func Beside(x float64, decimals int, bounds ...float64) string {
	for ; decimals < mostDecimals && !agrees(x, decimals, bounds); decimals++ {
	}
	switch decimals {
	case 0:
		return number.Percent(x)
	case 1:
		return number.Tenths(x)
	}
	return percentOf(x, decimals)
}

// agrees reports whether x, rounded, is less than, equal to or more than each bound as x is.
func agrees(x float64, decimals int, bounds []float64) bool {
	scale := math.Pow10(decimals)
	rounded := math.Round(x*scale) / scale
	for _, bound := range bounds {
		if cmp.Compare(rounded, bound) != cmp.Compare(x, bound) {
			return false
		}
	}
	return true
}

// percentOf says a percentage that is no share.
func percentOf(x float64, decimals int) string {
	if said := number.Decimal(x, decimals); said != number.None {
		return said + " %"
	}
	return number.None
}
