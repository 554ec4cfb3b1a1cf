//go:build linux || darwin

package export

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/transform"
)

// Somebody decides on each column of each table before a de-identified export has it.
func TestEveryColumnHasARule(t *testing.T) {
	for _, r := range relations() {
		if !r.mayLeave() {
			if withheld(r.Name) == "" {
				t.Errorf("%s: why does no de-identified export have it?", r.Name)
			}
			continue
		}
		if withheld(r.Name) != "" {
			t.Errorf("%s is in de-identified exports, and a reason says that it is not", r.Name)
		}
		for _, c := range r.Columns {
			n := 0
			for _, rule := range rulesOf(r.Name) {
				if slices.Contains(rule.columns, c.Name) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s.%s has %d rules in rulesOf, want one", r.Name, c.Name, n)
			}
		}
		for _, rule := range rulesOf(r.Name) {
			metric := len(rule.columns) == len(metrics().columns) // not every table has each of them
			for _, name := range rule.columns {
				if !metric && !r.has(name) {
					t.Errorf("%s.%s has a rule, and there is no such column", r.Name, name)
				}
			}
			if rule.why == "" {
				t.Errorf("%s: why are these %s: %v?", r.Name, rule.fate, rule.columns)
			}
		}
	}
}

// A time is never as it was, and a text only if dexetl wrote it.
func TestRulesFitTheirColumns(t *testing.T) {
	for _, r := range relations() {
		if !r.mayLeave() || r.owner() == "" {
			continue
		}
		for _, c := range r.Columns {
			rule := r.decided()[c.Name]
			switch id := c.Type.ID(); {
			case id == arrow.TIMESTAMP || id == arrow.DATE32:
				if !slices.Contains([]fate{move, moveOwn, drop}, rule.fate) {
					t.Errorf("%s.%s is a time, and %s", r.Name, c.Name, rule.fate)
				}
			case id == arrow.STRING:
				if rule.fate == keep && rule.why != whyOwn || rule.fate == keepWord && len(rule.words) == 0 && rule.form == "" {
					t.Errorf("%s.%s is a text, and %s: %s", r.Name, c.Name, rule.fate, rule.why)
				}
			case rule.fate != keep && rule.fate != keepTyped && rule.fate != drop:
				t.Errorf("%s.%s is a number, and %s", r.Name, c.Name, rule.fate)
			}
		}
	}
}

// Without a rule a column is left out, and without a decision so is a table.
func TestWhatIsNewIsLeftOut(t *testing.T) {
	r := relations()[0]
	r.Columns = append(slices.Clone(r.Columns), transform.Column{Name: "insurance_no", Type: arrow.BinaryTypes.String})
	if (cut{deid: true}).shown(r).has("insurance_no") || !(cut{}).shown(r).has("insurance_no") {
		t.Error("a column that nobody has decided on is in it")
	}
	if r.Name = "diaries"; len((cut{deid: true}).shown(r).Columns) > 0 {
		t.Error("a table that nobody has decided on is in it")
	}
}

// A name with an id, a site or a date in it gets a code; others are what is compared.
func TestNamesThatTell(t *testing.T) {
	for _, one := range [][2]string{{"family of p-001", "P-001"}, {"Köln (arm 1)", "köln"}, {"wave/31007", "31007"}, {"P_001", "P001"}, {"p 001", "P001"},
		{"xP001b", "P001"}, {"KIEL2026", "Kiel"}, {"SouthClinic", "South"}, {"at-NY", "NY"}, {"Group A", "A"}, {"site 1", "1"}, {"new york", "New_York"},
		{"STRASSE", "Straße"}, {"οδος", "ΟΔΟΣ"}, {"at Zürich", "Zu\u0308rich"}, {"東京都", "東京"}, {"東 京", "東京"}, {"Ｐ００１", "P001"}} {
		if !tells(one[0], one[1]) {
			t.Errorf("%q does not tell of %q", one[0], one[1])
		}
	}
	for _, one := range [][2]string{{"P-002", "P-001"}, {"arm B", "A"}, {"many", "NY"}, {"week 12", "1"}, {"baseline", "-"}} {
		if tells(one[0], one[1]) {
			t.Errorf("%q tells of %q", one[0], one[1])
		}
	}
	for _, name := range []string{"2031-03", "wave 20310304", "from 4.3.31", "March 2031", "visit_mar31", "31 Mai", "2031/3/4 visit", "okt 2030",
		"15_01_2026", "15_01_26", "2026-W03-4", "2026w03", "260115", "2026-015", "15th of January", "15 janvier", "15. Jänner", "2026年1月15日", "２０２６-０１-１５", "01/2026", "JANUARY", "Jan", "Q1 2026", "août", "Juni",
		"startJan", "2ndMay", "JanFeb", "juinB", "Marz"} {
		if !hasDate(name) {
			t.Errorf("%q has no date", name)
		}
	}
	for _, name := range []string{"baseline", "week 12", "days 1-14", "marathon 42", "dose 20-40", "v1.2", "A1", "junior", "novel", "decision"} {
		if hasDate(name) {
			t.Errorf("%q has a date", name)
		}
	}
}

