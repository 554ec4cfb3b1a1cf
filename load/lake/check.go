package lake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// Check reads a data file and compares it with what the manifest says of it.
// A *DamageError says what is wrong.
func (l *Lake) Check(f File) (err error) {
	in, err := l.open(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	sum := sha256.New()
	if _, err := io.Copy(sum, in); err != nil {
		return &DamageError{f.Path, err}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return &DamageError{f.Path, fmt.Errorf("sha256 is %s, the manifest says %s", got, f.SHA256)}
	}
	return nil
}

// CheckSize is Check without reading the content.
func (l *Lake) CheckSize(f File) error {
	in, err := l.open(f)
	if err != nil {
		return err
	}
	return in.Close()
}

// WriteEmpty writes a Parquet file of t without rows.
func WriteEmpty(to io.Writer, t transform.Table) error { return WriteRows(to, t) }

// WriteRows writes a Parquet file of t that is no part of any lake.
func WriteRows(to io.Writer, t transform.Table, rows ...arrow.RecordBatch) error {
	schema := t.Schema()
	w, err := newParquet(t, schema, struct{ io.Writer }{to})
	if err != nil {
		return fmt.Errorf("file of %s: %w", t.Name, err)
	}
	for _, r := range rows {
		same := array.NewRecordBatch(schema, r.Columns(), r.NumRows()) // pqarrow wants the very same metadata
		err = errors.Join(err, w.WriteBuffered(same))
		same.Release()
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("file of %s: %w", t.Name, err)
	}
	return nil
}
