package metrics

import (
	"slices"
	"time"
)

// ProfilePercentiles are the percentiles of an ambulatory glucose profile.
func ProfilePercentiles() []float64 { return []float64{5, 10, 25, 50, 75, 90, 95} }

// A Bin is one time of day of an ambulatory glucose profile.
type Bin struct {
	StartMin    int       // minutes after local midnight, inclusive
	Values      int       // readings with a value
	Days        int       // local dates among them
	Percentiles []float64 // mg/dL, at ProfilePercentiles
}

// Profile is the ambulatory glucose profile of readings in bins of the given
// width on the wall clock: percentiles (type 7) of the readings as they are,
// neither interpolated nor smoothed. Bins without a value are left out;
// readings without local time too. widthMin divides 1440.
func Profile(readings []Reading, widthMin int) []Bin {
	glucose := map[int][]float64{}
	days := map[int]map[time.Time]bool{}
	for _, r := range valued(readings) {
		if r.Local.IsZero() {
			continue
		}
		start := (r.Local.Hour()*60 + r.Local.Minute()) / widthMin * widthMin
		glucose[start] = append(glucose[start], r.GlucoseMgdL)
		if days[start] == nil {
			days[start] = map[time.Time]bool{}
		}
		days[start][Day(r.Local)] = true
	}
	var bins []Bin
	for start, values := range glucose {
		bins = append(bins, Bin{start, len(values), len(days[start]), Distribute(values).percentiles(ProfilePercentiles())})
	}
	slices.SortFunc(bins, func(a, b Bin) int { return a.StartMin - b.StartMin })
	return bins
}
