package frozen

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/transform"
)

// A Snapshot is one of the lake, and is read a piece at a time: it stays as it is, whatever is
// committed meanwhile.
type Snapshot struct {
	Manifest lake.Manifest

	from      *Reader
	files     map[string][]lake.File               // by table
	computed  sync.Map                             // by table, files of those that were found
	withdrawn atomic.Pointer[map[string]time.Time] // by participant, from when on; nil: nobody looked
}

// Name is what the snapshot is called where one is asked for by name.
func (f *Snapshot) Name() string { return f.Manifest.ID().String() }

// Has reports whether the snapshot has a table: those of older programs lack some, and
// those that depend on the order of readings lie in the folders of the newest ones alone.
func (f *Snapshot) Has(t transform.Table) (bool, error) {
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
func (f *Snapshot) findComputed(t transform.Table) error {
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
	var names []string
	for _, t := range snapshot.Computed() {
		names = append(names, t.Name)
	}
	return names
})

// filesOf are the files of a table that the snapshot has.
func (f *Snapshot) filesOf(t transform.Table) []lake.File {
	if files, found := f.computed.Load(t.Name); found {
		return files.([]lake.File)
	}
	return f.files[t.Name]
}

// read reads a file of a table.
func (f *Snapshot) read(ctx context.Context, t transform.Table, of lake.File, o lake.ReadOptions) iter.Seq2[arrow.RecordBatch, error] {
	if isComputed(t) {
		return f.from.lake.ReadBeside(ctx, t, of, o)
	}
	return f.from.lake.Read(ctx, of, o)
}

// RowCount is how many rows a table has, vanished ones included; nil where the snapshot
// does not have it, or nobody can tell.
func (f *Snapshot) RowCount(t transform.Table) *int64 {
	if has, err := f.Has(t); err != nil || !has {
		return nil
	}
	rows := int64(0)
	for _, of := range f.filesOf(t) {
		rows += of.Rows
	}
	return &rows
}
