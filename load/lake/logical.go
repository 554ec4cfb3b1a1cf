package lake

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// A logicalHash is the sum modulo 2^256 of the SHA-256 of rows. A sum does not
// depend on the order of the rows, and the sums of a table's files add up to
// the sum of the table however its rows are spread.
type logicalHash [4]uint64 // least significant first

func (h *logicalHash) add(o logicalHash) {
	var carry uint64
	for i := range h {
		h[i], carry = bits.Add64(h[i], o[i], carry)
	}
}

func (h logicalHash) String() string {
	var b [32]byte
	for i, word := range h {
		binary.LittleEndian.PutUint64(b[8*i:], word)
	}
	return hex.EncodeToString(b[:])
}

func hashOf(sum []byte) (h logicalHash) {
	for i := range h {
		h[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return h
}

// LogicalHash returns the hash of what files of the study's state say, as hex, which
// stands in the manifest and outlives them: equal for equal rows,
// whatever their order and however they are spread over files. Columns that
// tell when and how a row was learned (request_id, first_seen_at) do not count,
// nor do null values and rows that have vanished.
func LogicalHash(files ...File) (string, error) {
	var sum logicalHash
	for _, f := range files {
		b, err := hex.DecodeString(f.LogicalHash)
		if err != nil || len(b) != 32 {
			return "", fmt.Errorf("logical hash %q of %s is not 32 bytes of hex", f.LogicalHash, f.Path)
		}
		sum.add(hashOf(b))
	}
	return sum.String(), nil
}

// LogicalHashOf is LogicalHash of rows.
func LogicalHashOf(batches ...arrow.RecordBatch) (string, error) {
	var sum logicalHash
	for _, r := range batches {
		one, err := hashRows(r)
		if err != nil {
			return "", err
		}
		sum.add(one)
	}
	return sum.String(), nil
}

// hashRows returns the logical hash of the rows of r.
func hashRows(r arrow.RecordBatch) (sum logicalHash, err error) {
	var vanished arrow.Array
	columns := make([]appender, 0, r.NumCols())
	for i, column := range r.Columns() {
		switch name := r.ColumnName(i); name {
		case "request_id", "first_seen_at":
		case "vanished_at":
			vanished = column
		default:
			a, err := newAppender(name, column)
			if err != nil {
				return sum, err
			}
			columns = append(columns, a)
		}
	}
	var row []byte
	for i := range int(r.NumRows()) {
		if vanished != nil && vanished.IsValid(i) {
			continue
		}
		row = row[:0]
		for _, c := range columns {
			if c.values.IsValid(i) {
				row = append(row, c.name...)
				row = c.value(row, i)
			}
		}
		digest := sha256.Sum256(row)
		sum.add(hashOf(digest[:]))
	}
	return sum, nil
}

// An appender appends the values of one column to the bytes that are hashed
// for a row: the name, a zero byte, and the value in a form of known length.
type appender struct {
	name   string
	values arrow.Array
	value  func(row []byte, i int) []byte
}

func newAppender(name string, values arrow.Array) (appender, error) {
	a := appender{name: name + "\x00", values: values}
	whole := func(at func(i int) int64) func([]byte, int) []byte {
		return func(row []byte, i int) []byte { return binary.LittleEndian.AppendUint64(row, uint64(at(i))) }
	}
	switch v := values.(type) {
	case *array.String, *array.Dictionary:
		texts := transform.TextOf(v)
		a.value = func(row []byte, i int) []byte {
			s := texts.Value(i)
			return append(binary.AppendUvarint(row, uint64(len(s))), s...)
		}
	case *array.Timestamp:
		a.value = whole(func(i int) int64 { return int64(v.Value(i)) })
	case *array.Date32:
		a.value = whole(func(i int) int64 { return int64(v.Value(i)) })
	case *array.Int16:
		a.value = whole(func(i int) int64 { return int64(v.Value(i)) })
	case *array.Int32:
		a.value = whole(func(i int) int64 { return int64(v.Value(i)) })
	case *array.Int64:
		a.value = whole(func(i int) int64 { return v.Value(i) })
	case *array.Float64:
		a.value = whole(func(i int) int64 { return int64(math.Float64bits(v.Value(i))) })
	case *array.Boolean:
		a.value = whole(func(i int) int64 {
			if v.Value(i) {
				return 1
			}
			return 0
		})
	case *array.List:
		a.value = func(row []byte, i int) []byte {
			list := transform.SmallsAt(v, i)
			row = binary.AppendUvarint(row, uint64(len(list)))
			for _, n := range list {
				row = binary.LittleEndian.AppendUint16(row, uint16(n))
			}
			return row
		}
	default:
		return a, fmt.Errorf("column %s: no logical hash for type %s", name, values.DataType())
	}
	return a, nil
}
