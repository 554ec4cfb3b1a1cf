package sql_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// A span is an interval of local dates, both inclusive; zero dates are open.
type span struct{ first, last time.Time }

func (s span) holds(local time.Time) bool {
	day := metrics.Day(local)
	return !day.Before(s.first) && !day.After(s.last)
}

// bounds is the study of p: from the roster, else from the readings; where the
// roster gives a beginning and no end, to the last request. A withdrawal is the last
// one. These tests ask nobody else whose study has an end.
func (p person) bounds() (s span, bounded bool) {
	for _, r := range p.readings {
		if r.Local.IsZero() {
			continue
		}
		if day := metrics.Day(r.Local); s.first.IsZero() || day.Before(s.first) {
			s.first = day
		}
		if day := metrics.Day(r.Local); day.After(s.last) {
			s.last = day
		}
	}
	if p.start != "" {
		s.first = date(p.start)
	}
	asked := p.lastAsked()
	if dated := p.end != "" || p.start != "" || p.anchor != ""; dated && asked > s.last.Format(time.DateOnly) {
		s.last = date(asked)
	}
	if p.end != "" && (p.withdrawn == "" || p.end < s.last.Format(time.DateOnly)) {
		s.last = date(p.end)
	}
	if s.last.Before(s.first) {
		s = span{}
	}
	return s, p.start != "" || p.end != ""
}

// lastAsked is the local date of the last request.
func (p person) lastAsked() string {
	if p.withdrawn == "" {
		return p.asked
	}
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		zone = time.UTC
	}
	last := p.withdrawnAt().Add(-time.Microsecond).In(zone).Format(time.DateOnly)
	if p.asked != "" {
		last = min(last, p.asked)
	}
	return last
}

// withdrawnAt is when p withdrew; zero: has not.
func (p person) withdrawnAt() time.Time {
	at, _ := time.Parse(time.DateTime, p.withdrawn)
	return at
}

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// expect computes a row of a metric view with package metrics.
func (s study) expect(p *person, over span, takesUnknown bool, preset views.Preset) row {
	return s.expectUntil(p, over, takesUnknown, preset, time.Time{})
}

// expectUntil is expect of an interval in which no minute is expected from a
// withdrawal on; zero: there is none.
func (s study) expectUntil(p *person, over span, takesUnknown bool, preset views.Preset, withdrawn time.Time) row {
	var chosen, around, all []metrics.Reading
	unknown := 0
	for _, r := range p.readings {
		if preset == views.IGLU && r.Status != "" {
			r.HasValue = false
		}
		if r.Local.IsZero() {
			unknown++
		}
		chose := r.Local.IsZero() && takesUnknown || !r.Local.IsZero() && over.holds(r.Local)
		r.Excluded = s.excludes(p.id, r.Local)
		all = append(all, r.Reading)
		if chose {
			chosen = append(chosen, r.Reading)
		} else {
			around = append(around, r.Reading)
		}
	}
	scope := metrics.Scope{Around: around, Minutes: p.minutes(over, chosen, withdrawn), RiskScale: metrics.RiskScale}
	if preset == views.IGLU {
		scope.StepMin, scope.RiskScale = metrics.MedianStep(all), metrics.RiskScaleIGLU
	}
	want := summaryRow(metrics.Summarize(chosen, scope))
	further(want, chosen, preset)
	want["valid_days"] = p.validDays(chosen, around)
	if preset == views.IGLU {
		want["valid_days"] = p.validDays(metrics.Keeping(chosen, 5), metrics.Keeping(around, 5))
	}
	want["n_unknown_local_time"] = unknown
	if over.first.IsZero() {
		want["expected_slots"] = nil
	}
	return want
}

