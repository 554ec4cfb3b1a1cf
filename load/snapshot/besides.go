//go:build linux || darwin

package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/apache/arrow-go/v18/parquet/file"

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
		f, err := besideFile(l, table, path.Join(folderOf(m.Snapshot), table, name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, err
}

// besideFile is what can be known of a file that no manifest lists.
func besideFile(l *lake.Lake, table, at string) (f lake.File, err error) {
	f = lake.File{Table: table, Path: at}
	in, err := l.Root().Open(at)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return f, err
	}
	p, err := file.NewParquetReader(in)
	if err != nil {
		return f, fmt.Errorf("%s: %w", at, err)
	}
	f.Bytes, f.Rows = info.Size(), p.NumRows()
	return f, nil
}
