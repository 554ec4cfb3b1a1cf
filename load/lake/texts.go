package lake

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// Texts yields every text in a Parquet file, with its column: values of rows, and those of
// dictionaries that no row may have. Encoded reports what stands elsewhere in the file, in
// its footer and in the headers of its pages: whether text is one of these whole.
func Texts(path string, yield func(column string, text []byte)) (encoded func(text string) bool, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	err = guard(func() error {
		r, err := file.NewParquetReader(bytes.NewReader(content))
		if err != nil {
			return err
		}
		defer r.Close()
		for g := range r.NumRowGroups() {
			if err := groupTexts(r.RowGroup(g), yield); err != nil {
				return err
			}
		}
		return nil
	})
	encoded = func(text string) bool {
		// Thrift writes a text behind its length.
		return len(text) < 128 && bytes.Contains(content, append([]byte{byte(len(text))}, text...))
	}
	return encoded, err
}

func groupTexts(g *file.RowGroupReader, yield func(string, []byte)) error {
	for c := range g.NumColumns() {
		column := g.MetaData().Schema.Column(c)
		if column.PhysicalType() != parquet.Types.ByteArray {
			continue
		}
		named := func(text []byte) { yield(column.Path(), text) }
		if err := dictionaryTexts(g, c, named); err != nil {
			return fmt.Errorf("column %s: %w", column.Path(), err)
		}
		if err := columnTexts(g, c, named); err != nil {
			return fmt.Errorf("column %s: %w", column.Path(), err)
		}
	}
	return nil
}

// dictionaryTexts yields the entries of a dictionary: each behind its length.
func dictionaryTexts(g *file.RowGroupReader, c int, yield func([]byte)) error {
	pages, err := g.GetColumnPageReader(c)
	if err != nil {
		return err
	}
	for pages.Next() {
		page, is := pages.Page().(*file.DictionaryPage)
		if !is {
			continue
		}
		for b := page.Data(); len(b) >= 4; {
			n := binary.LittleEndian.Uint32(b)
			if uint64(n) > uint64(len(b)-4) {
				return io.ErrUnexpectedEOF
			}
			yield(b[4 : 4+n])
			b = b[4+n:]
		}
	}
	return pages.Err()
}

func columnTexts(g *file.RowGroupReader, c int, yield func([]byte)) error {
	reader, err := g.Column(c)
	if err != nil {
		return err
	}
	texts, is := reader.(*file.ByteArrayColumnChunkReader)
	if !is {
		return nil
	}
	values := make([]parquet.ByteArray, 4096)
	levels, repeats := make([]int16, len(values)), make([]int16, len(values))
	for texts.HasNext() {
		_, n, err := texts.ReadBatch(int64(len(values)), values, levels, repeats)
		if err != nil {
			return err
		}
		for _, v := range values[:n] {
			yield(v)
		}
	}
	return texts.Err()
}
