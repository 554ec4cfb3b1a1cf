package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/load/lake"
)

// ComputedFile is the file of a computed table in the folder of a snapshot, for
// [lake.Lake.ReadBeside]; fs.ErrNotExist where there is none.
func ComputedFile(l *lake.Lake, m lake.Manifest, table string) (f lake.File, err error) {
	f = lake.File{Table: table, Path: path.Join(folderOf(m.Snapshot), computedFile(table))}
	in, err := l.Root().Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fs.ErrNotExist
	}
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
