package transform

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// smalls is a list of small numbers. Null could be in it, for that is how lists are
// written; it never is.
var smalls arrow.DataType = arrow.ListOfField(arrow.Field{Name: "element", Type: small, Nullable: true})

// SmallsAt returns one list of a column of them; of a null it is empty. It lives as long
// as the column.
func SmallsAt(column *array.List, row int) []int16 {
	from, to := column.ValueOffsets(row)
	return column.ListValues().(*array.Int16).Values()[from:to]
}

// SmallsLen returns how many numbers are in all lists of a column.
func SmallsLen(column *array.List) int64 {
	if column.Len() == 0 {
		return 0
	}
	from, _ := column.ValueOffsets(0)
	_, to := column.ValueOffsets(column.Len() - 1)
	return to - from
}
