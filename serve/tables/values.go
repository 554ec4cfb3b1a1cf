package tables

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// A writeValue appends the value of a row, which is not null.
type writeValue func(dst []byte, row int) []byte

// column says how the values of a column are written.
func (l *lines) column(column arrow.Array) writeValue {
	switch c := column.(type) {
	case *array.Dictionary:
		return l.repeated(c)
	case *array.String:
		return func(dst []byte, row int) []byte { return l.quote(dst, c.Value(row)) }
	case *array.Timestamp:
		return l.times(c)
	case *array.Date32:
		return func(dst []byte, row int) []byte {
			return l.quoted(dst, c.Value(row).ToTime().AppendFormat(nil, time.DateOnly))
		}
	case *array.Boolean:
		return func(dst []byte, row int) []byte { return strconv.AppendBool(dst, c.Value(row)) }
	case *array.Float64:
		return func(dst []byte, row int) []byte { return l.decimal(dst, c.Value(row)) }
	case *array.List:
		return l.list(c)
	}
	number := wholeNumber(column)
	return func(dst []byte, row int) []byte { return strconv.AppendInt(dst, number(row), 10) }
}

func wholeNumber(column arrow.Array) func(row int) int64 {
	switch c := column.(type) {
	case *array.Int16:
		return func(row int) int64 { return int64(c.Value(row)) }
	case *array.Int32:
		return func(row int) int64 { return int64(c.Value(row)) }
	}
	return column.(*array.Int64).Value
}

// repeated quotes each text once, however often it occurs.
func (l *lines) repeated(c *array.Dictionary) writeValue {
	texts := c.Dictionary().(*array.String)
	quoted := make([][]byte, texts.Len())
	return func(dst []byte, row int) []byte {
		place := c.GetValueIndex(row)
		if quoted[place] == nil {
			quoted[place] = l.quote(nil, texts.Value(place))
		}
		return append(dst, quoted[place]...)
	}
}

// quoted is a text that needs no escapes.
func (l *lines) quoted(dst, text []byte) []byte {
	if l.bare {
		return append(dst, text...)
	}
	return append(append(append(dst, '"'), text...), '"')
}

const day = int64(24 * time.Hour / time.Microsecond)

// times writes the date of a day once.
func (l *lines) times(c *array.Timestamp) writeValue {
	between := byte('T')
	if l.bare {
		between = ' '
	}
	last, text, date := int64(math.MinInt64), make([]byte, 0, 32), 0
	return func(dst []byte, row int) []byte {
		at := int64(c.Value(row))
		within := ((at % day) + day) % day
		if at-within != last {
			last = at - within
			text = append(time.UnixMicro(last).UTC().AppendFormat(text[:0], time.DateOnly), between)
			date = len(text)
		}
		text = clock(text[:date], within)
		return l.quoted(dst, text)
	}
}

// clock appends a time of day, with a fraction of a second where there is one.
func clock(dst []byte, micros int64) []byte {
	seconds, fraction := int(micros/1e6), int(micros%1e6)
	two := func(n int, before string) { dst = append(append(dst, before...), byte('0'+n/10), byte('0'+n%10)) }
	two(seconds/3600, "")
	two(seconds/60%60, ":")
	two(seconds%60, ":")
	if fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := 100_000; fraction > 0; unit /= 10 {
		dst = append(dst, byte('0'+fraction/unit))
		fraction %= unit
	}
	return dst
}

// decimal is a number without loss, with an exponent only where people use one; what JSON
// has no number for is text.
func (l *lines) decimal(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return l.quoted(dst, strconv.AppendFloat(nil, v, 'g', -1, 64))
	}
	form := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, v, form, -1, 64)
}

// list is an array of JSON; in CSV, as text.
func (l *lines) list(c *array.List) writeValue {
	number := wholeNumber(c.ListValues())
	return func(dst []byte, row int) []byte {
		from, to := c.ValueOffsets(row)
		text := []byte{'['}
		for i := from; i < to; i++ {
			if i > from {
				text = append(text, ',')
			}
			text = strconv.AppendInt(text, number(int(i)), 10)
		}
		text = append(text, ']')
		if l.bare {
			return l.quote(dst, string(text))
		}
		return append(dst, text...)
	}
}
