package sql_test

import (
	"testing"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// What counts of sentinels changes values and what is made of them, and their number
// is told whatever counts.
func TestSentinels(t *testing.T) {
	db := openLake(t)
	s := cohort(6)
	s.load(t, db)
	asSent := byKey(t, query(t, db, `select * from participant_metrics`), "participant_id")
	for _, sentinels := range []views.Sentinels{views.AtBounds, views.Excluding} {
		statement, args := views.Selection{Sentinels: sentinels}.Query()
		rows := byKey(t, query(t, db, statement, args...), "participant_id")
		for _, p := range s.people {
			got, before := rows[" "+p.id], asSent[" "+p.id]
			if got["n_low_sentinel"] != before["n_low_sentinel"] || got["n_high_sentinel"] != before["n_high_sentinel"] || got["sentinels"] != string(sentinels) {
				t.Errorf("%s %s: sentinels %v and %v by %v, as sent %v and %v", sentinels, p.id,
					got["n_low_sentinel"], got["n_high_sentinel"], got["sentinels"], before["n_low_sentinel"], before["n_high_sentinel"])
			}
			study, bounded := p.bounds()
			var chosen []metrics.Reading
			var days []metrics.Distribution
			for _, r := range p.readings {
				r.Excluded = s.excludes(p.id, r.Local)
				if r.Local.IsZero() && !bounded || !r.Local.IsZero() && study.holds(r.Local) {
					chosen = append(chosen, counting(r.Reading, sentinels))
				}
			}
			for _, day := range metrics.LocalDays(chosen) {
				days = append(days, metrics.DistributionOf(day.Readings))
			}
			values := metrics.DistributionOf(chosen).Values(metrics.DexetlValues().Scores())
			for name, want := range values.Columns() {
				if name != "n_low_sentinel" && name != "n_high_sentinel" && name != "censored_pct" && !same(got[name], want) {
					t.Errorf("%s %s: %s: got %v, want %v", sentinels, p.id, name, got[name], want)
				}
			}
			if want := metrics.ADRR(days, metrics.RiskScale); !same(got["adrr"], want) {
				t.Errorf("%s %s: adrr: got %v, want %v", sentinels, p.id, got["adrr"], want)
			}
		}
	}
}

// counting is a reading as it counts.
func counting(r metrics.Reading, sentinels views.Sentinels) metrics.Reading {
	switch {
	case r.GlucoseMgdL != 39 && r.GlucoseMgdL != 401 || !r.HasValue:
	case sentinels == views.Excluding:
		r.HasValue = false
	case r.GlucoseMgdL == 39:
		r.GlucoseMgdL = 40
	default:
		r.GlucoseMgdL = 400
	}
	return r
}
