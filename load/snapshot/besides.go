//go:build linux || darwin

package snapshot

import (
	"io/fs"
	"path"

	"github.com/dexetl/dexetl/load/lake"
)

// ComputedFiles are the files of a computed table in the folder of a snapshot, for
// [lake.Lake.ReadBeside]; fs.ErrNotExist where there are none.
func ComputedFiles(l *lake.Lake, m lake.Manifest, table string) (files []lake.File, err error) {
	names, err := computedNames(l.Root(), folderOf(m.Snapshot), table)
	if err == nil && len(names) == 0 {
		err = fs.ErrNotExist
	}
	for _, name := range names {
		f, err := l.Beside(table, path.Join(folderOf(m.Snapshot), table, name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, err
}
