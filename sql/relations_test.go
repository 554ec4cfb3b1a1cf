package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/metrics"
)

// What excluded says is what metrics leave out, of those whose study has no dates.
func TestExcludedIsWhatMetricsLeaveOut(t *testing.T) {
	db := openLake(t)
	cohort(10).load(t, db)
	rows := query(t, db, `
		select m.participant_id, m.mean_mgdl, m.n_values, m.n_implausible, m.n_excluded,
			avg(g.glucose_mgdl) filter (where g.excluded is null) as mean, count(*) filter (where g.excluded is null) as counted,
			count(*) filter (where g.excluded = 'implausible') as implausible, count(*) filter (where g.excluded = 'exclusion') as excluded,
		from participant_metrics m
		join glucose g using (participant_id)
		where participant_id not in (from participants select participant_id where study_start is not null or study_end is not null)
		group by all`)
	excluded := int64(0)
	for _, r := range rows {
		if !same(r["mean_mgdl"], r["mean"]) && (r["mean"] != nil || r["mean_mgdl"] != nil) ||
			r["n_values"] != r["counted"] || r["n_implausible"] != r["implausible"] || r["n_excluded"] != r["excluded"] {
			t.Errorf("participant_metrics is not what glucose says: %v", r)
		}
		excluded += r["excluded"].(int64)
	}
	if len(rows) < 10 || excluded == 0 {
		t.Errorf("compared %d participants with %d readings inside exclusions, want more", len(rows), excluded)
	}
}

// The profile of every person in every bin width, against package metrics.
func TestAGPProfile(t *testing.T) {
	db := openLake(t)
	s := cohort(5)
	s.load(t, db)
	rows := byKey(t, query(t, db, `select * from agp_profile`), "participant_id", "bin_min", "bin_start_min")
	columns := []string{"p5_mgdl", "p10_mgdl", "p25_mgdl", "p50_mgdl", "p75_mgdl", "p90_mgdl", "p95_mgdl"}
	for _, p := range s.people {
		var chosen []metrics.Reading
		study, bounded := p.bounds()
		for _, r := range p.readings {
			r.Excluded = s.excludes(p.id, r.Local)
			if !bounded || study.holds(r.Local) {
				chosen = append(chosen, r.Reading)
			}
		}
		for _, width := range []int{5, 15, 30, 60} {
			for _, bin := range metrics.Profile(chosen, width) {
				key := fmt.Sprintf(" %s %d %d", p.id, width, bin.StartMin)
				got := rows[key]
				delete(rows, key)
				equal := same(got["n_values"], bin.Values) && same(got["n_days"], bin.Days) && got["sufficient"] == (bin.Days >= 5)
				for i, column := range columns {
					equal = equal && same(got[column], bin.Percentiles[i])
				}
				if !equal {
					t.Errorf("agp_profile%s: got %v, want %+v", key, got, bin)
				}
			}
		}
	}
	noneLeft(t, "agp_profile", rows)
}

// table renders a result as one line per row, fields separated by a blank.
func table(t *testing.T, db *sql.DB, statement string) string {
	t.Helper()
	names := strings.Join(columnsOf(t, db, statement), ", ")
	var b strings.Builder
	for _, r := range query(t, db, `select concat_ws(' ', `+names+`) as line from (`+statement+`)`) {
		fmt.Fprintln(&b, r["line"])
	}
	return b.String()
}

func columnsOf(t *testing.T, db *sql.DB, statement string) []string {
	t.Helper()
	var names []string
	for _, r := range query(t, db, `describe `+statement) {
		names = append(names, fmt.Sprintf("coalesce(%q::varchar, '-')", r["column_name"]))
	}
	return names
}

func TestCurrentEvents(t *testing.T) {
	db := openLake(t)
	insert(t, db, `events (participant_id, record_id, event_type, value, event_status, vanished_at)`, []string{
		values("p", "created", "carbs", "40", "created", ""),
		values("p", "updated", "carbs", "50", "updated", ""),
		values("p", "deleted", "carbs", "60", "deleted", ""),
		values("p", "vanished", "carbs", "70", "created", "2025-03-01"),
		values("p", "nameless", "carbs", "80", "", ""),
	})
	got := table(t, db, `select record_id, value from current_events order by value`)
	if want := "created 40.0\nupdated 50.0\nnameless 80.0\n"; got != want {
		t.Errorf("current_events: got %q, want %q", got, want)
	}
}

func TestReadingsMmol(t *testing.T) {
	db := openLake(t)
	insert(t, db, `glucose (participant_id, time_utc, glucose_mgdl, trend_rate_mgdl_min)`, []string{
		values("p", "2025-03-01", "180", "-1.801559"), values("p", "2025-03-02", "", ""),
	})
	got := query(t, db, `select glucose_mmol_l, trend_rate_mmol_l_min from readings_mmol order by time_utc`)
	if !same(got[0]["glucose_mmol_l"], 180/18.01559) || !same(got[0]["trend_rate_mmol_l_min"], -0.1) || got[1]["glucose_mmol_l"] != nil {
		t.Errorf("readings_mmol of 180 mg/dL and null: got %v", got)
	}
}

