package sql_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
