package cohort

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/state"
)

// Every change of the study leaves lines that say what was before and after.
func TestChangesAreAudited(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	s.Store.By = state.Author{Who: "anna@lab", Command: "test", Reason: "why"}
	for _, step := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"add", func() error { return s.AddParticipant(ctx, Participant{ID: "P001", Cohort: "A"}) },
			[]string{`participant P001  {"cohort":"A","paused":false} why`}},
		{"roster", func() error {
			_, err := s.ImportRoster(ctx, strings.NewReader("participant_id,cohort\nP001,B\nP002,B\n"))
			return err
		}, []string{`roster   {"absent":0,"added":1,"changed":1,"file":"roster.csv","sha256":"…","unchanged":0} why`,
			`participant P001 {"cohort":"A"} {"cohort":"B"} why`, `participant P002  {"cohort":"B","paused":false} why`}},
		{"the same roster", func() error {
			_, err := s.ImportRoster(ctx, strings.NewReader("participant_id,cohort\nP001,B\nP002,B\n"))
			return err
		}, nil},
		{"a bad roster", func() error {
			if _, err := s.ImportRoster(ctx, strings.NewReader("participant_id,status\nP001,asleep\n")); err == nil {
				t.Error("a bad roster was taken")
			}
			return nil
		}, nil},
		{"pause", func() error { return s.SetPaused(ctx, "P001", true) }, []string{`participant P001 {"paused":false} {"paused":true} why`}},
		{"pause again", func() error { return s.SetPaused(ctx, "P001", true) }, nil},
		{"windows", func() error {
			_, err := s.ImportWindows(ctx, strings.NewReader("participant_id,window,start_day,end_day\n*,base,1,14\nP002,late,15,28\n"), nil)
			return err
		}, []string{`windows   {"file":"windows.csv","sha256":"…","windows":2} why`, `window   {"end_day":14,"start_day":1,"window":"base"} why`,
			`window P002  {"end_day":28,"start_day":15,"window":"late"} why`}},
		{"fewer windows", func() error {
			_, err := s.ImportWindows(ctx, strings.NewReader("participant_id,window,start_day,end_day\n*,base,1,14\n"), nil)
			return err
		}, []string{`windows   {"file":"windows.csv","sha256":"…","windows":1} why`, `window P002 {"end_day":28,"start_day":15,"window":"late"}  why`}},
		{"exclusions", func() error {
			_, err := s.ImportExclusions(ctx, strings.NewReader("participant_id,from,to,reason\nP002,2026-03-01,2026-03-01,MRI\n"), nil)
			return err
		}, []string{`exclusions   {"exclusions":1,"file":"exclusions.csv","sha256":"…"} why`,
			`exclusion P002  {"from":"2026-03-01T00:00:00","reason":"MRI","to":"2026-03-02T00:00:00"} why`}},
	} {
		before := len(trail(t, s))
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		var got []string
		for _, l := range trail(t, s)[before:] {
			after := l.After
			if _, sum, ok := strings.Cut(after, `"sha256":"`); ok {
				after = strings.Replace(after, sum[:64], "…", 1)
			}
			got = append(got, strings.Join([]string{l.Subject, l.ParticipantID, l.Before, after, l.Reason}, " "))
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s:\n got %q\nwant %q", step.name, got, step.want)
		}
	}
}