// The view iglu gives exactly what participant_metrics counts.
func TestIGLUView(t *testing.T) {
	db := openLake(t)
	s := cohort(6)
	s.load(t, db)
	got := query(t, db, `select
			(select count(*) from iglu) as rows,
			(select sum(n_values)::bigint from participant_metrics where participant_id not in ('havana', 'lost')) as placed,
			(select count(*) from iglu where id in ('havana', 'lost')) as others,
			(select count(*) from iglu where "time" is null or gl is null) as nulls`)[0]
	unplaced := 0
	for _, p := range s.people {
		for _, r := range p.readings {
			if p.id == "havana" && r.HasValue && !r.Local.IsZero() && !s.excludes(p.id, r.Local) {
				unplaced++
			}
		}
	}
	rows, placed, others := got["rows"].(int64), got["placed"].(int64), got["others"].(int64)
	if rows != placed+others || others != int64(unplaced) || got["nulls"].(int64) != 0 {
		t.Errorf("iglu: got %v, want rows = placed + others, others = %d, nulls = 0", got, unplaced)
	}
}

func TestCompletenessAndConsensus(t *testing.T) {
	db := openLake(t)
	cohort(7).load(t, db)
	for _, statement := range []string{
		`select participant_id, local_date, expected_slots, n_slots, active_window_pct, sufficient, n_excluded from daily_metrics
			except select participant_id, local_date, expected_slots, n_slots, active_window_pct, sufficient, n_excluded from completeness`,
		`from completeness where complete_pct is distinct from active_window_pct`,
		`select participant_id, mean_mgdl, gri_zone, tbr54_pct from participant_metrics
			except select participant_id, mean_mgdl, gri_zone, tbr54_pct from consensus_metrics`,
	} {
		if got := query(t, db, statement); len(got) > 0 {
			t.Errorf("%s: got %v, want nothing", statement, got)
		}
	}
	// The columns hold different numbers in different rows, else nothing was compared.
	if got := query(t, db, `select count(distinct active_window_pct) as n from completeness`)[0]["n"].(int64); got < 10 {
		t.Errorf("completeness: got %d different shares, want at least 10", got)
	}
}

// A filter on the participant must reach every scan of the readings: a
// dashboard of one person does not pay for the cohort.
func TestParticipantFilterReachesScan(t *testing.T) {
	db := openLake(t)
	s := cohort(8)
	s.load(t, db)
	for _, view := range []string{"participant_metrics", "daily_metrics", "period_metrics", "window_metrics", "agp_profile", "gaps", "completeness"} {
		var plan string
		for _, r := range query(t, db, `explain (format json) select * from `+view+` where participant_id = 'newyork'`) {
			plan += r["explain_value"].(string)
		}
		scans, filtered := 0, 0
		for _, part := range strings.Split(plan, `"Table": `)[1:] {
			part = part[:strings.Index(part, "}")]
			// How long the days of a zone are is everybody's.
			if !strings.HasPrefix(part, `"memory.main.glucose`) || strings.Contains(part, `"Projections": "local_date"`) {
				continue
			}
			scans++
			if strings.Contains(part, "participant_id='newyork'") {
				filtered++
			}
		}
		if scans == 0 || scans != filtered {
			t.Errorf("%s of one participant: %d of %d scans of glucose and glucose_days are filtered:\n%s", view, filtered, scans, plan)
		}
	}
}

// A filter on the scope must come before counts are grouped: whoever asks for whole
// studies does not pay for their days.
func TestScopeFilterComesBeforeGrouping(t *testing.T) {
	db := openLake(t)
	for _, scope := range []string{"participant", "day", "period", "window"} {
		var plan string
		for _, r := range query(t, db, `explain (format json) select * from internal.scope_values where scope = '`+scope+`'`) {
			plan += r["explain_value"].(string)
		}
		above, _, found := strings.Cut(plan, "HASH_GROUP_BY")
		if !found || strings.Contains(above, `"FILTER`) {
			t.Errorf("scope %s: all scopes are grouped, and then filtered:\n%s", scope, plan)
		}
	}
}

// The order in which rows arrive must not matter to the last digit, nor the
// session's zone.
func TestOrderAndZoneDoNotMatter(t *testing.T) {
	s := cohort(9)
	var results []string
	for _, zone := range []string{"Asia/Kathmandu", "America/Havana"} {
		db := openLake(t)
		exec(t, db, `set timezone = '`+zone+`'`)
		s.load(t, db)
		results = append(results, table(t, db, `from daily_metrics order by participant_id, local_date`)+
			table(t, db, `from participant_metrics order by participant_id`))
		for _, p := range s.people {
			rand.New(rand.NewSource(1)).Shuffle(len(p.readings), func(i, j int) {
				p.readings[i], p.readings[j] = p.readings[j], p.readings[i]
			})
		}
	}
	if diff := cmp.Diff(results[0], results[1]); diff != "" {
		t.Errorf("metrics by order and zone (-want +got):\n%s", diff)
	}
}
