package cohort

import (
	"maps"
	"reflect"
	"slices"

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

// replaced are the acts by which one list of rows takes the place of another:
// one for each row that goes, changes or comes, in order of their keys.
func replaced[T any](subject string, before, after []T, key func(T) string, who func(T) string, fields func(T) state.Fields) []state.Act {
	was, is := map[string]T{}, map[string]T{}
	for _, v := range before {
		was[key(v)] = v
	}
	for _, v := range after {
		is[key(v)] = v
	}
	keys := slices.Collect(maps.Keys(was))
	keys = slices.AppendSeq(keys, maps.Keys(is))
	slices.Sort(keys)
	var acts []state.Act
	for _, k := range slices.Compact(keys) {
		old, held := was[k]
		now, stays := is[k]
		act := state.Act{Subject: subject}
		if held {
			act.ParticipantID, act.Before = who(old), fields(old)
		}
		if stays {
			act.ParticipantID, act.After = who(now), fields(now)
		}
		if !reflect.DeepEqual(act.Before, act.After) {
			acts = append(acts, act)
		}
	}
	return acts
}
