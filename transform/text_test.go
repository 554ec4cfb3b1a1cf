package transform

import (
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// none stands for null.
const none = "(null)"

func textsIn(column arrow.Array) (texts []string) {
	of := TextOf(column)
	for row := range of.Len() {
		text := of.Value(row)
		switch {
		case TextAt(column, row) != text || of.IsNull(row) == of.IsValid(row):
			text = "(said in two ways)"
		case of.IsNull(row) && text == "":
			text = none
		}
		texts = append(texts, text)
	}
	return texts
}

// Texts come out as they went in, empty and null ones, too, whole or in parts, whether
// their values repeat or not.
func TestTextColumns(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, want := range [][]string{
		nil, {""}, {none}, {"a"}, {none, ""}, {"", none, "a", "", "a", "b", none, none, "b", "a", ""}, {"a", none, "", "a"}, {"a", "b", "c", "d", none, "b"},
	} {
		repeated, plain := NewTextBuilder(mem), array.NewStringBuilder(mem)
		for i, text := range want {
			switch {
			case text == none && i%2 == 0:
				repeated.AppendBytes(nil)
				plain.AppendNull()
			case text == none:
				repeated.AppendNull()
				plain.AppendNull()
			case i%2 == 0:
				repeated.AppendBytes([]byte(text))
				plain.Append(text)
			default:
				repeated.Append(text)
				plain.Append(text)
			}
		}
		if repeated.Len() != len(want) {
			t.Errorf("%q: %d rows", want, repeated.Len())
		}
		column, other := repeated.NewArray(), plain.NewArray()
		part := array.NewSlice(column, int64(len(want)/2), int64(len(want)))
		add := repeated.From(part) // the builder begins anew
		for row := range part.Len() {
			add(row)
		}
		copied := repeated.NewArray()
		for name, of := range map[string]struct {
			got  []string
			want []string
		}{
			"repeated": {textsIn(column), want}, "plain": {textsIn(other), want},
			"a part": {textsIn(part), want[len(want)/2:]}, "a copy": {textsIn(copied), want[len(want)/2:]},
		} {
			if !slices.Equal(of.got, of.want) {
				t.Errorf("%s: %q, want %q", name, of.got, of.want)
			}
		}
		for _, a := range []arrow.Array{column, other, part, copied} {
			a.Release()
		}
		repeated.Release()
		plain.Release()
	}
}
