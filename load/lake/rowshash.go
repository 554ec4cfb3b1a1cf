package lake

import (
	"context"
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
type rowsHash struct{ sum uint64 }

// prime1 and prime2 are those that XXH64 mixes by; null is a word for no value, by
// chance.
const (
	prime1 = 0x9E3779B185EBCA87
	prime2 = 0xC2B2AE3D27D4EB4F
	null   = 0x6A09E667F3BCC908
)

// String is the form in the manifest.
func (h *rowsHash) String() string { return fmt.Sprintf("%016x", h.sum) }

// hashedRows is how many rows are hashed at a time: what is known of them stays in the
// nearest cache.
const hashedRows = 512

// add adds the rows of r, whose columns are those of the table.
func (h *rowsHash) add(r arrow.RecordBatch) {
	columns := make([]words, r.NumCols())
	for i, column := range r.Columns() {
		columns[i] = wordsOf(column)
	}
	var rows, column [hashedRows]uint64
	for from := 0; from < int(r.NumRows()); from += hashedRows {
		n := min(hashedRows, int(r.NumRows())-from)
		clear(rows[:n])
		for _, words := range columns {
			words(column[:n], from)
			for i, word := range column[:n] {
				rows[i] = bits.RotateLeft64(rows[i]+word*prime2, 31) * prime1
			}
		}
		for _, row := range rows[:n] {
			row = (row ^ row>>33) * prime2
			h.sum += row ^ row>>29
		}
	}
}

// words makes a word of each value of a column, from a row on.
type words func(to []uint64, from int)

func wordsOf(column arrow.Array) words {
	values := valueWords(column)
	if column.NullN() == 0 {
		return values
	}
	return func(to []uint64, from int) {
		values(to, from)
		for i := range to {
			if column.IsNull(from + i) {
				to[i] = null
			}
		}
	}
}

// valueWords does not look for nulls.
func valueWords(column arrow.Array) words {
	switch v := column.(type) {
	case *array.String:
		return textWords(v)
	case *array.Dictionary:
		return repeatedWords(v)
	case *array.Timestamp:
		return numberWords(v.Values())
	case *array.Date32:
		return numberWords(v.Values())
	case *array.Int16:
		return numberWords(v.Values())
	case *array.Int32:
		return numberWords(v.Values())
	case *array.Int64:
		return numberWords(v.Values())
	case *array.Float64:
		return func(to []uint64, from int) {
			for i, value := range v.Values()[from : from+len(to)] {
				to[i] = math.Float64bits(value)
			}
		}
	case *array.Boolean:
		return func(to []uint64, from int) {
			for i := range to {
				to[i] = 0
				if v.Value(from + i) {
					to[i] = 1
				}
			}
		}
	case *array.List:
		return func(to []uint64, from int) {
			for i := range to {
				to[i] = listWord(transform.SmallsAt(v, from+i))
			}
		}
	}
	panic("no table has a column of " + column.DataType().String())
}

func numberWords[T ~int16 | ~int32 | ~int64](values []T) words {
	return func(to []uint64, from int) {
		for i, value := range values[from : from+len(to)] {
			to[i] = uint64(value)
		}
	}
}

// listWord tells lists apart by their numbers and how many these are.
func listWord(list []int16) uint64 {
	word := uint64(len(list))
	for _, n := range list {
		word = bits.RotateLeft64(word+uint64(n)*prime2, 31) * prime1
	}
	return word
}

func textWords(texts transform.TextColumn) words {
	return func(to []uint64, from int) {
		for i := range to {
			to[i] = xxhash.Sum64String(texts.Value(from + i))
		}
	}
}

// repeatedWords hashes each text once, unless there are more texts than rows.
func repeatedWords(column *array.Dictionary) words {
	texts := column.Dictionary().(*array.String)
	if texts.Len() > column.Len() {
		return textWords(transform.TextOf(column))
	}
	of := make([]uint64, texts.Len())
	for i := range of {
		of[i] = xxhash.Sum64String(texts.Value(i))
	}
	places := column.Indices().(*array.Int32).Values()
	return func(to []uint64, from int) {
		for i, at := range places[from : from+len(to)] {
			if int(at) < len(of) { // a null says any
				to[i] = of[at]
			}
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

// HashRows reads all rows of a file and returns what its RowsHash must be, if it has all
// columns of its table.
func (l *Lake) HashRows(ctx context.Context, f File) (string, error) {
	var sum rowsHash
	for batch, err := range l.Read(ctx, f, ReadOptions{}) {
		if err != nil {
			return "", err
		}
		sum.add(batch)
		batch.Release()
	}
	return sum.String(), nil
}
