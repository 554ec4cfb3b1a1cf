package metrics

import (
	"math"
	"slices"
	"time"
)

// igluSlot is the width in minutes of every slot by iglu's rules.
const igluSlot = 5

// A slot is a stretch of UTC that one value of its width fills.
type slot struct {
	start    time.Time
	widthMin int
}

// MedianStep is the median gap between successive readings with a value in
// whole minutes, ties to even; 5 below two values, 1 at least. It is what a
// reading stands for by the rules of the R package iglu.
func MedianStep(readings []Reading) int {
	spaced := gaps(valued(readings))
	if len(spaced) == 0 {
		return 5
	}
	return max(1, int(math.RoundToEven(Quantile(spaced, 0.5))))
}

// Keeping returns the readings as if all stood for the same minutes.
func Keeping(readings []Reading, cadenceMin int) []Reading {
	result := make([]Reading, len(readings))
	for i, r := range readings {
		r.CadenceMin = cadenceMin
		result[i] = r
	}
	return result
}

// Cadence is the minutes that most readings with a value stand for, of equally
// many the fewest; 5 without any.
func Cadence(readings []Reading) int {
	count := map[int]int{}
	cadence := 5
	for _, r := range valued(readings) {
		count[r.cadence()]++
	}
	for minutes, n := range count {
		if n > count[cadence] || n == count[cadence] && minutes < cadence {
			cadence = minutes
		}
	}
	return cadence
}

// Slots counts the distinct slots of UTC that hold a value, each as wide as its
// value's cadence, and the minutes that they cover. A slot whose first value is one
// of those around, which lie outside of the interval, is not the interval's.
func Slots(readings, around []Reading) (n, coveredMin int) {
	var filled slots
	outside := inOrder(around)
	for _, r := range inOrder(readings) {
		for len(outside) > 0 && outside[0].Time.Before(r.Time) {
			filled.open(outside[0])
			outside = outside[1:]
		}
		if filled.open(r) {
			n++
			coveredMin += r.cadence()
		}
	}
	return n, coveredMin
}

// slots are the latest ones of each width. Readings come to them by time.
type slots []slot

// open puts a reading into its slot, and reports whether it is the first one there.
func (s *slots) open(r Reading) bool {
	minutes := r.cadence()
	at := slot{r.Time.Truncate(time.Duration(minutes) * time.Minute), minutes}
	k := slices.IndexFunc(*s, func(s slot) bool { return s.widthMin == minutes })
	switch {
	case k < 0:
		*s = append(*s, at)
	case (*s)[k].start.Equal(at.start):
		return false
	default:
		(*s)[k] = at
	}
	return true
}

// Minutes is the length of the local dates first to last, both inclusive, in the
// given time zone: 1380, 1440 or 1500 a day.
func Minutes(first, last time.Time, zone *time.Location) int {
	return int(dayStart(last.AddDate(0, 0, 1), zone).Sub(dayStart(first, zone)) / time.Minute)
}

// dayStart is the first instant of a date. Where clocks are set ahead at
// midnight the day has none; where they are set back to it the day has two.
func dayStart(day time.Time, zone *time.Location) time.Time {
	midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	if midnight.Day() != day.Day() {
		_, midnight = midnight.ZoneBounds()
	}
	if earlier := midnight.Add(-time.Hour); earlier.Day() == day.Day() {
		return earlier
	}
	return midnight
}

// ExpectedSlots is the number of slots in an interval of some minutes. Readings
// of one cadence have slots of that width. Among those of several it is the
// slots with a value, and as many of the commonest width as the rest of the
// interval has room for, rounded.
func ExpectedSlots(readings, around []Reading, minutes int) int {
	cadence := Cadence(readings)
	for _, r := range valued(readings) {
		if r.cadence() != cadence {
			n, covered := Slots(readings, around)
			return n + int(math.Round(float64(max(0, minutes-covered))/float64(cadence)))
		}
	}
	return minutes / cadence
}

// ActiveWindow is the share of an interval of some minutes that the slots with a
// value cover, in percent, at most 100; NaN of an interval without length.
func ActiveWindow(readings, around []Reading, minutes int) float64 {
	if minutes <= 0 {
		return math.NaN()
	}
	_, covered := Slots(readings, around)
	return math.Min(100, 100*float64(covered)/float64(minutes))
}

// ActiveSpan is the share of readings that are there between the first and the
// last value, in percent, by the automatic rule of iglu 4.3 (Broll 2021, doi
// 10.1371/journal.pone.0248560): gaps that round to more than the cadence, in
// minutes, count as missing readings of the commonest cadence. Where the cadence
// changes from one reading to the next, the longer one is that of the gap. Where
// values around, which lie outside of the interval, interrupt it, what lasts to the
// last of them is missing as well. Ties round to even as in R. NaN of nothing.
func ActiveSpan(readings, around []Reading) float64 {
	sorted := valued(readings)
	if len(sorted) == 0 {
		return math.NaN()
	}
	cadence := float64(Cadence(readings))
	span := sorted[len(sorted)-1].Time.Sub(sorted[0].Time).Minutes()
	expected := math.RoundToEven(math.RoundToEven(span)/cadence) + 1
	return 100 * (expected - math.RoundToEven(surplus(sorted, valued(around))/cadence)) / expected
}

// surplus is the minutes for which values are missing among sorted ones.
func surplus(sorted, around []Reading) (minutes float64) {
	for i := 1; i < len(sorted); i++ {
		before, r := sorted[i-1], sorted[i]
		for len(around) > 0 && around[0].Time.Before(r.Time) {
			if around[0].Time.After(before.Time) {
				minutes += around[0].Time.Sub(before.Time).Minutes()
				before = around[0]
			}
			around = around[1:]
		}
		gap, step := r.Time.Sub(before.Time).Minutes(), float64(max(before.cadence(), r.cadence()))
		if math.RoundToEven(gap) > step {
			minutes += gap - step
		}
	}
	return minutes
}
