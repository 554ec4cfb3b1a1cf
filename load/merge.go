package load

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// A merge walks through the files and additions of a unit in the order of
// participants. It holds the rows of one participant and a batch per file.
type merge struct {
	*rewrite
	adds    map[string]arrow.RecordBatch
	drops   map[string]map[string][]int // participant, file
	waiting []string                    // participants with additions
	cursors []*cursor
}

func newMerge(ctx context.Context, r *rewrite, u *unit) *merge {
	m := &merge{rewrite: r, adds: u.adds, drops: make(map[string]map[string][]int)}
	m.waiting = slices.Sorted(slices.Values(u.ordered))
	for _, c := range r.changes {
		if len(c.drops) > 0 {
			m.drops[c.participant] = c.drops
		}
	}
	for _, f := range u.files {
		m.cursors = append(m.cursors, newCursor(ctx, r.lake, f, lake.ReadOptions{}))
	}
	return m
}

// next returns the rows of the next participant in order; none if all of them
// are dropped. The caller releases them.
func (m *merge) next() ([]arrow.RecordBatch, bool, error) {
	participant, ok := "", false
	if len(m.waiting) > 0 {
		participant, ok = m.waiting[0], true
	}
	for _, c := range m.cursors {
		p, more, err := c.peek()
		if err != nil {
			return nil, false, err
		}
		if more && (!ok || p < participant) {
			participant, ok = p, true
		}
	}
	if !ok {
		return nil, false, nil
	}
	if len(m.waiting) > 0 && m.waiting[0] == participant {
		m.waiting = m.waiting[1:]
	}
	batches, err := m.rowsOf(participant)
	return batches, true, err
}

func (m *merge) rowsOf(participant string) ([]arrow.RecordBatch, error) {
	var pieces []piece
	sorted := true // as they are
	for _, c := range m.cursors {
		if p, more, err := c.peek(); err != nil || !more || p != participant {
			continue
		}
		more, err := c.take(participant)
		if err != nil {
			releasePieces(pieces)
			return nil, err
		}
		sorted = sorted && len(pieces) == 0
		pieces = append(pieces, more...)
	}
	adds, drops := m.adds[participant], m.drops[participant]
	if adds == nil && !slices.ContainsFunc(pieces, func(p piece) bool { return len(drops[p.path]) > 0 }) && sorted {
		batches := make([]arrow.RecordBatch, len(pieces))
		for i, p := range pieces {
			batches[i] = p.rows
		}
		return batches, nil
	}
	defer releasePieces(pieces)
	return m.sorted(pieces, drops, adds), nil
}

// sorted puts what remains of pieces and the additions into the table's order.
func (m *merge) sorted(pieces []piece, drops map[string][]int, adds arrow.RecordBatch) []arrow.RecordBatch {
	var sources []arrow.RecordBatch
	var picks []pick
	for _, p := range pieces {
		gone := drops[p.path]
		for row := range int(p.rows.NumRows()) {
			if _, found := slices.BinarySearch(gone, p.first+row); !found {
				picks = append(picks, pick{int32(len(sources)), int32(row)})
			}
		}
		sources = append(sources, p.rows)
	}
	if adds != nil {
		for row := range int(adds.NumRows()) {
			picks = append(picks, pick{int32(len(sources)), int32(row)})
		}
		sources = append(sources, adds)
	}
	if len(picks) == 0 {
		return nil
	}
	if len(sources) == 1 && adds != nil { // in order already
		adds.Retain()
		return []arrow.RecordBatch{adds}
	}
	sortPicks(sources, picks, m.table.order)
	return []arrow.RecordBatch{gather(m.mem, m.table.schema, sources, picks)}
}

func (m *merge) close() {
	for _, c := range m.cursors {
		c.close()
	}
}
