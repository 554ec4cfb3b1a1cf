package main

import (
	"math"
	"time"

	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/dexsim"
)

// A Dexcom sensor measures every 5 minutes. What the API has of one sensor less
// than nearest apart is one measurement, so the lake would merge it.
const (
	nearest   = 150 * time.Second
	shortStep = 270 * time.Second // the grid is finer than 5 minutes if most steps are shorter
)

// firstYear is the first whose records are believed: earlier ones are rejected.
const firstYear = 2010

// replaySeries makes what the API serves of the people of a file: whole mg/dL
// at whole seconds.
func (p *program) replaySeries(path string, file cgmfile.File, now time.Time) ([]dexsim.Series, error) {
	list := make([]dexsim.Series, len(file.Series))
	rounded, beyond, early, late := 0, 0, 0, 0
	for i, s := range file.Series {
		if err := checkDensity(path, s); err != nil {
			return nil, err
		}
		list[i] = dexsim.Series{ID: s.ID, Points: make([]dexsim.Point, len(s.Samples))}
		for j, x := range s.Samples {
			at, value := time.UnixMicro(x.Time).UTC(), math.RoundToEven(x.Value)
			list[i].Points[j] = dexsim.Point{Time: at.Truncate(time.Second), Offset: int(x.Offset), Value: value}
			if value != x.Value && !math.IsNaN(x.Value) || at.Nanosecond() > 0 {
				rounded++
			}
			if value < 39 || value > 401 {
				beyond++
			}
			if at.Year() < firstYear {
				early++
			} else if at.After(now) {
				late++
			}
		}
	}
	for _, line := range []struct {
		n    int
		what string
	}{
		{rounded, "are served in whole mg/dL and seconds, as Dexcom does; the file has them finer"},
		{beyond, "have a value outside 39 to 401 and are served as they are; of the API, these are codes and no glucose"},
		{early, "are from before 2010; they are served, and backfill rejects them"},
		{late, "are later than now; they are served when their time has come (--now sets the clock)"},
	} {
		if line.n > 0 {
			p.say("--replay %s: %d of %d readings %s", path, line.n, file.Rows-file.Replaced, line.what)
		}
	}
	return list, nil
}

// checkDensity refuses a series that no sensor of Dexcom's can have: the lake
// would not have its readings one by one.
func checkDensity(path string, s cgmfile.Series) error {
	short, near := 0, -1
	for i := 1; i < len(s.Samples); i++ {
		step := stepTo(s, i)
		if step < shortStep {
			short++
		}
		if step < nearest && (near < 0 || s.Samples[i].Line < s.Samples[near].Line) {
			near = i
		}
	}
	const advice = "a Dexcom sensor measures every 5 minutes: thin the file out, or compute its metrics alone: metrics --input"
	switch {
	case near > 0:
		return advised(exitUsage, advice, "--replay %s: line %d, column time: denser than 5 minutes: %s after the reading of %s before it",
			path, s.Samples[near].Line, stepTo(s, near), s.ID)
	case 2*short > len(s.Samples)-1:
		return advised(exitUsage, advice, "--replay %s: line %d, column time: denser than 5 minutes: %d of %d steps from one reading of %s to the next are shorter",
			path, s.Samples[1].Line, short, len(s.Samples)-1, s.ID)
	}
	return nil
}

func stepTo(s cgmfile.Series, i int) time.Duration {
	return time.Duration(s.Samples[i].Time-s.Samples[i-1].Time) * time.Microsecond
}