// further adds what follows from the values alone.
func further(want row, chosen []metrics.Reading, preset views.Preset) {
	rules := metrics.DexetlValues()
	if preset == views.IGLU {
		rules = metrics.IGLUValues()
	}
	values, minutes := metrics.DistributionOf(chosen), valuedMinutes(chosen, want["cadence_min"].(int), preset)
	computed := values.Values(rules.Scores())
	for name, value := range computed.Columns() {
		if _, known := want[name]; !known {
			want[name] = value
		}
	}
	for name, value := range metrics.MinuteColumns(minutes) {
		if _, known := want[name]; !known {
			want[name] = value
		}
	}
	var days []metrics.Distribution
	for _, day := range metrics.LocalDays(chosen) {
		days = append(days, metrics.DistributionOf(day.Readings))
	}
	want["adrr"] = metrics.ADRR(days, rules.RiskScale)
	outcomes := map[string]any{}
	for _, o := range metrics.Outcomes(values) {
		name := string(o.Population) + "_targets_met"
		before, seen := outcomes[name]
		switch {
		case o.Known && !o.Met:
			outcomes[name] = false
		case !o.Known && before != false:
			outcomes[name] = nil
		case !seen:
			outcomes[name] = true
		}
	}
	maps.Copy(want, outcomes)
	want["preset"], want["sentinels"], want["metrics_version"] = string(cmp.Or(preset, views.Dexetl1)), string(views.AsSent), 5
	want["episode_preset"] = metrics.Consensus2023().Preset
	if preset == views.IGLU {
		want["episode_preset"] = metrics.IGLUSpans().Episodes.Preset
	}
}

// valuedMinutes are the minutes that values stand for.
func valuedMinutes(chosen []metrics.Reading, cadenceMin int, preset views.Preset) metrics.Distribution {
	var values []float64
	for _, r := range chosen {
		if !r.HasValue || r.Excluded {
			continue
		}
		minutes := cmp.Or(r.CadenceMin, 5)
		if preset == views.IGLU {
			minutes = cadenceMin
		}
		for range minutes {
			values = append(values, r.GlucoseMgdL)
		}
	}
	return metrics.Distribute(values)
}

// validDays is the number of dates of which there is enough.
func (p person) validDays(chosen, around []metrics.Reading) (n int) {
	covered, read := map[time.Time]int{}, map[time.Time][]metrics.Reading{}
	for _, r := range chosen {
		if !r.Local.IsZero() {
			read[metrics.Day(r.Local)] = append(read[metrics.Day(r.Local)], r)
		}
	}
	for day, readings := range read {
		others := slices.DeleteFunc(slices.Concat(chosen, around), func(r metrics.Reading) bool {
			return !r.Local.IsZero() && metrics.Day(r.Local).Equal(day)
		})
		_, covered[day] = metrics.Slots(readings, others)
		if covered[day] > 0 && 100*covered[day] >= 70*p.minutes(span{day, day}, readings, time.Time{}) {
			n++
		}
	}
	return n
}

func (s study) excludes(id string, local time.Time) bool {
	for _, e := range s.exclusions {
		if e.participant == id && !local.IsZero() && stamp(local) >= e.from && stamp(local) < e.to {
			return true
		}
	}
	return false
}

// minutes is the length of the interval by the roster's zone, else by the offsets
// of the readings, less what lies behind a withdrawal, in slots of 5 minutes.
func (p person) minutes(over span, chosen []metrics.Reading, withdrawn time.Time) int {
	if over.first.IsZero() {
		return 0
	}
	zone, err := time.LoadLocation(p.zone)
	if err == nil && p.zone != "" {
		whole := metrics.Minutes(over.first, over.last, zone)
		if cut := wallClock(withdrawn.In(zone)); !withdrawn.IsZero() && over.holds(cut) { // no clock changes on that day
			whole -= int((over.last.AddDate(0, 0, 1).Sub(cut) + time.Minute - 1) / time.Minute)
		}
		return whole / 5 * 5
	}
	var offsets []time.Duration
	for _, r := range chosen {
		if r.HasValue && !r.Excluded && !r.Local.IsZero() {
			offsets = append(offsets, r.Local.Sub(r.Time))
		}
	}
	length := over.last.AddDate(0, 0, 1).Sub(over.first)
	if withdrawn.Sub(over.first) < length && withdrawn.After(over.first) {
		length = withdrawn.Sub(over.first)
	}
	if len(offsets) > 0 {
		length -= offsets[len(offsets)-1] - offsets[0]
	}
	return int(length/(5*time.Minute)) * 5
}

