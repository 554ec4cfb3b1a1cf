package study

import (
	"iter"
	"math"

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
