package study

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// Kinds of the notes of an erasure.
const (
	noteRaw        = "raw"
	noteData       = "data"
	noteManifest   = "manifest"
	noteTag        = "tag"
	noteQuarantine = "quarantine"
	noteState      = "state"
	notePage       = "page"
	noteAside      = "aside"
)

// log overwrites the answers in the raw log, and removes what is made of it.
func (e *erasing) log(ctx context.Context) error {
	_, err := e.fold.Log.Erase(ctx, e.ParticipantID, func(s raw.ErasedSegment) error {
		return e.note(ctx, cohort.ErasureNote{
			Kind: noteRaw, Path: e.inLake(s.Path), Before: s.Before, After: s.After, What: e.inLake(s.Path), Items: int64(s.Answers),
		})
	})
	if dropped := e.study.indexCache().Drop(); dropped != nil {
		return errors.Join(dropped, err)
	}
	e.logDone = err == nil
	return err
}

// inLake is a path as the receipt has it.
func (e *erasing) inLake(name string) string {
	if short, err := filepath.Rel(e.lake.Path(), name); err == nil && filepath.IsLocal(short) {
		return path.Join("lake", filepath.ToSlash(short))
	}
	return name
}

// state takes the rows out of the state, and removes the quarantine and pages about runs.
func (e *erasing) state(ctx context.Context) error {
	gone, err := e.study.Consents.Erase(ctx, e.ParticipantID)
	if err != nil {
		return err
	}
	fault.Point("erase.rows_deleted")
	var notes []cohort.ErasureNote
	for _, table := range slices.Sorted(maps.Keys(gone)) {
		if gone[table] > 0 {
			notes = append(notes, cohort.ErasureNote{Kind: noteState, Path: "state: " + table, Items: gone[table]})
		}
	}
	sealed, err := e.sealed()
	if err == nil {
		err = e.note(ctx, append(notes, sealed...)...)
	}
	if err != nil {
		return err
	}
	fault.Point("erase.rows_noted")
	q := e.study.quarantine()
	if err := q.sumUp(e.ParticipantID, nil); err != nil {
		return err
	}
	if err := removeOthers(q.folder(e.ParticipantID), nil); err != nil {
		return err
	}
	if err := durable.SyncFolder(q.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return e.pages(ctx)
}

// sealed are the files of the quarantine.
func (e *erasing) sealed() (notes []cohort.ErasureNote, err error) {
	folder := e.study.quarantine().folder(e.ParticipantID)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		notes = append(notes, cohort.ErasureNote{
			Kind: noteQuarantine, Path: path.Join("state/quarantine", e.ParticipantID, entry.Name()), Before: fmt.Sprintf("%x", sha256.Sum256(content)), Items: 1,
		})
	}
	return notes, err
}

// tables makes the newest snapshot one without the participant. Where a file is damaged
// that may have rows of theirs, all tables are made anew of the log, which has none.
func (e *erasing) tables(ctx context.Context) error {
	m, err := e.lake.Current()
	if err != nil || m.Snapshot == 0 {
		return err
	}
	out := e.fold.Erase(e.ParticipantID)
	out.Note = e.noteData(ctx)
	_, _, err = out.Commit(ctx, e.runID)
	if is[*lake.DamageError](err) {
		err = e.tablesAnew(ctx)
	}
	if err != nil {
		return err
	}
	fault.Point("erase.rows_left")
	if _, err := e.loadOnce(ctx, false); err != nil {
		return err
	}
	return e.publish(ctx)
}

func (e *erasing) noteData(ctx context.Context) func([]load.ErasedFile) error {
	return func(files []load.ErasedFile) error {
		return e.note(ctx, mapped(files, func(f load.ErasedFile) cohort.ErasureNote {
			n := cohort.ErasureNote{Kind: noteData, Path: path.Join("lake", f.Path), Before: f.SHA256, After: f.NewSHA256, Items: int64(f.Rows)}
			if f.NewPath != "" {
				n.What = path.Join("lake", f.NewPath)
			}
			return n
		})...)
	}
}

// tablesAnew makes all tables of the log.
func (e *erasing) tablesAnew(ctx context.Context) error {
	study, err := e.study.tables(ctx)
	if err != nil {
		return err
	}
	r, err := e.fold.Replay(ctx, study, e.runID)
	if err != nil {
		return err
	}
	_, err = r.Adopt(ctx)
	return errors.Join(err, r.Close())
}

