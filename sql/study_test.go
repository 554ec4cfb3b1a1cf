package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
)

// A study is what a test puts into the lake.
type study struct {
	people     []*person
	windows    []window
	exclusions []exclusion
}

// A person is a participant and the readings, oldest first.
type person struct {
	id, zone           string // zone empty: none in the roster
	anchor, start, end string // local dates, empty: none in the roster
	asked              string // local date of the last request, empty: never
	withdrawn          string // UTC; empty: has not
	unlisted           bool   // not in the roster
	readings           []reading
}

// A reading is a row of glucose.
type reading struct {
	metrics.Reading
	Status string // low or high where the value stands for a null
}

type window struct {
	participant, name, start, end string
	startDay, endDay              int // 0: not given
}

type exclusion struct{ participant, from, to string }

// load writes the study into the lake.
func (s study) load(t testing.TB, db *sql.DB) {
	t.Helper()
	var roster, coverage, glucose, windows, exclusions, withdrawals []string
	for _, p := range s.people {
		if !p.unlisted {
			roster = append(roster, values(p.id, p.zone, p.anchor, p.start, p.end))
		}
		if p.asked != "" {
			coverage = append(coverage, values(p.id, "egvs", p.asked+" 12:00", "0"))
		}
		if p.withdrawn != "" {
			withdrawals = append(withdrawals, values(p.id, p.withdrawn))
		}
		for _, r := range p.readings {
			glucose = append(glucose, r.row(p.id, s.excluded(p.id, r)))
		}
	}
	for _, w := range s.windows {
		windows = append(windows, values(w.participant, w.name, w.start, w.end, number(w.startDay), number(w.endDay)))
	}
	for _, e := range s.exclusions {
		exclusions = append(exclusions, values(e.participant, e.from, e.to))
	}
	insert(t, db, `participants (participant_id, timezone, anchor_date, study_start, study_end)`, roster)
	insert(t, db, `coverage (participant_id, resource, asked_at, records)`, coverage)
	insert(t, db, `windows (participant_id, window_name, start_date, end_date, start_day, end_day)`, windows)
	insert(t, db, `withdrawals (participant_id, effective_at)`, withdrawals)
	insert(t, db, `exclusions (participant_id, from_local, to_local)`, exclusions)
	// A file is a tenth of the time of a values clause.
	file := filepath.Join(t.TempDir(), "glucose.csv")
	if err := os.WriteFile(file, []byte(strings.Join(glucose, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `copy glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl,
		glucose_source, status, transmitter_id, n_sources, overlap, clock_suspect, cadence_min, excluded) from '`+file+`' (header false)`)
	sumDays(t, db)
}

// row is a line of a CSV file of glucose; empty fields are null.
func (r reading) row(id, excluded string) string {
	local, date, source := "", "", "unknown"
	if !r.Local.IsZero() {
		local, date, source = stamp(r.Local), r.Local.Format(time.DateOnly), "sent"
	}
	glucose, glucoseSource := "", ""
	if r.HasValue {
		glucose, glucoseSource = fmt.Sprint(r.GlucoseMgdL), "value"
	}
	if r.Status != "" {
		glucoseSource = "status"
	}
	if r.Implausible {
		glucoseSource = "implausible"
	}
	return strings.Join([]string{
		id, stamp(r.Time), local, date, source, glucose, glucoseSource, r.Status, "T1", "1",
		fmt.Sprint(r.Overlap), fmt.Sprint(r.ClockSuspect), number(r.CadenceMin), excluded,
	}, ",")
}

// excluded is why metrics leave a reading out, as the fold has it.
func (s study) excluded(id string, r reading) string {
	switch {
	case s.excludes(id, r.Local):
		return "exclusion"
	case r.Implausible:
		return "implausible"
	case !r.HasValue:
		return "no_value"
	}
	return ""
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// values renders a row of a values clause; empty fields are null.
func values(fields ...string) string {
	for i, f := range fields {
		if f == "" {
			fields[i] = "null"
		} else {
			fields[i] = "'" + f + "'"
		}
	}
	return "(" + strings.Join(fields, ",") + ")"
}

func insert(t testing.TB, db *sql.DB, into string, rows []string) {
	t.Helper()
	for len(rows) > 0 {
		n := min(len(rows), 2000)
		exec(t, db, `insert into `+into+` values `+strings.Join(rows[:n], ",\n"))
		rows = rows[n:]
	}
}

// wear returns days of readings of one person in a zone, about a cadence
// apart, with gaps, jitter, nulls, sentinels and flags.
func wear(random *rand.Rand, zone string, from string, days int, cadence time.Duration) []reading {
	place, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	at, err := time.ParseInLocation(time.DateOnly, from, place)
	if err != nil {
		panic(err)
	}
	at = at.Add(time.Duration(random.Intn(8*60)) * time.Minute)
	end := at.AddDate(0, 0, days)
	level := 140.0
	var result []reading
	for at.Before(end) {
		level += random.NormFloat64()*12 + (140-level)*0.03
		r := reading{Reading: metrics.Reading{
			Time: at.UTC(), Local: wallClock(at), GlucoseMgdL: float64(int(level)), HasValue: true, CadenceMin: int(cadence / time.Minute),
			ClockSuspect: random.Intn(40) == 0, Overlap: random.Intn(50) == 0,
		}}
		r.trouble(random)
		result = append(result, r)
		at = at.Add(cadence + time.Duration(random.Intn(6000)-3000)*time.Millisecond)
		if random.Intn(60) == 0 {
			at = at.Add(time.Duration(random.Intn(300)) * time.Minute)
		}
	}
	return result
}

// trouble makes some readings null and some sentinels, sent or by status.
func (r *reading) trouble(random *rand.Rand) {
	r.GlucoseMgdL = min(max(r.GlucoseMgdL, 39), 401)
	switch random.Intn(40) {
	case 0:
		r.HasValue = false
	case 1:
		r.GlucoseMgdL, r.Status = 39, "low"
	case 2:
		r.GlucoseMgdL, r.Status = 401, "high"
	case 3:
		r.GlucoseMgdL = 401
	case 4:
		r.HasValue, r.Implausible = false, true
	}
}

// wallClock is the clock's fields, labelled UTC.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// cohort is a study with every kind of person the views must cope with.
func cohort(seed int64) study {
	random := rand.New(rand.NewSource(seed))
	five := 5 * time.Minute
	constant := wear(random, "UTC", "2025-02-01", 2, five)
	empty := wear(random, "UTC", "2025-02-01", 2, five)
	for i := range constant {
		constant[i].GlucoseMgdL, constant[i].HasValue, constant[i].Implausible, constant[i].Status = 120, true, false, ""
		constant[i].CadenceMin = 0 // as an older program wrote it
	}
	for i := range empty {
		empty[i].HasValue, empty[i].Status = false, ""
	}
	unplaced := wear(random, "America/Havana", "2024-10-30", 8, five)
	for i := 100; i < 400; i++ {
		unplaced[i].Local = time.Time{}
	}
	lost := wear(random, "Europe/Berlin", "2025-01-10", 1, five)
	for i := range lost {
		lost[i].Local = time.Time{}
	}
	fifteen := 15 * time.Minute
	switched := slices.Concat(wear(random, "Australia/Lord_Howe", "2025-04-03", 3, fifteen),
		wear(random, "Australia/Lord_Howe", "2025-04-06", 3, five), wear(random, "Australia/Lord_Howe", "2025-04-09", 2, fifteen))
	// Two sensors at once, a third for a while, and each with a jitter of its own.
	together := slices.Concat(wear(random, "America/New_York", "2024-03-08", 6, five), wear(random, "America/New_York", "2024-03-09", 4, fifteen),
		wear(random, "America/New_York", "2024-03-10", 1, time.Minute))
	slices.SortStableFunc(together, func(a, b reading) int { return a.Time.Compare(b.Time) })
	together = slices.CompactFunc(together, func(a, b reading) bool { return a.Time.Equal(b.Time) })
	return study{
		people: []*person{
			{id: "newyork", zone: "America/New_York", start: "2024-03-05", end: "2024-03-25", readings: wear(random, "America/New_York", "2024-03-01", 28, five)},
			{id: "havana", zone: "America/Havana", readings: unplaced},
			{id: "havana-bounded", zone: "America/Havana", start: "2024-10-31", readings: unplaced},
			{id: "asuncion", zone: "America/Asuncion", readings: wear(random, "America/Asuncion", "2024-10-03", 6, five)},
			{id: "kolkata", zone: "Asia/Kolkata", anchor: "2025-03-10", readings: wear(random, "Asia/Kolkata", "2025-03-01", 30, five)},
			{id: "lordhowe", zone: "Australia/Lord_Howe", end: "2025-04-08", readings: wear(random, "Australia/Lord_Howe", "2025-04-03", 9, five)},
			{id: "zoneless", readings: wear(random, "America/New_York", "2024-10-30", 8, five)},
			{id: "mars", zone: "Mars/Phobos", readings: wear(random, "Europe/Berlin", "2025-01-10", 3, five)},
			{id: "nobody", zone: "Europe/Berlin", start: "2025-03-28", end: "2025-04-02"},
			{id: "undated"},
			{id: "silent", zone: "Europe/Berlin", start: "2025-03-26", asked: "2025-04-02", readings: wear(random, "Europe/Berlin", "2025-03-25", 4, five)},
			{id: "waiting", zone: "Europe/Berlin", start: "2025-03-28", asked: "2025-04-02"},
			{id: "asked", zone: "Europe/Berlin", asked: "2025-04-02", readings: wear(random, "Europe/Berlin", "2025-03-25", 4, five)},
			{id: "lost", zone: "Europe/Berlin", readings: lost},
			{id: "single", zone: "UTC", readings: wear(random, "UTC", "2025-02-01", 1, five)[:1]},
			{id: "constant", zone: "UTC", readings: constant},
			{id: "empty", zone: "UTC", readings: empty},
			{id: "libre", zone: "Europe/Berlin", readings: wear(random, "Europe/Berlin", "2025-03-29", 4, fifteen)},
			{id: "minutely", zone: "Europe/Berlin", readings: wear(random, "Europe/Berlin", "2025-03-29", 2, time.Minute)},
			{id: "switched", zone: "Australia/Lord_Howe", readings: switched},
			{id: "together", zone: "America/New_York", readings: together},
			{id: "together-zoneless", readings: together},
			{id: "stranger", unlisted: true, readings: wear(random, "UTC", "2025-02-01", 2, five)},
			{id: "withdrawn", zone: "America/New_York", start: "2025-03-05", asked: "2025-05-01", withdrawn: "2025-03-14 01:33:20", readings: wear(random, "America/New_York", "2025-03-04", 8, five)},
			{id: "withdrawn-at-midnight", zone: "Europe/Berlin", start: "2025-03-05", end: "2025-06-30", asked: "2025-03-20", withdrawn: "2025-03-13 23:00:00", readings: wear(random, "Europe/Berlin", "2025-03-04", 9, five)},
			{id: "withdrawn-later", zone: "Europe/Berlin", start: "2025-03-05", end: "2025-03-10", withdrawn: "2025-03-13 12:00:00", readings: wear(random, "Europe/Berlin", "2025-03-04", 9, five)},
			{id: "withdrawn-zoneless", start: "2025-03-05", withdrawn: "2025-03-16 13:02:00", readings: wear(random, "America/New_York", "2025-03-05", 8, fifteen)},
			{id: "withdrawn-undated", zone: "Europe/Berlin", asked: "2025-05-01", withdrawn: "2025-03-14 01:33:20", readings: wear(random, "Europe/Berlin", "2025-03-04", 8, five)},
			{id: "withdrawn-before", zone: "Europe/Berlin", start: "2025-03-28", asked: "2025-05-01", withdrawn: "2025-03-14 01:33:20"},
		},
		windows: []window{
			{participant: "*", name: "baseline", startDay: -5, endDay: -1},
			{participant: "*", name: "first", startDay: -2, endDay: 7},
			{participant: "*", name: "second", startDay: 2, endDay: 4},
			{participant: "*", name: "march", start: "2024-03-01", end: "2024-03-31"},
			{participant: "newyork", name: "march", start: "2024-03-09", end: "2024-03-11"},
			{participant: "kolkata", name: "own", start: "2025-03-03", endDay: 3},
		},
		exclusions: []exclusion{
			{"newyork", "2024-03-10 00:30:00", "2024-03-10 12:00:00"},
			{"newyork", "2024-03-10 11:00:00", "2024-03-11 00:00:00"},
			{"newyork", "2024-03-10 05:00:00", "2024-03-10 06:00:00"},
			{"newyork", "2024-03-12 00:00:00", "2024-03-12 00:00:00"},
			{"kolkata", "2025-03-11 00:00:00", "2025-03-13 00:00:00"},
			{"kolkata", "2025-03-13 00:00:00", "2025-03-13 10:00:00"},
			{"havana", "2024-10-31 00:00:00", "2024-11-01 00:00:00"},
		},
	}
}
