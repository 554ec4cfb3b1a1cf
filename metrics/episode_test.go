package metrics

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// A spell is some readings of one value, 5 minutes apart.
type spell struct {
	n       int
	glucose float64
}

// spells are readings one after the other from start; a value of 0 is a gap.
func spells(of ...spell) []Reading {
	var readings []Reading
	at := start
	for _, s := range of {
		for range s.n {
			if s.glucose > 0 {
				readings = append(readings, Reading{Time: at, Local: at, GlucoseMgdL: s.glucose, HasValue: true})
			}
			at = at.Add(5 * time.Minute)
		}
	}
	return readings
}

// sooner moves one of the readings, by a time below zero to later.
func sooner(i int, by time.Duration, readings []Reading) []Reading {
	readings[i].Time = readings[i].Time.Add(-by)
	readings[i].Local = readings[i].Local.Add(-by)
	return readings
}

// found says episodes of a kind as "start+duration" in minutes, with ~ where they
// are truncated.
func found(episodes []Episode, kind EpisodeKind) []string {
	var all []string
	for _, e := range episodes {
		if e.Kind != kind {
			continue
		}
		s := fmt.Sprintf("%v+%v", e.Start.Sub(start).Minutes(), e.DurationMin)
		if e.TruncatedStart {
			s = "~" + s
		}
		if e.TruncatedEnd {
			s += "~"
		}
		all = append(all, s)
	}
	return all
}

