package metrics

import (
	"math"
	"time"
)

// A SufficiencyRule says when data are enough to report on.
type SufficiencyRule struct {
	Pct  float64 // of a day, or of the days together, that slots with a value cover at least
	Days int     // of a report
}

// DefaultSufficiency is 70 percent of 14 days (Battelino 2019, doi
// 10.2337/dci19-0028).
func DefaultSufficiency() SufficiencyRule { return SufficiencyRule{70, 14} }

// DaySlots are how much of a local date there is.
type DaySlots struct {
	Date       time.Time // midnight of the wall clock
	CoveredMin int       // of the slots with a value, see Slots
	Minutes    int       // length of the date: 1440, or 1380 or 1500 where clocks change
}

// covered is at most the date itself: on a journey one may see more of it.
func (d DaySlots) covered() int { return min(d.CoveredMin, d.Minutes) }

// Pct is the share of the date that is covered, in percent, at most 100; NaN of
// a date without length.
func (d DaySlots) Pct() float64 {
	if d.Minutes == 0 {
		return math.NaN()
	}
	return 100 * float64(d.covered()) / float64(d.Minutes)
}

// SlotsByDay are the slots of every date from first to last, both inclusive, in
// a time zone, also of those without readings.
func SlotsByDay(readings []Reading, first, last time.Time, zone *time.Location) []DaySlots {
	covered := map[time.Time]int{}
	var filled slots
	for _, r := range inOrder(readings) {
		if filled.open(r) && !r.Local.IsZero() {
			covered[Day(r.Local)] += r.cadence()
		}
	}
	var days []DaySlots
	for date := Day(first); !date.After(Day(last)); date = date.AddDate(0, 0, 1) {
		days = append(days, DaySlots{date, covered[date], Minutes(date, date, zone)})
	}
	return days
}

// ValidDays is the number of days of which there is enough.
func (r SufficiencyRule) ValidDays(days []DaySlots) int {
	var n int
	for _, d := range days {
		if d.Pct() >= r.Pct {
			n++
		}
	}
	return n
}

// Enough tells whether there is enough of some days together.
func (r SufficiencyRule) Enough(days []DaySlots) bool {
	var together DaySlots
	for _, d := range days {
		together.CoveredMin += d.covered()
		together.Minutes += d.Minutes
	}
	return together.Pct() >= r.Pct
}

// A Selection is the days that a report is made of.
type Selection struct {
	First, Last time.Time // local dates, both inclusive; zero without days
	Sufficient  bool      // as many as asked for, and enough of them
}

// Latest selects of the days of a window, which follow each other without a
// hole, the latest Days in a row of which there is enough together. If there are
// none it is the last Days, or all if there are fewer, and not sufficient. A
// window that is a baseline takes no day from before on; zero for none.
func (r SufficiencyRule) Latest(days []DaySlots, before time.Time) Selection {
	for !before.IsZero() && len(days) > 0 && !days[len(days)-1].Date.Before(Day(before)) {
		days = days[:len(days)-1]
	}
	for end := len(days); end >= r.Days && end > 0; end-- {
		if chosen := days[end-r.Days : end]; r.Enough(chosen) {
			return Selection{chosen[0].Date, chosen[len(chosen)-1].Date, true}
		}
	}
	if len(days) == 0 {
		return Selection{}
	}
	return Selection{days[max(0, len(days)-r.Days)].Date, days[len(days)-1].Date, false}
}
