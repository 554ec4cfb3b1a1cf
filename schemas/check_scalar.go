package schemas

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// scalar looks at v, a value of the field f, which is to be neither object nor list.
func (w *walk) scalar(f dexcom.Field, v jsontext.Value) {
	kind := v.Kind()
	switch {
	case !mayBe(f.Kind, kind):
		w.find(WrongType, kindName(kind)+", not "+wanted(f.Kind))
	case kind == '0':
		w.number(f, v)
	case kind == '"':
		text, _ := jsontext.AppendUnquote(nil, v)
		w.text(f, string(text))
	}
}

func (w *walk) number(f dexcom.Field, v jsontext.Value) {
	bounds := f.Kind != dexcom.IsNote && f.Min < f.Max
	n, err := dexcom.Number(v).Int64()
	switch {
	case f.Kind == dexcom.IsWhole && err == dexcom.ErrNotWhole:
		w.find(WrongType, "number with decimals, not "+wanted(f.Kind))
	case f.Kind == dexcom.IsWhole && err != nil, bounds && err == nil && (n < f.Min || n > f.Max):
		w.find(OutOfRange, beyond(f))
	case bounds && err != nil:
		if real, err := dexcom.Number(v).Float64(); err != nil || real < float64(f.Min) || real > float64(f.Max) {
			w.find(OutOfRange, beyond(f))
		}
	}
}

func beyond(f dexcom.Field) string {
	if f.Min == f.Max {
		return "more digits than a number of 64 bits has"
	}
	return fmt.Sprintf("outside of %d to %d", f.Min, f.Max)
}

func (w *walk) text(f dexcom.Field, text string) {
	switch f.Kind {
	case dexcom.IsEnum:
		if !slices.Contains(w.types[f.Of].Values, text) {
			w.find(UnknownValue, word(text))
		}
	case dexcom.IsTime:
		if _, err := dexcom.ParseTime(dexcom.Text(text)); err != nil {
			w.find(NewTime, timeShape(text))
		}
	default:
		w.long(f, text)
	}
}

// long looks at how long a text of the field f is.
func (w *walk) long(f dexcom.Field, text string) {
	most := cmp.Or(f.Max, int64(maxTextChars))
	if f.Kind == dexcom.IsNote {
		most = cmp.Or(f.Max, int64(maxNoteChars))
	}
	switch n := int64(utf8.RuneCountInString(text)); {
	case n < f.Min && n == 0:
		w.find(OutOfRange, length(text))
	case n < f.Min || n > most:
		w.find(OutOfRange, fmt.Sprintf("text of not %d to %d characters", f.Min, most))
	}
}
