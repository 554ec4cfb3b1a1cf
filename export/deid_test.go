//go:build linux || darwin

package export

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	views "github.com/dexetl/dexetl/sql"
)

// Whoever adds a column of text decides whether a de-identified export has it; until then
// it has not.
func TestEveryTextIsDecidedOn(t *testing.T) {
	for _, r := range relations() {
		if r.when&(private|asNotes) != 0 || r.owner() == "" {
			continue
		}
		for _, c := range r.Columns {
			decided := slices.Contains(kept(), c.Name) || slices.Contains(dropped(), c.Name) || c.Name == r.owner() || c.Name == sensorColumn
			if c.Type.ID() == arrow.STRING && !decided {
				t.Errorf("%s.%s: is it in kept or in dropped?", r.Name, c.Name)
			}
		}
	}
	for _, name := range kept() {
		if slices.Contains(dropped(), name) {
			t.Errorf("%s is kept and dropped", name)
		}
	}
}

// Every relation of a snapshot can be exported, or says in which exports it is not.
func TestEveryRelationHasARule(t *testing.T) {
	for _, r := range relations() {
		if r.dates == "" && r.when == 0 && !slices.Contains([]string{"agp_profile", "day_night_metrics", "meal_metrics", "meter_agreement"}, r.Name) {
			t.Errorf("%s: relations says nothing of it", r.Name)
		}
	}
}

var canary = regexp.MustCompile(`canary:(\w+):`)

// Read back by others, a de-identified export has none of the ids, dates and texts of the
// study, but the words that it keeps: neither as values nor as bytes.
func TestDeidHasNothingOfTheStudy(t *testing.T) {
	s := newStudy(t)
	dated := regexp.MustCompile(`2031-03-0\d`) // times move by a week or more
	for _, format := range []Format{DuckDB, Parquet, CSV} {
		o := order(t, s, format)
		o.Deid, o.ShiftWeeks = true, 52
		if format != DuckDB {
			o.Tables = few()
		}
		done := run(t, o)
		all := cells(t, o, done)
		var survived []string
		for where, values := range all {
			for _, v := range values {
				if dated.MatchString(v) {
					t.Errorf("%s: %s is %s", format, where, v)
				}
				for _, m := range canary.FindAllStringSubmatch(v, -1) {
					survived = append(survived, m[1])
				}
				// A canary of a word that is kept has the id in it.
				if !strings.HasPrefix(v, "canary:") && strings.Contains(v, "ALPHA-STUDY") {
					t.Errorf("%s: %s is %s", format, where, v)
				}
			}
		}
		for _, name := range sorted(survived) {
			if !slices.Contains(kept(), name) {
				t.Errorf("%s: text of %s is in it", format, name)
			}
		}
		if len(survived) == 0 || len(all["glucose.participant_id"]) != 12 || len(all["egvs.system_time"]) != 12 {
			t.Errorf("%s: %d texts, %d readings: the test has lost sight of them", format, len(survived), len(all["glucose.participant_id"]))
		}
		if format != Parquet && regexp.MustCompile(`2031-?03-?0\d|transmitter-of|canary:(\w+_id|extra|reason|note|value_text|site|raw|before)`).MatchString(content(t, o.Path)) {
			t.Errorf("%s: bytes of the files have a date, an id or a text", format)
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

// Dates that everybody shares are not moved: less the weeks of each they tell the weeks.
func TestDeidRefusesSharedDates(t *testing.T) {
	s := newStudy(t, forEverybody(t))
	o := order(t, s, CSV)
	o.Deid, o.Tables = true, []string{"windows", "participant_metrics"}
	for _, chosen := range []views.Selection{{From: "2031-03-04"}, {To: "2031-03-05"}, {Window: "canary:window_name:*:0"}} {
		chosen.Preset, chosen.Sentinels, o.Chosen, o.ShiftWeeks = o.Chosen.Preset, o.Chosen.Sentinels, chosen, 52
		if _, err := o.Run(t.Context()); !is[*SharedDatesError](err) || exists(o.Path) {
			t.Errorf("%+v: %v, want a *SharedDatesError and no export", chosen, err)
		}
		o.ShiftWeeks, o.Overwrite = 0, true
		run(t, o)
		check(t, os.RemoveAll(o.Path))
	}
	o.ShiftWeeks, o.Chosen.Window = 52, "canary:window_name:"+people()[0]+":0"
	run(t, o)
}

// Of dates that several people share, a moved export has none; those of one stay.
func TestDeidHidesSharedDates(t *testing.T) {
	s := newStudy(t, forEverybody(t))
	o := order(t, s, CSV)
	o.Deid, o.ShiftWeeks, o.Tables = true, 52, []string{"participants", "windows", "window_metrics", "participant_metrics"}
	all := cells(t, o, run(t, o))
	for _, where := range []string{"participants.study_start", "participants.study_end", "participants.status_date", "participant_metrics.first_date", "participant_metrics.last_date"} {
		if got := sorted(all[where]); !slices.Equal(got, []string{""}) {
			t.Errorf("%s: %v, want nulls", where, got)
		}
	}
	if got := sorted(all["participants.consent_date"]); slices.Contains(got, "") {
		t.Errorf("dates of consent: %v", got)
	}
	for _, column := range []string{"windows.start_date", "windows.end_date", "window_metrics.window_start", "window_metrics.window_end"} {
		table, _, _ := strings.Cut(column, ".")
		for i, date := range all[column] {
			if shared := strings.Contains(all[table+".window"][i], "*"); shared != (date == "") {
				t.Errorf("%s of %s: %q", column, all[table+".window"][i], date)
			}
		}
		if len(all[column]) != 4 { // each has their own and that of everyone
			t.Errorf("%s: %v, want 4", column, all[column])
		}
	}
	o.ShiftWeeks, o.Path = 0, o.Path+"2"
	if all := cells(t, o, run(t, o)); slices.Contains(append(all["windows.start_date"], all["participants.study_start"]...), "") {
		t.Error("where times stay, dates are missing")
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
