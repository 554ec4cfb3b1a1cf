package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

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

func TestGaps(t *testing.T) {
	db := openLake(t)
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	var rows []string
	for _, r := range []struct {
		after           time.Duration // since the one before
		glucose, sensor string
	}{
		{0, "100", "A"}, {5 * time.Minute, "100", "A"},
		{450 * time.Second, "100", "A"}, // exactly 1.5 times the cadence
		{451 * time.Second, "100", "A"}, // a second more
		{5 * time.Minute, "", "A"},      // no value
		{5 * time.Minute, "100", "A"},   // 10 min after the last value
		{2 * time.Hour, "100", "B"},     // another sensor
		{5 * time.Minute, "100", "B"},
		{30 * time.Minute, "100", ""}, // no transmitter
		{5 * time.Minute, "100", ""}, {5 * time.Minute, "100", ""},
		{5 * time.Minute, "100", ""}, {5 * time.Minute, "100", ""},
		{5 * time.Minute, "100", ""}, {5 * time.Minute, "100", ""},
	} {
		at = at.Add(r.after)
		rows = append(rows, values("p", stamp(at), stamp(at.Add(time.Hour)), "2025-03-01", r.glucose, r.sensor))
	}
	insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, glucose_mgdl, transmitter_id)`, rows)
	got := table(t, db, `select strftime(gap_start_local, '%H:%M:%S'), strftime(gap_end, '%H:%M:%S'), round(gap_min, 2), missing_readings, kind
		from gaps order by gap_start`)
	want := `13:12:30 12:20:01 7.52 1 loss
