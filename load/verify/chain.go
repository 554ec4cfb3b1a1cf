package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
)

func compareText(a, b string) int { return strings.Compare(a, b) }

// readManifests reads all manifests, oldest first: each number is there or accounted for,
// and each manifest names the one before it as it is.
func (r *run) readManifests(ctx context.Context) error {
	all, err := r.Lake.IDs()
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		r.manifest(harm)
		return nil
	}
	if err != nil {
		return err
	}
	gone, err := r.Lake.Gone()
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		r.manifest(harm)
	} else if err != nil {
		return err
	}
	c := chain{run: r, gone: gone, sums: make(map[int64][]string, len(all)), next: 1}
	for _, id := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		for ; c.next < id.Number; c.next++ {
			c.missing(c.next)
		}
		c.next = id.Number + 1
		if err := c.read(id); err != nil {
			return err
		}
	}
	if err := c.beyond(); err != nil {
		return err
	}
	replaced := slices.ContainsFunc(all, func(id lake.ID) bool {
		return id.Issue > 0 && !slices.Contains(all, lake.ID{Number: id.Number}) // an erasure under way has both
	})
	if replaced && !r.Lake.HasGone() { // the ones that were replaced were accounted for there
		r.manifest(&lake.DamageError{Path: lake.GoneFile, Err: fs.ErrNotExist})
	}
	return nil
}

// A chain is the manifests read so far.
type chain struct {
	*run
	gone lake.Gone
	sums map[int64][]string // of the file of each number, and of those that it stands for
	next int64              // the number that comes
}

func (c *chain) read(id lake.ID) error {
	sum, m, err := c.Lake.ManifestSHA256(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile
	}
	if id.Issue == 0 {
		c.report.Newest = lake.Manifest{}
	}
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		c.manifest(harm)
		return nil
	}
	if err != nil {
		return err
	}
	c.sums[id.Number] = append(c.sums[id.Number], sum, m.Replaces)
	if parent := c.sums[m.Parent]; parent != nil && m.ParentSHA256 != "" && !slices.Contains(parent, m.ParentSHA256) {
		c.manifest(&lake.DamageError{Path: lake.ManifestPath(m.Parent), Err: fmt.Errorf("snapshot %s was made from another one: sha256 is %s, it names %s", id, parent[0], m.ParentSHA256)})
	}
	if id.Issue > 1 { // the issue that it stands for is gone, and with it the sum of the first one
		delete(c.sums, id.Number)
	}
	c.report.Manifests++
	if id.Issue == 0 {
		c.report.Newest = m
	}
	for _, f := range m.Files {
		c.know(f, id.Number)
	}
	return nil
}

// know notes that manifest n has a file. What a path is is told by its content, so all
// manifests must say the same of it.
func (r *run) know(f lake.File, n int64) {
	k := r.files[f.Path]
	if k == nil {
		r.files[f.Path] = &known{File: f, first: n, last: n}
		return
	}
	if k.SHA256 != f.SHA256 || k.Bytes != f.Bytes || k.Rows != f.Rows {
		r.manifest(&lake.DamageError{Path: lake.ManifestPath(n), Err: fmt.Errorf("says of %s what snapshot %d does not", f.Path, k.last)})
	}
	k.last, k.Damaged = n, f.Damaged // a replay may have brought it back
}

func (r *run) manifest(harm *lake.DamageError) {
	r.report.Findings = append(r.report.Findings, Finding{DamageError: harm})
}

// missing finds a number without a manifest, unless it is known why.
func (c *chain) missing(n int64) {
	if _, removed := c.gone.Of(n); !removed && !c.Lake.IsAside(n) {
		c.manifest(&lake.DamageError{Path: lake.ManifestPath(n), Err: fs.ErrNotExist})
	}
}

// beyond finds a manifest that is gone after the newest one: a folder shows its snapshot,
// or latest leads to it.
func (c *chain) beyond() error {
	shown, err := c.Lake.Shown()
	shown = append(shown, c.Lake.Latest())
	slices.Sort(shown)
	for _, n := range slices.Compact(shown) {
		if n >= c.next && !c.Lake.HasManifest(n) {
			before := len(c.report.Findings)
			if c.missing(n); len(c.report.Findings) > before {
				c.report.Newest = lake.Manifest{}
			}
		}
	}
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		c.manifest(harm)
		return nil
	}
	return err
}

// tagged notes what is wrong with the manifest of a tag, in the place of what was found
// without it. Of one that cannot be read the tag is the last that knows of it.
func (r *run) tagged(t lake.Tag, harm *lake.DamageError) {
	i := slices.IndexFunc(r.report.Findings, func(f Finding) bool { return f.Path == harm.Path })
	if _, lost := errors.AsType[*lake.TaggedLossError](harm); !lost && i >= 0 {
		harm = &lake.DamageError{Path: harm.Path, Err: r.Lake.TaggedLoss(t, harm.Err)}
	} else if !lost {
		harm = &lake.DamageError{Path: t.Path(), Err: harm}
	}
	if i >= 0 {
		r.report.Findings[i].DamageError = harm
		return
	}
	r.manifest(harm)
}

// readTags finds tags that cannot be read, and those of a manifest that is another one than
// was tagged.
func (r *run) readTags(context.Context) error {
	gone, _ := r.Lake.Gone() // which was looked at
	tags, err := r.Lake.Tags()
	for _, t := range tags {
		id := t.ID()
		if _, removed := gone.Of(id.Number); removed && id.Issue == 0 && !r.Lake.HasManifest(id.Number) {
			continue // that is accounted for, and keeps nothing
		}
		_, wrong := r.Lake.Tagged(t)
		if harm, ok := errors.AsType[*lake.DamageError](wrong); ok && harm.Path != t.ID().Path() {
			continue // the folder of all manifests
		} else if ok {
			r.tagged(t, harm)
		} else if wrong != nil {
			return wrong
		}
	}
	for _, one := range joined(err) {
		harm, ok := errors.AsType[*lake.DamageError](one)
		if !ok {
			return err
		}
		r.manifest(harm)
	}
	return nil
}

// joined are the errors that errors.Join made err of.
func joined(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
