package metrics

import (
	"math"
	"time"
)

// slotWidth is the width of the slots that the share of active time counts.
const slotWidth = 5 * time.Minute

// Cadence is the median gap between successive readings with a value in whole
// minutes, ties to even; 5 below two values, 1 at least.
func Cadence(readings []Reading) int {
	spaced := gaps(valued(readings))
	if len(spaced) == 0 {
		return 5
	}
	return max(1, int(math.RoundToEven(Quantile(spaced, 0.5))))
}

// Slots counts the distinct 5-minute slots of UTC that hold a value.
func Slots(readings []Reading) int {
	slots := map[time.Time]bool{}
	for _, r := range valued(readings) {
		slots[r.Time.UTC().Truncate(slotWidth)] = true
	}
	return len(slots)
}

// ExpectedSlots is the number of 5-minute slots of the local dates first to
// last, both inclusive, in the given time zone: 276, 288 or 300 a day.
func ExpectedSlots(first, last time.Time, zone *time.Location) int {
	return int(dayStart(last.AddDate(0, 0, 1), zone).Sub(dayStart(first, zone)) / slotWidth)
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

// ActiveWindow is the share of expected slots that hold a value, in percent,
// at most 100; NaN if none are expected.
func ActiveWindow(readings []Reading, expectedSlots int) float64 {
	if expectedSlots <= 0 {
		return math.NaN()
	}
	return math.Min(100, 100*float64(Slots(readings))/float64(expectedSlots))
}

// ActiveSpan is the share of readings that are there between the first and the
// last value, in percent, by the automatic rule of iglu 4.3 (Broll 2021, doi
// 10.1371/journal.pone.0248560): gaps that round to more than the cadence, in
// minutes, count as missing readings. Ties round to even as in R. NaN of
// nothing.
func ActiveSpan(readings []Reading, cadenceMin int) float64 {
	sorted := valued(readings)
	if len(sorted) == 0 {
		return math.NaN()
	}
	step := float64(cadenceMin)
	span := sorted[len(sorted)-1].Time.Sub(sorted[0].Time).Minutes()
	expected := math.RoundToEven(math.RoundToEven(span)/step) + 1
	var surplus float64
	for _, gap := range gaps(sorted) {
		if math.RoundToEven(gap) > step {
			surplus += gap - step
		}
	}
	return 100 * (expected - math.RoundToEven(surplus/step)) / expected
}
