package load

import (
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// newestRows says for every id of an answer's rows which of them counts: the
// last one, as transform has it. But the API serves the newest first, and an
// event's old state beside the new one, so of events the most final state does.
// A note counts if its event does; -1 says that the event came without one.
func (r *records) newestRows(a *answer) map[string]int32 {
	batch := a.batch.Tables[r.Resource]
	if batch == nil {
		return nil
	}
	if r.Name == r.Resource {
		return newestOf(r.shape, batch)
	}
	newest, notes := newestOf(shapeNamed(r.Resource), batch), notePlaces(a.batch.Noted)
	for id, row := range newest {
		newest[id] = notes[row]
	}
	return newest
}

func newestOf(s shape, batch arrow.RecordBatch) map[string]int32 {
	ids := s.text(batch, "record_id")
	newest := make(map[string]int32, ids.Len())
	for row := range ids.Len() {
		id := ids.Value(row)
		if old, ok := newest[id]; ok && finality(s, batch, row) < finality(s, batch, int(old)) {
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

// notePlaces says for every row of events which row of event_notes is its note;
// -1: it has none.
func notePlaces(noted []bool) []int32 {
	places, next := make([]int32, len(noted)), int32(0)
	for row, has := range noted {
		if places[row] = -1; has {
			places[row] = next
			next++
		}
	}
	return places
}

// unnote lets go of the notes whose events are in the answer without one: their
// value is a number now. That takes no second answer.
func (r *records) unnote(a *answer, newest map[string]int32) {
	months := slices.Sorted(maps.Keys(r.months))
	for id, note := range newest {
		if note >= 0 {
			continue
		}
		for _, place := range r.find(id, 0, months) {
			if r.rows[place].vanished == 0 {
				r.lose(a, id, place, a.AskedAt)
			}
		}
	}
}
