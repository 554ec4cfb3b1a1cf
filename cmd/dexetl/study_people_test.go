package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
)

// A member is a participant of a simulated study.
type member struct {
	row       map[string]string // of the roster
	consented plan.Window
	joins     int // day
	reconnect int // day on which the connection ends and a new one begins; 0: never
	joined    bool
	withdrawn bool
	paused    bool
}

func (m *member) id() string { return m.row["participant_id"] }

// enrol plans who takes part when. A third joins later; some end early, some
// begin late, some reconnect. Nobody who wears two sensors at once or sends by a
// receiver has dates in the middle of the data: there the whole truth says of a
// moment what the part that the study may see does not tell.
func (l *life) enrol(config dexsim.Config) []*member {
	l.t.Helper()
	var people []*member
	for i, row := range rosterRows(l.t, l.api) {
		m := &member{row: row}
		day := func(share float64) string {
			return config.End.AddDate(0, 0, -config.Days+int(share*float64(config.Days))).Format(time.DateOnly)
		}
		if i%3 == 1 {
			m.joins = 1 + l.rng.IntN(config.Days/2)
		}
		switch {
		case i%5 == 0:
			m.row["study_end"] = day(0.6 + 0.2*l.rng.Float64())
		case i%10 == 4:
			m.row["study_start"] = day(0.3)
		case i%6 == 2:
			m.reconnect = config.Days * 2 / 3
		}
		m.consented = consentedOf(l.t, m.row)
		people = append(people, m)
	}
	return people
}

// rosterRows are the lines of the simulator's roster, by column.
func rosterRows(t testing.TB, api *dexsim.Server) (rows []map[string]string) {
	t.Helper()
	var text bytes.Buffer
	if err := api.WriteRoster(&text); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for c, name := range lines[0] {
			row[name] = line[c]
		}
		rows = append(rows, row)
	}
	return rows
}

func consentedOf(t testing.TB, row map[string]string) plan.Window {
	t.Helper()
	date := func(column string) (d time.Time) {
		if row[column] != "" {
			var err error
			if d, err = time.Parse(time.DateOnly, row[column]); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	zone, err := time.LoadLocation(row["timezone"])
	if err != nil {
		t.Fatal(err)
	}
	start, end, reason := cohort.Consented(date("study_start"), date("study_end"), zone, "", time.Time{}, time.Time{})
	if reason != "" {
		t.Fatal(reason)
	}
	return plan.Window{Start: start, End: end}
}

// join lets those join whose day it is, and those reconnect.
func (l *life) join(day int) {
	l.t.Helper()
	var known, fresh []*member
	for _, m := range l.people {
		switch {
		case m.joins == day:
			m.joined = true
			fresh = append(fresh, m)
		case m.reconnect == day && day > 0 && !m.withdrawn:
			l.disconnect(m.id())
			fresh = append(fresh, m)
		}
		if m.joined {
			known = append(known, m)
		}
	}
	if len(fresh) > 0 {
		l.importPeople(known)
		l.connectPeople(fresh)
	}
}

// disconnect ends a participant's connection, as a withdrawal from the account
// does; the next consent begins another.
func (b *bench) disconnect(participant string) {
	b.t.Helper()
	ended := false
	b.eachConnection(func(consents *consent.Register, c consent.Connection) error {
		if c.ParticipantID != participant || c.Status == consent.Ended {
			return nil
		}
		ended = true
		return consents.CloseConnection(context.Background(), c.ID, b.now, "")
	})
	if !ended {
		b.t.Fatalf("%s has no connection to end", participant)
	}
}

func (b *bench) eachConnection(visit func(*consent.Register, consent.Connection) error) {
	b.t.Helper()
	consents := b.consents()
	defer consents.Store.Close()
	all, err := consents.Connections(context.Background())
	for _, c := range all {
		err = errors.Join(err, visit(consents, c))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// reconsent lets those consent again whose grant is lost, as a coordinator
// would ask them to.
func (l *life) reconsent() {
	l.t.Helper()
	var lost []*member
	l.eachConnection(func(_ *consent.Register, c consent.Connection) error {
		if c.Status == consent.NeedsReconsent {
			i := slices.IndexFunc(l.people, func(m *member) bool { return m.id() == c.ParticipantID })
			lost = append(lost, l.people[i])
		}
		return nil
	})
	if len(lost) > 0 {
		l.lost += len(lost)
		l.connectPeople(lost)
	}
}

// importPeople imports a roster of people.
func (b *bench) importPeople(people []*member) {
	b.t.Helper()
	b.must("participants", "import", b.rosterOf(people))
}

// rosterOf writes a roster of people.
func (b *bench) rosterOf(people []*member) string {
	b.t.Helper()
	columns := []string{"participant_id", "cohort", "anchor_date", "study_start", "study_end", "timezone"}
	lines := [][]string{columns}
	for _, m := range people {
		var line []string
		for _, c := range columns {
			line = append(line, m.row[c])
		}
		lines = append(lines, line)
	}
	return b.csv("roster.csv", lines)
}

// connectPeople takes over a new grant of each.
func (b *bench) connectPeople(people []*member) {
	b.t.Helper()
	lines := [][]string{{"participant_id", "refresh_token"}}
	for _, m := range people {
		token := b.api.RefreshToken(m.id())
		if b.ear != nil {
			b.ear.knows(token, m.id())
		}
		lines = append(lines, []string{m.id(), token})
	}
	// In bad weather some accounts cannot be looked at yet: the grants are kept.
	if code, _, stderr := b.run("connect", "--import", b.csv("tokens.csv", lines)); code != exitDone && code != exitPartial {
		b.t.Fatalf("dexetl connect --import: exit %d\n%s", code, stderr)
	}
}

func (b *bench) csv(name string, lines [][]string) string {
	b.t.Helper()
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(lines); err != nil {
		b.t.Fatal(err)
	}
	return b.file(name, text.String())
}

// compareWithTruth holds what the study may see of the truth against the tables.
func (l *life) compareWithTruth() {
	l.t.Helper()
	consented := make(map[string]plan.Window)
	for _, m := range l.people {
		consented[m.id()] = m.consented
	}
	l.compareTruth(clippedTruth(l.api, consented))
}

// clippedTruth is what the API serves now of the consented time of each.
func clippedTruth(api *dexsim.Server, consented map[string]plan.Window) iter.Seq[dexsim.Truth] {
	return func(yield func(dexsim.Truth) bool) {
		for truth := range api.Truth() {
			if !yield(clipped(truth, consented[truth.ParticipantID])) {
				return
			}
		}
	}
}

// clipped is the part of truth within w.
func clipped(truth dexsim.Truth, w plan.Window) dexsim.Truth {
	truth.EGVs = within(w, truth.EGVs, func(r dexsim.EGV) time.Time { return r.SystemTime })
	truth.Events = within(w, truth.Events, func(r dexsim.Event) time.Time { return r.SystemTime })
	truth.Calibrations = within(w, truth.Calibrations, func(r dexsim.Calibration) time.Time { return r.SystemTime })
	truth.Alerts = within(w, truth.Alerts, func(r dexsim.Alert) time.Time { return r.SystemTime })
	truth.Rejects = within(w, truth.Rejects, func(r dexsim.Reject) time.Time { return r.At })
	return truth
}

func within[T any](w plan.Window, records []T, at func(T) time.Time) (kept []T) {
	for _, r := range records {
		if w.Contains(at(r)) {
			kept = append(kept, r)
		}
	}
	return kept
}
