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

func TestSensorSessions(t *testing.T) {
	db := openLake(t)
	var rows []string
	record := func(minute int, sensor string, ticks int, vanished string) {
		at := time.Date(2025, 3, 1, 0, minute, 0, 0, time.UTC)
		ticksText := fmt.Sprint(ticks)
		if sensor == "" {
			ticksText = ""
		}
		rows = append(rows, values("p", fmt.Sprintf("r%03d", len(rows)), stamp(at), stamp(at.Add(time.Hour)), sensor, ticksText, "g7", vanished))
	}
	record(0, "A", 1800, "")
	record(0, "A", 1790, "") // the receiver's copy
	record(5, "A", 2100, "")
	record(200, "A", 13800, "") // a long gap of a known transmitter is no boundary
	record(300, "A", 60, "")    // started again
	record(305, "A", 360, "")
	record(400, "B", 60, "")
	record(405, "B", 360, "2025-03-02")
	record(600, "", 0, "")
	record(709, "", 0, "") // 109 min: not yet
	record(819, "", 0, "") // 110 min
	record(824, "", 0, "")
	insert(t, db, `egvs (participant_id, record_id, system_time, display_time, transmitter_id, transmitter_ticks, transmitter_generation, vanished_at)`, rows)
	got := table(t, db, `select session, transmitter_id, transmitter_generation, strftime(session_start, '%H:%M'),
			strftime(session_end, '%H:%M'), strftime(session_start_local, '%H:%M'), n_records, boundary
		from sensor_sessions order by session`)
	want := `1 A g7 00:00 03:20 01:00 4 transmitter
2 A g7 05:00 05:05 06:00 2 transmitter
3 B g7 06:40 06:40 07:40 1 transmitter
4 - g7 10:00 11:49 11:00 2 inferred_gap
5 - g7 13:39 13:44 14:39 2 inferred_gap
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sensor_sessions (-want +got):\n%s", diff)
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
			except select participant_id, local_date, expected_slots, n_slots, complete_pct, sufficient, n_excluded from completeness`,
		`select participant_id, mean_mgdl, gri_zone, tbr54_pct from participant_metrics
			except select participant_id, mean_mgdl, gri_zone, tbr54_pct from consensus_metrics`,
	} {
		if got := query(t, db, statement); len(got) > 0 {
			t.Errorf("%s: got %v, want nothing", statement, got)
		}
	}
	// The columns hold different numbers in different rows, else nothing was compared.
	if got := query(t, db, `select count(distinct complete_pct) as n from completeness`)[0]["n"].(int64); got < 10 {
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
			if !strings.HasPrefix(part, `"memory.main.glucose"`) {
				continue
			}
			scans++
			if end := strings.Index(part, "}"); strings.Contains(part[:end], "participant_id='newyork'") {
				filtered++
			}
		}
		if scans == 0 || scans != filtered {
			t.Errorf("%s of one participant: %d of %d scans of glucose are filtered:\n%s", view, filtered, scans, plan)
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
