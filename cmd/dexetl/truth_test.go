package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
)

// Every record that the API serves is in the lake once, with its values, and
// every reading is in glucose once: in calm weather and with every anomaly of
// the data and every fault of the transport at once.
func TestLakeHoldsTheTruth(t *testing.T) {
	oneAfterTheOther(t)
	for _, test := range []struct {
		name    string
		chaos   dexsim.Chaos
		history string // of the study; "": from study_start on
	}{
		{"calm", dexsim.Chaos{}, "all"},
		{"anomalies", dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.2}, "all"},
		{"anomalies of the study", dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.2}, ""},
		{"faults", dexsim.Chaos{Kinds: dexsim.AllTransport &^ (dexsim.Huge | dexsim.Slow), RetryAfter: time.Second}, "all"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dexsim.Config{Seed: 3, Participants: 9, Days: 18, Chaos: test.chaos})
			b.env["DEXETL_STUDY_HISTORY"] = test.history
			b.must("backfill")
			b.compareWithTruth()
		})
	}
}

// compareWithTruth holds the simulator's list of what it serves now against the
// tables. Some records are moved to before their participant's study_start: they are
// no part of the study, unless it has all of the history.
func (b *bench) compareWithTruth() {
	b.t.Helper()
	if b.env["DEXETL_STUDY_HISTORY"] == "all" {
		b.compareTruth(b.api.Truth())
		return
	}
	consented := make(map[string]plan.Window)
	for _, row := range rosterRows(b.t, b.api) {
		consented[row["participant_id"]] = consentedOf(b.t, row)
	}
	b.compareTruth(clippedTruth(b.api, consented))
}

// compareTruth holds all there is to know of some people against the tables,
// which must hold nobody else's records: a few people at a time, for a study may
// have millions.
func (b *bench) compareTruth(truths iter.Seq[dexsim.Truth]) {
	b.t.Helper()
	const many = 20_000
	want := make(map[string]map[string]map[string]string)
	var people, notes []string
	rejects, readings, records := 0, 0, 0
	compare := func() {
		for table, records := range want {
			b.compareTable(table, people, records)
		}
		clear(want)
		people, records = nil, 0
	}
	for truth := range truths {
		people = append(people, truth.ParticipantID)
		for table, of := range truthRecords(truth) {
			if want[table] == nil {
				want[table] = make(map[string]map[string]string)
			}
			for id, fields := range of {
				want[table][truth.ParticipantID+" "+id] = fields
			}
			records += len(of)
		}
		for _, e := range truth.Events {
			text := e.RecordID + " "
			if isNote(e) && e.Value != nil {
				text += *e.Value
			}
			if isNote(e) || e.Extra != "" { // which has text in it
				notes = append(notes, text)
			}
		}
		rejects += len(truth.Rejects)
		moments := make(map[int]bool)
		for _, e := range truth.EGVs {
			if !e.Shadowed {
				moments[e.Moment] = true
			}
		}
		readings += len(moments)
		if records > many {
			compare()
		}
	}
	compare()
	slices.Sort(notes)
	if diff := cmp.Diff(notes, b.notes()); diff != "" {
		b.t.Errorf("event_notes (-served +held):\n%s", diff)
	}
	if got := b.query("select count(*) from rejects")[0][0]; got != strconv.Itoa(rejects) {
		b.t.Errorf("rejects holds %s rows, want %d", got, rejects)
	}
	if got := b.query("select count(*) from glucose")[0][0]; got != strconv.Itoa(readings) {
		b.t.Errorf("glucose holds %s readings, want %d", got, readings)
	}
}

func (b *bench) compareTable(name string, people []string, want map[string]map[string]string) {
	b.t.Helper()
	statement := fmt.Sprintf("from %s where vanished_at is null and participant_id in ('%s')", name, strings.Join(people, "', '"))
	got := make(map[string]map[string]string)
	for _, row := range b.table(statement) {
		id := row["participant_id"] + " " + row["record_id"]
		if _, twice := got[id]; twice {
			b.t.Errorf("%s holds %s twice", name, id)
		}
		got[id] = asSent(b.t, name, row)
	}
	differing := 0
	for id, fields := range want {
		if maps.Equal(fields, got[id]) {
			continue
		}
		if differing++; differing <= 5 {
			b.t.Errorf("%s: record %s (-served +held):\n%s", name, id, cmp.Diff(fields, got[id]))
		}
	}
	if differing > 0 {
		b.t.Errorf("%s: %d records differ from what was served", name, differing)
	}
	if len(got) != len(want) {
		b.t.Errorf("%s holds %d records, want %d", name, len(got), len(want))
	}
}

