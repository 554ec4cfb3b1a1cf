package cohort

import (
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
	for name, text := range map[string]string{
		"site": p.Site, "cohort": p.Cohort, "arm": p.Arm, "status": p.Status, "timezone": p.Timezone, "region": p.Region,
		"status_date": textTime(p.StatusDate, dateLayout), "consent_date": textTime(p.ConsentDate, dateLayout),
		"anchor_date": textTime(p.AnchorDate, dateLayout), "study_start": textTime(p.StudyStart, dateLayout),
		"study_end": textTime(p.StudyEnd, dateLayout),
	} {
		if text != "" {
			f[name] = text
		}
	}
	return f
}

// participantActs are the changes from before to after, which are one
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
