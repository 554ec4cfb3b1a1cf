package study

import (
	"context"
	"slices"
)

// recover puts data files back that the folder of a snapshot still has, and looks again if
// there are any. Where a commit went around a file, only the log knows its rows.
func (r *repair) recover(ctx context.Context, found Verified) (Verified, error) {
	before := len(r.done.Mended)
	for _, f := range found.Findings {
		i := slices.IndexFunc(found.Damages, func(d Damage) bool { return d.Kind == DataDamage && d.Path == f.Path })
		if i < 0 || f.File.Damaged != "" {
			continue
		}
		back, err := r.lake.Recover(f.File)
		if err != nil {
			return found, err
		}
		if back {
			r.done.Mended = append(r.done.Mended, Mended{Damage: found.Damages[i], By: Relinked, Equal: true})
		}
	}
	if len(r.done.Mended) == before {
		return found, nil
	}
	return r.look(ctx)
}
