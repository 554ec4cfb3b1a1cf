package load

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// A merge walks through the files and additions of a unit in the order of
// participants. It holds the rows of one participant and a batch per file.
type merge struct {
	of      *rewrite
	files   *stream
	adds    map[string]arrow.RecordBatch
	drops   map[string]map[string][]int // participant, file
	waiting []string                    // participants with additions
}

func newMerge(ctx context.Context, r *rewrite, u *unit) *merge {
	m := &merge{of: r, files: newStream(ctx, r.table, r.step.loader.Lake, u.files), adds: u.adds, drops: make(map[string]map[string][]int)}
	m.waiting = slices.Sorted(slices.Values(u.ordered))
	for _, c := range r.changes {
		if len(c.drops) > 0 {
			m.drops[c.participant] = c.drops
		}
	}
	return m
}

// next returns the rows of the next participant in order; none if all of them
// are dropped. The caller releases them.
func (m *merge) next() ([]arrow.RecordBatch, bool, error) {
	participant, ok, err := m.files.peek()
	if err != nil {
		return nil, false, err
	}
	if len(m.waiting) > 0 && (!ok || m.waiting[0] <= participant) {
		participant, ok = m.waiting[0], true
		m.waiting = m.waiting[1:]
	}
	if !ok {
		return nil, false, nil
	}
	batches, err := m.rowsOf(participant)
	return batches, true, err
}

func (m *merge) rowsOf(participant string) ([]arrow.RecordBatch, error) {
	pieces, err := m.files.take(participant)
	if err != nil {
		return nil, err
	}
	adds, drops := m.adds[participant], m.drops[participant]
	changes := func(p piece) bool { return p.path != pieces[0].path || len(drops[p.path]) > 0 }
	if adds == nil && !slices.ContainsFunc(pieces, changes) { // sorted, and as they are
		return batchesOf(pieces), nil
	}
	defer releasePieces(pieces)
	return m.sorted(pieces, drops, adds), nil
}

// sorted puts what remains of pieces and the additions into the table's order.
func (m *merge) sorted(pieces []piece, drops map[string][]int, adds arrow.RecordBatch) []arrow.RecordBatch {
	if len(pieces) == 0 { // in order already
		adds.Retain()
		return []arrow.RecordBatch{adds}
	}
	from := batchesOf(pieces)
	if adds != nil {
		from.add(adds)
	}
	picks := from.picks(func(p pick) bool {
		if int(p.src) == len(pieces) {
			return true
		}
		of := pieces[p.src]
		_, dropped := slices.BinarySearch(drops[of.path], of.first+int(p.row))
		return !dropped
	})
	if len(picks) == 0 {
		return nil
	}
	from.sort(picks, m.of.table.order)
	return []arrow.RecordBatch{from.gather(m.of.step.loader.Mem, m.of.table.schema, picks)}
}

func (m *merge) close() { m.files.close() }
