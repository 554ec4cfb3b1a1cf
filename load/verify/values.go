package verify

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// number is a column of whole numbers, or of what is one underneath.
func number(column arrow.Array) func(int) int64 {
	switch v := column.(type) {
	case *array.Timestamp:
		return func(i int) int64 { return int64(v.Value(i)) }
	case *array.Date32:
		return func(i int) int64 { return int64(v.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(v.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(v.Value(i)) }
	case *array.Int64:
		return v.Value
	case *array.Boolean:
		return func(i int) int64 {
			if v.Value(i) {
				return 1
			}
			return 0
		}
	}
	panic(fmt.Sprintf("no table is sorted or identified by a column of type %s", column.DataType()))
}

func isText(column arrow.Array) bool {
	switch column.(type) {
	case *array.String, *array.Dictionary:
		return true
	}
	return false
}

// neighbours compares the row before with a row, null first.
func neighbours(column arrow.Array) func(row int) int {
	compare := func(row int) int { return compareAt(column, row-1, column, row) }
	if column.NullN() > 0 {
		return compare
	}
	switch v := column.(type) {
	case *array.Dictionary: // a text is in it once
		places := v.Indices().(*array.Int32).Values()
		return func(row int) int {
			if places[row-1] == places[row] {
				return 0
			}
			return compare(row)
		}
	case *array.Timestamp:
		values := v.Values()
		return func(row int) int { return cmp.Compare(values[row-1], values[row]) }
	}
	return compare
}

// compareAt orders two values of columns of one type, null first.
func compareAt(a arrow.Array, i int, b arrow.Array, j int) int {
	switch an, bn := a.IsNull(i), b.IsNull(j); {
	case an && bn:
		return 0
	case an:
		return -1
	case bn:
		return 1
	}
	if isText(a) {
		return cmp.Compare(transform.TextAt(a, i), transform.TextAt(b, j))
	}
	return cmp.Compare(number(a)(i), number(b)(j))
}

// compareAcross orders the only row of a and the first one of b.
func compareAcross(a, b arrow.RecordBatch, columns []int) int {
	for _, c := range columns {
		if order := compareAt(a.Column(c), 0, b.Column(c), 0); order != 0 {
			return order
		}
	}
	return 0
}

// writer writes a value of a column to a hash, so that no two rows of values look alike.
func writer(h *maphash.Hash, column arrow.Array) func(row int) {
	var buffer [9]byte
	if isText(column) {
		texts := transform.TextOf(column)
		return func(row int) {
			text, length := "", uint64(0) // of null
			if column.IsValid(row) {
				text = texts.Value(row)
				length = uint64(len(text)) + 1
			}
			binary.LittleEndian.PutUint64(buffer[:], length)
			h.Write(buffer[:8])
			h.WriteString(text)
		}
	}
	value := number(column)
	return func(row int) {
		buffer[8] = 0
		binary.LittleEndian.PutUint64(buffer[:], uint64(value(row)))
		if column.IsNull(row) {
			buffer[8] = 1
			binary.LittleEndian.PutUint64(buffer[:], 0)
		}
		h.Write(buffer[:])
	}
}
