package schemas

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// typeOf is the type that a value tells it is of: the one that its recordType names, else
// the one that it is most like. "" where it is not half like any.
func (w *walk) typeOf(value jsontext.Value) string {
	names, recordType := namesIn(value)
	best, most := "", 0.5
	for _, t := range w.all {
		if recordType != "" && w.isCalled(t, recordType) {
			return t.Name
		}
		if like := likeness(names, w.namesOf(t)); like > most {
			best, most = t.Name, like
		}
	}
	return best
}

// isCalled reports whether recordType is that of t.
func (w *walk) isCalled(t dexcom.Type, recordType string) bool {
	i := slices.IndexFunc(t.Fields, func(f dexcom.Field) bool { return f.Name == "recordType" })
	return i >= 0 && slices.ContainsFunc(w.types[t.Fields[i].Of].Values, func(known string) bool {
		return strings.EqualFold(known, recordType)
	})
}

// namesOf are the names of the members of t, those of its records among them.
func (w *walk) namesOf(t dexcom.Type) (names []string) {
	for _, f := range t.Fields {
		names = append(names, f.Name)
		if f.Name == recordsName {
			for _, of := range w.types[f.Of].Fields {
				names = append(names, recordsName+"."+of.Name)
			}
		}
	}
	return names
}

// namesIn are the names of the members of value, those of its first record among them,
// and its recordType.
func namesIn(value jsontext.Value) (names []string, recordType string) {
	for name, v := range members(value) {
		names = append(names, name)
		switch name {
		case "recordType":
			text, _ := jsontext.AppendUnquote(nil, v)
			recordType = string(text)
		case recordsName:
			for of := range members(first(v)) {
				names = append(names, recordsName+"."+of)
			}
		}
	}
	return names, recordType
}

// members yields the members of value, none if it is no object.
func members(value jsontext.Value) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		d := decoder(value)
		if d.PeekKind() != '{' {
			return
		}
		d.ReadToken()
		for d.PeekKind() == '"' {
			name, _ := d.ReadToken()
			text := name.String()
			if v, err := d.ReadValue(); err != nil || !yield(text, v) {
				return
			}
		}
	}
}

// first is the first element of value, nil if there is none.
func first(value jsontext.Value) jsontext.Value {
	d := decoder(value)
	if d.PeekKind() != '[' {
		return nil
	}
	d.ReadToken()
	element, _ := d.ReadValue()
	return element
}

func decoder(value jsontext.Value) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(value), lenient()...)
}

// likeness is what a and b share, as a part of what they have together.
func likeness(a, b []string) float64 {
	shared := 0
	for _, name := range b {
		if slices.Contains(a, name) {
			shared++
		}
	}
	return float64(shared) / float64(max(1, len(a)+len(b)-shared))
}
