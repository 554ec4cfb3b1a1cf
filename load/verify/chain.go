package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
)

func compareText(a, b string) int { return strings.Compare(a, b) }

// readManifests reads all manifests, oldest first: each number is there or accounted for,
// and each manifest names the one before it as it is.
func (r *run) readManifests(ctx context.Context) error {
	all, err := r.Lake.Manifests()
	if err != nil {
		return err
	}
	sums := make(map[int64]string, len(all))
	next := int64(1)
	for _, n := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		for ; next < n; next++ {
			r.missing(next)
		}
		next = n + 1
		if err := r.readManifest(n, sums); err != nil {
			return err
		}
	}
	return r.beyond(next)
}

func (r *run) readManifest(n int64, sums map[int64]string) error {
	m, sum, err := r.Lake.ManifestFile(n)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed meanwhile
	}
	r.report.Newest = lake.Manifest{}
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		r.manifest(harm)
		return nil
	}
	if err != nil {
		return err
	}
	sums[n] = sum
	if parent := sums[m.Parent]; parent != "" && m.ParentSHA256 != "" && m.ParentSHA256 != parent {
		r.manifest(&lake.DamageError{Path: lake.ManifestPath(m.Parent), Err: fmt.Errorf("snapshot %d was made from another one: sha256 is %s, it names %s", n, parent, m.ParentSHA256)})
	}
	r.report.Manifests++
	r.report.Newest = m
	for _, f := range m.Files {
		r.know(f, n)
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
func (r *run) missing(n int64) {
	if !r.Lake.IsAside(n) {
		r.manifest(&lake.DamageError{Path: lake.ManifestPath(n), Err: fs.ErrNotExist})
	}
}

// beyond finds a manifest that is gone after the newest one: a folder shows its snapshot.
func (r *run) beyond(next int64) error {
	shown, err := r.Lake.Shown()
	for _, n := range shown {
		if n >= next && !r.Lake.IsAside(n) && !r.Lake.HasManifest(n) {
			r.manifest(&lake.DamageError{Path: lake.ManifestPath(n), Err: fs.ErrNotExist})
			r.report.Newest = lake.Manifest{}
		}
	}
	return err
}
