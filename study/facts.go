package study

import "time"

// A Fact is something that a person may want to know while a job goes on.
type Fact struct {
	Kind         FactKind
	Participants []string
	Because      string        // of TokensDestroyed
	At           time.Time     // of GoesOn
	Wait         time.Duration // at most so long
	Err          error
}

// A FactKind says what a Fact is about.
type FactKind int

// The kinds of facts, and which fields they have beside participants.
const (
	WaitsForCalls    FactKind = iota // the calls that the hour allows at once are used up
	WaitsForState                    // another process holds it
	WaitsForLoad                     // another process loads: Err, Wait
	LoadedLater                      // another process is loading, and will not take this in
	TokensDestroyed                  // Because
	TracesLeft                       // of destroyed tokens in the state's log, while another process uses it
	LeftOutPaused                    // nothing is asked for them: paused
	LeftOutOver                      // nor for these, whose part is over: each with the reason
	LeftOutWithdrawn                 // nor for these
	LeftOutEdited                    // nor for these, whose rows were edited: Err
	DatesInUTC                       // the roster has no time zone for them
	GoesOn                           // with what was stopped
	ErasesFirst                      // all that is held of them
	ErasureBegun                     // and not done: whoever loads next goes on with it
	DueAtNextSync                    // tokens that the next sync destroys: each with the reason
)

// Work is what takes long: fetching, which has the name of its plan.Mode, or one of these.
type Work string

// The kinds of work beside fetching.
const (
	Folding     Work = "fold"
	FoldingAnew Work = "fold anew" // the whole raw log
	Comparing   Work = "compare"
	Compacting  Work = "compact"
	ErasingWork Work = "erase"
	Verifying   Work = "verify"
)
