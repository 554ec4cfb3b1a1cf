package metrics

import (
	"math"
	"time"
)

// A Trace is readings in which episodes are looked for: those with a value by
// time, the last of equal times, cut where two are further apart than a gap may
// be.
type Trace struct {
	readings  []Reading
	seconds   []float64 // of each reading, after the first
	stretches []stretch // without a gap
	night     Night
}

// A stretch is readings from first to before end.
type stretch struct{ first, end int }

// NewTrace prepares readings, in any order.
func NewTrace(readings []Reading, maxGapMin int, night Night) *Trace {
	t := &Trace{night: night}
	for _, r := range valued(readings) {
		if last := len(t.readings) - 1; last >= 0 && t.readings[last].Time.Equal(r.Time) {
			t.readings[last] = r
			continue
		}
		t.readings = append(t.readings, r)
	}
	first := 0
	for i, r := range t.readings {
		t.seconds = append(t.seconds, r.Time.Sub(t.readings[0].Time).Seconds())
		if i > 0 && t.seconds[i]-t.seconds[i-1] > float64(maxGapMin*60) {
			t.stretches = append(t.stretches, stretch{first, i})
			first = i
		}
	}
	if len(t.readings) > 0 {
		t.stretches = append(t.stretches, stretch{first, len(t.readings)})
	}
	return t
}

// ExposureDays is the time in which an episode would have been seen, in days:
// all but the gaps.
func (t *Trace) ExposureDays() float64 {
	var minutes float64
	for _, s := range t.stretches {
		minutes += t.minutes(s)
	}
	return minutes / (24 * 60)
}

// minutes is the time that a stretch takes: the last reading for its cadence.
func (t *Trace) minutes(s stretch) float64 {
	return (t.seconds[s.end-1]-t.seconds[s.first])/60 + float64(t.readings[s.end-1].cadence())
}

// toleranceMin is what sensors' clocks waver by: three readings that are 4:40
// and 4:59 apart are 15 minutes, too.
func (t *Trace) toleranceMin(i int) float64 {
	return math.Min(1, float64(t.readings[i].cadence())/2)
}

// lasts tells whether a stretch takes so many minutes, or more than that.
func (t *Trace) lasts(s stretch, minutes float64, moreThan bool) bool {
	tolerance := t.toleranceMin(s.first)
	if moreThan {
		return t.minutes(s) > minutes+tolerance
	}
	return t.minutes(s) > minutes-tolerance
}

// Episodes are those of one preset, by rule and time.
func (t *Trace) Episodes(rules EpisodeRules) []Episode {
	of := map[EpisodeKind][]Episode{}
	for _, rule := range rules.Rules {
		for _, s := range t.stretches {
			of[rule.Kind] = append(of[rule.Kind], t.within(s, rule)...)
		}
	}
	markLevel2(of[Hypo1], of[Hypo2])
	markLevel2(of[Hyper1], of[Hyper2])
	var all []Episode
	for _, rule := range rules.Rules {
		all = append(all, of[rule.Kind]...)
	}
	return all
}

// within finds the episodes of a stretch. What is back for long enough divides
// it, and each part holds one episode at most.
func (t *Trace) within(s stretch, rule EpisodeRule) []Episode {
	var found []Episode
	for first := s.first; first < s.end; {
		back := t.next(stretch{first, s.end}, rule.safe, rule.EndMin, false)
		if start := t.begins(stretch{first, back.first}, rule); start < back.first {
			found = append(found, t.episode(stretch{start, back.first}, s, rule))
		}
		first = back.end
	}
	return found
}

// next is the first run of readings like that which lasts long enough; it is
// empty, at the end of the stretch, if there is none.
func (t *Trace) next(s stretch, like func(float64) bool, minutes float64, moreThan bool) stretch {
	for i := s.first; i < s.end; i++ {
		run := stretch{i, i}
		for run.end < s.end && like(t.readings[run.end].GlucoseMgdL) {
			run.end++
		}
		if run.first < run.end && t.lasts(run, minutes, moreThan) {
			return run
		}
		i = run.end
	}
	return stretch{s.end, s.end}
}

// begins is the reading that an episode begins with; the end of the stretch if
// it holds none.
func (t *Trace) begins(s stretch, rule EpisodeRule) int {
	if rule.WindowMin == 0 {
		return t.next(s, rule.beyond, rule.StartMin, rule.MoreThan).first
	}
	var sum float64 // minutes beyond, from first to before i
	i := s.first
	for first := s.first; first < s.end; first++ {
		for ; i < s.end && t.seconds[i]-t.seconds[first] < rule.WindowMin*60; i++ {
			sum += t.beyondMin(i, rule)
		}
		if sum > rule.StartMin-t.toleranceMin(first) && rule.beyond(t.readings[first].GlucoseMgdL) {
			return first
		}
		sum -= t.beyondMin(first, rule)
	}
	return s.end
}

// beyondMin is the minutes that a reading adds to those beyond: until the next
// one, but no more than one and a half times its cadence.
func (t *Trace) beyondMin(i int, rule EpisodeRule) float64 {
	r := t.readings[i]
	if !rule.beyond(r.GlucoseMgdL) {
		return 0
	}
	cadence := float64(r.cadence())
	if i+1 == len(t.readings) {
		return cadence
	}
	return math.Min((t.seconds[i+1]-t.seconds[i])/60, 1.5*cadence)
}

// episode describes the readings of s, which lies in the stretch all.
func (t *Trace) episode(s, all stretch, rule EpisodeRule) Episode {
	first, last := t.readings[s.first], t.readings[s.end-1]
	cadence := time.Duration(last.cadence()) * time.Minute
	e := Episode{
		Kind: rule.Kind, Start: first.Time, End: last.Time.Add(cadence), LocalStart: first.Local,
		DurationMin: t.minutes(s), Readings: s.end - s.first, ExtremeMgdL: first.GlucoseMgdL,
		TruncatedStart: s.first == all.first, TruncatedEnd: s.end == all.end,
		Night: t.night.Contains(first.Local),
	}
	if !last.Local.IsZero() {
		e.LocalEnd = last.Local.Add(cadence)
	}
	for _, r := range t.readings[s.first:s.end] {
		e.MeanMgdL += r.GlucoseMgdL / float64(e.Readings)
		if rule.Hyper {
			e.ExtremeMgdL = math.Max(e.ExtremeMgdL, r.GlucoseMgdL)
		} else {
			e.ExtremeMgdL = math.Min(e.ExtremeMgdL, r.GlucoseMgdL)
		}
	}
	return e
}