13:20:01 12:30:01 10.0 1 loss
13:30:01 14:30:01 120.0 23 sensor_change
15:35:01 15:05:01 30.0 5 unknown
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// After the last reading a gap has no end, and somebody without a reading is all gap:
// up to when readings could be expected.
func TestGapsWithoutEnd(t *testing.T) {
	tests := []struct {
		name             string
		start, end       string // of the study
		from, asked      string // asked for
		read             string // last reading; empty: none
		cadence          string
		withdrawn        string
		gap, local, rest string // want; empty: none
	}{
		{"read just now", "2025-03-01", "", "2025-03-01", "2025-03-05 12:00", "2025-03-05 09:00", "5", "", "", "", ""},
		{"over three hours", "2025-03-01", "", "2025-03-01", "2025-03-05 12:01", "2025-03-05 09:00", "5", "", "2025-03-05 09:00", "2025-03-05 10:00", "181 36 open"},
		{"four days", "2025-03-01", "", "2025-03-01", "2025-03-09 09:00", "2025-03-05 09:00", "15", "", "2025-03-05 09:00", "2025-03-05 10:00", "5760 384 open"},
		{"no cadence", "2025-03-01", "", "2025-03-01", "2025-03-09 09:00", "2025-03-05 09:00", "", "", "2025-03-05 09:00", "2025-03-05 10:00", "5760 1152 open"},
		{"to the end of the study", "2025-03-01", "2025-03-05", "2025-03-01", "2025-04-01 09:00", "2025-03-05 09:00", "5", "", "2025-03-05 09:00", "2025-03-05 10:00", "840 168 open"},
		{"read after the study", "2025-03-01", "2025-03-05", "2025-03-01", "2025-04-01 09:00", "2025-03-06 09:00", "5", "", "", "", ""},
		{"to a withdrawal", "2025-03-01", "2025-03-31", "2025-03-01", "2025-04-01 09:00", "2025-03-05 09:00", "5", "2025-03-06 09:00", "2025-03-05 09:00", "2025-03-05 10:00", "1440 288 open"},
		{"read up to a withdrawal", "2025-03-01", "2025-03-31", "2025-03-01", "2025-04-01 09:00", "2025-03-05 09:00", "5", "2025-03-05 09:03", "", "", ""},
		{"never, from the beginning of the study", "2025-03-01", "", "2025-03-01", "2025-03-02 23:00", "", "", "", "2025-02-28 23:00", "-", "2880 576 never"},
		{"never, from what was asked for", "", "", "2025-03-01", "2025-03-02", "", "", "", "2025-03-01 00:00", "-", "1440 288 never"},
		{"never, only dataRange asked", "", "", "", "2025-03-02", "", "", "", "-", "-", "- - never"},
		{"never asked", "2025-03-01", "", "", "", "", "", "", "2025-02-28 23:00", "-", "- - never"},
		{"never, not begun", "2025-04-01", "", "", "2025-03-02", "", "", "", "2025-03-31 22:00", "-", "- - never"},
		{"never, withdrawn", "2025-03-01", "", "2025-03-01", "2025-03-09", "", "", "2025-03-01 23:00", "2025-02-28 23:00", "-", "1440 288 never"},
	}
	db := openLake(t)
	for _, test := range tests {
		insert(t, db, `participants (participant_id, timezone, study_start, study_end)`, []string{values(test.name, "Europe/Berlin", test.start, test.end)})
		if test.from != "" {
			insert(t, db, `coverage (participant_id, resource, asked_from, asked_at, records)`, []string{
				values(test.name, "egvs", test.from, test.from, "1"), values(test.name, "events", "2020-01-01", "2026-01-01", "0")})
		}
		if test.asked != "" {
			insert(t, db, `coverage (participant_id, resource, asked_at, records)`, []string{values(test.name, "dataRange", test.asked, "0")})
		}
		insert(t, db, `glucose (participant_id, time_utc, local_time, cadence_min)`, []string{ // without a value
			values(test.name, "2025-03-05 09:02", "2025-03-05 10:02", "1")})
		if test.read != "" {
			insert(t, db, `glucose (participant_id, time_utc, local_time, cadence_min, glucose_mgdl)`, []string{
				values(test.name, test.read, strings.Replace(test.read, " 09:", " 10:", 1), test.cadence, "100")})
		}
		if test.withdrawn != "" {
			insert(t, db, `withdrawals (participant_id, effective_at)`, []string{values(test.name, test.withdrawn)})
		}
	}
	for _, test := range tests {
		got := table(t, db, `select strftime(gap_start, '%Y-%m-%d %H:%M'), strftime(gap_start_local, '%Y-%m-%d %H:%M'),
			gap_min::integer, missing_readings, kind from gaps where gap_end is null and gap_end_local is null and participant_id = '`+test.name+`'`)
		want := ""
		if test.gap != "" {
			want = test.gap + " " + test.local + " " + test.rest + "\n"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
	if n := query(t, db, `select count(*) as n from gaps where gap_end is not null`)[0]["n"]; n != int64(0) {
		t.Errorf("%d gaps end at a reading, want none", n)
	}
}

// A stray reading near a silence does not hide which transmitter ran before it
// and which after it. Minutes after the silence began; it lasts two hours.
func TestGapsNearStrayReading(t *testing.T) {
	db := openLake(t)
	begin := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, after string // transmitter that runs after the silence; A did before
		stray       string
		minute      int
		want        string // gaps, as length and kind
	}{
		{"no stray", "B", "", 0, "120 sensor_change"},
		{"old one, just before the new one", "B", "A", 118, "118 sensor_change"},
		{"old one, nearer to the new one", "B", "A", 80, "80 sensor_change, 40 sensor_change"},
		{"old one, nearer to itself", "B", "A", 30, "30 loss, 90 sensor_change"},
		{"old one, beside the first of the new one", "B", "A", 122, "120 sensor_change"},
		{"old one, beside the third of the new one", "B", "A", 132, "120 sensor_change"},
		{"new one, before the silence", "B", "B", 2, "118 sensor_change"},
		{"new one, earlier still", "B", "B", -7, "120 sensor_change"},
		{"new one, nearer to the old one", "B", "B", 30, "30 sensor_change, 90 sensor_change"},
		{"new one, nearer to itself", "B", "B", 80, "80 sensor_change, 40 loss"},
		{"a third one", "B", "C", 118, "118 sensor_change"},
		{"a stray without id", "B", "", 118, "118 sensor_change"},
		{"the same, no stray", "A", "", 0, "120 loss"},
		{"the same, another before", "A", "B", 2, "118 loss"},
		{"the same, another after", "A", "B", 118, "118 loss"},
		{"the same, another within", "A", "B", 80, "80 loss, 40 sensor_change"},
	}
	for _, test := range tests {
		var rows []string
		add := func(minute int, transmitter string) {
			rows = append(rows, values(test.name, stamp(begin.Add(time.Duration(minute)*time.Minute)), "100", transmitter))
		}
		for minute := range 12 {
			add(-5*minute, "A")
			add(120+5*minute, test.after)
		}
		if test.minute != 0 {
			add(test.minute, test.stray)
		}
		insert(t, db, `glucose (participant_id, time_utc, glucose_mgdl, transmitter_id)`, rows)
		got := query(t, db, `select coalesce(string_agg(gap_min::integer || ' ' || kind, ', ' order by gap_start), '') as gaps
			from gaps where participant_id = $1`, test.name)[0]["gaps"]
		if got != test.want {
			t.Errorf("%s: gaps %q, want %q", test.name, got, test.want)
		}
	}
}

// A change of the cadence is no gap, whichever of the two intervals lies between;
// what is longer than 1.5 of the longer one is.
func TestGapsWhereCadenceChanges(t *testing.T) {
	db := openLake(t)
	begin := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, from := range []int{1, 5, 15} {
		for _, to := range []int{1, 5, 15} {
			for _, between := range []int{from, to, 1, 30} {
				id := fmt.Sprint(from, " ", to, " ", between)
				exec(t, db, `delete from glucose`)
				var rows []string
				for i := range 20 {
					rows = append(rows, values(id, stamp(begin.Add(time.Duration(-i*from)*time.Minute)), "100", "A", fmt.Sprint(from)))
					rows = append(rows, values(id, stamp(begin.Add(time.Duration(between+i*to)*time.Minute)), "100", "A", fmt.Sprint(to)))
				}
				insert(t, db, `glucose (participant_id, time_utc, glucose_mgdl, transmitter_id, cadence_min)`, rows)
				want := ""
				if longer := max(from, to); between == 30 {
					want = fmt.Sprintf("30 %d loss\n", 30/longer-1)
				}
				if got := table(t, db, `select gap_min::integer, missing_readings, kind from gaps`); got != want {
					t.Errorf("cadence %d, %d minutes, cadence %d: gaps %q, want %q", from, between, to, got, want)
				}
			}
		}
	}
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

// A day tells how far its wall clock is from the roster's zone, if that lasts for
// more than two days.
func TestClockOffset(t *testing.T) {
	type stay struct {
		days  int
		clock string // a zone; or a duration the clock is ahead of the roster's zone; empty: not known; "-": no reading
	}
	tests := []struct {
		name, zone, start string
		stays             []stay
		want              string // of the days, null as .
	}{
		{"at home", "Europe/Berlin", "2025-03-28", []stay{{4, "Europe/Berlin"}}, ". . . ."},
		{"two days away", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Berlin"}, {2, "America/New_York"}, {2, "Europe/Berlin"}}, ". . . . . ."},
		{"three days away", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Berlin"}, {3, "Europe/Athens"}, {2, "Europe/Berlin"}}, ". . 60 60 60 . ."},
		{"a journey on", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {2, "Asia/Kolkata"}, {1, "Europe/Berlin"}}, "60 60 210 210 ."},
		{"AM for PM", "America/Denver", "2025-06-01", []stay{{3, "12h"}, {1, "America/Denver"}}, "720 720 720 ."},
		{"behind", "Asia/Tokyo", "2025-06-01", []stay{{3, "-12h"}}, "-720 -720 -720"},
		{"29 minutes", "America/Denver", "2025-06-01", []stay{{3, "29m"}}, ". . ."},
		{"31 minutes behind", "America/Denver", "2025-06-01", []stay{{3, "-31m"}}, "-31 -31 -31"},
		{"does not change its clock", "America/Denver", "2025-03-07", []stay{{7, "America/Phoenix"}}, ". . -60 -60 -60 -60 -60"},
		{"a zone without change", "America/Phoenix", "2025-03-07", []stay{{5, "America/Denver"}}, ". . 60 60 60"},
		{"clocks back", "America/Denver", "2025-10-31", []stay{{6, "America/Phoenix"}}, ". . . . . ."},
		{"clocks back, before", "America/Denver", "2025-10-30", []stay{{6, "America/Phoenix"}}, "-60 -60 -60 . . ."},
		{"half an hour", "Australia/Lord_Howe", "2025-10-03", []stay{{5, "Australia/Brisbane"}}, "-30 -30 -60 -60 -60"},
		{"a day that tells nothing", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {1, ""}, {1, "-"}, {1, "Europe/Athens"}}, "60 60 . . 60"},
		{"a right day between", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {1, "Europe/Berlin"}, {2, "Europe/Athens"}}, ". . . . ."},
		{"no zone", "", "2025-06-01", []stay{{3, "America/Denver"}}, ". . ."},
		{"no such zone", "Mars/Phobos", "2025-06-01", []stay{{3, "America/Denver"}}, ". . ."},
	}
	db := openLake(t)
	want := map[string]string{}
	for _, test := range tests {
		want[test.name] = test.want
		home, _ := time.LoadLocation(test.zone)
		if home == nil {
			home = time.UTC
		}
		insert(t, db, `participants (participant_id, timezone)`, []string{values(test.name, test.zone)})
		day := date(test.start)
		var rows []string
		for _, s := range test.stays {
			for range s.days {
				for minute := 0; minute < 1440 && s.clock != "-"; minute += 15 {
					rows = append(rows, clockRow(test.name, day.Add(time.Duration(minute)*time.Minute), s.clock, home))
				}
				day = day.AddDate(0, 0, 1)
			}
		}
		insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl)`, rows)
		sumDays(t, db)
	}
	checkOffsets(t, db, want)
}

// checkOffsets compares clock_offset_min of the days of each participant.
func checkOffsets(t *testing.T, db *sql.DB, want map[string]string) {
	t.Helper()
	got := query(t, db, `select participant_id as id, string_agg(coalesce(clock_offset_min::varchar, '.'), ' ' order by local_date) as offsets
		from completeness group by id`)
	for _, r := range got {
		if id := r["id"].(string); r["offsets"] != want[id] {
			t.Errorf("%s: clock_offset_min of the days: got %v, want %s", id, r["offsets"], want[id])
		}
	}
	if len(got) != len(want) {
		t.Errorf("completeness has %d participants, want %d", len(got), len(want))
	}
}

// clockRow is a row of glucose at a time of the wall clock that is in a zone, or
// ahead of home. Where the clock is not known, that of home stands in.
func clockRow(id string, local time.Time, clock string, home *time.Location) string {
	source, ahead, zone := "sent", time.Duration(0), home
	if d, err := time.ParseDuration(clock); err == nil {
		ahead = d
	} else if clock != "" {
		zone, _ = time.LoadLocation(clock)
	} else {
		source = "roster"
	}
	at := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, zone).Add(-ahead)
	return values(id, stamp(at), stamp(local), local.Format(time.DateOnly), source, "100")
}

// A clock that is days off has no offset that a place could have: glucose then
// has the roster's time, and only coverage_days tells of it.
func TestClockDaysOff(t *testing.T) {
	db := openLake(t)
	insert(t, db, `participants (participant_id, timezone)`, []string{values("p", "America/Denver")})
	home, _ := time.LoadLocation("America/Denver")
	var rows, days []string
	for day := range 6 {
		at := date("2025-06-01").AddDate(0, 0, day)
		clock, offset := "", "-4320"
		if day > 3 {
			clock, offset = "America/Denver", ""
		}
		for minute := 0; minute < 1440; minute += 15 {
			rows = append(rows, clockRow("p", at.Add(time.Duration(minute)*time.Minute), clock, home))
		}
		days = append(days, values("p", "egvs", stamp(at), offset))
	}
	insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl)`, rows)
	sumDays(t, db)
	insert(t, db, `coverage_days (participant_id, resource, day, clock_offset_min)`, days)
	checkOffsets(t, db, map[string]string{"p": "-4320 -4320 -4320 -4320 . ."})
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
