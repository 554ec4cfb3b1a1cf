package cohort

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A RosterImport counts what an import did.
type RosterImport struct {
	Added, Changed, Unchanged int
	Absent                    []string // participants held that the file does not name; they stay
	Erased                    []string // whose lines were left out
	Emptied                   []Emptied
}

// Emptied are participants of whom the roster no longer says something that it did.
type Emptied struct {
	Column       string
	Participants []string
}

func rosterLayout() layout {
	l := layout{kind: Roster, file: "roster.csv", columns: []string{"participant_id"}, required: []string{"participant_id"}}
	for _, c := range new(Participant).columns() {
		l.columns = append(l.columns, c.name)
	}
	return l
}

// ImportRoster takes a roster in CSV: a header with participant_id and any of
// Participant's columns in any order. It takes all lines or none; what is
// wrong is a *CSVError. A participant who is there already gets the values of
// the columns the file has (an empty cell empties the value); those the file
// does not name stay as they are.
func (c *Cohort) ImportRoster(ctx context.Context, r io.Reader) (RosterImport, error) {
	sh, err := readSheet(r, rosterLayout())
	if err != nil {
		return RosterImport{}, err
	}
	var done RosterImport
	err = c.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		held, err := participantsIn(ctx, tx)
		if err != nil {
			return nil, err
		}
		left, err := sh.leaveOutErased(ctx, tx)
		if err != nil {
			return nil, err
		}
		lines := rosterLines(sh, held)
		if err := sh.err(); err != nil {
			return nil, err
		}
		var acts []state.Act
		done, acts, err = putRoster(ctx, tx, held, lines)
		done.Erased = left
		done.Absent = slices.DeleteFunc(done.Absent, func(id string) bool { return slices.Contains(left, id) })
		return sh.acts("roster", state.Fields{
			"added": done.Added, "changed": done.Changed, "unchanged": done.Unchanged, "absent": len(done.Absent),
		}, acts), err
	})
	if err != nil {
		return RosterImport{}, err
	}
	return done, nil
}

// rosterLines turns the rows of sh into participants, each begun from the one
// held, and notes in sh what is wrong.
func rosterLines(sh *sheet, held []Participant) []Participant {
	byFold := map[string]Participant{}
	for _, p := range held {
		byFold[strings.ToLower(p.ID)] = p
	}
	lineOf, spelt := map[string]int{}, map[string]string{}
	var out []Participant
	for _, r := range sh.rows {
		id := r.cells["participant_id"]
		p, known := byFold[strings.ToLower(id)]
		if known && p.ID != id {
			sh.bad(r, "participant_id", "held %s", writtenAs(p.ID))
			continue
		}
		if first, again := lineOf[strings.ToLower(id)]; again && id != "" {
			sh.bad(r, "participant_id", "is in line %d already%s", first, caseOnly(spelt[strings.ToLower(id)], id))
			continue
		}
		spelt[strings.ToLower(id)] = id
		lineOf[strings.ToLower(id)] = r.line
		p.ID = id
		p.fill(sh, r)
		check := p.checkNew
		if known {
			check = p.check
		}
		for _, e := range check() {
			e.Line = r.line
			sh.errs = append(sh.errs, e)
		}
		out = append(out, p)
	}
	return out
}

// writtenAs says how to correct an id that is held in another case.
func writtenAs(held string) string {
	return fmt.Sprintf("as %s, and ids that differ in case only are one: write %s; if %s is the mistake and nothing was fetched yet, participants remove %s first",
		held, held, held, held)
}

// caseOnly tells of an id that is there in another case.
func caseOnly(there, id string) string {
	if there == id {
		return ""
	}
	return " as " + there + ": ids that differ in case only are one"
}

// fill sets the fields whose columns the sheet has.
func (p *Participant) fill(sh *sheet, r sheetRow) {
	for _, c := range p.columns() {
		if !sh.has(c.name) {
			continue
		}
		switch value := c.value.(type) {
		case *string:
			*value = r.cells[c.name]
		case *time.Time:
			*value = sh.date(r, c.name)
		}
	}
}

// date reads a cell as a date, zero when it is empty; a wrong one is noted.
func (s *sheet) date(r sheetRow, column string) time.Time {
	text := r.cells[column]
	if text == "" {
		return time.Time{}
	}
	t, err := ParseDate(text)
	if err != nil {
		s.bad(r, column, "%s", err)
	}
	return t
}

var errDate = errors.New("not a date like 2026-03-31")

// ParseDate reads yyyy-mm-dd of the years 1900 to 2199 as midnight UTC. Its
// error is fit for people.
func ParseDate(text string) (time.Time, error) {
	t, err := time.Parse(dateLayout, text)
	if err != nil || t.Year() < 1900 || t.Year() > 2199 {
		return time.Time{}, errDate
	}
	return t, nil
}

func putRoster(ctx context.Context, tx *sql.Tx, held, lines []Participant) (done RosterImport, acts []state.Act, err error) {
	rest := map[string]Participant{}
	for _, p := range held {
		rest[p.ID] = p
	}
	for _, p := range lines {
		before, known := rest[p.ID]
		delete(rest, p.ID)
		switch {
		case !known:
			done.Added++
		case p == before:
			done.Unchanged++
			continue
		default:
			done.Changed++
		}
		if err := putParticipant(ctx, tx, p); err != nil {
			return RosterImport{}, nil, err
		}
		done.empties(before, p)
		acts = append(acts, participantAct(before, p))
	}
	for _, p := range held {
		if _, absent := rest[p.ID]; absent {
			done.Absent = append(done.Absent, p.ID)
		}
	}
	return done, acts, nil
}

// empties notes what the roster said of a participant and does not any more.
func (d *RosterImport) empties(before, after Participant) {
	now := after.columns()
	for i, c := range before.columns() {
		if c.text() == "" || now[i].text() != "" {
			continue
		}
		at := slices.IndexFunc(d.Emptied, func(e Emptied) bool { return e.Column == c.name })
		if at < 0 {
			at, d.Emptied = len(d.Emptied), append(d.Emptied, Emptied{Column: c.name})
		}
		d.Emptied[at].Participants = append(d.Emptied[at].Participants, after.ID)
	}
}
