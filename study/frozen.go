package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
	"github.com/dexetl/dexetl/transform"
)

// keptSnapshots is how many snapshots a Reader remembers: the newest, and those that
// somebody pages through.
const keptSnapshots = 8

// A Reader reads snapshots for those who ask often. It remembers what it learned of
// manifests and files, and holds nothing open but the folder of the lake. Its methods
// may be called from several goroutines.
type Reader struct {
	Study *Study

	last atomic.Pointer[newestSeen] // the newest snapshot, as far as anybody looked

	mu   sync.Mutex
	lake *lake.Lake
	kept []*Frozen // the one used last comes first
	rows map[string]*spansOf
}

// A newestSeen is what the newest snapshot was when the folder of manifests was as old as
// this.
type newestSeen struct {
	*Frozen
	at time.Time
}

// A Frozen is one snapshot: it stays as it is, whatever is committed meanwhile.
type Frozen struct {
	Manifest lake.Manifest

	from      *Reader
	files     map[string][]lake.File               // by table
	computed  sync.Map                             // by table, files of those that were found
	withdrawn atomic.Pointer[map[string]time.Time] // by participant, from when on; nil: nobody looked
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
func (r *Reader) Newest() (*Frozen, error) {
	if last := r.last.Load(); last != nil && !r.stale(last) {
		return last.Frozen, nil
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
func (r *Reader) Snapshot(which string) (*Frozen, error) {
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
		return nil, &NoSnapshotError{ID: f.Manifest.ID()}
	}
	if !slices.EqualFunc(f.files["withdrawals"], newest.files["withdrawals"], func(a, b lake.File) bool { return a.Path == b.Path }) {
		return nil, &GoneError{f.Name()}
	}
	return f, nil
}

// newest looks again.
func (r *Reader) newest() (*Frozen, error) {
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
	m, err := OpenSnapshot(r.lake, "latest")
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
func (r *Reader) named(which string) (*Frozen, error) {
	if f := r.remembered(which); f != nil {
		return f, nil
	}
	m, err := NamedSnapshot(r.lake, which)
	if err != nil {
		return nil, err
	}
	if f := r.remembered(m.ID().String()); f != nil {
		return f, nil
	}
	return r.keep(m), nil
}

// remembered is the one of a name, if it is remembered: then it comes first.
func (r *Reader) remembered(name string) *Frozen {
	i := slices.IndexFunc(r.kept, func(f *Frozen) bool { return f.Name() == name })
	if i < 0 {
		return nil
	}
	f := r.kept[i]
	r.kept = slices.Insert(slices.Delete(r.kept, i, i+1), 0, f)
	return f
}

func (r *Reader) keep(m lake.Manifest) *Frozen {
	f := &Frozen{Manifest: m, from: r, files: map[string][]lake.File{}}
	for _, file := range m.Files {
		f.files[file.Table] = append(f.files[file.Table], file)
	}
	for _, files := range f.files { // by time, so that readers may stop early
		slices.SortStableFunc(files, func(a, b lake.File) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Day, b.Day), cmp.Compare(a.FirstParticipant, b.FirstParticipant))
		})
	}
	r.kept = append([]*Frozen{f}, r.kept[:min(len(r.kept), keptSnapshots-1)]...)
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

// Name is what the snapshot is called where one is asked for by name.
func (f *Frozen) Name() string { return f.Manifest.ID().String() }

// SnapshotTable is the table of the newest snapshots, without rows where nothing was loaded
// yet.
func (r *Reader) SnapshotTable(limit int) (table.Table, error) {
	_, err := r.Newest()
	if is[*EmptyLakeError](err) {
		return table.Table{Schema: schemas.Snapshots().Schema(), Columns: schemas.Snapshots().Columns()}, nil
	}
	if err != nil {
		return table.Table{}, err
	}
	return SnapshotTable(r.lake, limit)
}

// Has reports whether the snapshot has a table: those of older programs lack some, and
// those that depend on the order of readings lie in the folders of the newest ones alone.
func (f *Frozen) Has(t transform.Table) (bool, error) {
	switch {
	case isComputed(t):
		err := f.findComputed(t)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	case t.Name == "glucose_days":
		return f.Manifest.KeepsDays(), nil
	}
	return true, nil
}

// findComputed looks for the files of a computed table.
func (f *Frozen) findComputed(t transform.Table) error {
	if _, found := f.computed.Load(t.Name); found {
		return nil
	}
	files, err := snapshot.ComputedFiles(f.from.lake, f.Manifest, t.Name)
	if err == nil {
		f.computed.Store(t.Name, files)
	}
	return err
}

// isComputed reports whether t is a table that lies beside the data files.
func isComputed(t transform.Table) bool { return slices.Contains(computedNames(), t.Name) }

var computedNames = sync.OnceValue(func() []string {
	return mapped(snapshot.Computed(), func(t transform.Table) string { return t.Name })
})

// filesOf are the files of a table that the snapshot has.
func (f *Frozen) filesOf(t transform.Table) []lake.File {
	if files, found := f.computed.Load(t.Name); found {
		return files.([]lake.File)
	}
	return f.files[t.Name]
}

// read reads a file of a table.
func (f *Frozen) read(ctx context.Context, t transform.Table, of lake.File, o lake.ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	if isComputed(t) {
		return f.from.lake.ReadBeside(ctx, t, of, o)
	}
	return f.from.lake.Read(ctx, of, o)
}

// RowCount is how many rows a table has, vanished ones included; nil where the snapshot
// does not have it, or nobody can tell.
func (f *Frozen) RowCount(t transform.Table) *int64 {
	if has, err := f.Has(t); err != nil || !has {
		return nil
	}
	rows := int64(0)
	for _, of := range f.filesOf(t) {
		rows += of.Rows
	}
	return &rows
}
