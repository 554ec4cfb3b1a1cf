package cohort

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Window is an analysis window of windows.csv: dates or study days, both
// ends inclusive.
type Window struct {
	ParticipantID    string // or "*" for everyone
	Name             string
	Start, End       time.Time // midnight UTC of local dates; zero when days are given
	StartDay, EndDay int       // study days: 1 is the anchor date, -1 the day before; 0 when dates are given
}

func windows() list[Window] {
	return list[Window]{
		name: "windows", subject: "window", parse: windowLines,
		layout: layout{
			kind: Windows, file: "windows.csv",
			columns:  []string{"participant_id", "window", "start", "end", "start_day", "end_day"},
			required: []string{"participant_id", "window"},
		},
		all: "select participant_id, window, start_date, end_date, start_day, end_day from windows order by participant_id, window",
		scan: func(row func(...any) error) (w Window, err error) {
			err = row(&w.ParticipantID, &w.Name, textual{&w.Start, dateLayout}, textual{&w.End, dateLayout}, &w.StartDay, &w.EndDay)
			return w, rowError("windows", w.ParticipantID, err)
		},
		insert: "insert into windows (participant_id, window, start_date, end_date, start_day, end_day) values (?, ?, ?, ?, ?, ?)",
		values: func(w Window) []any {
			return []any{w.ParticipantID, w.Name, textTime(w.Start, dateLayout), textTime(w.End, dateLayout), w.StartDay, w.EndDay}
		},
		key: func(w Window) string { return w.ParticipantID + " " + w.Name },
		who: func(w Window) string { return strings.TrimSuffix(w.ParticipantID, "*") },
		fields: func(w Window) state.Fields {
			if w.StartDay != 0 {
				return state.Fields{"window": w.Name, "start_day": w.StartDay, "end_day": w.EndDay}
			}
			return state.Fields{"window": w.Name, "start": textTime(w.Start, dateLayout), "end": textTime(w.End, dateLayout)}
		},
	}
}

// ImportWindows replaces all windows by those of a file. It takes all lines or
// none; what is wrong is a *CSVError. Before all are taken out, mayEmpty is asked; nil:
// nobody is.
func (c *Cohort) ImportWindows(ctx context.Context, r io.Reader, mayEmpty func(held []Window) error) (Replacement[Window], error) {
	return windows().load(ctx, c.Store, r, mayEmpty)
}

// Windows lists the windows in order of participant and name.
func (c *Cohort) Windows(ctx context.Context) ([]Window, error) { return windows().read(ctx, c.Store) }

// WindowsOf are those of windows that hold for a participant: one for everyone gives way
// to one of theirs of the same name.
func WindowsOf(id string, windows []Window) (of []Window) {
	own := make(map[string]bool)
	for _, w := range windows {
		if w.ParticipantID == id {
			own[w.Name] = true
		}
	}
	for _, w := range windows {
		if w.ParticipantID == id || w.ParticipantID == "*" && !own[w.Name] {
			of = append(of, w)
		}
	}
	return of
}

func windowLines(sh *sheet, held []Participant) []Window {
	type key struct{ participant, window string }
	lineOf := map[key]int{}
	known := byID(held)
	var out []Window
	for _, r := range sh.rows {
		w := Window{ParticipantID: r.cells["participant_id"], Name: r.cells["window"]}
		if w.ParticipantID != "*" {
			sh.participant(r, known, held)
		}
		if w.Name == "" {
			sh.bad(r, "window", "is empty")
		}
		k := key{w.ParticipantID, w.Name}
		if first, again := lineOf[k]; again {
			sh.bad(r, "window", "participant %s has it in line %d already", w.ParticipantID, first)
		}
		lineOf[k] = r.line
		sh.span(r, &w)
		out = append(out, w)
	}
	return out
}

// span reads the two ends of a window, as dates or as study days.
func (s *sheet) span(r sheetRow, w *Window) {
	given := func(column string) bool { return r.cells[column] != "" }
	dates, days := given("start") || given("end"), given("start_day") || given("end_day")
	switch {
	case dates && days:
		s.bad(r, "", "has both dates and study days")
	case dates && given("start") && given("end"):
		w.Start, w.End = s.date(r, "start"), s.date(r, "end")
		if !w.Start.IsZero() && !w.End.IsZero() && w.End.Before(w.Start) {
			s.bad(r, "end", "before start %s", r.cells["start"])
		}
	case days && given("start_day") && given("end_day"):
		w.StartDay, w.EndDay = s.studyDay(r, "start_day"), s.studyDay(r, "end_day")
		if w.StartDay != 0 && w.EndDay != 0 && w.EndDay < w.StartDay {
			s.bad(r, "end_day", "before start_day %s", r.cells["start_day"])
		}
	default:
		s.bad(r, "", "needs start and end, or start_day and end_day")
	}
}

func (s *sheet) studyDay(r sheetRow, column string) int {
	const far = 100_000 // days, either way: beyond it is a typing error
	n, err := strconv.Atoi(r.cells[column])
	switch {
	case err != nil || n < -far || n > far:
		s.bad(r, column, "not a study day")
		return 0
	case n == 0:
		s.bad(r, column, "there is no study day 0: day 1 is the anchor date, -1 the day before")
	}
	return n
}

func byID(held []Participant) map[string]bool {
	known := make(map[string]bool, len(held))
	for _, p := range held {
		known[p.ID] = true
	}
	return known
}

// participant notes a participant_id that nobody has.
func (s *sheet) participant(r sheetRow, known map[string]bool, held []Participant) bool {
	id := r.cells["participant_id"]
	if known[id] {
		return true
	}
	near := ""
	if len(s.errs) < shownLines { // beyond them nobody reads it, and it takes time
		near = nearestID(id, held)
	}
	switch {
	case id == "":
		s.bad(r, "participant_id", "is empty")
	case near != "":
		s.bad(r, "participant_id", "not in the roster; did you mean %s?", near)
	default:
		s.bad(r, "participant_id", "not in the roster")
	}
	return false
}
