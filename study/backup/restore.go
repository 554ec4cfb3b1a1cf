package backup

import (
	"bytes"
	"context"
	"errors"
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

// Restore makes a study of the backup in the folder from, in the new folder dir, and
// opens it with its state. The configuration is written last: until then the folder is
// no study. Lake and state lie where the configuration says, and there must be nothing.
func Restore(ctx context.Context, from, dir string, by study.Program, author state.Author) (r Report, s *study.Study, err error) {
	m, err := readMarker(from)
	if err == nil && m.Finished.IsZero() {
		err = &UnfinishedError{from, m.Begun}
	}
	if err != nil {
		return r, nil, err
	}
	r = Report{Marker: m, Dir: dir}
	if err := r.bring(ctx, from, dir, by); err != nil {
		return r, nil, err
	}
	if s, err = study.OpenFolder(dir, by); err != nil {
		return r, nil, err
	}
	if err := s.OpenState(ctx, author); err != nil {
		return r, nil, err
	}
	act := state.Act{Subject: "backup", After: state.Fields{"snapshot": m.Snapshot, "begun_at": m.Begun.Format(time.RFC3339)}, Reason: "restored"}
	err = s.Store.Audit(ctx, act)
	if err == nil && m.Snapshot > 0 {
		err = s.Publish(ctx, 0)
	}
	return r, s, err
}

// bring copies all files of the backup to where the study has them.
func (r *Report) bring(ctx context.Context, from, dir string, by study.Program) error {
	kept, err := study.OpenFolder(from, by)
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
	for _, tree := range trees {
		if err := tree.tree(ctx, ".", nil); err != nil {
			return err
		}
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
	return path == lakeTree || path == stateTree || path == markerFile || path == config.File
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
