//go:build linux || darwin

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Nothing in a de-identified export tells whose it is, and what it has is what the study
// has, but for names and weeks: of a study in which everything that tells is a canary, in
// each format, with times moved and as they are, of all and of a part.
func TestCanaryDeid(t *testing.T) {
	oneAfterTheOther(t)
	c := newCanaryCage(t)
	d := &deidentified{canaryCage: c, plain: filepath.Join(c.home, "plain")}
	c.identifiedStudy()
	c.expect(exitDone, "export csv", "--notes", "-o", d.plain)
	d.learnIDs()

	moved := d.export("csv", "moved")
	d.findsNothing(moved)
	d.isSame(moved, true, true)

	still := d.export("parquet", "still", "--shift-weeks", "0", "--window", plainWindow)
	d.findsNothing(still)
	d.isSame(still, false, false)

	d.expect(exitDone, "snapshots tag", "paper-2026-04-14", "--reason", "a tag is in citations")
	part := d.export("duckdb", "part", "--window", "base", "--cohort", "A", "--snapshot", "paper-2026-04-14")
	d.findsNothing(part)
	d.isSame(part, true, false)

	d.repeats(moved)
	d.find(d.plain) // else all of this has found nothing because it looked nowhere
}

// What tells, and nothing else of these tests has it.
const (
	canaryPeople = "KANARI-100" // and a number
	canarySite   = "Kanarienklinik"
	canaryReason = "canaryreason"
	plainWindow  = "second visit"
)

// identifiedStudy makes a study of which everything has happened, to people with canaries.
func (c *canaryCage) identifiedStudy() {
	c.t.Helper()
	c.expect(exitDone, "init", c.dir, "--base-url", c.url)
	check(c.t, os.WriteFile(filepath.Join(c.dir, "client-secret"), []byte(canarySecret+"\n"), 0o600))
	var roster, tokens bytes.Buffer
	check(c.t, errors.Join(c.api.WriteRoster(&roster), c.api.WriteTokens(&tokens)))
	ours := strings.NewReplacer("P00", canaryPeople, "North", canarySite, "South", canarySite)
	c.expect(exitDone, "participants import", c.file("roster.csv", ours.Replace(roster.String())))
	c.expect(exitDone, "windows import", c.file("windows.csv", "participant_id,window,start,end,start_day,end_day\n*,base,,,1,7\n*,for all,2026-04-08,2026-04-10,,\n"+
		canaryPeople+"1,"+plainWindow+",2026-04-06,2026-04-09,,\n"+canaryPeople+"2,"+plainWindow+",2026-04-07,2026-04-11,,\n"+
		canaryPeople+"1,at "+canarySite+",,,1,2\n"+canaryPeople+"2,mother of "+canaryPeople+"1,,,1,2\n"))
	c.expect(exitDone, "exclusions import", c.file("exclusions.csv", "participant_id,from,to,reason\n"+canaryPeople+"1,2026-04-08,2026-04-08,"+canaryReason+"\n"))
	c.expect(exitDone, "connect", "--import", c.file("tokens.csv", ours.Replace(tokens.String())))
	c.expect(exitDone, "backfill")
	c.now = c.now.Add(30 * time.Hour)
	c.expect(exitDone, "sync", "--trailing", "20d")
	c.expect(exitDone, "withdraw", canaryPeople+"3", "--stop", "--effective", "2026-04-10", "--reason", canaryReason, "--yes")
	c.now = c.now.Add(time.Hour)
	c.does("sync")
}

// A deidentified is what such a study hands over.
type deidentified struct {
	*canaryCage
	plain string            // an export with everything, as CSV
	ids   map[string]string // values that tell, and of which column they are
	weeks map[string]int    // by which a participant's times are moved
	names map[string]string // of participants
}

func (d *deidentified) export(format, name string, flags ...string) (path string) {
	d.t.Helper()
	path = filepath.Join(d.home, name)
	d.expect(exitDone, "export "+format, append([]string{"--deid", "-o", path}, flags...)...)
	d.learnNames()
	return path
}

// learnNames asks the study who is who.
func (d *deidentified) learnNames() {
	d.t.Helper()
	var said struct {
		Rows []struct {
			Name  string
			ID    string `json:"participant_id"`
			Key   int
			Weeks int
		}
	}
	text := d.must("export", "names", "--json")
	check(d.t, json.Unmarshal([]byte(text), &said))
	d.names, d.weeks = map[string]string{}, map[string]int{}
	for _, r := range said.Rows {
		if r.Key == 1 {
			d.names[r.ID], d.weeks[r.ID] = r.Name, r.Weeks
		}
	}
	if len(d.names) != 3 {
		d.t.Fatalf("names of %d people, want 3: %s", len(d.names), text)
	}
}

// telling are the columns whose values name somebody, or something of theirs.
var telling = strings.Fields("participant_id connection_id record_id request_id run_id reject_id account_hash content_hash sha256 raw_sha256 hash transmitter_id timezone who")

// learnIDs collects the values that tell from everything that the study has.
func (d *deidentified) learnIDs() {
	d.t.Helper()
	d.ids = map[string]string{}
	for _, table := range d.tables(d.plain) {
		for _, row := range d.rows(d.plain, table) {
			for _, column := range telling {
				if value := row[column]; len(value) > 5 {
					d.ids[value] = column
				}
			}
		}
	}
	for _, column := range telling {
		n := 0
		for _, of := range d.ids {
			if of == column {
				n++
			}
		}
		if n == 0 && column != "raw_sha256" {
			d.t.Errorf("the study has no %s: the test proves nothing of it", column)
		}
	}
}

// tables are those of an export of CSV or Parquet.
func (d *deidentified) tables(path string) (names []string) {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(path, "*.*"))
	check(d.t, err)
	for _, file := range found {
		name, ending, _ := strings.Cut(filepath.Base(file), ".")
		if (ending == "csv" || ending == "parquet") && name != "codebook" {
			names = append(names, name)
		}
	}
	return names
}

// rows are those of a table of an export of CSV, by column.
func (d *deidentified) rows(path, table string) (rows []map[string]string) {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join(path, table+".csv"))
	check(d.t, err)
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	check(d.t, err)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, value := range line {
			row[lines[0][i]] = value
		}
		rows = append(rows, row)
	}
	return rows
}

// repeats exports a part once more: by the same key names and times are the same, by
// another one they are not.
func (d *deidentified) repeats(first string) {
	d.t.Helper()
	same := d.export("csv", "same", "--tables", "glucose,events,sensor_sessions")
	for _, table := range d.tables(same) {
		one, err := os.ReadFile(filepath.Join(first, table+".csv"))
		check(d.t, err)
		two, err := os.ReadFile(filepath.Join(same, table+".csv"))
		check(d.t, err)
		if !bytes.Equal(one, two) || len(one) < 500 {
			d.t.Errorf("%s: the second export by a key is not the first one", table)
		}
	}
	anew := d.export("csv", "anew", "--new-names", "--tables", "glucose,sensor_sessions")
	d.findsNothing(anew)
	values := func(path, column string) (all []string) {
		for _, row := range d.rows(path, "glucose") {
			all = append(all, row[column])
		}
		return slices.Compact(all)
	}
	for _, column := range []string{"participant_id", "transmitter_id"} {
		was := values(same, column)
		for _, value := range values(anew, column) {
			if value != "" && slices.Contains(was, value) {
				d.t.Errorf("%s %s is in exports by two keys", column, value)
			}
		}
	}
	if slices.Equal(values(anew, "time_utc"), values(same, "time_utc")) {
		d.t.Error("by another key times are moved as by the first")
	}
}
