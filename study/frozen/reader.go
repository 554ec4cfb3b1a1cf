// Package frozen reads the lake of a study for those who ask often: one snapshot, which stays
// as it is whatever is committed meanwhile, piece by piece and in order.
package frozen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// keptSnapshots is how many snapshots a Reader remembers: the newest, and those that
// somebody pages through.
const keptSnapshots = 8

// A Reader reads snapshots for those who ask often. It remembers what it learned of
// manifests and files, and holds nothing open but the folder of the lake. Its methods
// may be called from several goroutines.
type Reader struct {
	Study *study.Study

	last atomic.Pointer[newestSeen] // the newest snapshot, as far as anybody looked

	mu   sync.Mutex
	lake *lake.Lake
	kept []*Snapshot // the one used last comes first
	rows map[string]*spansOf
}

// A newestSeen is what the newest snapshot was when the folder of manifests was as old as
// this.
type newestSeen struct {
	*Snapshot
	at time.Time
}

// A GoneError says that a snapshot is no longer shown: somebody has withdrawn since, and
// it has rows that the study no longer may use.
type GoneError struct{ Snapshot string }

func (e *GoneError) Error() string {
	return fmt.Sprintf("snapshot %s is of before a withdrawal", e.Snapshot)
}

// Close closes the lake. No snapshot of the Reader may be read from then on.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lake == nil {
		return nil
	}
	return r.lake.Close()
}

// Newest is the newest snapshot. If nothing was loaded yet it is an *EmptyLakeError.
func (r *Reader) Newest() (*Snapshot, error) {
	if last := r.last.Load(); last != nil && !r.stale(last) {
		return last.Snapshot, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest()
}

// stale reports whether there may be a newer snapshot. The one that follows may have been
// committed in the instant in which somebody looked, or may be gone by now: then the
// folder is of another time.
func (r *Reader) stale(last *newestSeen) bool {
	at, err := r.lake.ManifestsChanged()
	return err != nil || !at.Equal(last.at) || r.lake.HasManifest(last.Manifest.Snapshot+1)
}

// Snapshot is the snapshot called which, as NamedSnapshot has it; "" is the newest. One
// that does not exist is a *NoSnapshotError, one that a withdrawal has overtaken a
// *GoneError.
func (r *Reader) Snapshot(which string) (*Snapshot, error) {
	newest, err := r.Newest()
	if err != nil {
		return nil, err
	}
	if which == "" || which == "latest" || which == newest.Name() {
		// It may be old, and its next page asked for when it is the newest no more.
		if r.lake.MarkOpened(newest.Manifest.ID()) == nil {
			return newest, nil
		}
		return r.Newest()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := r.named(which)
	if err != nil {
		return nil, err
	}
	if r.lake.MarkOpened(f.Manifest.ID()) != nil {
		return nil, &study.NoSnapshotError{ID: f.Manifest.ID()}
	}
	if !slices.EqualFunc(f.files["withdrawals"], newest.files["withdrawals"], func(a, b lake.File) bool { return a.Path == b.Path }) {
		return nil, &GoneError{f.Name()}
	}
	return f, nil
}

// newest looks again.
func (r *Reader) newest() (*Snapshot, error) {
	if r.lake == nil {
		l, _, err := r.Study.Newest()
		if err != nil {
			return nil, err
		}
		r.lake, r.rows = l, map[string]*spansOf{}
	}
	at, err := r.lake.ManifestsChanged()
	if err != nil {
		return nil, err
	}
	m, err := study.OpenSnapshot(r.lake, "latest")
	if err != nil {
		return nil, err
	}
	f := r.remembered(m.ID().String())
	if f == nil {
		f = r.keep(m)
	}
	r.last.Store(&newestSeen{f, at})
	r.forget()
	return f, nil
}

// named is the one called which, remembered or read.
func (r *Reader) named(which string) (*Snapshot, error) {
	if f := r.remembered(which); f != nil {
		return f, nil
	}
	m, err := study.NamedSnapshot(r.lake, which)
	if err != nil {
		return nil, err
	}
	if f := r.remembered(m.ID().String()); f != nil {
		return f, nil
	}
	return r.keep(m), nil
}

// remembered is the one of a name, if it is remembered: then it comes first.
func (r *Reader) remembered(name string) *Snapshot {
	i := slices.IndexFunc(r.kept, func(f *Snapshot) bool { return f.Name() == name })
	if i < 0 {
		return nil
	}
	f := r.kept[i]
	r.kept = slices.Insert(slices.Delete(r.kept, i, i+1), 0, f)
	return f
}

func (r *Reader) keep(m lake.Manifest) *Snapshot {
	f := &Snapshot{Manifest: m, from: r, files: map[string][]lake.File{}}
	for _, file := range m.Files {
		f.files[file.Table] = append(f.files[file.Table], file)
	}
	for _, files := range f.files { // by time, so that readers may stop early
		slices.SortStableFunc(files, func(a, b lake.File) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Day, b.Day), cmp.Compare(a.FirstParticipant, b.FirstParticipant))
		})
	}
	r.kept = append([]*Snapshot{f}, r.kept[:min(len(r.kept), keptSnapshots-1)]...)
	return f
}

// forget drops what is known of files that no remembered snapshot has.
func (r *Reader) forget() {
	used := map[string]bool{}
	for _, f := range r.kept {
		for _, file := range f.Manifest.Files {
			used[file.Path] = true
		}
	}
	for path := range r.rows {
		if !used[path] {
			delete(r.rows, path)
		}
	}
}

// spansOf is which rows of a file are whose, once somebody has looked.
type spansOf struct {
	mu    sync.Mutex
	known bool
	spans []lake.Span
}

// spans says which rows of a file are whose. Whoever asks first looks, and others wait.
func (r *Reader) spans(ctx context.Context, f lake.File) ([]lake.Span, error) {
	r.mu.Lock()
	of := r.rows[f.Path]
	if of == nil {
		of = &spansOf{}
		r.rows[f.Path] = of
	}
	r.mu.Unlock()
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.known {
		return of.spans, nil
	}
	spans, err := r.lake.Spans(ctx, f)
	if err == nil {
		of.spans, of.known = spans, true
	}
	return spans, err
}

// SnapshotTable is SnapshotTable of the study, without rows where nothing was loaded yet.
func (r *Reader) SnapshotTable(p study.Past) (table.Table, error) {
	_, err := r.Newest()
	if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		return table.Table{Schema: schemas.Snapshots().Schema(), Columns: schemas.Snapshots().Columns()}, nil
	}
	if err != nil {
		return table.Table{}, err
	}
	return study.SnapshotTable(r.lake, p)
}
