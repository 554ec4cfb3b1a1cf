package load

import (
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// come takes the ids of an answer's records, and returns their places. Of the rows
// with one id the last one counts, as transform has it. But the API serves the
// newest first, and an event's old state beside the new one, so of events the most
// final state does.
func (r *records) come(a *answer) []int32 {
	r.answer++
	batch, of := a.batch.Tables[r.Resource], r.shape
	if batch == nil {
		return nil
	}
	if r.Name != r.Resource {
		of, r.notes = shapeNamed(r.Resource), notePlaces(a.batch.Noted)
	}
	come := r.number(of.text(batch, "record_id"))
	for row, id := range come {
		k := &r.ids[id]
		if k.answer == r.answer && finality(of, batch, row) < finality(of, batch, int(k.row)) {
			continue
		}
		k.answer, k.row = r.answer, int32(row)
	}
	return come
}

// newest returns the row with an id that counts, of the answer in hand; false: it
// does not have the id. A note counts if its event does; absent says that the event
// came without one.
func (r *records) newest(id int32) (row int32, ok bool) {
	switch k := &r.ids[id]; {
	case k.answer != r.answer:
		return absent, false
	case r.notes != nil:
		return r.notes[k.row], true
	default:
		return k.row, true
	}
}

// finality orders the states of an event; rows without one are equal.
func finality(s shape, batch arrow.RecordBatch, row int) int {
	if _, ok := s.place["event_status"]; !ok {
		return 0
	}
	return slices.Index([]string{"created", "updated", "deleted"}, s.text(batch, "event_status").Value(row))
}

// notePlaces says for every row of events which row of event_notes is its note;
// absent: it has none.
func notePlaces(noted []bool) []int32 {
	places, next := make([]int32, len(noted)), int32(0)
	for row, has := range noted {
		if places[row] = absent; has {
			places[row] = next
			next++
		}
	}
	return places
}

// unnote lets go of the notes whose events came without one: their value is a number
// now. That takes no second answer.
func (r *records) unnote(a *answer, come []int32) {
	months := slices.Sorted(maps.Keys(r.months))
	for row, id := range come {
		if r.ids[id].row != int32(row) || r.notes[row] != absent {
			continue
		}
		for _, place := range r.find(id, 0, months) {
			if r.rows[place].vanished == 0 {
				r.lose(a, r.idOf(place), place, a.AskedAt)
			}
		}
	}
}

// idOf is the id of the row at place.
func (r *records) idOf(place int32) string {
	rec := &r.rows[place]
	return r.text(r.sources[rec.src], "record_id").Value(int(rec.row))
}
