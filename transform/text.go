package transform

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// repeated is text in memory whose values repeat: each of them once, and for every
// row the place of its value. In a file it is text like any other.
var repeated = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: text}

// A TextColumn is a column of text.
type TextColumn interface {
	Len() int
	IsNull(row int) bool
	IsValid(row int) bool
	Value(row int) string // of a null it is empty
}

// TextOf returns the values of a column of text, whose values repeat or not. They
// live as long as it.
func TextOf(column arrow.Array) TextColumn {
	if c, ok := column.(*array.Dictionary); ok {
		return repeatedTexts{c.Indices().(*array.Int32), c.Dictionary().(*array.String)}
	}
	return column.(*array.String)
}

// TextAt returns one value of a column of text; of a null it is empty.
func TextAt(column arrow.Array, row int) string {
	if c, ok := column.(*array.Dictionary); ok {
		return repeatedTexts{c.Indices().(*array.Int32), c.Dictionary().(*array.String)}.Value(row)
	}
	return column.(*array.String).Value(row)
}

type repeatedTexts struct {
	*array.Int32
	texts *array.String
}

func (t repeatedTexts) Value(row int) string {
	if t.IsNull(row) {
		return ""
	}
	return t.texts.Value(int(t.Int32.Value(row)))
}

// A Builder builds a column: it is an array.Builder, or a TextBuilder.
type Builder interface {
	Resize(rows int) // makes room for so many, and no more: what is built lives for a while
	AppendNull()
	Len() int
	NewArray() arrow.Array // and begins anew; the caller releases it
	Release()
}

// NewBuilder returns a builder of a column of a table's schema.
func NewBuilder(mem memory.Allocator, t arrow.DataType) Builder {
	if t.ID() == arrow.DICTIONARY {
		return NewTextBuilder(mem)
	}
	return array.NewBuilder(mem, t)
}

// A TextBuilder builds a column of text whose values repeat.
type TextBuilder struct {
	mem    memory.Allocator
	places *array.Int32Builder
	texts  []string
	place  map[string]int32
	last   int32 // place of the text appended last; meaningful if there are texts
}

// NewTextBuilder returns a builder of no rows.
func NewTextBuilder(mem memory.Allocator) *TextBuilder {
	return &TextBuilder{mem: mem, places: array.NewInt32Builder(mem), place: make(map[string]int32)}
}

// Resize makes room for rows.
func (b *TextBuilder) Resize(rows int) { b.places.Resize(rows) }

// Len returns how many rows there are.
func (b *TextBuilder) Len() int { return b.places.Len() }

// AppendNull appends a null.
func (b *TextBuilder) AppendNull() { b.places.AppendNull() }

// Append appends a text, which it does not keep.
func (b *TextBuilder) Append(text string) {
	if len(b.texts) == 0 || b.texts[b.last] != text {
		b.last = b.placeOf(text)
	}
	b.places.Append(b.last)
}

// AppendBytes is Append; nil, not merely empty, is null.
func (b *TextBuilder) AppendBytes(text []byte) {
	if text == nil {
		b.AppendNull()
		return
	}
	if len(b.texts) == 0 || b.texts[b.last] != string(text) {
		if place, known := b.place[string(text)]; known {
			b.last = place
		} else {
			b.last = b.placeOf(string(text))
		}
	}
	b.places.Append(b.last)
}

func (b *TextBuilder) placeOf(text string) int32 {
	place, known := b.place[text]
	if !known {
		place = int32(len(b.texts))
		text = strings.Clone(text)
		b.texts, b.place[text] = append(b.texts, text), place
	}
	return place
}

// From returns what appends a row of a column that another TextBuilder built. Every
// value is looked up once, unless there are more of them than rows.
func (b *TextBuilder) From(column arrow.Array) func(row int) {
	from := TextOf(column).(repeatedTexts)
	if from.texts.Len() > from.Len() { // a few rows, with the texts of many
		return func(row int) { b.appendRow(from, row) }
	}
	behind := make([]int32, from.texts.Len()) // the place here, plus one; 0: not looked up
	return func(row int) {
		if from.IsNull(row) {
			b.AppendNull()
			return
		}
		i := from.Int32.Value(row)
		if behind[i] == 0 {
			behind[i] = b.placeOf(from.texts.Value(int(i))) + 1
		}
		b.places.Append(behind[i] - 1)
	}
}

func (b *TextBuilder) appendRow(from repeatedTexts, row int) {
	if from.IsNull(row) {
		b.AppendNull()
	} else {
		b.Append(from.Value(row))
	}
}

// NewArray returns the column and begins anew. The caller releases it.
func (b *TextBuilder) NewArray() arrow.Array {
	texts := array.NewStringBuilder(b.mem)
	defer texts.Release()
	texts.AppendValues(b.texts, nil)
	of, places := texts.NewArray(), b.places.NewArray()
	defer of.Release()
	defer places.Release()
	b.texts, b.last = nil, 0
	clear(b.place)
	return array.NewDictionaryArray(repeated, places, of)
}

// Release frees the rows that are not in a column yet.
func (b *TextBuilder) Release() { b.places.Release() }
