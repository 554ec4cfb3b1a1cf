package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/verify"
	"github.com/dexetl/dexetl/study"
)

// A Damage is a file of the study that is not as it was written, or that has less than
// the backup.
type Damage struct {
	Path string // from the study's folder, or as the configuration has it
	Err  error
}

// A DamagedError says that a study is damaged, of which a backup is there: that is left as
// it is. It is what mends the study.
type DamagedError struct {
	Dir     string
	Damages []Damage
}

func (e *DamagedError) Error() string {
	first, more := e.Damages[0], ""
	if n := len(e.Damages) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("the study is damaged: %s: %v%s; the backup in %s is as it was", first.Path, study.Reason(first.Err), more, e.Dir)
}

// Unwrap returns what is wrong with the first file.
func (e *DamagedError) Unwrap() error { return e.Damages[0].Err }

// inspect makes sure, before anything is written, that the study has all of its own, and
// all that the folder's older backup has.
func (b *making) inspect(ctx context.Context) error {
	for _, look := range []func(context.Context) error{b.inspectState, b.inspectPapers, b.inspectLake} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	if len(b.damages) == 0 && !b.older.Finished.IsZero() {
		if err := b.inspectLosses(ctx); err != nil {
			return err
		}
	}
	if len(b.damages) > 0 && !b.older.Finished.IsZero() {
		return &DamagedError{b.to, b.damages}
	}
	return nil
}

// found notes damage of a file, by its path or by one from the study's folder.
func (b *making) found(path string, err error) {
	if rel, e := filepath.Rel(b.study.Dir, path); e == nil && filepath.IsLocal(rel) {
		path = rel
	}
	b.damages = append(b.damages, Damage{path, err})
}

// inspectState looks at state.db. Of a damaged one nothing can be copied; one that is older
// than the lake or the audit trail has less than they say.
func (b *making) inspectState(ctx context.Context) error {
	found, err := b.study.Store.Check(ctx)
	if err != nil {
		return err
	}
	for _, harm := range found {
		b.found(filepath.Join(b.study.StatePath(), "state.db"), harm)
	}
	if len(found) > 0 {
		return &DamagedError{b.to, b.damages}
	}
	harm, err := b.study.LostMemory(ctx)
	if harm != nil {
		b.found(filepath.Join(b.study.StatePath(), "state.db"), harm)
	}
	return err
}

// inspectPapers looks at what lies beside state.db. A trail that is damaged is no reason to
// leave it: lostLines holds it against the backup's.
func (b *making) inspectPapers(ctx context.Context) error {
	s := b.study
	trail, err := s.Store.Trail(ctx)
	if _, damaged := errors.AsType[*state.AuditError](err); err != nil && !damaged {
		return err
	}
	return s.CheckPapers(ctx, trail, func(path string, err error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.StatePath(), path)
		}
		b.found(path, err)
	})
}

// eachFile calls do for the files of a tree, which need not be there.
func eachFile(root string, do func(path string) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if isNone(err) {
			return nil
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return do(path)
	})
}

// inspectLake reads manifests, data files and the raw log.
func (b *making) inspectLake(ctx context.Context) error {
	l, m, err := b.study.Newest()
	if _, empty := errors.AsType[*study.EmptyLakeError](err); empty {
		return b.inspectLog(ctx, m)
	}
	if harm, ok := errors.AsType[*lake.DamageError](err); ok {
		b.found(filepath.Join(b.study.LakePath(), harm.Path), harm)
		return nil
	}
	if err != nil {
		return err
	}
	defer l.Close()
	c := verify.Check{Lake: l}
	report, err := c.Run(ctx)
	if err != nil {
		return err
	}
	b.spared = make(map[string]lake.File)
	for _, f := range report.Findings {
		if f.Last != report.Newest.Snapshot && isMarked(l, f) {
			b.spared[f.Path] = f.File // a repair has been there
			continue
		}
		b.found(filepath.Join(b.study.LakePath(), f.Path), f.DamageError)
	}
	return b.inspectLog(ctx, m)
}

func isMarked(l *lake.Lake, f verify.Finding) bool {
	m, err := l.Mark(f.Last)
	return err == nil && slices.ContainsFunc(m.Files, func(d lake.DamagedFile) bool { return d.Path == f.Path })
}

// inspectLog reads the raw log, which has to have all of which snapshot m was made.
func (b *making) inspectLog(ctx context.Context, m lake.Manifest) error {
	path := b.study.RawPath()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if m.Snapshot > 0 {
			b.found(path, err)
		}
		return nil
	}
	log, err := raw.Open(path)
	if err != nil {
		return err
	}
	defer log.Close()
	before := len(b.damages)
	if _, err := log.Verify(ctx, func(e *raw.DamageError) { b.found(e.File, e) }); err != nil {
		return err
	}
	if len(b.damages) > before || m.Snapshot == 0 {
		return nil
	}
	err = study.CheckLog(log, m)
	if lost, ok := errors.AsType[*study.LostLogError](err); ok {
		b.found(path, lost.Err)
		return nil
	}
	return err
}
