package snapshot

import (
	"errors"
	"fmt"
	"path"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/load/lake"
)

// ComputedFiles are the files of a computed table in the folder of a snapshot, for
// [lake.Lake.ReadBeside]; none where the snapshot does not have it.
func ComputedFiles(l *lake.Lake, m lake.Manifest, table string) (files []lake.File, err error) {
	names, err := computedNames(l.Root(), folderOf(m.Snapshot), table)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f, err := fileBeside(l, table, path.Join(folderOf(m.Snapshot), table, name))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// fileBeside is a file of rows beside the data files, with what it says of itself.
func fileBeside(l *lake.Lake, table, name string) (f lake.File, err error) {
	f = lake.File{Table: table, Path: name}
	in, err := l.Root().Open(f.Path)
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
		return f, fmt.Errorf("%s: %w", f.Path, err)
	}
	f.Bytes, f.Rows = info.Size(), p.NumRows()
	return f, nil
}
