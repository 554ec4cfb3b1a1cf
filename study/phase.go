package study

import (
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// A Phase is where a participant is in the study: the one answer to whether anything is
// asked of them now, and if not, why.
type Phase int

// The phases, in the order in which they are looked for: the first that fits counts.
const (
	Withdrawn   Phase = iota // a withdrawal is on record
	Unrecorded               // the roster says withdrawn, and no withdrawal is on record
	TokensDue                // their status destroys the tokens at once
	Undated                  // the roster lacks a date, and the tokens are kept until it has it
	TokensKept               // nothing is asked; the tokens are kept for late uploads
	LastLook                 // the late window is over: one more look, and the tokens go
	Over                     // nothing more comes, and nothing is held
	Paused                   // by the study team
	Unscheduled              // the roster has no first day
	Upcoming                 // the first day is to come
	LateUploads              // the last day is over, and uploads are waited for
	Active
)

// PhaseOf is the phase of a participant who is on course at now. They have withdrawn or
// not; connection is the one that counts, zero for none; allHistory is study.history.
func PhaseOf(who cohort.Participant, course cohort.Course, connection consent.Connection, withdrawn, allHistory bool, now time.Time) Phase {
	held := connection.ID != "" && connection.Status != consent.Ended
	refused := connection.Status == consent.NeedsReconsent
	switch {
	case withdrawn:
		return Withdrawn
	case who.Status == "withdrawn":
		return Unrecorded
	case course.AtOnce && held:
		return TokensDue
	case course.Missing != "" && held:
		return Undated
	case !course.Asked && held && !course.Closed(now):
		return TokensKept
	case course.Closed(now) && held:
		return LastLook
	case course.Over(now) && (!held || who.Status == "completed" && refused), !course.Asked:
		return Over
	case who.Paused:
		return Paused
	case who.StudyStart.IsZero() && !allHistory:
		return Unscheduled
	case !allHistory && who.StudyStart.After(now.Add(24*time.Hour)):
		return Upcoming
	case course.Over(now):
		return LateUploads
	}
	return Active
}

// InStudy reports whether the participant's part goes on, so that consent, dates and data
// of theirs matter.
func (p Phase) InStudy() bool { return p > Paused }
