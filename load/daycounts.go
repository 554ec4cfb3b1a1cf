package load

import (
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/reading"
)

const (
	dayLength = 24 * time.Hour
	slot      = 5 // minutes; coverage_days.slots counts in it
	apart     = 30 * time.Minute
)

// A dayCount is a row of coverage_days.
type dayCount struct {
	records     int64
	first, last arrow.Timestamp
	slots       *int64 // of egvs
	clockOffset *int16 // of egvs, minutes
}

// dayCounts are the days of a month that have a present record, by their midnight.
type dayCounts map[arrow.Timestamp]*dayCount

// counted are the days of a month from one of them on.
type counted struct {
	since arrow.Timestamp // 0: all days
	days  dayCounts
}

func midnight(t arrow.Timestamp) arrow.Timestamp {
	return t - t%arrow.Timestamp(dayLength.Microseconds())
}

func (days dayCounts) add(t arrow.Timestamp) {
	day := midnight(t)
	d := days[day]
	if d == nil {
		d = &dayCount{first: t}
		days[day] = d
	}
	d.records++
	d.first, d.last = min(d.first, t), max(d.last, t)
}

// daysOfReadings counts the days of a month: its records, and what its readings
// cover. Both are in order of time.
func daysOfReadings(records []reading.Record, readings []reading.Reading) dayCounts {
	days := make(dayCounts)
	for start := 0; start < len(records); {
		first, end := arrow.Timestamp(records[start].Time), start+1
		next := int64(midnight(first)) + dayLength.Microseconds()
		for end < len(records) && records[end].Time < next {
			end++
		}
		days[midnight(first)] = &dayCount{records: int64(end - start), first: first, last: arrow.Timestamp(records[end-1].Time)}
		start = end
	}
	for start := 0; start < len(readings); {
		day, end := midnight(arrow.Timestamp(readings[start].Time)), start+1
		for end < len(readings) && midnight(arrow.Timestamp(readings[end].Time)) == day {
			end++
		}
		covered := slotsCovered(readings[start:end])
		days[day].slots, days[day].clockOffset = &covered, clockOffset(readings[start:end])
		start = end
	}
	for _, d := range days {
		if d.slots == nil { // all its records are left out for others, of the next day or the one before
			d.slots = new(int64)
		}
	}
	return days
}

// slotsCovered is how many slots of 5 minutes the readings of a day cover that
// have a value: each the minutes of its own slot, which is as long as its cadence.
func slotsCovered(readings []reading.Reading) int64 {
	var covered [dayLength / time.Minute]bool
	n := 0
	for i := range readings {
		r := &readings[i]
		if !r.Value.OK {
			continue
		}
		minute := int(r.Time%dayLength.Microseconds()) / int(time.Minute.Microseconds())
		minute -= minute % int(r.Cadence)
		for m := range int(r.Cadence) {
			n += bit(!covered[minute+m])
			covered[minute+m] = true
		}
	}
	return int64((n + slot/2) / slot)
}

// clockOffset is how many minutes the wall clock of most readings of a day, by
// their median, is ahead of the roster's zone; nil under 30 minutes.
func clockOffset(readings []reading.Reading) *int16 {
	var ahead []int64
	right := 0
	for i := range readings {
		if a := readings[i].Ahead; a.OK {
			ahead = append(ahead, a.V)
			right += bit(-apart.Microseconds() < a.V && a.V < apart.Microseconds())
		}
	}
	if 2*right > len(ahead) || len(ahead) == 0 {
		return nil
	}
	slices.Sort(ahead)
	median := float64(ahead[(len(ahead)-1)/2])
	if math.Abs(median) < float64(apart.Microseconds()) {
		return nil
	}
	minutes := int16(max(-math.MaxInt16, min(math.MaxInt16, math.Round(median/float64(time.Minute.Microseconds())))))
	return &minutes
}
