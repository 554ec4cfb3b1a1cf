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

// replaySeries makes what the API serves of the people of a file: whole mg/dL
// at whole seconds.
func (p *program) replaySeries(path string, file cgmfile.File) ([]dexsim.Series, error) {
	list := make([]dexsim.Series, len(file.Series))
	rounded, beyond := 0, 0
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
		}
	}
	if rounded > 0 {
		p.say("--replay %s: %d readings are served in whole mg/dL and seconds, as Dexcom does; the file has them finer", path, rounded)
	}
	if beyond > 0 {
		p.say("--replay %s: %d values outside 39 to 401 are served as they are; of the API, they are codes and no glucose", path, beyond)
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
	const advice = "a Dexcom sensor measures every 5 minutes: thin the file out, or use dexetl metrics --input"
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
