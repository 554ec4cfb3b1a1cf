package lake

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/dexetl/dexetl/transform"
)

// magic begins and ends a Parquet file.
const magic = "PAR1"

// Joins reports whether f can be a part of a file now written: it has the columns
// that its table has today, and null is possible in the same ones.
func (l *Lake) Joins(f File) (bool, error) {
	t, ok := transform.TableNamed(f.Table)
	if !ok {
		return false, fmt.Errorf("no table %s", f.Table)
	}
	in, err := l.openWhole(f)
	if err != nil {
		return false, err
	}
	defer in.Close()
	p, err := openParquet(in, f, t, Span{})
	if err != nil {
		return false, &DamageError{f.Path, err}
	}
	schema, err := p.Schema()
	if err != nil {
		return false, &DamageError{f.Path, err}
	}
	today := t.Schema()
	if sameColumns(schema, today) != nil {
		return false, nil
	}
	for i, c := range today.Fields() {
		if schema.Field(i).Nullable != c.Nullable {
			return false, nil
		}
	}
	return true, nil
}

// Join makes one file of files of one partition, or of one day, whose rows follow each other in the
// table's order: their row groups are copied as they are. Those that are staged are
// removed. See Lake.Joins for which can be joined.
func (c *Commit) Join(ctx context.Context, files ...File) (File, error) {
	d, err := newDraft(c, File{Table: files[0].Table, Partition: files[0].Partition, Day: files[0].Day})
	if err != nil {
		return File{}, err
	}
	joined, err := d.join(ctx, files)
	if err != nil {
		return File{}, errors.Join(fmt.Errorf("file of %s: %w", d.file.Table, err), d.abort())
	}
	for _, f := range files {
		if path.Dir(f.Path) == stagingDir {
			err = errors.Join(err, c.lake.dir.Remove(f.Path))
		}
	}
	return joined, err
}

func (d *draft) join(ctx context.Context, files []File) (File, error) {
	at, err := io.WriteString(d.to, magic)
	if err != nil {
		return File{}, err
	}
	end := int64(at)
	var footer *metadata.FileMetaData
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return File{}, err
		}
		part, bytes, err := d.copyGroups(f)
		if err != nil {
			return File{}, err
		}
		move(part, end-int64(len(magic)))
		footer, end = appended(footer, part), end+bytes
		d.cover(f)
	}
	if _, sum, ok := sumOf(files); ok {
		d.file.RowsHash = (&rowsHash{sum: sum}).String()
	}
	if err := d.writeFooter(footer); err != nil {
		return File{}, err
	}
	return d.publish()
}

// copyGroups copies the row groups of a file, and returns its footer and how many
// bytes they are.
func (d *draft) copyGroups(f File) (*metadata.FileMetaData, int64, error) {
	in, err := d.commit.lake.openWhole(f)
	if err != nil {
		return nil, 0, err
	}
	defer in.Close()
	p, err := file.NewParquetReader(in)
	if err != nil {
		return nil, 0, &DamageError{f.Path, err}
	}
	footer := p.MetaData()
	bytes := f.Bytes - int64(footer.Size()) - int64(2*len(magic)+4)
	_, err = io.Copy(d.to, io.NewSectionReader(in, int64(len(magic)), bytes))
	return footer, bytes, err
}

// move notes in a footer that its row groups lie further on in the file.
func move(footer *metadata.FileMetaData, by int64) {
	later := func(offset *int64) {
		if offset != nil {
			*offset += by
		}
	}
	for _, group := range footer.RowGroups {
		later(group.FileOffset)
		for _, c := range group.Columns {
			c.FileOffset += by
			c.MetaData.DataPageOffset += by
			later(c.MetaData.DictionaryPageOffset)
		}
	}
}

// appended is a footer with the row groups of another one behind its own.
func appended(footer, more *metadata.FileMetaData) *metadata.FileMetaData {
	if footer == nil {
		return more
	}
	for _, group := range more.RowGroups {
		*group.Ordinal = int16(len(footer.RowGroups))
		footer.RowGroups = append(footer.RowGroups, group)
	}
	footer.NumRows += more.NumRows
	return footer
}

// cover notes that the rows of f are in the file.
func (d *draft) cover(f File) {
	to := &d.file
	if to.Rows == 0 {
		to.FirstParticipant, to.FirstTime, to.LastTime = f.FirstParticipant, f.FirstTime, f.LastTime
	}
	if f.FirstTime.Before(to.FirstTime) {
		to.FirstTime = f.FirstTime
	}
	if f.LastTime.After(to.LastTime) {
		to.LastTime = f.LastTime
	}
	to.LastParticipant = f.LastParticipant
	to.Rows += f.Rows
}

func (d *draft) writeFooter(footer *metadata.FileMetaData) error {
	n, err := footer.WriteTo(d.to, nil)
	_, sized := d.to.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	_, ended := io.WriteString(d.to, magic)
	return cmp.Or(err, sized, ended)
}
