package study

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/load/reading"
	"github.com/dexetl/dexetl/load/snapshot"
)

// Readings are the readings of a file, each with its cadence.
func Readings(file cgmfile.File) iter.Seq[snapshot.SeriesReading] {
	return func(yield func(snapshot.SeriesReading) bool) {
		for _, s := range file.Series {
			cadences := cadencesOf(s)
			for i, x := range s.Samples {
				r := snapshot.SeriesReading{ParticipantID: s.ID, Time: x.Time, Local: x.Time + int64(x.Offset)*1e6, Cadence: cadences[i]}
				switch {
				case math.IsNaN(x.Value):
				case cgmfile.Plausible(x.Value):
					r.Value, r.Source = x.Value, "value"
				default:
					r.Source = "implausible"
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// cadencesOf are the cadences of the samples, those of values by the values
// alone. A sample without a value has that of the value before it, else of the
// one after it.
func cadencesOf(s cgmfile.Series) []int16 {
	var times []int64
	for _, x := range s.Samples {
		if cgmfile.Plausible(x.Value) {
			times = append(times, x.Time)
		}
	}
	values := reading.Cadences(times)
	cadences := make([]int16, len(s.Samples))
	n := 0
	for i, x := range s.Samples {
		if cgmfile.Plausible(x.Value) {
			n++
		}
		cadences[i] = 5
		if len(values) > 0 {
			cadences[i] = values[max(0, n-1)]
		}
	}
	return cadences
}

// An OddCadence is one that metrics by preset dexetl-1 do not count by: they know 1, 5 and
// 15 minutes.
type OddCadence struct {
	Step    time.Duration // between two values, to a tenth of a minute
	Counted int           // minutes that each value stands for
	IDs     []string      // whose values come so, in the order of the file
}

// OddCadences are those of the people of a file of whose steps between values most are a
// fifth or more away from the minutes that a value stands for; the shortest step first.
func OddCadences(file cgmfile.File) (odd []OddCadence) {
	for _, s := range file.Series {
		step, counted, found := oddCadence(s)
		if !found {
			continue
		}
		at := slices.IndexFunc(odd, func(o OddCadence) bool { return o.Step == step && o.Counted == counted })
		if at < 0 {
			at, odd = len(odd), append(odd, OddCadence{Step: step, Counted: counted})
		}
		odd[at].IDs = append(odd[at].IDs, s.ID)
	}
	slices.SortStableFunc(odd, func(a, b OddCadence) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Counted, b.Counted))
	})
	return odd
}

// oddCadence is the median of somebody's steps that are odd, and what the value before it
// counts for; found: most are.
func oddCadence(s cgmfile.Series) (step time.Duration, counted int, found bool) {
	type stride struct{ length, counted int64 } // µs, minutes
	var odd []stride
	steps, cadences, before := 0, cadencesOf(s), -1
	for i, x := range s.Samples {
		if !cgmfile.Plausible(x.Value) {
			continue
		}
		if before >= 0 && x.Time-s.Samples[before].Time <= longestStep.Microseconds() {
			one := stride{x.Time - s.Samples[before].Time, int64(cadences[before])}
			steps++
			if off := one.length - one.counted*time.Minute.Microseconds(); 5*max(off, -off) >= one.counted*time.Minute.Microseconds() {
				odd = append(odd, one)
			}
		}
		before = i
	}
	if steps < fewestSteps || 2*len(odd) <= steps {
		return 0, 0, false
	}
	slices.SortFunc(odd, func(a, b stride) int {
		return cmp.Or(cmp.Compare(a.length, b.length), cmp.Compare(a.counted, b.counted))
	})
	median := odd[len(odd)/2]
	return (time.Duration(median.length) * time.Microsecond).Round(6 * time.Second), int(median.counted), true
}

const (
	longestStep = 3 * time.Hour // a pause: see [reading.Cadences]
	fewestSteps = 11            // that say how often values come
)
