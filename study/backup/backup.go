package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// An Order asks for a backup.
type Order struct {
	To       string // folder: a new or empty one, or one with an older backup of the study
	LockWait time.Duration
}

// A Report says what a backup or a restore did.
type Report struct {
	Marker
	Dir   string // the folder that was written
	Files int    // copied
	Bytes int64  // of them
	Kept  int    // files that were there already
	Left  []string
}

// Make copies study s, whose state is open, into a folder.
//
// What is large and never changes is copied first, while runs go on. Then the load lock
// is held: no commit, no erasure and no collection of old files goes on while the rest is
// copied, the state last, so that it is never older than the lake.
func Make(ctx context.Context, s *study.Study, o Order) (Report, error) {
	b, err := prepare(ctx, s, o.To)
	if err != nil {
		return Report{}, err
	}
	if err := b.lake(ctx, dataTree, rawTree); err != nil {
		return Report{}, err
	}
	if err := b.locked(ctx, o.LockWait); err != nil {
		return Report{}, err
	}
	b.Finished = s.Now().UTC()
	if err := b.write(o.To); err != nil {
		return Report{}, err
	}
	act := state.Act{Subject: "backup", After: state.Fields{"snapshot": b.Snapshot, "begun_at": b.Begun.Format(time.RFC3339)}}
	return b.report(), s.Store.Audit(ctx, act)
}

// A making is a backup on its way.
type making struct {
	Marker
	study    *study.Study
	to       string
	copies   []*mirror
	lakeCopy *mirror
}

// prepare makes the folder say that a backup was begun in it.
func prepare(ctx context.Context, s *study.Study, to string) (*making, error) {
	key, err := s.Consents.BoundKey(ctx)
	if err != nil {
		return nil, err
	}
	for _, tree := range []string{s.LakePath(), s.StatePath()} {
		if durable.Within(tree, to) {
			return nil, &PlaceError{Dir: to, Inside: tree}
		}
	}
	if err := mayHold(to, key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(to, stateTree), 0o700); err != nil {
		return nil, err
	}
	b := &making{study: s, to: to, lakeCopy: &mirror{from: s.LakePath(), to: filepath.Join(to, lakeTree)}}
	b.Marker = Marker{Format: format, Study: key, Begun: s.Now().UTC(), Program: s.Version, State: s.Config.State.Path, Lake: s.Config.Lake.Path}
	b.copies = []*mirror{b.lakeCopy}
	return b, b.write(to)
}

// mayHold is nil if the folder is new, empty, or has a backup of the study with the key.
func mayHold(dir, key string) error {
	m, err := readMarker(dir)
	if none, ok := errors.AsType[*NotABackupError](err); ok && !none.Damaged {
		names, err := os.ReadDir(dir)
		if err == nil && len(names) > 0 {
			return &NotABackupError{Dir: dir, Full: true}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err == nil && m.Study != "" && m.Study != key {
		return &OtherStudyError{dir}
	}
	return err
}

// Trees of the lake. Snapshots' folders follow from the data, and are made again.
const (
	dataTree     = "data"
	rawTree      = "raw"
	manifestTree = "manifests"
)

// isPassing reports what of the lake's trees is of use to nobody else.
func isPassing(path string) bool {
	return path == dataTree+"/.staging" || strings.HasPrefix(filepath.Base(path), ".copying-")
}

func (b *making) lake(ctx context.Context, trees ...string) error {
	for _, name := range trees {
		if _, err := os.Stat(filepath.Join(b.study.LakePath(), name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := b.lakeCopy.tree(ctx, name, isPassing); err != nil {
			return err
		}
	}
	return nil
}

// locked copies what belongs together, and takes out what is gone. A study without a lake
// has nothing to be locked.
func (b *making) locked(ctx context.Context, wait time.Duration) error {
	err := b.study.Locked(ctx, wait, func(l *lake.Lake) error {
		m, err := l.Current()
		if err != nil {
			return err // what the backup has may be what is missing here
		}
		b.Snapshot = m.Snapshot
		trees, err := besides(b.study.LakePath())
		if err != nil {
			return err
		}
		if err := b.lake(ctx, trees...); err != nil {
			return err
		}
		if err := b.lakeCopy.prune(".", isPassing); err != nil {
			return err
		}
		return b.rest(ctx)
	})
	if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		return b.rest(ctx)
	}
	return err
}

// besides are the names in the lake's folder that are copied, the data first: what a
// manifest names is there before it.
func besides(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := []string{dataTree, rawTree}
	for _, entry := range entries {
		switch name := entry.Name(); name {
		case dataTree, rawTree, manifestTree, "snapshots", "latest", "load.lock":
		default:
			if !strings.HasPrefix(name, ".") {
				names = append(names, name)
			}
		}
	}
	return append(names, manifestTree), err
}

// rest copies the state and the files of the study's folder.
func (b *making) rest(ctx context.Context) error {
	s := b.study
	sealed := &mirror{from: s.StatePath(), to: filepath.Join(b.to, stateTree)}
	own := &mirror{from: s.Dir, to: b.to}
	b.copies = append(b.copies, sealed, own)
	if err := s.Store.CopyInto(ctx, sealed.to); err != nil {
		return err
	}
	if err := sealed.tree(ctx, ".", isCopiedOtherwise); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && entry.Name() != markerFile {
			if err := own.file(entry.Name()); err != nil {
				return err
			}
		}
	}
	if err := b.named(own); err != nil {
		return err
	}
	return errors.Join(b.pruneOwn(), durable.SyncFolder(b.to), sealed.prune(".", isOfProcesses))
}

// named copies the files of the study's folder that the configuration names; others are
// left out.
func (b *making) named(own *mirror) error {
	s := b.study
	for _, path := range s.Config.Files() {
		rel, err := filepath.Rel(s.Dir, s.Path(path))
		if err != nil || !filepath.IsLocal(rel) {
			own.Left = append(own.Left, s.Path(path))
		} else if err := own.file(rel); err != nil {
			return err
		}
	}
	return nil
}

// pruneOwn takes out files beside the configuration that the study has no more.
func (b *making) pruneOwn() error {
	entries, err := os.ReadDir(b.to)
	for _, entry := range entries {
		if entry.IsDir() || entry.Name() == markerFile {
			continue
		}
		if _, gone := os.Lstat(filepath.Join(b.study.Dir, entry.Name())); errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, os.Remove(filepath.Join(b.to, entry.Name())))
		}
	}
	return err
}

// isCopiedOtherwise reports what of the state's folder is not copied file by file.
func isCopiedOtherwise(path string) bool {
	return path == "state.db" || path == state.AuditFile || isOfProcesses(path)
}

// isOfProcesses reports what of the state's folder is of use to nobody else: files of
// processes at work, and room that is kept free.
func isOfProcesses(path string) bool {
	switch path {
	case "holders", "reserve", "state.db-wal", "state.db-shm", "state.db.new":
		return true
	}
	return isPassing(path)
}

func (b *making) report() Report {
	r := Report{Marker: b.Marker, Dir: b.to, Left: []string{}}
	for _, m := range b.copies {
		r.Files, r.Bytes, r.Kept = r.Files+m.Files, r.Bytes+m.Bytes, r.Kept+m.Kept
		r.Left = append(r.Left, m.Left...)
	}
	slices.Sort(r.Left)
	r.Left = slices.Compact(r.Left)
	return r
}
