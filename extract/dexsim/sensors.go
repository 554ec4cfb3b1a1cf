package dexsim

import (
	"fmt"
	"math/rand/v2"
	"sort"
)

// A session is one sensor on the skin: it reads from start (warm-up over) to
// end. Sessions may overlap by a day for those who wear two.
type session struct {
	start, end  int64
	transmitter int
	started     int64   // when the transmitter was started: its tick 0
	bigTicks    int64   // added to its ticks
	gain        float64 // of this sensor, about 1
}

type interval struct{ from, to int64 }

func (i interval) holds(ms int64) bool { return ms >= i.from && ms < i.to }

// sessions lists the person's sensors, oldest first; the first one may have
// begun before the data, the last one may outlive them.
func (p *person) sessions() []session {
	r := source(p.seed, forSessions)
	at := wholeSecond(p.start - int64(r.Float64()*float64(p.sensorLife)))
	transmitter, started := 0, at-p.warmup
	var list []session
	for at < p.end {
		s := session{start: at, end: at + p.wear(r), transmitter: transmitter, started: started, gain: 1 + 0.03*r.NormFloat64()}
		list = append(list, s)
		at = wholeSecond(s.end + p.pause(r, s.end) + p.warmup)
		// A sensor with a transmitter of its own brings a new one even when the
		// last one failed early or is still running.
		if p.transmitterLife == p.sensorLife || at-started > p.transmitterLife {
			transmitter, started = transmitter+1, at-p.warmup
		}
	}
	return list
}

// wear is how long a sensor lasts: its life, less where it fails early.
func (p *person) wear(r *rand.Rand) int64 {
	if r.Float64() < 0.12 {
		return int64((0.2 + 0.7*r.Float64()) * float64(p.sensorLife))
	}
	return p.sensorLife
}

// pause is the time between two sensors: minutes, sometimes days, and for a
// person who wears two at once a day less than none, in the middle of the data.
func (p *person) pause(r *rand.Rand, end int64) int64 {
	u, long := r.Float64(), r.Float64() < 0.1
	middle := p.start + (p.end-p.start)/2
	switch {
	case p.overlapping && end > middle && end < middle+p.sensorLife:
		return -day - p.warmup
	case long:
		return int64((1 + 3*u) * float64(day))
	}
	return int64((5 + 55*u) * float64(minute))
}

// transmitterID is hashed, as Dexcom's are.
func (p *person) transmitterID(n int) string {
	return hex64(p.seed, fmt.Sprintf("transmitter %d", n))
}

// gaps are the stretches in which no reading reached a device: signal loss of
// minutes to hours. There are none while two sensors are worn.
func (p *person) gaps(sensors []session) []interval {
	r := source(p.seed, forGaps)
	var list []interval
	for at := p.start; at < p.end; {
		at += int64(r.ExpFloat64() / p.gapsPerDay * float64(day))
		gap := interval{at, at + lossLength(r)}
		if !inOverlap(sensors, gap) {
			list = append(list, gap)
		}
		at = gap.to
	}
	return list
}

func lossLength(r *rand.Rand) int64 {
	u, v := r.Float64(), r.Float64()
	switch {
	case u < 0.7:
		return int64((10 + 50*v) * float64(minute))
	case u < 0.95:
		return int64((1 + 4*v) * float64(hour))
	}
	return int64((5 + 15*v) * float64(hour))
}

func inOverlap(sensors []session, gap interval) bool {
	for i := 1; i < len(sensors); i++ {
		if a, b := sensors[i].start, sensors[i-1].end; a < b && gap.from < b && gap.to > a {
			return true
		}
	}
	return false
}

// firstAfter is the index of the first interval that ends after ms.
func firstAfter(list []interval, ms int64) int {
	return sort.Search(len(list), func(i int) bool { return list[i].to > ms })
}
