package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dexetl/dexetl/study"
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
