package extract

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// Withdrawals knows who has withdrawn, which it is asked before every request:
// another process may have recorded it a moment ago. Then the error is a
// *cohort.WithdrawnError.
type Withdrawals interface {
	Standing(ctx context.Context, participantID string) error
	Withdrawn(ctx context.Context) (participantIDs []string, err error)
}

// Claims keeps two processes from fetching a participant at the same time. Claim
// also renews claims of the same owner. It says of which participants there is no
// claim, and why: of one who has withdrawn, *cohort.WithdrawnError.
type Claims interface {
	Claim(ctx context.Context, participantIDs []string, owner string, ttl time.Duration) (refused map[string]error, err error)
	Unclaim(ctx context.Context, participantIDs []string, owner string) error
}

// A Target is a participant's connection to fetch from. A participant with
// several accounts over time is several targets.
type Target struct {
	ParticipantID string
	ConnectionID  string      // empty: not connected
	App           string      // key of Fetcher.Clients
	Consented     plan.Window // see Consented
	Reason        string      // why Consented is empty
	Interval      plan.Window // nothing beyond it is asked for in this run; zero: no bounds

	// SameAccount are the participant's other connections, ended or not, that lead to
	// the same Dexcom account: what came through them is read again through this one.
	SameAccount []string

	// Refused are the resources that were refused when they were last asked for.
	// Of each, one window goes ahead of the others.
	Refused []dexcom.Resource

	// Tried is when a run last did all it could for the participant, if only in
	// vain: who was tried least recently comes first; zero: never.
	Tried time.Time
}

// A Run says what to fetch.
type Run struct {
	ID string // ULID; in the log's headers, and the owner of claims
	plan.Job
	Quota       *call.Quota   // nil: any number of calls
	MaxDuration time.Duration // of fetching; 0: any
}

// A Fetcher fetches answers into the raw log. Its fields are set before use and
// then frozen.
type Fetcher struct {
	Clients map[string]call.API // by app
	Tokens  call.Tokens
	Log     *raw.Log
	Cache   plan.Cache  // of the index of Log; nil: all of Log is read anew
	Budget  call.Budget // nil: no other process calls
	Claims  Claims      // nil: no other process fetches

	Accounts    Accounts    // nil: whose an answer is, is not looked at
	Withdrawals Withdrawals // nil: nobody withdraws meanwhile

	// Reached is called when an app answers again after it seemed to be out of
	// reach: what failed meanwhile says nothing. Nil: nobody needs to know.
	Reached func(app string)

	CallsPerHour int               // of each app; 0: 54,000
	Concurrency  int               // calls at a time, of each app; 0: 16
	Resources    []dexcom.Resource // to fetch; nil: all
	Now          func() time.Time  // dates what is asked; nil: time.Now
	Rand         *rand.Rand        // spreads waits; nil: seeded by chance
	Logger       *slog.Logger      // nil: none
	Progress     func(Progress)    // called after each answer, never twice at a time; nil: none

	keepAfter int // see the constant of that name, which it is unless a test sets it
}

// Progress says how far a run is.
type Progress struct {
	Participants, ParticipantsDone int
	Counts                         // so far; Planned grows as participants are looked at
}
