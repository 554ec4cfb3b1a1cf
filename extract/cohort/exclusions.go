package cohort

import (
	"context"
	"io"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// An Exclusion is an interval that metrics leave out. From (inclusive) and To
// (exclusive) are wall clocks of the participant: their fields count, their
// location, UTC, says nothing.
type Exclusion struct {
	ParticipantID string
	From, To      time.Time
	Reason        string
}

func exclusions() list[Exclusion] {
	return list[Exclusion]{
		name: "exclusions", subject: "exclusion", parse: exclusionLines,
		layout: layout{
			kind: Exclusions, file: "exclusions.csv",
			columns:  []string{"participant_id", "from", "to", "reason"},
			required: []string{"participant_id", "from", "to"},
			aliases:  map[string]string{"participant": "participant_id"},
		},
		all: "select participant_id, from_local, to_local, reason from exclusions order by participant_id, from_local, to_local",
		scan: func(row func(...any) error) (e Exclusion, err error) {
			err = row(&e.ParticipantID, textual{&e.From, localLayout}, textual{&e.To, localLayout}, &e.Reason)
			return e, rowError("exclusions", e.ParticipantID, err)
		},
		insert: "insert into exclusions (participant_id, from_local, to_local, reason) values (?, ?, ?, ?)",
		values: func(e Exclusion) []any {
			return []any{e.ParticipantID, textTime(e.From, localLayout), textTime(e.To, localLayout), e.Reason}
		},
		key: func(e Exclusion) string {
			return e.ParticipantID + " " + textTime(e.From, localLayout) + " " + textTime(e.To, localLayout)
		},
		who: func(e Exclusion) string { return e.ParticipantID },
		fields: func(e Exclusion) state.Fields {
			return state.Fields{"from": textTime(e.From, localLayout), "to": textTime(e.To, localLayout), "reason": e.Reason}
		},
	}
}

// ImportExclusions replaces all exclusions by those of a file. A date in the column to
// means that whole day. It takes all lines or none; what is wrong is a *CSVError. Before
// all are taken out, mayEmpty is asked; nil: nobody is.
func (c *Cohort) ImportExclusions(ctx context.Context, r io.Reader, mayEmpty func(held []Exclusion) error) (Replacement[Exclusion], error) {
	return exclusions().load(ctx, c.Store, r, mayEmpty)
}

// Exclusions lists the exclusions in order of participant and time.
func (c *Cohort) Exclusions(ctx context.Context) ([]Exclusion, error) {
	return exclusions().read(ctx, c.Store)
}

func exclusionLines(sh *sheet, held []Participant) []Exclusion {
	type key struct {
		participant string
		from, to    time.Time
	}
	lineOf := map[key]int{}
	known := byID(held)
	var out []Exclusion
	for _, r := range sh.rows {
		e := Exclusion{ParticipantID: r.cells["participant_id"], Reason: r.cells["reason"]}
		there := sh.participant(r, known, held)
		var fromOK, toOK bool
		e.From, _, fromOK = sh.localTime(r, "from")
		var whole bool
		e.To, whole, toOK = sh.localTime(r, "to")
		if whole {
			e.To = e.To.AddDate(0, 0, 1)
		}
		if !there || !fromOK || !toOK {
			continue
		}
		if !e.From.Before(e.To) {
			sh.bad(r, "to", "not after from %s", r.cells["from"])
			continue
		}
		k := key{e.ParticipantID, e.From, e.To}
		if first, again := lineOf[k]; again {
			sh.bad(r, "", "is in line %d already", first)
		}
		lineOf[k] = r.line
		out = append(out, e)
	}
	return out
}

// localTime reads a date (then whole is true) or a wall clock; a wrong one is
// noted.
func (s *sheet) localTime(r sheetRow, column string) (t time.Time, whole, ok bool) {
	text := r.cells[column]
	if t, err := ParseDate(text); err == nil {
		return t, true, true
	}
	for _, l := range []string{localLayout, "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(l, text); err == nil && t.Year() >= 1900 && t.Year() <= 2199 && t.Nanosecond() == 0 {
			return t, false, true
		}
	}
	switch {
	case text == "":
		s.bad(r, column, "is empty")
	default:
		s.bad(r, column, "not a local date or time like 2026-03-31 or 2026-03-31 14:30, without a zone")
	}
	return time.Time{}, false, false
}
