package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// restoringFile stands in a folder into which a study is being restored: that was broken
// off may go on.
const restoringFile = ".restoring"

// A Restore asks for a study that is made of a backup.
type Restore struct {
	From, To string // the backup; the new folder
	Trail    string // file of the audit trail of the study that was lost, which went on after the backup, or folder of its lake; "": none
}

// A TrailError says that a file is not the audit trail that the backup's goes on as.
type TrailError struct {
	Path string
	Err  error // *state.AuditError, *state.TrailStrayError
}

func (e *TrailError) Error() string {
	if _, damaged := errors.AsType[*state.AuditError](e.Err); damaged {
		return fmt.Sprintf("%v; nothing was restored", e.Err)
	}
	return fmt.Sprintf("%s: %v; nothing was restored", e.Path, e.Err)
}

func (e *TrailError) Unwrap() error { return e.Err }

// A NoTrailError says that a path is no audit trail, and no lake that has one.
type NoTrailError struct {
	Path string
	Near string // below it, what was perhaps meant; "": nothing
}

func (e *NoTrailError) Error() string {
	return fmt.Sprintf("%s is neither the file of an audit trail nor the folder of a lake; nothing was restored", e.Path)
}

func noTrail(path string) *NoTrailError {
	for _, name := range []string{state.AuditFile, filepath.Join(stateTree, state.AuditFile), lakeTree} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return &NoTrailError{path, filepath.Join(path, name)}
		}
	}
	return &NoTrailError{Path: path}
}

// Make makes the study and opens it with its state. The configuration is written last:
// until then the folder is no study. Lake and state lie where the configuration says, and
// there must be nothing. The study is returned with an error, if it is there and its newest
// snapshot could not be shown; its state is not open then, if the backup has none that is whole.
func (o Restore) Make(ctx context.Context, by study.Program, author state.Author) (r Report, s *study.Study, err error) {
	m, err := whole(o.From)
	if err == nil && m.Finished.IsZero() {
		err = &UnfinishedError{o.From, m.Begun}
	}
	if err != nil {
		return r, nil, err
	}
	trail, err := o.later(ctx)
	if err != nil {
		return r, nil, err
	}
	r = Report{Marker: m, Dir: o.To}
	goOn := func(folder string) error {
		err := goOn(ctx, folder, m, trail, by, author)
		if _, damaged := errors.AsType[*state.DamageError](err); damaged {
			return nil // the check of what was restored tells
		}
		return err
	}
	if err := r.bring(ctx, o.From, o.To, by, goOn); err != nil {
		return r, nil, err
	}
	if s, err = study.OpenFolder(o.To, by); err != nil {
		return r, nil, err
	}
	if r.Harmed, err = m.harmed(o.To); err != nil {
		return r, nil, err
	}
	if err := s.OpenState(ctx, author); err != nil {
		_, lost := errors.AsType[*study.LostStateError](err)
		if _, damaged := errors.AsType[*state.DamageError](err); lost || damaged {
			return r, s, err
		}
		return r, nil, err
	}
	if trail != nil {
		err = s.KeepNumbers(ctx)
	}
	if err == nil && m.Snapshot > 0 {
		err = s.Publish(ctx, 0)
	}
	return r, s, err
}

// later is the audit trail that the backup's goes on as; nil: none was given.
func (o Restore) later(ctx context.Context) (text []byte, err error) {
	if o.Trail == "" {
		return nil, nil
	}
	if info, e := os.Stat(o.Trail); e == nil && info.IsDir() {
		text, err = study.LakeTrail(ctx, o.Trail)
	} else {
		text, err = os.ReadFile(o.Trail)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noTrail(o.Trail)
	}
	if err != nil {
		return nil, err
	}
	older, err := os.ReadFile(filepath.Join(o.From, stateTree, state.AuditFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err = state.LaterTrail(o.Trail, text, older)
	if err != nil {
		return nil, &TrailError{o.Trail, err}
	}
	return text, nil
}

// goOn writes into the audit trail of the state in a folder that it is from a backup: after
// the lines that the backup has or, better, all that there were. A state that is gone or damaged
// stays so, and nothing is appended behind a gap: the check of what was restored tells.
func goOn(ctx context.Context, folder string, m Marker, trail []byte, by study.Program, author state.Author) (err error) {
	if info, err := os.Stat(filepath.Join(folder, "state.db")); isNone(err) || err == nil && info.Size() == 0 {
		return nil
	}
	store, err := state.Open(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	store.Now, store.By = by.Now, author
	after := state.Fields{"snapshot": m.Snapshot, "begun_at": m.Begun.Format(time.RFC3339)}
	if trail != nil {
		lines, err := store.ContinueTrail(ctx, trail)
		if err != nil {
			return err
		}
		after["lines_unknown"] = lines
	} else if _, err := store.Trail(ctx); err != nil {
		if _, damaged := errors.AsType[*state.AuditError](err); damaged {
			return nil
		}
		return err
	}
	return store.Audit(ctx, state.Act{Subject: "backup", After: after, Reason: "restored"})
}

// bring copies all files of the backup to where the study has them. Before the folder is a
// study, goOn has to be done with its state.
func (r *Report) bring(ctx context.Context, from, dir string, by study.Program, goOn func(state string) error) error {
	kept, err := r.open(from, by)
	if err != nil {
		return err
	}
	there := study.Study{Dir: dir, Config: kept.Config}
	own := &mirror{from: from, to: dir}
	trees := []*mirror{
		{from: filepath.Join(from, lakeTree), to: there.LakePath()},
		{from: filepath.Join(from, stateTree), to: there.StatePath()},
	}
	if err := r.begin(dir, trees); err != nil {
		return err
	}
	// A restore that was broken off may have left a log, which the file that comes does not have.
	for _, log := range []string{"state.db-wal", "state.db-shm"} {
		if err := os.Remove(filepath.Join(there.StatePath(), log)); err != nil && !isNone(err) {
			return err
		}
	}
	for _, tree := range trees {
		if err := tree.tree(ctx, ".", nil); err != nil {
			return err
		}
	}
	if err := goOn(there.StatePath()); err != nil {
		return err
	}
	if err := own.tree(ctx, ".", isOfBackup); err != nil {
		return err
	}
	err = errors.Join(own.file(config.File), durable.SyncFolder(dir), os.Remove(filepath.Join(dir, restoringFile)))
	for _, m := range append(trees, own) {
		r.Files, r.Bytes = r.Files+m.Files, r.Bytes+m.Bytes
	}
	return err
}

// isOfBackup reports what is not copied together with the files beside the configuration.
func isOfBackup(path string) bool {
	return path == lakeTree || path == stateTree || path == markerFile || path == asideDir || path == config.File
}

// begin makes the folders, which must be new or empty, or of a restore of this backup that
// was broken off.
func (r *Report) begin(dir string, trees []*mirror) error {
	mark, begun := filepath.Join(dir, restoringFile), []byte(r.Begun.Format(time.RFC3339Nano)+"\n")
	if held, err := os.ReadFile(mark); err == nil {
		_, whole := os.Lstat(filepath.Join(dir, config.File))
		if errors.Is(whole, fs.ErrNotExist) && bytes.Equal(held, begun) {
			return nil
		}
		return &PlaceError{Dir: dir}
	}
	for _, place := range []string{dir, trees[0].to, trees[1].to} {
		names, err := os.ReadDir(place)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(names) > 0 {
			return &PlaceError{Dir: place}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(durable.Publish(mark, begun), durable.SyncFolder(dir))
}
