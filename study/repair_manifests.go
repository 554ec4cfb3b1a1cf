package study

import (
	"errors"
	"io/fs"

	"github.com/dexetl/dexetl/load/lake"
)

// setAside takes manifests that cannot be read out of the lake, and reports whether the
// newest one was among them, so that another one is now.
func (r *repair) setAside(found Verified) (newest bool, err error) {
	for _, d := range found.Damages {
		if d.Kind != ManifestDamage {
			continue
		}
		n, ok := lake.NumberOf(d.Path)
		if !ok {
			if err := r.mendOther(d); err != nil {
				return newest, err
			}
			continue
		}
		if gone, err := r.lake.Gone(); err == nil && errors.Is(d.Err, fs.ErrNotExist) && n < found.Newest.Snapshot {
			if _, accounted := gone.Of(n); accounted { // by mendOther, just now
				continue
			}
		}
		tagged := is[*lake.TaggedLossError](d.Err)
		if !tagged || r.lake.HasManifest(n) || !r.lake.IsAside(n) {
			if err := r.lake.SetAside(n, d.Words(), r.study.Version); err != nil {
				return newest, err
			}
			newest = newest || found.Newest.Snapshot < n
		}
		if tagged { // no other snapshot is it, and its files stay until it is back or the tag is dropped
			r.done.Left = append(r.done.Left, d)
			continue
		}
		r.done.Mended = append(r.done.Mended, Mended{Damage: d, By: SetAside})
	}
	return newest, nil
}

// mendOther mends what stands beside the manifests that were committed: tags, manifests that
// were issued again, and the list of those that are gone.
func (r *repair) mendOther(d Damage) (err error) {
	by, mended := FromState, false
	id, issued := lake.IssueOf(d.Path)
	_, tag := lake.TagNamed(d.Path)
	switch {
	case tag:
		mended, err = r.retag(r.trail, d.Path)
	case d.Path == lake.GoneFile:
		by, mended, err = SetAside, true, r.lake.GoneAnew()
	case issued && !is[*lake.TaggedLossError](d.Err):
		by, mended, err = SetAside, true, r.lake.SetIssueAside(id)
	}
	if err != nil {
		return err
	}
	if !mended {
		r.done.Left = append(r.done.Left, d)
		return nil
	}
	r.done.Mended = append(r.done.Mended, Mended{Damage: d, By: by, Equal: tag})
	return nil
}
