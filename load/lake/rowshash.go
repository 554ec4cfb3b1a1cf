package lake

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/cespare/xxhash/v2"

	"github.com/dexetl/dexetl/transform"
)

// A rowsHash tells by all columns whether two sets of rows differ: it is the sum
// modulo 2^64 of a hash of each row, so neither the order of rows counts nor how they
// are spread over files. It is for rows that differ by chance; whoever wants to can
// make others with the same one.
type rowsHash struct {
	sum   uint64
	rows  []uint64 // hashes of the rows of a batch, column by column; kept for the next one
	words []uint64 // values of a column
}

// prime1 and prime2 are those that XXH64 mixes by; null is a word for no value, by
// chance.
const (
	prime1 = 0x9E3779B185EBCA87
	prime2 = 0xC2B2AE3D27D4EB4F
	null   = 0x6A09E667F3BCC908
)

// String is the form in the manifest.
func (h *rowsHash) String() string { return fmt.Sprintf("%016x", h.sum) }

// add adds the rows of r, whose columns are those of the table.
func (h *rowsHash) add(r arrow.RecordBatch) {
	n := int(r.NumRows())
	if cap(h.rows) < n {
		h.rows, h.words = make([]uint64, n), make([]uint64, n)
	}
	h.rows, h.words = h.rows[:n], h.words[:n]
	clear(h.rows)
	for _, column := range r.Columns() {
		h.column(column)
	}
	for _, row := range h.rows {
		row = (row ^ row>>33) * prime2
		h.sum += row ^ row>>29
	}
}

// column mixes the values of a column into the hashes of their rows.
func (h *rowsHash) column(column arrow.Array) {
	words(h.words, column)
	if column.NullN() > 0 {
		for i := range h.words {
			if column.IsNull(i) {
				h.words[i] = null
			}
		}
	}
	for i, word := range h.words {
		h.rows[i] = bits.RotateLeft64(h.rows[i]+word*prime2, 31) * prime1
	}
}

// words makes a word of each value of a column.
func words(to []uint64, column arrow.Array) {
	switch v := column.(type) {
	case *array.String:
		for i := range to {
			to[i] = xxhash.Sum64String(v.Value(i))
		}
	case *array.Dictionary:
		repeatedWords(to, v)
	case *array.Timestamp:
		wordsOf(to, v.Values())
	case *array.Date32:
		wordsOf(to, v.Values())
	case *array.Int16:
		wordsOf(to, v.Values())
	case *array.Int32:
		wordsOf(to, v.Values())
	case *array.Int64:
		wordsOf(to, v.Values())
	case *array.Float64:
		for i, value := range v.Values() {
			to[i] = math.Float64bits(value)
		}
	case *array.Boolean:
		for i := range to {
			to[i] = 0
			if v.Value(i) {
				to[i] = 1
			}
		}
	default:
		panic("no table has a column of " + v.DataType().String())
	}
}

func wordsOf[T ~int16 | ~int32 | ~int64](to []uint64, values []T) {
	for i, value := range values {
		to[i] = uint64(value)
	}
}

// repeatedWords hashes each text once, unless there are more texts than rows.
func repeatedWords(to []uint64, column *array.Dictionary) {
	texts := column.Dictionary().(*array.String)
	if texts.Len() > len(to) {
		each := transform.TextOf(column)
		for i := range to {
			to[i] = xxhash.Sum64String(each.Value(i))
		}
		return
	}
	of := make([]uint64, texts.Len())
	for i := range of {
		of[i] = xxhash.Sum64String(texts.Value(i))
	}
	for i, at := range column.Indices().(*array.Int32).Values() {
		if int(at) < len(of) { // a null says any
			to[i] = of[at]
		}
	}
}

// SameRows reports whether two sets of files of one table hold the same rows, as far
// as their manifests say: false if one of them says nothing.
func SameRows(a, b []File) bool {
	rowsA, sumA, ok := sumOf(a)
	rowsB, sumB, all := sumOf(b)
	return ok && all && rowsA == rowsB && sumA == sumB
}

func sumOf(files []File) (rows int64, sum uint64, ok bool) {
	for _, f := range files {
		one, err := strconv.ParseUint(f.RowsHash, 16, 64)
		if err != nil {
			return 0, 0, false
		}
		rows, sum = rows+f.Rows, sum+one
	}
	return rows, sum, true
}
