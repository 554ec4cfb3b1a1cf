package load

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/reading"
)

// A Study is the state of the study that goes into the lake with every commit.
// The tables of transform say what the fields mean. Times are UTC, or naive
// wall clocks as if they were UTC; dates are their midnight; a zero time and
// empty text are null, and so is a nil pointer.
type Study struct {
	Participants []Participant
	Connections  []Connection
	Windows      []Window
	Exclusions   []Exclusion
	Withdrawals  []Withdrawal
	Erased       []string // participants of whom nothing is to be in the lake, whatever the log still has
	Settings     []Setting
	Runs         []Run
	Audit        []AuditLine

	RunsMatter bool // a change of Runs alone is reason to commit: every run changes them
}

// A Participant is a row of the roster.
type Participant struct {
	ID, Site, Cohort, Arm, Status                             string
	StatusDate, ConsentDate, AnchorDate, StudyStart, StudyEnd time.Time
	Timezone, Region                                          string
}

// A Connection joins a participant and a Dexcom account.
type Connection struct {
	ID, ParticipantID, Region, AccountHash, Status string
	ValidFrom, ValidTo                             time.Time
}

// A Window is a row of windows.csv: either dates or study days.
type Window struct {
	ParticipantID, Name string
	Start, End          time.Time
	StartDay, EndDay    *int32
}

// An Exclusion is an interval that metrics leave out, in local time.
type Exclusion struct {
	ParticipantID string
	From, To      time.Time
	Reason        string
}

// A Withdrawal says from when on a participant's records are not the study's.
type Withdrawal struct {
	ParticipantID           string
	EffectiveAt, RecordedAt time.Time
}

// A Setting is one setting that shapes the tables.
type Setting struct{ Key, Value string }

// A Run is one run that fetched or loaded.
type Run struct {
	ID, Command      string
	StartedAt, Ended time.Time
	ExitCode         *int32
	Calls, Answers   *int64
	Version          string
}

// An AuditLine is a line of the audit trail. Before and After are JSON objects.
type AuditLine struct {
	Seq                                  int64
	At                                   time.Time
	Who, Command, Subject, ParticipantID string
	Before, After, Reason, Hash          string
}

// people returns what readings need to know of each participant.
func (s Study) people() (map[string]reading.Person, error) {
	who := make(map[string]reading.Person, len(s.Participants))
	for _, p := range s.Participants {
		var person reading.Person
		if p.Timezone != "" {
			zone, err := time.LoadLocation(p.Timezone)
			if err != nil {
				return nil, fmt.Errorf("participant %s: %w", p.ID, err)
			}
			person.Zone = zone
		}
		if !p.AnchorDate.IsZero() {
			person.Anchor = reading.Some(int32(arrow.Date32FromTime(p.AnchorDate)))
		}
		who[p.ID] = person
	}
	for id, intervals := range s.excluded() {
		person := who[id]
		person.Excluded = reading.Merged(intervals)
		who[id] = person
	}
	return who, nil
}

// excluded are the exclusions by participant.
func (s Study) excluded() map[string][]reading.Interval {
	of := make(map[string][]reading.Interval)
	for _, e := range s.Exclusions {
		of[e.ParticipantID] = append(of[e.ParticipantID], reading.Interval{From: e.From.UnixMicro(), To: e.To.UnixMicro()})
	}
	return of
}

// accounts says to which account a connection leads, where that is known.
func (s Study) accounts() map[string]string {
	accounts := make(map[string]string, len(s.Connections))
	for _, c := range s.Connections {
		if c.AccountHash != "" {
			accounts[c.ID] = c.ParticipantID + " " + c.AccountHash
		}
	}
	return accounts
}

// table returns the rows of a table of the study, in the table's order.
func (s Study) table(mem memory.Allocator, name string) arrow.RecordBatch {
	b := newRows(mem, name)
	switch name {
	case "participants":
		for _, p := range s.Participants {
			b.row(p.ID, p.Site, p.Cohort, p.Arm, p.Status, day(p.StatusDate), day(p.ConsentDate), day(p.AnchorDate),
				day(p.StudyStart), day(p.StudyEnd), p.Timezone, p.Region)
		}
	case "connections":
		for _, c := range s.Connections {
			b.row(c.ID, c.ParticipantID, c.Region, c.AccountHash, c.Status, c.ValidFrom, c.ValidTo)
		}
	case "windows":
		for _, w := range s.Windows {
			b.row(w.ParticipantID, w.Name, day(w.Start), day(w.End), w.StartDay, w.EndDay, w.Name)
		}
	case "exclusions":
		for _, e := range s.Exclusions {
			b.row(e.ParticipantID, e.From, e.To, e.Reason)
		}
	case "withdrawals":
		for _, w := range s.Withdrawals {
			b.row(w.ParticipantID, w.EffectiveAt, w.RecordedAt)
		}
	case "settings":
		for _, t := range s.Settings {
			b.row(t.Key, t.Value)
		}
	case "runs":
		for _, r := range s.Runs {
			b.row(r.ID, r.Command, r.StartedAt, r.Ended, r.ExitCode, r.Calls, r.Answers, r.Version)
		}
	case "audit":
		for _, l := range s.Audit {
			b.row(l.Seq, l.At, l.Who, l.Command, l.Subject, l.ParticipantID, l.Before, l.After, l.Reason, l.Hash, l.At)
		}
	}
	return b.batch()
}