// sentFields are the columns whose text as sent is in extra where it differs,
// by table.
func sentFields(table string) map[string]string {
	fields := map[string]string{
		"transmitter_generation": "transmitterGeneration", "transmitter_generation_variant": "transmitterGenerationVariant",
		"display_device": "displayDevice",
	}
	own := map[string]map[string]string{
		"egvs":   {"status": "status", "trend": "trend"},
		"events": {"event_type": "eventType", "event_subtype": "eventSubType", "unit": "unit", "event_status": "eventStatus"},
		"alerts": {"alert_name": "alertName", "alert_state": "alertState"},
	}
	for column, field := range own[table] {
		fields[column] = field
	}
	return fields
}

// asSent is a row of the lake with the texts that the API sent.
func asSent(t testing.TB, table string, row map[string]string) map[string]string {
	var extra struct {
		Sent map[string]string `json:"sent"`
	}
	if text := row["extra"]; text != "" {
		if err := json.Unmarshal([]byte(text), &extra); err != nil {
			t.Fatalf("extra %s: %v", text, err)
		}
	}
	out := make(map[string]string)
	for _, column := range append(commonColumns(), ownColumns(table)...) {
		out[column] = row[column]
	}
	for column, field := range sentFields(table) {
		if text, ok := extra.Sent[field]; ok {
			out[column] = text
		}
	}
	return out
}

func commonColumns() []string {
	return []string{"system_time", "display_time", "transmitter_id", "transmitter_ticks",
		"transmitter_generation", "transmitter_generation_variant", "display_device", "display_app"}
}

func ownColumns(table string) []string {
	return map[string][]string{
		"egvs":         {"glucose_mgdl", "status", "trend", "trend_rate_mgdl_min"},
		"events":       {"event_type", "event_subtype", "value_text", "unit", "event_status"},
		"calibrations": {"glucose_mgdl"},
		"alerts":       {"alert_name", "alert_state"},
	}[table]
}

// truthRecords are the records of one person as they should read, by table
// and record id.
func truthRecords(truth dexsim.Truth) map[string]map[string]map[string]string {
	tables := map[string]map[string]map[string]string{"egvs": {}, "events": {}, "calibrations": {}, "alerts": {}}
	for _, r := range truth.EGVs {
		tables["egvs"][r.RecordID] = with(r.Common, map[string]string{
			"glucose_mgdl": numberOf(r.Value), "status": r.Status, "trend": r.Trend, "trend_rate_mgdl_min": numberOf(r.Rate)})
	}
	for _, r := range truth.Events {
		fields := with(r.Common, map[string]string{
			"event_type": r.Type, "event_subtype": r.SubType, "value_text": "", "unit": r.Unit, "event_status": r.Status})
		if r.Value != nil && !isNote(r) {
			fields["value_text"] = *r.Value
		}
		tables["events"][r.RecordID] = fields
	}
	for _, r := range truth.Calibrations {
		tables["calibrations"][r.RecordID] = with(r.Common, map[string]string{"glucose_mgdl": numberOf(r.Value)})
	}
	for _, r := range truth.Alerts {
		tables["alerts"][r.RecordID] = with(r.Common, map[string]string{"alert_name": r.Name, "alert_state": r.State})
	}
	return tables
}

// isNote reports whether event_notes keeps the value: it is what a person wrote,
// be it of type notes or else no number.
func isNote(e dexsim.Event) bool {
	if e.Type == "notes" || e.Type == "note" {
		return true
	}
	if e.Value == nil || *e.Value == "" {
		return false
	}
	_, err := strconv.ParseFloat(*e.Value, 64)
	return err != nil
}

func with(c dexsim.Common, fields map[string]string) map[string]string {
	const layout = "2006-01-02 15:04:05.999999"
	fields["system_time"] = c.SystemTime.Format(layout)
	fields["display_time"] = c.DisplayTime.Format(layout)
	fields["transmitter_id"] = c.TransmitterID
	fields["transmitter_ticks"] = ""
	if c.Ticks != nil {
		fields["transmitter_ticks"] = fmt.Sprint(*c.Ticks)
	}
	fields["transmitter_generation"], fields["transmitter_generation_variant"] = c.Generation, c.Variant
	fields["display_device"], fields["display_app"] = c.Device, c.App
	return fields
}

func numberOf(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}
