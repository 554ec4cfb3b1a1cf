package metrics

import (
	"math"
	"slices"
	"time"
)

// A Trace is readings in which episodes are looked for: those with a value by
// time, the last of equal times, cut where two are further apart than a gap may
// be. They are taken as they are, not interpolated; each stands for the time to
// the next one, and the last one for its cadence.
type Trace struct {
	readings  []Reading
	glucose   []float64 // of each reading
	seconds   []float64 // of each reading, after the first
	stretches []stretch // without a gap

	lowest, highest float64 // of the readings
	night           Night
}

// A stretch is readings from first to before end.
type stretch struct{ first, end int }

// Episodes are those of readings, in any order, by the rules of a preset, and the
// days in which they would have been seen: see [Trace].
func Episodes(readings []Reading, rules EpisodeRules, night Night) (found []Episode, exposureDays float64) {
	t := NewTrace(readings, rules.MaxGapMin, night)
	return t.Episodes(rules), t.ExposureDays()
}

// NewTrace prepares readings, in any order.
func NewTrace(readings []Reading, maxGapMin int, night Night) *Trace {
	t := new(Trace)
	t.prepare(readings, maxGapMin, night)
	return t
}

// prepare prepares readings in the memory that the trace has.
func (t *Trace) prepare(readings []Reading, maxGapMin int, night Night) {
	*t = Trace{night: night, glucose: t.glucose, seconds: t.seconds, stretches: t.stretches[:0]}
	if !t.take(readings) {
		t.take(lastOfEqualTimes(valued(readings)))
	}
	if len(t.readings) > 0 {
		t.cut(float64(maxGapMin * 60))
		t.lowest, t.highest = slices.Min(t.glucose), slices.Max(t.glucose)
	}
}

// take takes readings as they are. It is false if one of them does not count, or they
// are not in the order of their times, all different.
func (t *Trace) take(readings []Reading) bool {
	t.readings, t.glucose, t.seconds = readings, t.glucose[:0], t.seconds[:0]
	before := -1.0
	for i := range readings {
		r := &readings[i]
		after := secondsBetween(readings[0].Time, r.Time)
		if !r.HasValue || r.Excluded || after <= before {
			return false
		}
		t.glucose, t.seconds = append(t.glucose, r.GlucoseMgdL), append(t.seconds, after)
		before = after
	}
	return true
}

// secondsBetween is b.Sub(a).Seconds(), in less time.
func secondsBetween(a, b time.Time) float64 {
	whole, rest := b.Unix()-a.Unix(), b.Nanosecond()-a.Nanosecond()
	if rest < 0 {
		whole, rest = whole-1, rest+1e9
	}
	return float64(whole) + float64(rest)/1e9
}

// cut divides the readings where two are further apart than a gap may be.
func (t *Trace) cut(gapSeconds float64) {
	first := 0
	for i := 1; i < len(t.seconds); i++ {
		if t.seconds[i]-t.seconds[i-1] > gapSeconds {
			t.stretches = append(t.stretches, stretch{first, i})
			first = i
		}
	}
	t.stretches = append(t.stretches, stretch{first, len(t.seconds)})
}

// lastOfEqualTimes leaves out what another reading of the same time follows.
func lastOfEqualTimes(sorted []Reading) []Reading {
	again := func(a, b Reading) bool { return a.Time.Equal(b.Time) }
	for i := 1; i < len(sorted); i++ {
		if again(sorted[i-1], sorted[i]) {
			latest := slices.Clone(sorted)
			slices.Reverse(latest)
			latest = slices.CompactFunc(latest, again)
			slices.Reverse(latest)
			return latest
		}
	}
	return sorted
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
		if !rule.beyond(t.lowest) && !rule.beyond(t.highest) {
			continue
		}
		for _, s := range t.stretches {
			of[rule.Kind] = append(of[rule.Kind], t.within(s, rule)...)
		}
	}
	markLevel2(of[Hypo1], of[Hypo2])
	markLevel2(of[HypoExtended], of[Hypo2])
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
		back := t.back(stretch{first, s.end}, rule)
		if start := t.begins(stretch{first, back.first}, rule); start < back.first {
			found = append(found, t.episode(stretch{start, back.first}, s, rule))
		}
		first = back.end
	}
	return found
}

// back is the first run on the safe side that ends an episode; it is empty, at
// the end of the stretch, if there is none.
func (t *Trace) back(s stretch, rule EpisodeRule) stretch {
	for {
		run := t.run(s, rule.sign(), rule.EndMgdL, false)
		if run.first == s.end || t.lasts(run, rule.EndMin, false) {
			return run
		}
		s.first = run.end
	}
}

// run is the first run of readings that are above a bound, or are not, both
// times the sign; it is empty, at the end of the stretch, if there is none.
func (t *Trace) run(s stretch, sign, bound float64, above bool) stretch {
	bound *= sign
	first := s.first
	for first < s.end && (sign*t.glucose[first] > bound) != above {
		first++
	}
	end := first
	for end < s.end && (sign*t.glucose[end] > bound) == above {
		end++
	}
	return stretch{first, end}
}

// begins is the reading that an episode begins with; the end of the stretch if
// it holds none.
func (t *Trace) begins(s stretch, rule EpisodeRule) int {
	if rule.WindowMin > 0 {
		return t.adds(s, rule)
	}
	for {
		run := t.run(s, rule.sign(), rule.StartMgdL, true)
		if run.first == s.end || t.lasts(run, rule.StartMin, rule.MoreThan) {
			return run.first
		}
		s.first = run.end
	}
}

// adds is the first reading after which minutes beyond add up to enough within
// the window; the end of the stretch if there is none. What the last reading of the window
// stands for beyond its end does not count.
func (t *Trace) adds(s stretch, rule EpisodeRule) int {
	var sum float64 // minutes beyond, from first to before i, whole
	i := s.first
	for first := s.first; first < s.end; first++ {
		for ; i < s.end && t.seconds[i]-t.seconds[first] < rule.WindowMin*60; i++ {
			sum += t.beyondMin(i, rule)
		}
		over := max(0, (t.seconds[i-1]-t.seconds[first])/60+t.beyondMin(i-1, rule)-rule.WindowMin)
		if sum-over > rule.StartMin-t.toleranceMin(first) && rule.beyond(t.glucose[first]) {
			return first
		}
		sum -= t.beyondMin(first, rule)
	}
	return s.end
}

// beyondMin is the minutes that a reading adds to those beyond: until the next
// one, but no more than one and a half times its cadence.
func (t *Trace) beyondMin(i int, rule EpisodeRule) float64 {
	if !rule.beyond(t.glucose[i]) {
		return 0
	}
	cadence := float64(t.readings[i].cadence())
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
