package transform

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// column returns b's builder of the column called name. That it exists and has
// this type is between this package and its own schema.
func column[B array.Builder](b *array.RecordBuilder, name string) B {
	at := b.Schema().FieldIndices(name)
	if len(at) != 1 {
		panic(fmt.Sprintf("transform: %d columns %s", len(at), name))
	}
	return b.Field(at[0]).(B)
}

// The put functions append one cell, null where there is nothing to say: for a
// text that is nil, not merely empty.

func putText(b *array.StringBuilder, text []byte) {
	if text == nil {
		b.AppendNull()
		return
	}
	b.BinaryBuilder.Append(text)
}

// orNull is text, or nil if it is empty.
func orNull(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text
}

func putTime(b *array.TimestampBuilder, t time.Time, ok bool) {
	if !ok {
		b.AppendNull()
		return
	}
	b.Append(arrow.Timestamp(t.UnixMicro()))
}

// A maybe is a value, or none.
type maybe[T any] struct {
	value T
	ok    bool
}

func some[T any](value T) maybe[T] { return maybe[T]{value, true} }

// put appends m to b.
func put[T any, B interface {
	Append(T)
	AppendNull()
}](b B, m maybe[T]) {
	if !m.ok {
		b.AppendNull()
		return
	}
	b.Append(m.value)
}
