package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// sums are the SHA-256 of the files that were copied from the study's folder, by their
// paths in the backup: nothing else knows them. Of a copy that stays where it is the older
// backup tells: the copy may have rotted since.
func (b *making) sums(own *mirror) error {
	b.Beside = make(map[string]string)
	for rel := range own.made {
		name := filepath.ToSlash(rel)
		sum, err := study.SumOf(filepath.Join(own.aside, rel))
		if isNone(err) {
			if sum, err = b.older.Beside[name], nil; sum == "" { // an older program made the copy
				sum, err = study.SumOf(filepath.Join(own.to, rel))
			}
		}
		if err != nil {
			return err
		}
		b.Beside[name] = sum
	}
	return nil
}

// A HarmedError says that the configuration in a backup cannot be read, because it is not the
// one that was copied.
type HarmedError struct {
	Dir string
	Err error // what is wrong with it
}

func (e *HarmedError) Error() string {
	return fmt.Sprintf("%s in the backup in %s is damaged: %s", config.File, e.Dir, study.Reason(e.Err))
}

func (e *HarmedError) Unwrap() error { return e.Err }

// open opens the folder of the backup as a study, without its state.
func (m Marker) open(dir string, by study.Program) (*study.Study, error) {
	s, err := study.OpenFolder(dir, by)
	if err == nil {
		return s, nil
	}
	found, e := m.harmed(dir)
	for _, d := range found {
		if e == nil && filepath.Base(d.Path) == config.File {
			return nil, &HarmedError{dir, d.Err}
		}
	}
	return nil, err
}

// harmed are the files beside the configuration, and that itself, that the backup in dir
// lacks or has otherwise than they were copied.
func (m Marker) harmed(dir string) (found []study.Damage, err error) {
	for _, name := range slices.Sorted(maps.Keys(m.Beside)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		sum, err := study.SumOf(path)
		switch {
		case isNone(err):
			err = fs.ErrNotExist
		case err == nil && sum != m.Beside[name]:
			err = fmt.Errorf("sha256 is %s, %s says %s", sum, markerFile, m.Beside[name])
		case err == nil:
			continue
		case errors.Is(err, fs.ErrPermission):
			return found, err
		}
		found = append(found, study.Damage{Kind: study.StateDamage, Path: path, Err: err})
	}
	return found, nil
}
