package cohort

import (
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// difference returns the fields in which before and after do not agree; one
// that is not there is null.
func difference(before, after state.Fields) (from, to state.Fields) {
	from, to = state.Fields{}, state.Fields{}
	for _, fields := range []state.Fields{before, after} {
		for name := range fields {
			if before[name] != after[name] {
				from[name], to[name] = before[name], after[name]
			}
		}
	}
	return from, to
}

// fields are what the roster says of p, and whether it is paused.
func (p Participant) fields() state.Fields {
	f := state.Fields{"paused": p.Paused}
	if p.Deleted() {
		f["deleted_at"] = p.DeletedAt.Format(time.RFC3339Nano)
	}
	for _, c := range p.columns() {
		if text := c.text(); text != "" {
			f[c.name] = text
		}
	}
	return f
}

// participantAct is the change from before to after, which is one
// participant's; a before without ID is nobody.
func participantAct(before, after Participant) state.Act {
	act := state.Act{Subject: "participant", ParticipantID: after.ID}
	if before.ID == "" {
		act.After = after.fields()
		return act
	}
	act.Before, act.After = difference(before.fields(), after.fields())
	return act
}
