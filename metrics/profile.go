package metrics

import "slices"

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
	return ProfileOf(LocalDays(readings), widthMin)
}

// ProfileOf is the [Profile] of days.
func ProfileOf(days []LocalDay, widthMin int) []Bin {
	values := make([][]float64, 1440/widthMin)
	of := make([]int, len(values))     // days in each bin
	latest := make([]int, len(values)) // day in each bin, from 1
	for i, day := range days {
		for _, r := range day.Readings {
			k := minuteOfDay(r.Local) / widthMin
			if values[k] == nil {
				values[k] = make([]float64, 0, len(days)*max(1, widthMin/r.cadence()))
			}
			values[k] = append(values[k], r.GlucoseMgdL)
			if latest[k] != i+1 {
				of[k]++
				latest[k] = i + 1
			}
		}
	}
	var bins []Bin
	for k := range values {
		if of[k] > 0 {
			slices.Sort(values[k])
			bins = append(bins, BinOf(k*widthMin, of[k], distributeSorted(values[k])))
		}
	}
	return bins
}
