package metrics

import "math"

// A Range is an interval of glucose in mg/dL. Unbounded sides are infinite.
type Range struct {
	Name                string // as in the columns <name>_pct and <name>_min
	Low, High           float64
	AboveLow, BelowHigh bool // the bound itself does not belong to it
}

// Contains tells whether a value lies in the range.
func (r Range) Contains(g float64) bool {
	return (g > r.Low || g == r.Low && !r.AboveLow) && (g < r.High || g == r.High && !r.BelowHigh)
}

// FurtherRanges are the ranges beside the five classes of [Ranges]: those below
// and above a threshold, which never include it; and those between two, which
// include both. 63 to 140 mg/dL are for pregnancy (Battelino 2019, doi
// 10.2337/dci19-0028).
func FurtherRanges() []Range {
	inf := math.Inf(1)
	return []Range{
		{"tbr50", -inf, 50, false, true},
		{"tbr54", -inf, 54, false, true},
		{"tbr60", -inf, 60, false, true},
		{"tbr63", -inf, 63, false, true},
		{"tbr70", -inf, 70, false, true},
		{"tir63_140", 63, 140, false, false},
		{"tir70_250", 70, 250, false, false},
		{"tar120", 120, inf, true, false},
		{"tar140", 140, inf, true, false},
		{"tar180", 180, inf, true, false},
		{"tar200", 200, inf, true, false},
		{"tar250", 250, inf, true, false},
		{"tar300", 300, inf, true, false},
		{"tar350", 350, inf, true, false},
	}
}

// In is the number of values in a range. Of counts of minutes it is the minutes
// in it.
func (d Distribution) In(r Range) int64 {
	var n int64
	for _, p := range d.pairs {
		if r.Contains(p.MgdL) {
			n += p.N
		}
	}
	return n
}

// further are the numbers of values in FurtherRanges.
func (d Distribution) further() []int64 {
	ranges := FurtherRanges()
	n := make([]int64, len(ranges))
	for i, r := range ranges {
		n[i] = d.In(r)
	}
	return n
}

// Below is the number of values below x mg/dL.
func (d Distribution) Below(x float64) int64 {
	return d.In(Range{Low: math.Inf(-1), High: x, BelowHigh: true})
}

// Above is the number of values above x mg/dL.
func (d Distribution) Above(x float64) int64 {
	return d.In(Range{Low: x, High: math.Inf(1), AboveLow: true})
}

// Within is the number of values from low to high mg/dL, both inclusive.
func (d Distribution) Within(low, high float64) int64 {
	return d.In(Range{Low: low, High: high})
}

// Pct is n in percent of all values.
func (d Distribution) Pct(n int64) float64 { return 100 * float64(n) / float64(d.n) }

// Ranges counts the five classes of the consensus.
func (d Distribution) Ranges() Ranges {
	var r Ranges
	for _, p := range d.pairs {
		r.add(p.MgdL, int(p.N))
	}
	return r
}
