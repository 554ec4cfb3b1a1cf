package study

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// clearWay takes the load lock, and sets aside what stands in the lake in the place of another
// kind: then the right one is gone, which the rest of a repair mends.
func (r *repair) clearWay(ctx context.Context, wait time.Duration) error {
	var aside []*lake.DamageError
	var err error
	if r.guard, aside, err = r.lake.LockToMend(ctx, wait, r.holder()); err != nil {
		return err
	}
	for _, harm := range aside {
		r.done.Mended = append(r.done.Mended, Mended{Damage: Damage{Kind: FolderDamage, Path: harm.Path, Err: harm.Err}, By: SetAside})
		if harm.Path == lake.GoneFile { // nothing else would miss it
			err = r.lake.GoneAnew()
		}
	}
	if err != nil {
		return err
	}
	return undamaged(r.study.sameStudy(ctx, r.lake))
}

// showAgain makes the folders of the newest snapshot and of tagged ones, if what was set aside
// stood in their place.
func (r *repair) showAgain(ctx context.Context) error {
	for _, m := range r.done.Mended {
		if m.By == SetAside && m.Kind == FolderDamage {
			if err := r.publish(ctx); err != nil {
				return undamaged(err)
			}
			return undamaged(r.study.vouchAll(ctx, r.lake))
		}
	}
	return nil
}
