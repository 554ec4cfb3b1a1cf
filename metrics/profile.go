package metrics

import "time"

// ProfilePercentiles are the percentiles of an ambulatory glucose profile.
func ProfilePercentiles() []float64 { return []float64{5, 10, 25, 50, 75, 90, 95} }

// A Bin is one time of day of an ambulatory glucose profile.
type Bin struct {
	StartMin    int       // minutes after local midnight, inclusive
	Values      int       // readings with a value
	Days        int       // local dates among them
	Percentiles []float64 // mg/dL, at ProfilePercentiles
}

// BinOf is a bin of values, however they were counted.
func BinOf(startMin, days int, d Distribution) Bin {
	return Bin{startMin, int(d.N()), days, d.percentiles(ProfilePercentiles())}
}

// Profile is the ambulatory glucose profile of readings in bins of the given
// width on the wall clock: percentiles (type 7) of the readings as they are,
// neither interpolated nor smoothed. Bins without a value are left out;
// readings without local time too. widthMin divides 1440.
func Profile(readings []Reading, widthMin int) []Bin {
	values := make([][]float64, 1440/widthMin)
	days := make([]int, len(values))
	latest := make([]time.Time, len(values))
	for _, day := range LocalDays(readings) {
		for _, r := range day.Readings {
			k := minuteOfDay(r.Local) / widthMin
			values[k] = append(values[k], r.GlucoseMgdL)
			if !latest[k].Equal(day.Date) {
				days[k]++
				latest[k] = day.Date
			}
		}
	}
	var bins []Bin
	for k := range values {
		if days[k] > 0 {
			bins = append(bins, BinOf(k*widthMin, days[k], Distribute(values[k])))
		}
	}
	return bins
}
