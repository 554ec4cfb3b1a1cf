package metrics

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"
)

// oneHypo is 6 hours and 20 minutes of 100 mg/dL, of which 20 minutes are 60 mg/dL.
func oneHypo() []Reading {
	var readings []Reading
	for i := range 76 {
		at := start.Add(time.Duration(5*i) * time.Minute)
		r := Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}
		if i >= 36 && i < 40 {
			r.GlucoseMgdL = 60
		}
		readings = append(readings, r)
	}
	return readings
}

func TestSpanColumns(t *testing.T) {
	spans := Spans{Rules: DexetlSpans()}
	span := spans.Of(oneHypo())
	got := maps.Collect(span.Columns())
	exposure := 76 * 5 / 1440.0
	// GVP: of 75 steps of 5 minutes two are 40 mg/dL high.
	gvp := 100 * ((73*5+2*math.Sqrt(25+1600))/(75*5) - 1)
	mean := (72*100.0 + 4*60) / 76
	pgs := PGS(PGSInput{GVPPct: gvp, TIRPct: 100 * 72 / 76.0, MeanMgdL: mean, Hypo1OnlyPerWeek: 7 / exposure})
	for name, want := range map[string]float64{
		"exposure_days": exposure, "hypo1_per_week": 7 / exposure, "hypo1_only_per_week": 7 / exposure, "hypo2_per_week": 0,
		"hypo_extended_per_week": 0, "hyper1_per_week": 0, "hyper_extended_per_week": 0, "gvp_pct": gvp, "pgs": pgs, "distance_mgdl": 80,
	} {
		if !near(got[name], want, 1e-9) {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	names := SpanColumns()
	if len(got) != len(names) || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(names))) {
		t.Errorf("a span has columns %v, SpanColumns says %v", slices.Sorted(maps.Keys(got)), names)
	}
}

// A span of one set of readings says nothing of the one before.
func TestSpansForget(t *testing.T) {
	for name, rules := range map[string]SpanRules{"dexetl-1": DexetlSpans(), "iglu": IGLUSpans()} {
		fresh, used := Spans{Rules: rules}, Spans{Rules: rules}
		used.Of(fourteenDays(time.Hour))
		want, got := fresh.Of(oneHypo()), used.Of(oneHypo())
		for column, value := range want.Columns() {
			if found := maps.Collect(got.Columns())[column]; found != value && !(math.IsNaN(found) && math.IsNaN(value)) {
				t.Errorf("%s: %s after another span is %v, want %v", name, column, found, value)
			}
		}
	}
}

// Of no readings nothing is known, and there was no exposure.
func TestSpanOfNothing(t *testing.T) {
	spans := Spans{Rules: DexetlSpans()}
	span := spans.Of(nil)
	for name, value := range span.Columns() {
		if !math.IsNaN(value) && !(name == "exposure_days" && value == 0) {
			t.Errorf("%s of nothing is %v", name, value)
		}
	}
}

func TestIGLUHasNoExtendedHyperInWindows(t *testing.T) {
	spans := Spans{Rules: IGLUSpans()}
	span := spans.Of(oneHypo())
	if got := maps.Collect(span.Columns())["hyper_extended_per_week"]; !math.IsNaN(got) {
		t.Errorf("hyper_extended_per_week by iglu's rules = %v, want NaN", got)
	}
}