// Names of the roster and of windows are held against its ids, sites and zones.
func TestNamesThatGetCodes(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	w := &work{Order: Order{Deid: true, ShiftWeeks: 52}, db: db}
	check(t, w.execute(t.Context(),
		`create table participants as from (values ('P001', 'NY', 'dose 20', 'new york', 'America/New_York'), ('P002', 'Kiel', 'from KIEL', 'Berlin', 'Europe/Berlin'),
			('P003', '', 'NY arm', 'control', null)) t(participant_id, site, cohort, arm, timezone)`,
		`create table windows as from (values ('baseline', 'baseline'), ('p-001', 'p-001'), ('March', 'March')) t(window_name, "window")`))
	for weeks, want := range map[int][]string{52: {"Berlin", "March", "NY arm", "from KIEL", "new york", "p-001"}, 0: {"Berlin", "NY arm", "from KIEL", "new york", "p-001"}} {
		w.ShiftWeeks = weeks
		check(t, w.findCodes(t.Context()))
		if got := slices.Sorted(maps.Keys(w.cut.codes)); !slices.Equal(got, want) {
			t.Errorf("moved by %d weeks: codes of %q, want %q", weeks, got, want)
		}
	}
}

// Weekday, time of day and the distances of somebody's rows stay; a name is the same in
// every export, and so are the weeks.
func TestDeidMovesWholeWeeks(t *testing.T) {
	s := newStudy(t)
	var before map[string][]string
	for range 2 {
		o := order(t, s, CSV)
		o.Deid, o.ShiftWeeks, o.Tables = true, 52, []string{"glucose", "windows"}
		all := cells(t, o, run(t, o))
		if names := sorted(all["glucose.participant_id"]); len(names) != 2 || !regexp.MustCompile(`^S[0-9A-Z]{9}$`).MatchString(names[0]) {
			t.Fatalf("names %v", names)
		}
		for i, text := range all["glucose.time_utc"] {
			at, err := time.Parse(time.DateTime, text)
			check(t, err)
			was := firstDay.Add(time.Duration(i%6) * 8 * time.Hour)
			if moved := was.Sub(at); moved%(7*24*time.Hour) != 0 || moved < 7*24*time.Hour || moved > 52*7*24*time.Hour {
				t.Errorf("row %d: %s was %s, moved by %s", i, at, was, moved)
			}
			if date := all["glucose.local_date"][i]; date != at.Format(time.DateOnly) {
				t.Errorf("row %d: local_date %s, want that of %s", i, date, at)
			}
		}
		if before != nil && strings.Join(before["glucose.time_utc"], " ") != strings.Join(all["glucose.time_utc"], " ") {
			t.Error("the second export has other times than the first")
		}
		before = all
	}
	o := order(t, s, CSV)
	o.Deid, o.ShiftWeeks, o.Tables, o.NewNames = true, 0, []string{"glucose"}, true
	all := cells(t, o, run(t, o))
	if slices.Equal(sorted(all["glucose.participant_id"]), sorted(before["glucose.participant_id"])) {
		t.Error("names that are to be new are the old ones")
	}
	if all["glucose.time_utc"][0] != firstDay.Format(time.DateTime) {
		t.Errorf("times that are to stay: %s", all["glucose.time_utc"][0])
	}
	keys, err := Keys(s.StatePath())
	if err != nil || len(keys) != 2 || keys[1].ID != 2 {
		t.Errorf("keys %v, %v; want the first and a new one", keys, err)
	}
}

// A key that lies twice beside a study is one. Two that share a number are of two studies, and
// nobody is renamed by either.
func TestKeysOfTwoFiles(t *testing.T) {
	dir := t.TempDir()
	for _, secret := range []string{strings.Repeat("ab", 32), strings.Repeat("ab", 32), strings.Repeat("cd", 32)} {
		var found *KeyError
		names, err := study.ExportKeyFiles(dir)
		check(t, err)
		path := filepath.Join(dir, fmt.Sprintf("export-keys.%d.json", len(names)))
		check(t, os.WriteFile(path, fmt.Appendf(nil, `{"format": 1, "keys": [{"key": 1, "secret": %q}]}`, secret), 0o600))
		keys, err := Keys(dir)
		if strings.HasPrefix(secret, "ab") && (err != nil || len(keys) != 1) {
			t.Errorf("keys of %d files: %v, %v; want one", len(names)+1, keys, err)
		}
		if strings.HasPrefix(secret, "cd") && (!errors.As(err, &found) || found.Path != path || found.Damaged) {
			t.Errorf("another key of the same number: %v, %v; want a *KeyError of %s", keys, err, path)
		}
	}
}

