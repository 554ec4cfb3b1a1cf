package load

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// When this many records and this share of those held in a window are gone at
// once, a second answer must agree, so much later.
const (
	manyMissing   = 20
	missingShare  = 0.20
	secondOpinion = 24 * time.Hour
)

// missing returns the present rows that the answer should have and lacks, and
// how many rows it should have. Another account lacking a record says nothing,
// and neither does an answer whose record could not be read. But the connection
// may be another one to the same account.
func (r *records) missing(a *answer, have map[string]int32) (places []int32, held int) {
	if !a.hasWindow() {
		return nil, 0
	}
	from, to := instant(a.WindowStart.Add(margin)), instant(a.WindowEnd.Add(-margin))
	unread := a.unread()
	for m := monthOf(from); m <= monthOf(to); m++ {
		in := r.months[m]
		if in == nil {
			continue
		}
		for _, place := range in.rows {
			rec := &r.rows[place]
			if rec.gone || rec.vanished != 0 || rec.time < from || rec.time > to {
				continue
			}
			source := r.sources[rec.src]
			if !r.step.study.sameAccount(r.text(source, "connection_id").Value(int(rec.row)), a.ConnectionID) {
				continue
			}
			held++
			id := r.text(source, "record_id").Value(int(rec.row))
			if _, ok := have[id]; !ok && !mentions(unread, id) {
				places = append(places, place)
			}
		}
	}
	return places, held
}

// mentions reports whether one of the records as sent has the id as a string.
func mentions(raw []string, id string) bool {
	for _, s := range raw {
		if strings.Contains(s, `"`+id+`"`) {
			return true
		}
	}
	return false
}

// vanish marks the missing rows, or lets them wait for a second answer. Notes
// do what their events do, which were judged before them.
func (r *records) vanish(a *answer, missing []int32, held int) {
	many := len(missing) >= manyMissing && float64(len(missing)) > missingShare*float64(held)
	if r.Name == r.resource {
		a.manyMissing = many
	} else {
		many = a.manyMissing
	}
	for _, place := range missing {
		rec := &r.rows[place]
		id := r.text(r.sources[rec.src], "record_id").Value(int(rec.row))
		since, waits := r.step.pendingSince(r.participant, r.Name, id)
		switch {
		case waits && a.AskedAt.Sub(since) < secondOpinion, many && !waits:
			if !waits {
				r.step.pend(r.participant, r.Name, id, a.AskedAt)
			}
			a.count(r.Name).Withheld++
			continue
		case !waits:
			since = a.AskedAt
		}
		r.change(a, id, place, "vanished")
		r.step.unpend(r.participant, r.Name, id)
		rec.vanished, rec.touched = instant(since), true
		a.count(r.Name).Vanished++
	}
}

// newestRows says for every id of an answer's rows which of them counts: the
// last one, as transform has it. But the API serves the newest first, and an
// event's old state beside the new one, so of events the most final state does.
func (r *records) newestRows(batch arrow.RecordBatch, tables map[string]arrow.RecordBatch) map[string]int32 {
	if r.Name == "event_notes" && tables["events"] != nil {
		return newestNotes(r.shape, batch, tables["events"])
	}
	ids := r.text(batch, "record_id")
	newest := make(map[string]int32, ids.Len())
	for row := range ids.Len() {
		id := ids.Value(row)
		if old, ok := newest[id]; ok && r.resource == "events" && finality(r.shape, batch, row) < finality(r.shape, batch, int(old)) {
			continue
		}
		newest[id] = int32(row)
	}
	return newest
}

// finality orders the states of an event; rows without one are equal.
func finality(s shape, batch arrow.RecordBatch, row int) int {
	if _, ok := s.place["event_status"]; !ok {
		return 0
	}
	return slices.Index([]string{"created", "updated", "deleted"}, s.text(batch, "event_status").Value(row))
}

// newestNotes picks the note of the event row that counts. Notes have no state
// of their own, but they come in the order of their events.
func newestNotes(s shape, notes, events arrow.RecordBatch) map[string]int32 {
	e := shapeNamed("events")
	ids, types := e.text(events, "record_id"), e.text(events, "event_type")
	best := make(map[string]int)    // event row that counts
	ordinal := make(map[string]int) // its place among the note events of its id
	count := make(map[string]int)   // note events of the id
	for row := range ids.Len() {
		id := ids.Value(row)
		if types.Value(row) == "notes" {
			count[id]++
		}
		if old, ok := best[id]; !ok || finality(e, events, row) >= finality(e, events, old) {
			best[id], ordinal[id] = row, count[id]
		}
	}
	noteIDs := s.text(notes, "record_id")
	seen := make(map[string]int)
	newest := make(map[string]int32, noteIDs.Len())
	for row := range noteIDs.Len() {
		id := noteIDs.Value(row)
		seen[id]++
		if _, ok := newest[id]; !ok || seen[id] <= ordinal[id] {
			newest[id] = int32(row)
		}
	}
	return newest
}
