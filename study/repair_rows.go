package study

import (
	"context"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// needsRows reports whether d is about rows of the snapshot that is the newest.
func (r *repair) needsRows(d Damage) bool {
	return (d.Kind == DataDamage || d.Kind == RowsDamage) && d.Last == r.before.Snapshot
}

// lostRows are the damages to rows of the newest snapshot.
func (r *repair) lostRows(found Verified) []Damage {
	return slices.DeleteFunc(slices.Clone(found.Damages), func(d Damage) bool { return !r.needsRows(d) })
}

// bringBack makes a snapshot in which nothing is lost, if the log has all of it.
func (r *repair) bringBack(ctx context.Context, found Verified, aside bool) error {
	lost := r.lostRows(found)
	if len(lost) == 0 && !aside {
		r.done.Snapshot = r.before.Snapshot
		return nil
	}
	if len(lost) > 0 || r.before.Snapshot == 0 {
		err := r.replayAll(ctx)
		if err == nil {
			return r.compare(lost)
		}
		if !is[*load.LogError](err) && !is[*raw.DamageError](err) {
			return err
		}
		r.done.NoReplay = err
		// What a commit marks as damaged, no file from a backup brings back.
		if slices.ContainsFunc(lost, onlyInLog) {
			r.done.Left, r.done.Snapshot = append(r.done.Left, lost...), r.before.Snapshot
			return nil
		}
	}
	return r.foldOn(ctx, lost)
}

// onlyInLog reports whether d is about a file that nothing but the log brings back.
func onlyInLog(d Damage) bool {
	t, _ := transform.TableNamed(d.Table)
	return d.Kind == DataDamage && t.Kind != transform.Study
}

func (r *repair) replayAll(ctx context.Context) error {
	done, err := r.replay(ctx, false)
	if err == nil {
		r.done.Loaded, r.done.Snapshot = done.Result, done.Snapshot
	}
	if is[*EmptyLakeError](err) {
		return nil
	}
	return err
}

// compare holds the rows that came back against what the manifest says of those that were
// lost.
func (r *repair) compare(lost []Damage) error {
	now, err := r.lake.Current()
	if err != nil {
		return err
	}
	for _, d := range lost {
		part := func(m lake.Manifest) []lake.File {
			return slices.DeleteFunc(m.TableFiles(d.Table), func(f lake.File) bool { return f.Partition != d.Partition })
		}
		r.done.Mended = append(r.done.Mended, Mended{Damage: d, By: FromLog, Equal: lake.SameRows(part(r.before), part(now))})
	}
	return nil
}

// foldOn folds what the log has after the newest snapshot, without what is lost: tables of
// the study are written anew, other damaged files are marked.
func (r *repair) foldOn(ctx context.Context, lost []Damage) error {
	for _, d := range lost {
		if d.Kind != DataDamage {
			continue // the file is whole
		}
		r.fold.Damaged = append(r.fold.Damaged, &lake.DamageError{Path: d.Path, Err: d.Err})
	}
	_, err := r.loadOnce(ctx, true)
	if is[*raw.DamageError](err) && r.before.Snapshot > 0 {
		r.done.NoReplay, err = err, nil // it stays as it is
	}
	if err = errors.Join(err, r.publish(ctx)); err != nil {
		return err
	}
	now, err := r.lake.Current()
	if err != nil {
		return err
	}
	r.done.Loaded, r.done.Snapshot = r.total, now.Snapshot
	for _, d := range lost {
		i := slices.IndexFunc(now.Files, func(f lake.File) bool { return f.Path == d.Path })
		if i < 0 || d.Kind == DataDamage && now.Files[i].Damaged == "" && r.lake.Check(now.Files[i]) == nil {
			r.done.Mended = append(r.done.Mended, Mended{Damage: d, By: FromState, Equal: true})
		} else {
			r.done.Left = append(r.done.Left, d)
		}
	}
	return nil
}