// Dates that everybody shares are not moved: less the weeks of each they tell the weeks.
// Days of the study may be shared.
func TestDeidRefusesSharedDates(t *testing.T) {
	s := newStudy(t, forEverybody(t), forStudyDays(t, "first days"), forEach(t, "alike", "2031-03-04", "2031-03-04"), forEach(t, "own", "2031-03-04", "2031-03-05"))
	o := order(t, s, CSV)
	o.Deid, o.Tables = true, []string{"windows", "participant_metrics"}
	for _, chosen := range []views.Selection{{From: "2031-03-04"}, {To: "2031-03-05"}, {Window: "for *"}, {Window: "alike"}} {
		chosen.Preset, chosen.Sentinels, o.Chosen, o.ShiftWeeks = o.Chosen.Preset, o.Chosen.Sentinels, chosen, 52
		if _, err := o.Run(t.Context()); !is[*SharedDatesError](err) || exists(o.Path) {
			t.Errorf("%+v: %v, want a *SharedDatesError and no export", chosen, err)
		}
		o.ShiftWeeks, o.Overwrite = 0, true
		run(t, o)
		check(t, os.RemoveAll(o.Path))
	}
	for _, own := range []string{"own", "first days", "canary:window_name:" + people()[0] + ":0"} {
		o.ShiftWeeks, o.Chosen.Window, o.Overwrite = 52, own, true
		if run(t, o); canaries.MatchString(content(t, o.Path)) {
			t.Errorf("window %q: the export names it", own)
		}
	}
}

// Of dates that several people share, a moved export has none; those of one stay.
func TestDeidHidesSharedDates(t *testing.T) {
	s := newStudy(t, forEverybody(t), forEach(t, "alike *", "2031-03-04", "2031-03-04"), forEach(t, "own", "2031-03-04", "2031-03-05"))
	o := order(t, s, CSV)
	o.Deid, o.ShiftWeeks, o.Tables = true, 52, []string{"participants", "windows", "window_metrics", "participant_metrics", "period_metrics", "alert_settings"}
	all := cells(t, o, run(t, o))
	for _, where := range []string{"participants.study_start", "participants.study_end", "participants.status_date", "participant_metrics.first_date", "participant_metrics.last_date",
		"period_metrics.period_start", "period_metrics.period_end", "alert_settings.setting_system_time"} {
		if got := sorted(all[where]); !slices.Equal(got, []string{""}) {
			t.Errorf("%s: %v, want nulls", where, got)
		}
	}
	for _, column := range []string{"windows.start_date", "windows.end_date", "window_metrics.window_start", "window_metrics.window_end"} {
		table, _, _ := strings.Cut(column, ".")
		for i, date := range all[column] {
			if shared := strings.Contains(all[table+".window"][i], "*"); shared != (date == "") {
				t.Errorf("%s of %s: %q", column, all[table+".window"][i], date)
			}
		}
		if len(all[column]) != 8 { // each has two of their own, one that is alike, and that of everyone
			t.Errorf("%s: %v, want 8", column, all[column])
		}
	}
	o.ShiftWeeks, o.Path = 0, o.Path+"2"
	if all := cells(t, o, run(t, o)); slices.Contains(append(all["windows.start_date"], all["participants.study_start"]...), "") {
		t.Error("where times stay, dates are missing")
	}
}

// The first and last reading of such a window or period are of its first and last day: they
// would tell the weeks as its dates do.
func TestDeidHidesReadingsOfSharedDates(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	w := &work{db: db}
	check(t, w.execute(t.Context(), "create schema export",
		"create table export.people as from (values ('A', 'SA', 7), ('B', 'SB', 14)) t(participant_id, name, shift_days)",
		"create table participants as from (values ('A', null, date '2031-03-01'), ('B', date '2031-03-02', date '2031-03-01')) t(participant_id, anchor_date, study_start)",
		`create table windows as from (values ('A', 'half', 'half', date '2031-03-01', date '2031-03-05'), ('B', 'half', 'half', date '2031-03-01', date '2031-03-06'),
			('A', 'own', 'own', date '2031-03-01', date '2031-03-05'), ('B', 'own', 'own', date '2031-03-02', date '2031-03-06')) t(participant_id, window_name, "window", start_date, end_date)`,
		`create table window_metrics as select participant_id, window_name, "window", timestamp '2031-03-01 00:00:31' as first_local, timestamp '2031-03-05 23:57:09' as last_local from windows`,
		`create table period_metrics as select participant_id, 1 as period, timestamp '2031-03-01 00:00:31' as first_local, timestamp '2031-03-05 23:57:09' as last_local from participants`))
	for view, want := range map[string]map[string]bool{ // whether they are hidden
		"window_metrics": {"SA half": true, "SB half": true, "SA own": false, "SB own": false},
		"period_metrics": {"SA 1": true, "SB 1": false},
	} {
		of := relations()[slices.IndexFunc(relations(), func(r relation) bool { return r.Name == view })]
		of.Columns = slices.DeleteFunc(slices.Clone(of.Columns), func(c transform.Column) bool {
			return !slices.Contains([]string{"participant_id", "window_name", "window", "period", "first_local", "last_local"}, c.Name)
		})
		for _, moved := range []bool{true, false} {
			got := map[string]bool{}
			rows, err := db.QueryContext(t.Context(), "select concat_ws(' ', participant_id, columns('^(window|period)$')), first_local is null and last_local is null from ("+cut{deid: true, moved: moved}.query(of)+")")
			check(t, err)
			for rows.Next() {
				var who string
				var hidden bool
				check(t, rows.Scan(&who, &hidden))
				got[who] = hidden
			}
			check(t, rows.Close())
			for who, hides := range want {
				if hidden, there := got[who]; !there || hidden != (hides && moved) {
					t.Errorf("%s, moved %v: times of %s are hidden: %v, want %v", view, moved, who, hidden, hides && moved)
				}
			}
		}
	}
}

