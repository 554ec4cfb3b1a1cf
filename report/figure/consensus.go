package figure

import (
	"strings"

	"github.com/dexetl/dexetl/report/number"
)

// A consensusRange is one of the five ranges of glucose (Battelino 2019, doi
// 10.2337/dci19-0028).
type consensusRange struct {
	class, name string
	from, to    float64 // mg/dL; 0: it has no such bound. In range are both, and they are of no other
}

// consensusRanges are the five, the lowest first.
func consensusRanges() []consensusRange {
	return []consensusRange{
		{"very-low", "Very low", 0, 54},
		{"low", "Low", 54, 70},
		{"in-range", "In range", 70, 180},
		{"high", "High", 180, 250},
		{"very-high", "Very high", 250, 0},
	}
}

// bounds says which values a range has, as they are printed.
func (r consensusRange) bounds(u number.Unit) string {
	step := 1 / u.Of(1) / 10 // of printed values, in mg/dL
	if u != number.MmolL {
		step = 1
	}
	switch r.class {
	case "very-low":
		return "< " + u.Glucose(r.to)
	case "very-high":
		return "> " + u.Glucose(r.from)
	case "low":
		return u.Glucose(r.from) + "–" + u.Glucose(r.to-step)
	case "high":
		return u.Glucose(r.from+step) + "–" + u.Glucose(r.to)
	}
	return u.Glucose(r.from) + "–" + u.Glucose(r.to)
}

// lowest and highest are what glucose is drawn between, mg/dL. Sensors measure from 40 to
// 400; what lies outside is drawn at the bound.
const lowest, highest = 40, 400

// glucoseScale maps mg/dL to heights, from bottom to top.
func glucoseScale(bottom, top float64) scale { return scale{lowest, highest, bottom, top} }

// height is where glucose is drawn.
func (s scale) height(mgdL float64) float64 { return s.of(max(lowest, min(highest, mgdL))) }

// clock says minutes after midnight as people write it.
func clock(minutes int) string {
	digits := func(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
	return digits(minutes/60) + ":" + digits(minutes%60)
}

// area is the path data of what lies between two lines of the same direction.
func area(upper, lower []point) string {
	var b strings.Builder
	b.WriteString(polyline(upper))
	for i := len(lower) - 1; i >= 0; i-- {
		b.WriteString("L" + coordinate(lower[i].x) + " " + coordinate(lower[i].y))
	}
	return b.String() + "Z"
}

// spread moves places apart so that neighbours are at least gap from each other and all lie
// from first to last. They are given, and stay, in ascending order.
func spread(places []float64, gap, first, last float64) []float64 {
	moved := make([]float64, len(places))
	for i, place := range places {
		moved[i] = max(place, first)
		if i > 0 {
			moved[i] = max(moved[i], moved[i-1]+gap)
		}
	}
	for i := len(moved) - 1; i >= 0; i-- {
		moved[i] = min(moved[i], last-gap*float64(len(moved)-1-i))
	}
	return moved
}
