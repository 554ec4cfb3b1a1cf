package cohort

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// recalled is what the lines of an audit trail say that the study is like. It is
// certain of nothing that lines which are missing or altered could have changed.
type recalled struct {
	withdrawn    map[string]time.Time      // from when, by participant: what no line takes back
	participants map[string]map[string]any // fields by participant
	whole        map[string]bool           // of whom the trail says all, from the beginning
	removed      map[string]bool           // who was taken out of the roster
	windows      map[string]row
	exclusions   map[string]row
	connections  map[string]ended
	erased       map[string]bool // what no line takes back

	last int64 // number of the last line, the highest
	gone bool  // a line was missing: of withdrawals it is certain only that there is one
}

// A row is one of a list that is replaced as a whole; nil fields: it was taken out.
type row struct {
	participant string
	fields      map[string]any
}

// Statuses of connections, as the trail has them.
const (
	statusEnded    = "ended"
	statusExported = "exported"
)

// An ended connection holds no grant that is used here.
type ended struct{ participant, status string }

func recall(lines []state.AuditLine) *recalled {
	r := &recalled{withdrawn: map[string]time.Time{}, connections: map[string]ended{}, erased: map[string]bool{}}
	r.forget()
	for _, l := range lines {
		if l.Altered || l.Seq > r.last+1 {
			r.forget()
			r.gone = true
		}
		r.last = max(r.last, l.Seq)
		if !l.Altered && !l.Erased {
			r.take(l)
		}
	}
	return r
}

// forget is for lines that are not there.
func (r *recalled) forget() {
	r.participants, r.windows, r.exclusions = map[string]map[string]any{}, map[string]row{}, map[string]row{}
	r.whole, r.removed = map[string]bool{}, map[string]bool{}
	maps.DeleteFunc(r.connections, func(_ string, c ended) bool { return c.status != statusEnded })
}

func (r *recalled) take(l state.AuditLine) {
	before, after := object(l.Before), object(l.After)
	switch l.Subject {
	case "withdrawal":
		text, _ := after["effective_at"].(string)
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			r.withdrawn[l.ParticipantID] = at
		}
	case state.ErasureSubject:
		r.erase(l.ParticipantID)
	case "participant":
		r.participant(l.ParticipantID, before, after)
	case "window":
		r.windows[l.ParticipantID+" "+textOf(before, after, "window")] = row{l.ParticipantID, after}
	case "exclusion":
		r.exclusions[l.ParticipantID+" "+textOf(before, after, "from")+" "+textOf(before, after, "to")] = row{l.ParticipantID, after}
	case "connection":
		id, _ := after["connection_id"].(string)
		switch status, said := after["status"].(string); {
		case !said:
		case status == statusEnded, status == statusExported:
			r.connections[id] = ended{l.ParticipantID, status}
		default:
			delete(r.connections, id)
		}
	}
}

// erase forgets what an older trail may still say of somebody who was erased.
func (r *recalled) erase(id string) {
	r.erased[id] = true
	delete(r.withdrawn, id)
	for _, of := range []map[string]bool{r.whole, r.removed} {
		delete(of, id)
	}
	delete(r.participants, id)
	maps.DeleteFunc(r.windows, func(_ string, w row) bool { return w.participant == id })
	maps.DeleteFunc(r.exclusions, func(_ string, e row) bool { return e.participant == id })
	maps.DeleteFunc(r.connections, func(_ string, c ended) bool { return c.participant == id })
}

// participant takes a line about one: of somebody who was there, the fields that
// changed; of somebody who was removed, none after.
func (r *recalled) participant(id string, before, after map[string]any) {
	known := r.participants[id]
	r.removed[id] = after == nil
	switch {
	case after == nil:
		delete(r.participants, id)
		delete(r.whole, id)
		return
	case before == nil:
		r.participants[id], r.whole[id] = after, true
		return
	}
	if known == nil { // what else there was is not known
		known = map[string]any{}
		r.participants[id] = known
	}
	for name, v := range after {
		known[name] = v
	}
}

// object reads a JSON object, nil for none.
func object(text string) map[string]any {
	var o map[string]any
	if text == "" || json.Unmarshal([]byte(text), &o) != nil {
		return nil
	}
	return o
}

// textOf is a field of whichever side has it.
func textOf(before, after map[string]any, name string) string {
	for _, side := range []map[string]any{after, before} {
		if text, ok := side[name].(string); ok {
			return text
		}
	}
	return ""
}

// asRead are fields as they are read back from a line.
func asRead(f state.Fields) map[string]any {
	return object(textObject(f))
}

// joined are the lines of one trail and of another that went on elsewhere: each once,
// and what the first does not have before what came in its place.
func joined(trail, elsewhere []state.AuditLine) []state.AuditLine {
	has := make(map[string]bool, len(trail))
	for _, l := range trail {
		has[l.Hash] = true
	}
	more := slices.DeleteFunc(slices.Clone(elsewhere), func(l state.AuditLine) bool { return has[l.Hash] })
	if len(more) == 0 {
		return trail
	}
	at := slices.IndexFunc(trail, func(l state.AuditLine) bool { return l.Seq >= more[0].Seq })
	if at < 0 {
		at = len(trail)
	}
	return slices.Concat(trail[:at], more, trail[at:])
}

// textObject is f as a line has it.
func textObject(f state.Fields) string {
	text, err := json.Marshal(f)
	if err != nil {
		return ""
	}
	return string(text)
}
