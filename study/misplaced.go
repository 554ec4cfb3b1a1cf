package study

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// Behind is err, or the damage that is behind it: where the system says that a file or folder
// was not of the kind that was wanted, what of another kind stands in the lake or the state;
// of a data file that a repair has marked a *LostFileError.
func (s *Study) Behind(err error) error {
	if l, e := lake.OpenToRead(s.LakePath()); e == nil {
		defer l.Close()
		if harm, ok := errors.AsType[*lake.DamageError](err); ok && isLost(l, harm.Path) {
			return &LostFileError{harm}
		}
		err = l.InTheWay(err)
	}
	if !durable.IsOfKind(err) || IsDamage(err) {
		return err
	}
	if found := s.misplaced(); len(found) > 0 {
		return found[0]
	}
	return err
}

// A LostFileError says that a repair could not bring back a data file of older snapshots, and
// marked them.
type LostFileError struct{ *lake.DamageError }

// Unwrap returns the damage.
func (e *LostFileError) Unwrap() error { return e.DamageError }

// isLost reports whether a repair marked a file, and the newest snapshot does not need it.
func isLost(l *lake.Lake, file string) bool {
	newest, err := l.Current()
	if err != nil || slices.ContainsFunc(newest.Files, func(f lake.File) bool { return f.Path == file }) {
		return false
	}
	ids, _ := l.IDs()
	return slices.ContainsFunc(ids, func(id lake.ID) bool { return isMarked(l, Damage{Path: file, Last: id.Number}) })
}

// misplaced lists what stands in the state in the place of another kind: there is a file where
// it has a folder, or the reverse.
func (s *Study) misplaced() (found []*state.DamageError) {
	look := func(folder bool, names ...string) {
		for _, name := range names {
			at, wrong := durable.Misplaced(os.Stat, filepath.Join(s.StatePath(), name), folder)
			known := slices.ContainsFunc(found, func(e *state.DamageError) bool { return e.Path == at })
			if wrong != nil && !known {
				found = append(found, &state.DamageError{Path: at, Err: wrong})
			}
		}
	}
	look(true, ".", "holders", "receipts", "quarantine")
	look(false, stateFile, state.AuditFile, "reserve", ExportKeyFile, filepath.Join("quarantine", sumsFile))
	if below, err := filepath.Rel(s.StatePath(), s.KeyPath()); err == nil && filepath.IsLocal(below) {
		look(false, below)
	}
	receipts, _ := fs.Glob(os.DirFS(s.StatePath()), "receipts/*.json")
	look(false, receipts...)
	sealed, _ := s.quarantine().sums() // what is wrong with the list, is told of it
	for _, name := range slices.Sorted(maps.Keys(sealed.Files)) {
		look(false, filepath.Join("quarantine", name))
	}
	return found
}

// noteMisplaced notes them by their paths from the folder of the state.
func (s *Study) noteMisplaced(note func(path string, err error)) {
	for _, harm := range s.misplaced() {
		path := harm.Path
		if below, err := filepath.Rel(s.StatePath(), path); err == nil && below != "." && filepath.IsLocal(below) {
			path = below
		}
		note(path, harm)
	}
}

// unopenable is the damage that keeps the state from being opened; nil if there is none.
func (s *Study) unopenable() error {
	for name, folder := range map[string]bool{"holders": true, stateFile: false, state.AuditFile: false, "reserve": false} {
		if at, wrong := durable.Misplaced(os.Stat, filepath.Join(s.StatePath(), name), folder); wrong != nil {
			return &state.DamageError{Path: at, Err: wrong}
		}
	}
	return nil
}

// misplacedAt is a *durable.KindError if a folder stands in the place of a file. If a file stands
// above, which is damage of its own, the one below is gone: fs.ErrNotExist.
func misplacedAt(file string) error {
	at, wrong := durable.Misplaced(os.Stat, file, false)
	if wrong != nil && at != file {
		return fs.ErrNotExist
	}
	return wrong
}
