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
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study"
)

// An Order asks for a backup.
type Order struct {
	To       string // folder: a new or empty one, or one with an older backup of the study
	LockWait time.Duration
	Compare  bool // contents of what the folder has, too: what rotted there with its size and time is copied anew
}

// A Report says what a backup or a restore did.
type Report struct {
	Marker
	Dir     string // the folder that was written
	Files   int    // copied
	Bytes   int64  // of them
	Kept    int    // files that were there already
	Left    []string
	Damages []Damage       // of the study, which are those of the copy; a first backup alone can have some
	Lacks   []string       // data files of older snapshots, from the lake's folder, that a repair marked as lost; the backup has none either
	Harmed  []study.Damage // files beside the configuration, and that itself, that a restore brought otherwise than they were copied
}

// Make copies study s, whose state is open, into a folder.
//
// First the study is looked at, and held against what the folder has: a backup is never
// replaced by what is damaged (*DamagedError), because it is what mends it. Then what is
// large is copied, while runs go on. Then the load lock is held: no commit, no erasure and
// no collection of old files goes on while the rest is copied, the state last, so that it
// is never older than the lake. What changes or removes a file of the older backup stands
// aside until all is there: see turn.
func Make(ctx context.Context, s *study.Study, o Order) (Report, error) {
	b, err := prepare(ctx, s, o)
	if err != nil {
		return Report{}, err
	}
	if err := b.inspect(ctx); err != nil {
		return Report{}, err
	}
	if err := b.begin(); err != nil {
		return Report{}, err
	}
	fault.Point("backup.begun")
	if err := b.lake(ctx, dataTree, rawTree); err != nil {
		return Report{}, err
	}
	if err := b.locked(ctx, o.LockWait); err != nil {
		return Report{}, err
	}
	fault.Point("backup.staged")
	b.Finished = s.Now().UTC()
	if err := b.turn(); err != nil {
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
	compare  bool
	older    Marker // what the folder has; Finished is zero for none
	damages  []Damage
	spared   map[string]lake.File // damaged data files, by path from the lake's folder, of which only the backup may have a good copy
	gone     []string             // files and folders of the older backup that the study has no more, below to
	copies   []*mirror
	lakeCopy *mirror
}

// prepare finds out what the folder has, and ends a turn that was broken off.
func prepare(ctx context.Context, s *study.Study, o Order) (*making, error) {
	key, err := s.Consents.BoundKey(ctx)
	if err != nil {
		return nil, err
	}
	for _, tree := range []string{s.LakePath(), s.StatePath(), s.Dir} {
		if durable.Within(tree, o.To) {
			return nil, &PlaceError{Dir: o.To, Inside: tree}
		}
	}
	b := &making{study: s, to: o.To, compare: o.Compare}
	if b.older, err = olderIn(o.To, key); err != nil {
		return nil, err
	}
	b.Marker = Marker{Format: format, Study: key, Begun: s.Now().UTC(), Program: s.Version, State: s.Config.State.Path, Lake: s.Config.Lake.Path}
	b.lakeCopy = b.mirror(s.LakePath(), lakeTree)
	b.lakeCopy.fresh = isData
	return b, nil
}

// mirror copies a folder of the study to where the backup has it.
func (b *making) mirror(from, tree string) *mirror {
	m := &mirror{from: from, to: filepath.Join(b.to, tree), aside: filepath.Join(b.to, asideDir, tree), compare: b.compare, rotten: make(map[string]bool), made: make(map[string]bool)}
	b.copies = append(b.copies, m)
	return m
}

// olderIn is the marker of the backup that is in dir, of the study with the key; the zero
// one if the folder is new or empty.
func olderIn(dir, key string) (Marker, error) {
	m, err := whole(dir)
	if _, ok := errors.AsType[*NotABackupError](err); ok && !Unmarked(err) {
		names, err := os.ReadDir(dir)
		if err == nil && len(names) > 0 {
			return m, &NotABackupError{Dir: dir, Full: true}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return m, nil
		}
		return m, err
	}
	if err == nil && m.Study != "" && m.Study != key {
		return m, &OtherStudyError{dir}
	}
	return m, err
}

// begin makes the folder say that a backup was begun in it, unless it has one: that stays
// the one to restore until this one is whole.
func (b *making) begin() error {
	aside := filepath.Join(b.to, asideDir)
	if err := errors.Join(giveWay(aside, true), makeFolder(aside, 0o700)); err != nil {
		return err
	}
	if err := errors.Join(empty(aside, lakeTree), empty(filepath.Join(aside, lakeTree), dataTree, rawTree)); err != nil {
		return err // but for what is large, and goes on
	}
	if !b.older.Finished.IsZero() {
		return nil
	}
	return b.write(b.to)
}

// empty removes what is in a folder, if there is one, but for the folders to keep.
func empty(dir string, keep ...string) error {
	entries, err := os.ReadDir(dir)
	if isNone(err) {
		return nil
	}
	for _, entry := range entries {
		if !entry.IsDir() || !slices.Contains(keep, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// Trees of the lake. Snapshots' folders follow from the data, and are made again.
const (
	dataTree     = "data"
	rawTree      = "raw"
	manifestTree = "manifests"
)

// isData reports what of the lake has its name by its content: it takes its place at once,
// because nobody looks at it before a manifest names it.
func isData(path string) bool { return path == dataTree || strings.HasPrefix(path, dataTree+"/") }

// isTree reports what is a folder of the backup's own, below its folder.
func isTree(name string) bool { return name == lakeTree || name == stateTree || name == asideDir }

// isPassing reports what of the lake's trees is of use to nobody else.
func isPassing(path string) bool {
	return path == dataTree+"/.staging" || strings.HasPrefix(filepath.Base(path), ".copying-")
}

func (b *making) lake(ctx context.Context, trees ...string) error {
	for _, name := range trees {
		if _, err := os.Stat(filepath.Join(b.study.LakePath(), name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := b.lakeCopy.tree(ctx, name, b.isLeft); err != nil {
			return err
		}
	}
	return nil
}

// isLeft reports what of the lake is not copied.
func (b *making) isLeft(path string) bool {
	if _, spared := b.spared[path]; spared {
		_, err := os.Lstat(filepath.Join(b.lakeCopy.to, path))
		return err == nil
	}
	return isPassing(path)
}

// locked copies what belongs together, and finds what is gone. A study without a lake
// has nothing to be locked.
func (b *making) locked(ctx context.Context, wait time.Duration) error {
	copied := func(l *lake.Lake) error { return b.together(ctx, l) }
	err := b.study.Locked(ctx, 0, copied)
	if _, busy := errors.AsType[*lake.LockedError](err); busy && wait > 0 {
		b.study.Tell(study.Fact{Kind: study.WaitsForLoad, Err: err, Wait: wait})
		err = b.study.Locked(ctx, wait, copied)
	}
	if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		b.At = b.study.Now().UTC()
		return b.rest(ctx)
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

// lacks lists the spared files of which the backup has no good copy.
func (b *making) lacks() []string {
	paths := []string{}
	if len(b.spared) == 0 {
		return paths
	}
	l, err := lake.OpenToRead(b.lakeCopy.to)
	if err == nil {
		defer l.Close()
	}
	for path, f := range b.spared {
		f.Damaged = "" // what a commit said of the study's
		if err != nil || l.Check(f) != nil {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func (b *making) report() Report {
	r := Report{Marker: b.Marker, Dir: b.to, Left: []string{}, Damages: b.damages, Lacks: b.lacks()}
	for _, m := range b.copies {
		r.Files, r.Bytes, r.Kept = r.Files+m.Files, r.Bytes+m.Bytes, r.Kept+m.Kept
		r.Left = append(r.Left, m.Left...)
	}
	slices.Sort(r.Left)
	r.Left = slices.Compact(r.Left)
	return r
}
