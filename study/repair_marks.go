package study

import (
	"context"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
)

// markOlder marks older snapshots with the files that are damaged still: a replay brings
// back a file if it makes the same one again.
func (r *repair) markOlder(ctx context.Context, found Verified, _ bool) error {
	marks := make(map[int64]*lake.Mark)
	for _, d := range found.Damages {
		if d.Kind != DataDamage {
			continue
		}
		still, err := r.markFile(ctx, d, marks)
		if err != nil {
			return err
		}
		if !r.needsRows(d) && !d.Known {
			by := FromLog
			if still {
				by = Replaced
			}
			r.done.Mended = append(r.done.Mended, Mended{Damage: d, By: by, Equal: !still})
		}
	}
	for _, m := range marks {
		if err := r.lake.SetMark(*m); err != nil {
			return err
		}
	}
	return nil
}

// markFile notes a file that is still damaged in the marks of the snapshots that have it.
func (r *repair) markFile(ctx context.Context, d Damage, marks map[int64]*lake.Mark) (still bool, err error) {
	all, err := r.lake.IDs()
	whole := false
	for _, id := range all {
		if err := ctx.Err(); err != nil {
			return still, err
		}
		if id.Number < d.First || id.Number > d.Last {
			continue
		}
		m, err := r.lake.ManifestOf(id)
		if IsDamage(err) {
			continue // removed, or set aside
		}
		if err != nil {
			return still, err
		}
		i := slices.IndexFunc(m.Files, func(f lake.File) bool { return f.Path == d.Path })
		if i < 0 || whole && m.Files[i].Damaged == "" {
			continue
		}
		harm := r.lake.Check(m.Files[i])
		if harm == nil { // whole again; another snapshot may go around it all the same
			whole = true
			continue
		}
		if !IsDamage(harm) {
			return still, harm // the disk does not work
		}
		still = true
		r.mark(id.Number, d, marks)
	}
	return still, err
}

// mark adds a damage to what is known of a snapshot.
func (r *repair) mark(n int64, d Damage, marks map[int64]*lake.Mark) {
	if marks[n] == nil {
		old, _ := r.lake.Mark(n) // one that cannot be read is written anew
		marks[n] = &lake.Mark{Snapshot: n, Program: r.study.Version, Files: old.Files}
	}
	has := slices.ContainsFunc(marks[n].Files, func(f lake.DamagedFile) bool { return f.Path == d.Path })
	if !has {
		marks[n].Files = append(marks[n].Files, lake.DamagedFile{Path: d.Path, Reason: d.Words()})
	}
}
