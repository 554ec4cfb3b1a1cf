package load

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// foldRejects adds the records that could not become rows, each once: the
// first answer that brought one keeps it.
func (s *step) foldRejects(ctx context.Context) error {
	t := shapeNamed("rejects")
	answers := make(map[string][]*answer)
	for _, a := range s.answers {
		if a.batch.Tables["rejects"] == nil {
			continue
		}
		if s.lost.of("rejects", a.ParticipantID) != nil {
			a.effect = true // when it is replayed
		} else {
			answers[a.ParticipantID] = append(answers[a.ParticipantID], a)
		}
	}
	return s.heldRows("rejects", "reject_id", "participant_id").each(ctx, slices.Sorted(maps.Keys(answers)), nil, func(p string, held []piece) error {
		known := make(map[string]bool)
		for _, piece := range held {
			ids := t.text(piece.rows, "reject_id")
			for row := range ids.Len() {
				known[ids.Value(row)] = true
			}
		}
		s.addRejects(t, p, answers[p], known)
		return nil
	})
}

// addRejects adds the rows of answers whose ids are not known.
func (s *step) addRejects(t shape, participant string, answers []*answer, known map[string]bool) {
	var from sources
	picks := make(map[string][]pick)
	for _, a := range answers {
		batch := a.batch.Tables["rejects"]
		src := from.add(batch)
		ids, times := t.text(batch, "reject_id"), t.times(batch, "seen_at")
		for row := range ids.Len() {
			if id := ids.Value(row); !known[id] {
				known[id] = true
				m := month(times.Value(row))
				picks[m] = append(picks[m], pick{src, int32(row)})
				a.count("rejects").Added++
			}
		}
	}
	for m, rows := range picks {
		from.sort(rows, t.order)
		s.edit("rejects", m, change{participant: participant, adds: from.gather(s.loader.Mem, t.schema, rows)})
	}
}

// A changeRow is a row of changes. Its resource is the table the record is in.
type changeRow struct {
	participant, resource, record, kind, before, request string
	seen                                                 time.Time
}

// addChanges turns what was noted on the way into rows of changes.
func (s *step) addChanges() {
	if n := len(s.changes); n > 0 {
		s.counted("changes", Counts{Added: n})
	}
	slices.SortStableFunc(s.changes, func(a, b changeRow) int { return cmp.Compare(a.participant, b.participant) })
	for from := 0; from < len(s.changes); {
		participant := s.changes[from].participant
		months := make(map[string]*rows)
		for ; from < len(s.changes) && s.changes[from].participant == participant; from++ {
			c := &s.changes[from]
			m := month(instant(c.seen))
			if months[m] == nil {
				months[m] = newRows(s.loader.Mem, "changes")
			}
			months[m].row(c.participant, c.resource, c.record, c.kind, c.before, c.request, c.seen)
			*c = changeRow{} // a change of everything is a lot of text
		}
		for m, b := range months {
			s.edit("changes", m, change{participant: participant, adds: b.batch()})
		}
	}
	s.changes = nil
}