// The first and last days of a study are alike for many: a moved export has days from the
// first reading of each to their last.
func TestDeidHasDaysWithReadings(t *testing.T) {
	s := newStudy(t)
	for _, weeks := range []int{0, 52} {
		o := order(t, s, CSV)
		o.Deid, o.ShiftWeeks, o.Tables = true, weeks, []string{"daily_metrics", "completeness", "glucose"}
		all := cells(t, o, run(t, o))
		read := sorted(all["glucose.local_date"])
		for _, column := range []string{"daily_metrics.local_date", "completeness.local_date"} {
			if days := sorted(all[column]); (weeks > 0) != slices.Equal(days, read) || len(days) < 3 {
				t.Errorf("by %d weeks: %s are %v, and readings are of %v", weeks, column, days, read)
			}
		}
	}
}

// What is in no list of Dexcom's is other, and the number of an event of such a type is null.
func TestDeidKnowsWords(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Deid, o.Tables = true, []string{"egvs", "events", "alert_settings", "current_events"}
	all := cells(t, o, run(t, o))
	for where, want := range map[string]string{
		"egvs.trend": otherWord, "events.event_type": otherWord, "events.value": "", "current_events.value": "", "alert_settings.value": "1.0",
		"alert_settings.start_time": otherWord, "alert_settings.days_of_week": otherWord, "egvs.source": "api",
	} {
		if got := sorted(all[where]); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, want %q", where, got, want)
		}
	}
	db, err := sql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	for _, r := range relations() {
		if r.Name != "alert_settings" && r.Name != "events" {
			continue
		}
		for column, value := range map[string]string{"start_time": "11:00 PM", "days_of_week": "sunday,,friday", "event_type": "carbs", "unit": "mg/dL", "sound_theme": "modern"} {
			rule, is := r.decided()[column]
			var holds bool
			if is {
				check(t, db.QueryRowContext(t.Context(), "select "+rule.holds(text(value))+" and not "+rule.holds(text(value+" x"))).Scan(&holds))
			}
			if is && !holds {
				t.Errorf("%s.%s: %q is not known, or more than it is", r.Name, column, value)
			}
		}
	}
}

// A gap without an end tells when everybody was asked for last.
func TestDeidHasNoOpenGaps(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Tables = []string{"gaps"}
	if kinds := cells(t, o, run(t, o))["gaps.kind"]; !slices.Contains(kinds, "open") {
		t.Fatalf("gaps of %v: the test needs an open one", kinds)
	}
	o.Deid, o.Path = true, o.Path+"2"
	if kinds := sorted(cells(t, o, run(t, o))["gaps.kind"]); slices.Contains(kinds, "open") || len(kinds) == 0 {
		t.Errorf("gaps of %v, want those with an end", kinds)
	}
}

// Whoever wore a transmitter after somebody else has another code for it, the same in all
// tables.
func TestDeidCodesTransmittersByPerson(t *testing.T) {
	s := newStudy(t)
	o := order(t, s, CSV)
	o.Deid, o.Tables = true, []string{"egvs", "glucose", "sensor_sessions"}
	all := cells(t, o, run(t, o))
	codes := sorted(all["egvs.transmitter_id"])
	if len(codes) != 2 || slices.Contains(codes, "") {
		t.Fatalf("codes %v, want one for each participant", codes)
	}
	for _, table := range o.Tables[1:] {
		if got := sorted(all[table+".transmitter_id"]); !slices.Equal(got, codes) {
			t.Errorf("%s has %v, want %v", table, got, codes)
		}
	}
}
