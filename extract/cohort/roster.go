package cohort

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A RosterImport counts what an import did.
type RosterImport struct {
	Added, Changed, Unchanged int
	Absent                    []string // participants held that the file does not name; they stay
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
		lines := rosterLines(sh, held)
		if err := sh.err(); err != nil {
			return nil, err
		}
		var acts []state.Act
		done, acts, err = putRoster(ctx, tx, held, lines)
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
	lineOf := map[string]int{}
	var out []Participant
	for _, r := range sh.rows {
		id := r.cells["participant_id"]
		p, known := byFold[strings.ToLower(id)]
		if known && p.ID != id {
			sh.bad(r, "participant_id", "held as %s: use that spelling", p.ID)
			continue
		}
		if first, again := lineOf[strings.ToLower(id)]; again && id != "" {
			sh.bad(r, "participant_id", "is in line %d already", first)
			continue
		}
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
		acts = append(acts, participantAct(before, p))
	}
	for _, p := range held {
		if _, absent := rest[p.ID]; absent {
			done.Absent = append(done.Absent, p.ID)
		}
	}
	return done, acts, nil
}
