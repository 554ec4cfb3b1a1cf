package extract

import (
	"context"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/call"
)

// An Outcome sums up a run.
type Outcome string

// The outcomes. Each has an exit code of its own: 0, 3, 4, 5, 8 and 130.
const (
	Done           Outcome = "done"            // everything that was due is held; perhaps nothing was
	Partial        Outcome = "partial"         // some participants failed or have open windows
	Later          Outcome = "later"           // the API takes no calls now: limit, outage, or nothing at all got through
	ConsentMissing Outcome = "consent_missing" // only consents are missing, all else is done
	Stopped        Outcome = "stopped"         // the run used up the calls or the time it was given; running again goes on
	Interrupted    Outcome = "interrupted"     // the context ended; running again goes on
)

// The kinds of flags: what a person should know and no error says.
const (
	FlagEmptyWithRange   = "empty_with_range"  // asked twice, no records where dataRange shows one
	FlagClippedRange     = "clipped_range"     // dataRange shows implausible times, which were not asked for
	FlagNothingConsented = "nothing_consented" // the detail says why and what to do
	FlagNoConnection     = "no_connection"     // the participant never connected an account
	FlagClaimed          = "claimed"           // another process is fetching this participant
	FlagWithdrawn        = "withdrawn"         // the participant withdrew while the run was under way
	FlagClippedInterval  = "clipped_interval"  // of the interval that was asked for not all is consented, or nothing is there
)

// A Flag is a remark on a participant.
type Flag struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
}

// Counts say how much was done. Windows include devices, which take none, and
// leave out dataRange.
type Counts struct {
	Calls   int   `json:"calls"`   // requests sent, repetitions included
	Answers int   `json:"answers"` // appended to the log
	Records int   `json:"records"` // in them
	Bytes   int64 `json:"bytes"`   // of their bodies as received
	Planned int   `json:"planned"` // windows that were due
	Fetched int   `json:"fetched"` // of them, answered
	Open    int   `json:"open"`    // of them, not answered: the next run asks for them
}

func (c *Counts) add(o Counts) {
	c.Calls += o.Calls
	c.Answers += o.Answers
	c.Records += o.Records
	c.Bytes += o.Bytes
	c.Planned += o.Planned
	c.Fetched += o.Fetched
	c.Open += o.Open
}

// A ParticipantReport says what a run did for one participant.
type ParticipantReport struct {
	ParticipantID string
	Counts
	Flags   []Flag
	Refused []Refusal // what cannot be had, one for each resource, in the order in which it was met

	// Err is the first error that left something open and may not come again; if
	// there is none, the first refusal's; nil: nothing is open.
	Err   error
	Ended bool // all was tried: without Err, everything that was due is held
}

// Flagged reports whether there is a flag of a kind.
func (p ParticipantReport) Flagged(kind string) bool {
	return slices.ContainsFunc(p.Flags, func(f Flag) bool { return f.Kind == kind })
}

// OnlyRefused reports whether all that is open of the participant was refused, so
// that no later run brings it unless the study team does something.
func (p ParticipantReport) OnlyRefused() bool {
	_, refused := refusalOf(p.Err)
	return refused
}

// A Report says what a run did.
type Report struct {
	Counts                           // of all participants
	Participants []ParticipantReport // in the order of their ids
	Outcome      Outcome
	Stop         *call.StopError // why the outcome is Stopped; else nil
	Over         []error         // *LimitError or *OutageError of each app that was given up for this run
}

// sum fills the totals and the outcome of a run that nobody interrupted.
func (r *Report) sum() {
	var failed, later, consents int
	over, through := false, false // an app was given up; any windows, or participants with nothing due
	for _, p := range r.Participants {
		r.add(p.Counts)
		through = through || p.Fetched > 0 || p.Err == nil && p.Answers > 0
		over = over || call.AppOver(p.Err) != nil
		switch {
		case p.Err == nil:
			continue
		case consentMissing(p.Err):
			consents++
		case passing(p.Err):
			later++
		}
		failed++
	}
	switch {
	case failed == 0:
		r.Outcome = Done
	case consents == failed:
		r.Outcome = ConsentMissing
	case over, later > 0 && later+consents == failed && !through:
		r.Outcome = Later
	default:
		r.Outcome = Partial
	}
}

// errNoConnection is the error of a participant without a connection.
var errNoConnection = errors.New("not connected")

// interrupted reports whether err says that the context ended.
func interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