func TestEpisodes(t *testing.T) {
	consensus, danne, iglu := Consensus2023(), Danne2017(), IGLUEpisodes(15, 15)
	normal := spell{6, 100}
	tests := []struct {
		name     string
		rules    EpisodeRules
		kind     EpisodeKind
		readings []Reading
		want     []string
	}{
		{"10 min are none", consensus, Hypo1, spells(normal, spell{2, 69}, normal), nil},
		{"15 min are one", consensus, Hypo1, spells(normal, spell{3, 69}, normal), []string{"30+15"}},
		{"70 is not low", consensus, Hypo1, spells(normal, spell{9, 70}, normal), nil},
		{"180 is not high", consensus, Hyper1, spells(normal, spell{9, 180}, normal), nil},
		{"181 is high", consensus, Hyper1, spells(normal, spell{3, 181}, normal), []string{"30+15"}},
		{"back for 10 min is part of it", consensus, Hypo1, spells(normal, spell{3, 60}, spell{2, 80}, spell{1, 60}, normal), []string{"30+30"}},
		{"back for 15 min ends it", consensus, Hypo1, spells(normal, spell{3, 60}, spell{3, 80}, spell{3, 60}, normal), []string{"30+15", "60+15"}},
		{"one reading after its end is none", consensus, Hypo1, spells(normal, spell{3, 60}, spell{3, 80}, spell{1, 60}, normal), []string{"30+15"}},
		{"level 2 lasts until 70", consensus, Hypo2, spells(normal, spell{3, 53}, spell{4, 60}, normal), []string{"30+35"}},
		{"level 2 of iglu lasts until 54", iglu, Hypo2, spells(normal, spell{3, 53}, spell{4, 60}, normal), []string{"30+15"}},
		{"level 2 may begin late", consensus, Hypo2, spells(normal, spell{3, 60}, spell{3, 53}, normal), []string{"45+15"}},
		{"level 2 high lasts until 180", consensus, Hyper2, spells(normal, spell{3, 251}, spell{2, 200}, normal), []string{"30+25"}},
		{"two of level 2 of iglu in one of level 1", iglu, Hyper2, spells(spell{3, 251}, spell{3, 200}, spell{3, 251}, normal), []string{"~0+15", "30+15"}},
		{"120 min are not extended", consensus, HypoExtended, spells(normal, spell{24, 60}, normal), nil},
		{"125 min are extended", consensus, HypoExtended, spells(normal, spell{25, 60}, normal), []string{"30+125"}},
		{"125 min with a break are not", consensus, HypoExtended, spells(normal, spell{12, 60}, spell{1, 70}, spell{12, 60}, normal), nil},
		{"120 min are prolonged in 2017", danne, HypoExtended, spells(normal, spell{24, 53}, normal), []string{"30+120"}},
		{"but only below 54", danne, HypoExtended, spells(normal, spell{30, 54}, normal), nil},
		{"90 min in sum within 120", consensus, HyperExtended, spells(normal, spell{9, 251}, spell{6, 200}, spell{9, 251}, normal), []string{"30+120"}},
		{"85 min in sum", consensus, HyperExtended, spells(normal, spell{9, 251}, spell{6, 200}, spell{8, 251}, normal), nil},
		{"90 min in sum within 125", consensus, HyperExtended, spells(normal, spell{9, 251}, spell{7, 200}, spell{9, 251}, normal), nil},
		{"85 min within 120, and a reading a second before their end", consensus, HyperExtended, sooner(30, time.Second, spells(normal, spell{9, 251}, spell{7, 200}, spell{9, 251}, normal)), nil},
		{"85 min within 120, and a reading two minutes before their end", consensus, HyperExtended, sooner(30, 2*time.Minute, spells(normal, spell{9, 251}, spell{7, 200}, spell{9, 251}, normal)), nil},
		{"89:01 min within 120", consensus, HyperExtended, sooner(21, -59*time.Second, spells(normal, spell{9, 251}, spell{6, 200}, spell{9, 251}, normal)), []string{"30+120"}},
		{"89 min within 120", consensus, HyperExtended, sooner(21, -60*time.Second, spells(normal, spell{9, 251}, spell{6, 200}, spell{9, 251}, normal)), nil},
		{"14 min", consensus, Hypo1, sooner(8, 60*time.Second, spells(normal, spell{3, 69}, normal)), nil},
		{"14:15 min", consensus, Hypo1, sooner(8, 45*time.Second, spells(normal, spell{3, 69}, normal)), []string{"30+14.25"}},
		{"121 min are not extended", consensus, HypoExtended, sooner(29, -60*time.Second, spells(normal, spell{24, 69}, normal)), nil},
		{"121:30 min are", consensus, HypoExtended, sooner(29, -90*time.Second, spells(normal, spell{24, 69}, normal)), []string{"30+121.5"}},
		{"90 min in sum with an end between", consensus, HyperExtended, spells(normal, spell{9, 251}, spell{3, 180}, spell{9, 251}, normal), nil},
		{"a reading before a gap counts for its time", consensus, HyperExtended, spells(normal, spell{9, 251}, spell{8, 0}, spell{6, 251}, normal), nil},
		{"89 of a minute", consensus, HyperExtended, Keeping(every(time.Minute, slices.Concat(slices.Repeat([]float64{251}, 89), slices.Repeat([]float64{100}, 30))...), 1), nil},
		{"90 of a minute", consensus, HyperExtended, Keeping(every(time.Minute, slices.Concat(slices.Repeat([]float64{251}, 90), slices.Repeat([]float64{100}, 30))...), 1), []string{"~0+90"}},
		{"the window moves on", consensus, HyperExtended, spells(spell{3, 251}, spell{20, 200}, spell{18, 251}, normal), []string{"115+90"}},
		{"115 min in a row", consensus, HyperExtended120, spells(normal, spell{23, 251}, normal), nil},
		{"120 min in a row", consensus, HyperExtended120, spells(normal, spell{24, 251}, normal), []string{"30+120"}},
		{"at the start", consensus, Hypo1, spells(spell{3, 60}, normal), []string{"~0+15"}},
		{"at the end", consensus, Hypo1, spells(normal, spell{3, 60}), []string{"30+15~"}},
		{"back at the end, too short", consensus, Hypo1, spells(normal, spell{3, 60}, spell{2, 80}), []string{"30+25~"}},
		{"a gap of 45 min is bridged", consensus, Hypo1, spells(normal, spell{3, 60}, spell{8, 0}, spell{3, 60}, normal), []string{"30+70"}},
		{"a gap of 50 min divides", consensus, Hypo1, spells(normal, spell{3, 60}, spell{9, 0}, spell{3, 60}, normal), []string{"30+15~", "~90+15"}},
		{"a gap divides what is too short", consensus, Hypo1, spells(normal, spell{2, 60}, spell{9, 0}, spell{2, 60}, normal), nil},
		{"one reading", consensus, Hypo1, spells(spell{1, 60}), nil},
		{"none", consensus, Hypo1, nil, nil},
		{"all of it", consensus, Hypo1, spells(spell{12, 60}), []string{"~0+60~"}},
	}
	for _, test := range tests {
		episodes, _ := Episodes(test.readings, test.rules, DefaultNight())
		if got := found(episodes, test.kind); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// Low and high in one series: each its own, and level 1 knows of level 2.
func TestEpisodesOfSeveralKinds(t *testing.T) {
	readings := spells(spell{3, 100}, spell{4, 60}, spell{4, 50}, spell{6, 100}, spell{3, 65}, spell{6, 100}, spell{4, 200}, spell{3, 260}, spell{1, 300}, spell{6, 100})
	trace := NewTrace(readings, 45, DefaultNight())
	episodes := trace.Episodes(Consensus2023())
	want := map[EpisodeKind][]string{Hypo1: {"15+40", "85+15"}, Hypo2: {"35+20"}, Hyper1: {"130+40"}, Hyper2: {"150+20"}}
	for kind, want := range want {
		if got := found(episodes, kind); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", kind, got, want)
		}
	}
	low, high := episodes[0], episodes[3]
	if low.ExtremeMgdL != 50 || low.MeanMgdL != 55 || low.Readings != 8 || !low.Level2 || episodes[1].Level2 {
		t.Errorf("hypo: got %+v, want nadir 50, mean (4·60+4·50)/8 of 8, with level 2", low)
	}
	if high.Kind != Hyper1 || high.ExtremeMgdL != 300 || high.MeanMgdL != (4*200+3*260+300)/8.0 || !high.Level2 {
		t.Errorf("hyper: got %+v, want peak 300, mean 235, with level 2", high)
	}
	days := trace.ExposureDays() // 40 readings of 5 min
	if want := 40 * 5 / 1440.0; !near(days, want, 1e-12) {
		t.Errorf("ExposureDays: got %v, want %v", days, want)
	}
	rate := RateOf(episodes, days, Of(Hypo1))
	if rate.N != 2 || !near(rate.PerWeek, 7*2/days, 1e-12) || rate.MeanDurationMin != (40+15)/2.0 || rate.MeanMgdL != (55+65)/2.0 || rate.Night != 2 || rate.Truncated != 0 {
		t.Errorf("RateOf hypo1: got %+v", rate)
	}
	if rate := RateOf(episodes, days, OnlyLevel1(Hypo1)); rate.N != 1 || rate.MeanMgdL != 65 {
		t.Errorf("RateOf hypo1 only: got %+v", rate)
	}
}

// Without exposure there is no rate; without episodes there is a rate of 0.
func TestRateOfNothing(t *testing.T) {
	trace := NewTrace(nil, 45, DefaultNight())
	if r := RateOf(nil, trace.ExposureDays(), Of(Hypo1)); !math.IsNaN(r.PerWeek) {
		t.Errorf("without exposure: got %+v, want NaN a week", r)
	}
	if r := RateOf(nil, 7, Of(Hypo1)); r.PerWeek != 0 || !math.IsNaN(r.MeanDurationMin) {
		t.Errorf("without episodes: got %+v, want 0 a week, NaN min", r)
	}
}

// Exposure leaves out gaps that divide, and no others.
func TestExposure(t *testing.T) {
	for name, test := range map[string]struct {
		readings []Reading
		minutes  float64
	}{
		"no gap":    {spells(spell{12, 100}), 60},
		"of 45 min": {spells(spell{6, 100}, spell{8, 0}, spell{6, 100}), 100},
		"of 50 min": {spells(spell{6, 100}, spell{9, 0}, spell{6, 100}), 60},
		"one":       {spells(spell{1, 100}), 5},
	} {
		if got := NewTrace(test.readings, 45, DefaultNight()).ExposureDays() * 1440; !near(got, test.minutes, 1e-12) {
			t.Errorf("%s: got %v min, want %v", name, got, test.minutes)
		}
	}
}

// What readings may be like: unsorted, double, without a value, excluded, of
// other cadences, with clocks that waver.
func TestEpisodesOfOddReadings(t *testing.T) {
	at := func(seconds int, glucose float64) Reading {
		when := start.Add(time.Duration(seconds) * time.Second)
		return Reading{Time: when, Local: when, GlucoseMgdL: glucose, HasValue: true}
	}
	none := at(900, 0)
	none.HasValue = false
	excluded := at(600, 60)
	excluded.Excluded = true
	tests := []struct {
		name     string
		readings []Reading
		want     []string
	}{
		{"unsorted", []Reading{at(900, 100), at(600, 60), at(0, 60), at(300, 60)}, []string{"~0+20~"}},
		{"the last of equal times counts", []Reading{at(0, 60), at(300, 100), at(300, 60), at(600, 60), at(600, 100), at(600, 60)}, []string{"~0+15~"}},
		{"twice the same is not longer", []Reading{at(0, 60), at(0, 60), at(300, 60), at(300, 60)}, nil},
		{"no value is neither low nor back", []Reading{at(0, 60), at(300, 60), at(600, 60), none, at(1200, 60)}, []string{"~0+25~"}},
		{"excluded does not count", []Reading{at(0, 60), at(300, 60), excluded}, nil},
		{"the clock wavers", []Reading{at(0, 60), at(280, 60), at(579, 60), at(880, 100), at(1180, 100), at(1480, 100)}, []string{"~0+14.65"}},
		{"every 15 min", Keeping(every(15*time.Minute, 100, 60, 100), 15), []string{"15+15"}},
		{"every minute, 14 of them", Keeping(every(time.Minute, slices.Concat([]float64{100}, slices.Repeat([]float64{60}, 14), slices.Repeat([]float64{100}, 15))...), 1), nil},
		{"every minute, 15 of them", Keeping(every(time.Minute, slices.Concat([]float64{100}, slices.Repeat([]float64{60}, 15), slices.Repeat([]float64{100}, 15))...), 1), []string{"1+15"}},
	}
	for _, test := range tests {
		got := found(NewTrace(test.readings, 45, DefaultNight()).Episodes(Consensus2023()), Hypo1)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// Sentinels are values: 39 is low, 401 is high.
func TestEpisodesOfSentinels(t *testing.T) {
	episodes := NewTrace(spells(spell{3, 39}, spell{6, 100}, spell{3, 401}, spell{6, 100}), 45, DefaultNight()).Episodes(Consensus2023())
	for _, kind := range []EpisodeKind{Hypo1, Hypo2, Hyper1, Hyper2} {
		if got := found(episodes, kind); len(got) != 1 {
			t.Errorf("%s: got %v, want one", kind, got)
		}
	}
}

// Time is of UTC, and both clocks are told: an episode from 01:30 to 03:30 where
// clocks go from 02:00 to 03:00 is of an hour.
func TestEpisodeWhereClocksChange(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 3, 10, 6, 30, 0, 0, time.UTC)
	var readings []Reading
	for i := range 12 {
		when := at.Add(time.Duration(i) * 5 * time.Minute)
		local := when.In(newYork)
		readings = append(readings, Reading{Time: when, GlucoseMgdL: 60, HasValue: true,
			Local: time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)})
	}
	e := NewTrace(readings, 45, DefaultNight()).Episodes(Consensus2023())[0]
	if e.DurationMin != 60 || e.LocalStart.Format("15:04") != "01:30" || e.LocalEnd.Format("15:04") != "03:30" || !e.Night {
		t.Errorf("got %v min from %s to %s, night %v, want 60 from 01:30 to 03:30, true", e.DurationMin, e.LocalStart, e.LocalEnd, e.Night)
	}
	readings[0].Local, readings[11].Local = time.Time{}, time.Time{}
	e = NewTrace(readings, 45, DefaultNight()).Episodes(Consensus2023())[0]
	if e.DurationMin != 60 || !e.LocalStart.IsZero() || !e.LocalEnd.IsZero() || e.Night {
		t.Errorf("unknown local time: got %+v, want 60 min, no local time, no night", e)
	}
}

func TestNight(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2025, 3, 1, hour, minute, 0, 0, time.UTC) }
	tests := []struct {
		night Night
		local time.Time
		want  bool
	}{
		{DefaultNight(), at(0, 0), true}, {DefaultNight(), at(5, 59), true}, {DefaultNight(), at(6, 0), false}, {DefaultNight(), at(23, 59), false},
		{Night{22 * 60, 7*60 + 30}, at(22, 0), true}, {Night{22 * 60, 7*60 + 30}, at(7, 29), true}, {Night{22 * 60, 7*60 + 30}, at(7, 30), false},
		{Night{60, 60}, at(1, 0), false}, {DefaultNight(), time.Time{}, false},
	}
	for _, test := range tests {
		if got := test.night.Contains(test.local); got != test.want {
			t.Errorf("%+v.Contains(%s): got %v, want %v", test.night, test.local.Format("15:04"), got, test.want)
		}
	}
	readings := every(3*time.Hour, 1, 2, 3, 4) // 0:00, 3:00, 6:00, 9:00
	readings[3].Local = time.Time{}
	night, day := DefaultNight().Split(readings)
	if !slices.Equal(values(night), []float64{1, 2}) || !slices.Equal(values(day), []float64{3}) {
		t.Errorf("Split: got %v and %v, want 1 2 and 3; the one without local time in neither", values(night), values(day))
	}
}