// history issues tagged snapshots again without the participant and removes all others
// but the newest: of what was in them the log has what is left.
func (e *erasing) history(ctx context.Context) error {
	if err := e.aside(ctx); err != nil {
		return err
	}
	newest, err := e.lake.Current()
	if err != nil || newest.Snapshot == 0 {
		return err
	}
	keep := []lake.ID{newest.ID()}
	tags, err := e.lake.Tags()
	if err != nil {
		return err
	}
	out := e.fold.Erase(e.ParticipantID)
	out.Note = e.noteData(ctx)
	for _, t := range tags {
		id, err := e.reissue(ctx, out, t)
		if err != nil {
			return &TaggedHarmError{t.Name, t.Snapshot, err}
		}
		keep = append(keep, id)
	}
	all, err := e.lake.IDs()
	if err != nil {
		return err
	}
	remove := slices.DeleteFunc(all, func(id lake.ID) bool { return slices.Contains(keep, id) })
	if err := e.noteDropped(ctx, remove); err != nil {
		return err
	}
	if _, err := e.lake.Remove(remove, lake.GoneErased, nil); err != nil {
		return err
	}
	snapshot.SweepSpills(e.lake.Path())
	return e.lake.SyncData()
}

// aside removes what was set aside: manifests, because they may name the participant and
// nobody can read them, and of the rest what they are in, or may be.
func (e *erasing) aside(ctx context.Context) error {
	paths, err := e.lake.Aside()
	if err != nil {
		return err
	}
	var notes []cohort.ErasureNote
	var remove []string
	for _, name := range paths {
		kind, files := noteManifest, []string{filepath.Join(e.lake.Path(), name)}
		if path.Ext(name) != ".manifest" {
			kind = noteAside
			if files, err = e.study.setAside(ctx, e.ParticipantID, name); err != nil {
				return err
			}
		}
		for _, file := range files {
			sum, err := SumOf(file)
			if err != nil {
				return err
			}
			notes = append(notes, cohort.ErasureNote{Kind: kind, Path: e.inLake(file), Before: sum, Items: 1})
		}
		if len(files) > 0 {
			remove = append(remove, name)
		}
	}
	if err := e.note(ctx, notes...); err != nil {
		return err
	}
	return e.lake.RemoveAside(remove)
}

// reissue makes a tag that of a manifest without the participant.
func (e *erasing) reissue(ctx context.Context, out *load.Erasing, t lake.Tag) (lake.ID, error) {
	m, err := e.lake.Tagged(t)
	if err != nil {
		return lake.ID{}, err
	}
	was := t
	m, reissued, err := out.Reissue(ctx, m)
	if err != nil || !reissued {
		return m.ID(), err
	}
	fault.Point("erase.reissued")
	t.Snapshot = m.ID().String()
	if t.ManifestSHA256, _, err = e.lake.ManifestSHA256(m.ID()); err != nil {
		return m.ID(), err
	}
	err = e.note(ctx, cohort.ErasureNote{
		Kind: noteTag, Path: path.Join("lake/tags", t.Name+".json"), Before: was.ManifestSHA256, After: t.ManifestSHA256, What: t.Snapshot, Items: 1,
	})
	if err != nil {
		return m.ID(), err
	}
	return m.ID(), e.lake.PutTag(t, true)
}

// noteDropped notes the manifests that go.
func (e *erasing) noteDropped(ctx context.Context, remove []lake.ID) error {
	var notes []cohort.ErasureNote
	for _, id := range remove {
		sum, _, err := e.lake.ManifestSHA256(id)
		if err != nil && !is[*lake.DamageError](err) {
			return err
		}
		notes = append(notes, cohort.ErasureNote{Kind: noteManifest, Path: "lake/" + id.Path(), Before: sum, Items: 1})
	}
	return e.note(ctx, notes...)
}

// traces wipes what deleted rows left in the state's files.
func (e *erasing) traces(ctx context.Context) error {
	if err := e.study.Store.Vacuum(ctx); err != nil {
		return err
	}
	fault.Point("erase.vacuumed")
	wiped, err := e.study.Store.Scrub(ctx)
	if err == nil && !wiped {
		err = errNotYet
	}
	return err
}

// A TaggedHarmError says that a tagged snapshot cannot be issued again without somebody:
// as a rule because a file of it is damaged, and nobody can tell their rows in it.
type TaggedHarmError struct {
	Tag, Snapshot string
	Err           error
}

func (e *TaggedHarmError) Error() string {
	return fmt.Sprintf("snapshot %s (%s): %v; without the tag it goes with the others", e.Snapshot, e.Tag, e.Err)
}

func (e *TaggedHarmError) Unwrap() error { return e.Err }
