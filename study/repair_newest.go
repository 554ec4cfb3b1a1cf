package study

import (
	"context"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// begun reports whether an earlier repair set the newest manifest aside, and did not come to
// fold what it had.
func (r *repair) begun() (bool, error) {
	all, err := r.lake.Manifests()
	if err != nil {
		return false, err
	}
	return r.lake.AsideAfter(slices.Max(append(all, 0)))
}

// keepNewest leaves everything as it is, and reports so, where the newest manifest is
// damaged and the log is too, from where the manifest before it ends: only the manifest
// itself knows what it had.
func (r *repair) keepNewest(ctx context.Context, found Verified) (kept bool, err error) {
	before, err := r.readable()
	if err != nil {
		return false, err
	}
	lost := slices.DeleteFunc(slices.Clone(found.Damages), func(d Damage) bool {
		n, ok := lake.NumberOf(d.Path)
		return d.Kind != ManifestDamage || !ok || n <= before.Snapshot
	})
	if len(lost) == 0 {
		return false, nil
	}
	harm := r.readLog(ctx, before.LogPosition)
	if !is[*raw.DamageError](harm) {
		return false, harm
	}
	r.before, r.done.Before, r.done.Snapshot, r.done.NoReplay = before, before.Snapshot, before.Snapshot, harm
	r.done.Left = append(r.done.Left, lost...)
	r.keepRest(found)
	return true, nil
}

// readable is the newest manifest that can be read, the zero one if none can.
func (r *repair) readable() (lake.Manifest, error) {
	all, err := r.lake.Manifests()
	for _, n := range slices.Backward(all) {
		m, err := r.lake.Manifest(n)
		if !IsDamage(err) {
			return m, err
		}
	}
	return lake.Manifest{}, err
}

// readLog reads the log from a position on, with all bodies.
func (r *repair) readLog(ctx context.Context, from raw.Position) error {
	for e, err := range r.fold.Log.Entries(from) {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if _, err = e.Plain(); is[*raw.DamageError](err) { // others are no damage: it was dropped, or erased
			return err
		}
	}
	return nil
}
