package sql_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// What counts of sentinels changes values and what is made of them, by the rules of
// package metrics, and their number is told whatever counts.
func TestSentinels(t *testing.T) {
	db := openLake(t)
	s := cohort(6)
	s.people = append(s.people, ofAFile())
	s.load(t, db)
	for _, preset := range []views.Preset{views.Dexetl1, views.IGLU} {
		asSent := metricsBy(t, db, views.Selection{Preset: preset})
		for _, sentinels := range []views.Sentinels{views.AtBounds, views.Excluding} {
			rows := metricsBy(t, db, views.Selection{Preset: preset, Sentinels: sentinels})
			for _, p := range s.people {
				got, before := rows[" "+p.id], asSent[" "+p.id]
				what := fmt.Sprint(preset, " ", sentinels, " ", p.id)
				compare(t, what, got, row{"sentinels": string(sentinels)})
				for _, told := range []string{"n_low_sentinel", "n_high_sentinel", "n_implausible", "censored_pct", "n_readings"} {
					compare(t, what, got, row{told: before[told]})
				}
				values, days := s.censored(p, preset, sentinels)
				for name, want := range values.Columns() {
					if name != "n_low_sentinel" && name != "n_high_sentinel" && name != "censored_pct" && !same(got[name], want) {
						t.Errorf("%s: %s: got %v, want %v", what, name, got[name], want)
					}
				}
				scale := metrics.RiskScale
				if preset == views.IGLU {
					scale = metrics.RiskScaleIGLU
				}
				if want := metrics.ADRR(days, scale); !same(got["adrr"], want) {
					t.Errorf("%s: adrr: got %v, want %v", what, got["adrr"], want)
				}
			}
		}
	}
}

// ofAFile has values that no sensor of Dexcom's has, beside the sentinels: they are none.
func ofAFile() *person {
	p := &person{id: "of-a-file", zone: "UTC"}
	at := time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, mgdl := range []float64{100, 39, 38, 30, 401, 402, 600, 120, 40, 400} {
		p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: mgdl, HasValue: true, CadenceMin: 5}})
		at = at.Add(5 * time.Minute)
	}
	return p
}

// metricsBy are the rows of a selection by participant.
func metricsBy(t *testing.T, db *sql.DB, chosen views.Selection) map[string]row {
	t.Helper()
	return byKey(t, chosenDays(t, db, chosen), "participant_id")
}

// counting are the readings of p, with what counts of sentinels and of nulls.
func (s study) counting(p *person, preset views.Preset, sentinels views.Sentinels) (counting []metrics.Reading) {
	for _, r := range p.readings {
		r.Excluded = s.excludes(p.id, r.Local)
		r.HasValue = r.HasValue && (preset != views.IGLU || r.Status == "")
		counting = append(counting, r.Reading)
	}
	return censoring(sentinels).Readings(counting)
}

// censoring is what package metrics calls it.
func censoring(sentinels views.Sentinels) metrics.Censoring {
	if sentinels == views.AsSent {
		return metrics.AsSent
	}
	return metrics.Censoring(sentinels)
}

// censored are the metrics of the values of p's study, and the days of it.
func (s study) censored(p *person, preset views.Preset, sentinels views.Sentinels) (metrics.Values, []metrics.Distribution) {
	study, bounded := p.bounds()
	var chosen []metrics.Reading
	for _, r := range s.counting(p, preset, sentinels) {
		if r.Local.IsZero() && !bounded || !r.Local.IsZero() && study.holds(r.Local) {
			chosen = append(chosen, r)
		}
	}
	var days []metrics.Distribution
	for _, day := range metrics.LocalDays(chosen) {
		days = append(days, metrics.DistributionOf(day.Readings))
	}
	rules := metrics.DexetlValues()
	if preset == views.IGLU {
		rules = metrics.IGLUValues()
	}
	return metrics.DistributionOf(chosen).Values(rules.Scores()), days
}

// What is computed in the order of readings is computed of the same values.
func TestReadingsOfASelection(t *testing.T) {
	db := openLake(t)
	s := cohort(6)
	s.load(t, db)
	compared := int64(0)
	for _, preset := range []views.Preset{views.Dexetl1, views.IGLU} {
		for _, sentinels := range []views.Sentinels{views.AsSent, views.AtBounds, views.Excluding} {
			for _, p := range s.people {
				statement := views.Selection{Preset: preset, Sentinels: sentinels}.Readings([]string{p.id})
				got, want := metrics.Counts{}, metrics.Counts{}
				for _, r := range query(t, db, statement) {
					got.Add(r["value_mgdl"].(float64), 1)
				}
				for _, r := range s.counting(p, preset, sentinels) {
					if r.HasValue && !r.Excluded {
						want.Add(r.GlucoseMgdL, 1)
					}
				}
				compared += got.Distribution().N()
				if got != want {
					t.Errorf("%s %s %s: values and how many there are of each are not those of the readings: %d, want %d", preset, sentinels, p.id, got.Distribution().N(), want.Distribution().N())
				}
			}
		}
	}
	if compared == 0 {
		t.Error("there are no values")
	}
}
