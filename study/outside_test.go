package study

import (
	"fmt"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A window is held against the dates of whom it is about: an end that is open lets all in,
// and so does a start where all history is fetched.
func TestWindowsOutside(t *testing.T) {
	oneAfterTheOther(t)
	date := func(text string) time.Time {
		at, err := cohort.ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	people := []cohort.Participant{
		{ID: "P001", StudyStart: date("2026-01-10"), StudyEnd: date("2026-03-01"), AnchorDate: date("2026-01-10")},
		{ID: "P002", StudyStart: date("2026-01-10")},
		{ID: "P003", Status: "completed", StudyStart: date("2026-01-10"), StatusDate: date("2026-02-01"), AnchorDate: date("2026-01-15")},
	}
	dated := func(id, first, last string) cohort.Window {
		return cohort.Window{ParticipantID: id, Name: "w", Start: date(first), End: date(last)}
	}
	days := func(first, last int) cohort.Window {
		return cohort.Window{ParticipantID: "*", Name: "w", StartDay: first, EndDay: last}
	}
	for _, tt := range []struct {
		window  cohort.Window
		history string
		want    string // wholly, partly, without a day 1
	}{
		{dated("P001", "2026-01-10", "2026-03-01"), "", "[]"},
		{dated("P001", "2026-01-09", "2026-01-10"), "", "[{w [] [P001] []}]"},
		{dated("P001", "2026-01-01", "2026-01-09"), "", "[{w [P001] [] []}]"},
		{dated("P001", "2026-01-01", "2026-01-09"), cohort.HistoryAll, "[]"},
		{dated("P001", "2026-03-01", "2026-03-02"), "", "[{w [] [P001] []}]"},
		{dated("P002", "2030-03-02", "2030-03-03"), "", "[]"},
		{dated("*", "2026-02-02", "2026-02-03"), "", "[{w [P003] [] []}]"},
		{days(1, 14), "", "[{w [] [] [P002]}]"},
		{days(-5, -1), "", "[{w [P001] [] [P002]}]"},
		{days(-6, 1), "", "[{w [] [P001 P003] [P002]}]"},
	} {
		s := open(t, nil)
		s.Config.Study.History = tt.history
		got, err := s.WindowsOutside([]cohort.Window{tt.window}, people)
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%+v, history %q: %v, %v, want %s", tt.window, tt.history, got, err, tt.want)
		}
	}

	both := []cohort.Window{dated("*", "2026-01-01", "2026-01-09"), dated("P001", "2026-01-10", "2026-01-11")}
	if got, err := open(t, nil).WindowsOutside(both, people); err != nil || fmt.Sprint(got) != "[{w [P002 P003] [] []}]" {
		t.Errorf("everybody's window and one of P001 of its name: %v, %v, want that of P001 to hold for P001", got, err)
	}
}