// summaryRow names the fields of a summary as the views do.
func summaryRow(s metrics.Summary) row {
	r, m := s.Ranges, s.RangeMin
	below70, above180 := r.VeryLow+r.Low, r.High+r.VeryHigh
	return row{
		"n_readings": s.Readings, "n_values": s.Values, "n_days": s.Days,
		"mean_mgdl": s.MeanMgdL, "sd_mgdl": s.SDMgdL, "cv_pct": s.CVPct,
		"median_mgdl": s.MedianMgdL, "min_mgdl": s.MinMgdL, "max_mgdl": s.MaxMgdL,
		"gmi_pct": s.GMIPct, "ea1c_pct": s.EA1CPct,
		"tbr54_pct": r.Pct(r.VeryLow), "tbr70_pct": r.Pct(below70), "tir_pct": r.Pct(r.InRange),
		"titr_pct": r.Pct(r.Tight), "tar180_pct": r.Pct(above180), "tar250_pct": r.Pct(r.VeryHigh),
		"very_low_pct": r.Pct(r.VeryLow), "low_pct": r.Pct(r.Low), "in_range_pct": r.Pct(r.InRange),
		"high_pct": r.Pct(r.High), "very_high_pct": r.Pct(r.VeryHigh),
		"tbr54_min": s.Time(m.VeryLow), "tbr70_min": s.Time(m.VeryLow + m.Low), "tir_min": s.Time(m.InRange),
		"titr_min": s.Time(m.Tight), "tar180_min": s.Time(m.High + m.VeryHigh), "tar250_min": s.Time(m.VeryHigh),
		"very_low_min": s.Time(m.VeryLow), "low_min": s.Time(m.Low), "in_range_min": s.Time(m.InRange),
		"high_min": s.Time(m.High), "very_high_min": s.Time(m.VeryHigh),
		"gri": s.Risk.GRI, "gri_zone": s.Risk.Zone(), "gri_hypo": s.Risk.Hypo, "gri_hyper": s.Risk.Hyper,
		"lbgi": s.LBGI, "hbgi": s.HBGI,
		"expected_slots": s.ExpectedSlots, "n_slots": s.Slots,
		"active_window_pct": s.ActiveWindowPct, "active_span_pct": s.ActiveSpanPct,
		"sufficient": s.Sufficient(), "cadence_min": s.CadenceMin,
		"n_low_sentinel": s.LowSentinels, "n_high_sentinel": s.HighSentinels, "censored_pct": s.CensoredPct,
		"n_excluded": s.Excluded, "n_clock_suspect": s.ClockSuspect, "n_overlap": s.Overlap,
		"first_local": s.FirstLocal, "last_local": s.LastLocal, "n_implausible": s.Implausible,
	}
}

// same compares a value of the database with one of the oracle, numbers to a
// relative 1e-9; NaN, the zero time and the empty text are null.
func same(got, want any) bool {
	switch want := want.(type) {
	case float64:
		if math.IsNaN(want) || got == nil {
			return math.IsNaN(want) && got == nil
		}
		number, isNumber := toFloat(got)
		return isNumber && math.Abs(number-want) <= 1e-9*max(1, math.Abs(want))
	case int:
		number, isNumber := toFloat(got)
		return isNumber && number == float64(want)
	case time.Time:
		at, isTime := got.(time.Time)
		return want.IsZero() && got == nil || isTime && at.Equal(want.Truncate(time.Microsecond))
	case string:
		return want == "" && got == nil || got == want
	default:
		return got == want
	}
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	default:
		return 0, false
	}
}

// check compares a row of a metric view with what the oracle computes.
func check(t *testing.T, what string, got, want row) {
	t.Helper()
	for _, m := range views.Catalogue() {
		expected, known := want[m.Name]
		if !known {
			t.Fatalf("the oracle does not know metric %s", m.Name)
		}
		if !same(got[m.Name], expected) {
			t.Errorf("%s: %s: got %v (%T), want %v", what, m.Name, got[m.Name], got[m.Name], expected)
		}
	}
}

// byKey indexes rows by the text of some columns.
func byKey(t *testing.T, rows []row, columns ...string) map[string]row {
	t.Helper()
	result := map[string]row{}
	for _, r := range rows {
		key := ""
		for _, c := range columns {
			if at, isTime := r[c].(time.Time); isTime {
				key += " " + at.Format(time.DateOnly)
			} else {
				key += " " + fmt.Sprint(r[c])
			}
		}
		if _, twice := result[key]; twice {
			t.Errorf("two rows for%s", key)
		}
		result[key] = r
	}
	return result
}

// take removes the row of a key from rows and compares it.
func take(t *testing.T, rows map[string]row, key string, want row) {
	t.Helper()
	got, found := rows[key]
	if !found {
		t.Errorf("no row for%s", key)
		return
	}
	delete(rows, key)
	check(t, key, got, want)
}

func noneLeft(t *testing.T, view string, rows map[string]row) {
	t.Helper()
	for key := range rows {
		t.Errorf("%s: unexpected row for%s", view, key)
	}
}
