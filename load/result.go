package load

import (
	"cmp"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// Add adds what a later Load did to r, whose Tables must not be nil.
func (r *Result) Add(later Result) {
	r.Snapshot = later.Snapshot
	r.Commits += later.Commits
	r.Applied += later.Applied
	r.Held += later.Held
	r.Records += later.Records
	r.Rejected += later.Rejected
	r.Bytes += later.Bytes
	r.Conflicts += later.Conflicts
	r.Took += later.Took
	r.warn(later.Warnings)
	r.Harmed(later.Damaged...)
	for table, counts := range later.Tables {
		all := r.Tables[table]
		all.add(counts)
		r.Tables[table] = all
	}
}

// Harmed adds damaged files, each once.
func (r *Result) Harmed(files ...*lake.DamageError) {
	r.Damaged = byPath(slices.Concat(r.Damaged, files))
}

// warn adds warnings, each field and value once, in their order.
func (r *Result) warn(more []transform.Warning) {
	order := func(a, b transform.Warning) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
	}
	all := slices.Concat(r.Warnings, more) // Result is copied: its slice is not to be written to
	slices.SortStableFunc(all, order)
	merged := all[:0]
	for _, w := range all {
		if n := len(merged); n > 0 && order(merged[n-1], w) == 0 {
			merged[n-1].Count += w.Count
		} else {
			merged = append(merged, w)
		}
	}
	r.Warnings = merged
}
