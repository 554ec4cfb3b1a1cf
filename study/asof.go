package study

import (
	"context"
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
)

// isNewest reports whether the name of a snapshot is one of the newest, whichever that is: then
// roster and windows are those of today.
func isNewest(which string) bool { return which == "" || which == "latest" }

// rosterAsOf are the participants as a snapshot has them, in order of id: id, cohort, site and
// status of each.
func (s *Study) rosterAsOf(ctx context.Context, which string) (people []cohort.Participant, err error) {
	t, err := s.queryOnly(ctx, which, []string{"participants"}, "", `
		select participant_id, coalesce(cohort, ''), coalesce(site, ''), coalesce(status, '') from participants order by participant_id`)
	for _, row := range t.Rows {
		people = append(people, cohort.Participant{ID: row[0].(string), Cohort: row[1].(string), Site: row[2].(string), Status: row[3].(string)})
	}
	return people, err
}

// windowsAsOf are the names of windows as a snapshot has them, in order.
func (s *Study) windowsAsOf(ctx context.Context, which string) (names []string, err error) {
	if isNewest(which) {
		windows, err := s.Cohort.Windows(ctx)
		return slices.Compact(slices.Sorted(slices.Values(mapped(windows, func(w cohort.Window) string { return w.Name })))), err
	}
	t, err := s.queryOnly(ctx, which, []string{"windows"}, "", `select distinct coalesce(window_name, "window") as name from windows order by name`)
	return mapped(t.Rows, func(row []any) string { return row[0].(string) }), err
}

// A NoWindowError says that there is no window of a name.
type NoWindowError struct {
	Name, Near string
	Known      []string
	Several    bool // it was asked for beside others
}

func (e *NoWindowError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no window %q, and no other", e.Name)
	}
	return fmt.Sprintf("there is no window %q; there is %s", e.Name, wordList(e.Known))
}

// CheckWindow refuses a window that the snapshot called which does not have, or windows.csv of
// today for the newest ("" or latest): a *NoWindowError. The empty name is none.
func (s *Study) CheckWindow(ctx context.Context, which, name string) error {
	if name == "" {
		return nil
	}
	names, err := s.windowsAsOf(ctx, which)
	if err != nil || slices.Contains(names, name) {
		return err
	}
	return &NoWindowError{Name: name, Near: plain.Nearest(name, names), Known: names}
}
