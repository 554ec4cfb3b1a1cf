package page

import (
	"time"

	"github.com/dexetl/dexetl/report/figure"
)

// A Run is the page about one run: what it asked, what came, and what went wrong.
type Run struct {
	Command        string
	Started, Ended time.Time // UTC; Ended zero: it has not
	Outcome        string    // in words
	Good           bool      // nothing has to be done about it
	Facts          []Fact
	Failures       []Failure // participants of whom something that was due is not held
	Gone           int       // participants who are left out: they have withdrawn, or were deleted

	Resources, Participants, Rejects figure.Table
}

// A Failure is why something of a participant is not held.
type Failure struct{ Participant, Resource, Why, ToDo string }

func (Run) template() string { return "run" }
