package study

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// renewDamaged renews the folders in which something is not what was put there.
func (r *repair) renewDamaged(ctx context.Context, found Verified, _ bool) error {
	if err := r.lookAtLinks(ctx, &found); err != nil {
		return err
	}
	renewed, err := r.renewFolders(ctx, found.Damages)
	r.done.Mended = append(r.done.Mended, renewed...)
	return err
}

// lookAtLinks adds the folders that still link a data file as it was before it came back:
// while it was damaged, its links were no damage of their own.
func (r *repair) lookAtLinks(ctx context.Context, found *Verified) error {
	now := Verified{Report: found.Report}
	if err := r.study.verifyFolders(ctx, r.lake, &now); err != nil {
		return err
	}
	for _, d := range now.Damages {
		if !slices.ContainsFunc(found.Damages, func(known Damage) bool { return known.Path == d.Path }) {
			found.Damages = append(found.Damages, d)
		}
	}
	return nil
}

// renewFolders removes the folders that are damaged, and makes those of the newest snapshot
// and of tagged ones again.
func (l *loading) renewFolders(ctx context.Context, found []Damage) (renewed []Mended, err error) {
	dropped := make(map[int64]bool)
	for _, d := range found {
		if d.Kind != FolderDamage {
			continue
		}
		l.shown = 0 // whatever it was
		renewed = append(renewed, Mended{Damage: d, By: Republished})
		n, ok := shownAt(d.Path)
		if !ok || dropped[n] {
			continue
		}
		if err := snapshot.Drop(l.lake, n); err != nil {
			return nil, err
		}
		fault.Point("repair.folder_dropped")
		dropped[n] = true
	}
	err = l.publish(ctx)
	if newest, e := l.lake.Current(); e == nil && len(renewed) > 0 { // its folder may have been gone whole
		dropped[newest.Snapshot] = true
	}
	for n := range dropped {
		err = cmp.Or(err, l.vouchAgain(ctx, n))
	}
	for i, m := range renewed {
		n, ok := shownAt(m.Path)
		renewed[i].Equal = !ok || folderOf(l.lake, n) != "none"
	}
	return renewed, err
}

// vouchAgain makes the folder of a snapshot again, and what cites it, if it is tagged.
func (l *loading) vouchAgain(ctx context.Context, n int64) error {
	m, err := l.lake.Manifest(n)
	if IsDamage(err) {
		return nil
	}
	if err != nil {
		return err
	}
	cited, err := l.study.citations(l.lake, m)
	if err == nil && len(cited) > 0 {
		_, err = l.study.vouch(ctx, l.lake, m)
	}
	return err
}

// shownAt is the snapshot in whose folder a path lies.
func shownAt(path string) (int64, bool) {
	name, ok := strings.CutPrefix(path, "snapshots/")
	number, _, _ := strings.Cut(name, "/")
	id, is := lake.ParseID(number)
	return id.Number, ok && is
}

// renewLinks renews folders that have a data file as it was before a replay brought it back,
// and returns the damage that stays with older snapshots.
func (l *loading) renewLinks(ctx context.Context, before int64) (left []*lake.DamageError, err error) {
	newest, err := l.lake.Current()
	if err != nil {
		return nil, err
	}
	var now Verified
	now.Newest = newest
	if err := l.study.verifyFolders(ctx, l.lake, &now); err != nil {
		return nil, err
	}
	if _, err := l.renewFolders(ctx, now.Damages); err != nil {
		return nil, err
	}
	return l.leftDamaged(ctx, before, newest)
}

// leftDamaged are the damaged files that the newest snapshot does not have, but the one
// before or a tagged one does, and that no repair has marked.
func (l *loading) leftDamaged(ctx context.Context, before int64, newest lake.Manifest) (left []*lake.DamageError, err error) {
	tags, err := l.lake.Tags()
	if undamaged(err) != nil {
		return nil, err
	}
	ids := append([]lake.ID{{Number: before}}, mapped(tags, lake.Tag.ID)...)
	seen := make(map[string]bool)
	for _, f := range newest.Files {
		seen[f.Path] = true
	}
	for _, id := range ids {
		m, err := l.lake.ManifestOf(id)
		if IsDamage(err) || errors.Is(err, fs.ErrNotExist) {
			continue // which verify tells
		}
		if err != nil {
			return nil, err
		}
		more, err := l.damagedOf(ctx, m, seen)
		if err != nil {
			return nil, err
		}
		left = append(left, more...)
	}
	return left, nil
}

// damagedOf are the damaged files of m that are not marked, but for those seen before.
func (l *loading) damagedOf(ctx context.Context, m lake.Manifest, seen map[string]bool) (found []*lake.DamageError, err error) {
	for _, f := range m.Files {
		if seen[f.Path] {
			continue
		}
		seen[f.Path] = true
		err := cmp.Or(ctx.Err(), l.lake.Check(f))
		harm, ok := errors.AsType[*lake.DamageError](err)
		if err != nil && !ok {
			return nil, err
		}
		if ok && !isMarked(l.lake, Damage{Path: f.Path, Last: m.Snapshot}) {
			found = append(found, harm)
		}
	}
	return found, nil
}
