package study

import (
	"errors"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/plan"
)

// A grant that is due gets a last look for late uploads, and while nobody gets
// through it waits for another late window, not longer.
func TestLastLook(t *testing.T) {
	const day = 24 * time.Hour
	s := open(t, nil)
	who := cohort.Participant{ID: "P001", Status: "enrolled", StudyEnd: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)}
	due := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC) // the end, and 30 days
	failed := extract.Report{Participants: []extract.ParticipantReport{{ParticipantID: "P001", Err: errors.New("network")}}}
	done := extract.Report{Participants: []extract.ParticipantReport{{ParticipantID: "P001"}}}
	elsewhere := extract.Report{Participants: []extract.ParticipantReport{{ParticipantID: "P001", Flags: []extract.Flag{{Kind: extract.FlagClaimed}}}}}
	whole, part := extract.Run{}, extract.Run{Job: plan.Job{Interval: plan.Window{Start: due, End: due.Add(day)}}}
	for _, tt := range []struct {
		name                         string
		status, roster               string
		at                           time.Time
		before, afterFailed, afterOK bool // destroyed then
	}{
		{"not due", "connected", "enrolled", due.Add(-time.Second), false, false, false},
		{"due", "connected", "enrolled", due, false, false, true},
		{"due, consent in doubt", "auth_suspect", "enrolled", due, false, true, true},
		{"due long since", "connected", "enrolled", due.Add(30 * day), true, false, true},
		{"completed, not due, nothing to be had", "needs_reconsent", "completed", due.Add(-day), true, true, true},
		{"consent lost, not due: a call may help", "needs_reconsent", "enrolled", due.Add(-day), false, false, false},
		{"no last look at who is lost", "connected", "lost", due, true, true, true},
		{"withdrawn", "connected", "withdrawn", due.Add(-90 * day), true, true, true},
		{"ended already", "ended", "withdrawn", due, false, false, false},
	} {
		who.Status = tt.roster
		c, ok, err := s.closing(who, consent.Connection{ParticipantID: "P001", Status: consent.Status(tt.status), AccountHash: "x"}, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		for _, moment := range []struct {
			name   string
			chosen closer
			want   bool
		}{{"before", beforeRun(tt.at), tt.before}, {"after a failure of", afterRun(whole, failed), tt.afterFailed}, {"after the success of", afterRun(whole, done), tt.afterOK},
			{"after the success of a part of", afterRun(part, done), tt.before && !c.last}, {"after another process did", afterRun(whole, elsewhere), tt.before && !c.last}} {
			if got := ok && moment.chosen(s, c); got != moment.want {
				t.Errorf("%s: destroyed %s the run: %t, want %t", tt.name, moment.name, got, moment.want)
			}
		}
	}
}
