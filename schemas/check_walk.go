package schemas

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// recordsName is the member that has the records of an answer.
const recordsName = "records"

// maxFindings is how many findings are told one by one. Nobody reads more.
const maxFindings = 500

// A walk goes through answers and finds what is new in them.
type walk struct {
	all    catalogue
	types  map[string]dexcom.Type
	report Report
	places map[Finding]int // of findings in the report, by what they are without their count

	in   *Answers // what the answer in hand counts among
	json *jsontext.Decoder
	path []byte
}

func newWalk() *walk {
	w := &walk{all: dexcom.Types(), types: map[string]dexcom.Type{}, places: map[Finding]int{}}
	for _, t := range w.all {
		w.types[t.Name] = t
	}
	return w
}

// answer walks through one answer, of the type of that name.
func (w *walk) answer(value jsontext.Value, of string) {
	i := slices.IndexFunc(w.report.Read, func(a Answers) bool { return a.Type == of })
	if i < 0 {
		i = len(w.report.Read)
		w.report.Read = append(w.report.Read, Answers{Type: of})
	}
	w.in = &w.report.Read[i]
	w.in.Answers++
	w.json, w.path = decoder(value), w.path[:0]
	w.value(w.fieldOf(of))
}

// find counts one more of what is at w's path.
func (w *walk) find(what What, seen string) {
	f := Finding{Type: w.in.Type, What: what, Path: cmp.Or(string(w.path), "."), Seen: seen}
	if _, known := w.places[f]; !known && len(w.places) >= maxFindings {
		f = Finding{Type: w.in.Type, What: More, Path: "."}
	}
	i, known := w.places[f]
	if !known {
		i = len(w.report.Findings)
		w.places[f] = i
		w.report.Findings = append(w.report.Findings, f)
	}
	w.report.Findings[i].Count++
}

// sort puts the findings of a type together, in the order of the types.
func (w *walk) sort() {
	place := func(f Finding) int {
		return slices.IndexFunc(w.report.Read, func(a Answers) bool { return a.Type == f.Type })
	}
	slices.SortStableFunc(w.report.Findings, func(a, b Finding) int { return cmp.Compare(place(a), place(b)) })
}

// below does what is to be done one step down the path.
func (w *walk) below(step string, do func()) {
	length := len(w.path)
	if length > 0 && step != "[]" {
		w.path = append(w.path, '.')
	}
	w.path = append(w.path, step...)
	do()
	w.path = w.path[:length]
}

// fieldOf is a field whose value is of the type of that name.
func (w *walk) fieldOf(name string) dexcom.Field {
	switch t := w.types[name]; {
	case t.Fields != nil:
		return dexcom.Field{Kind: dexcom.IsObject, Of: name}
	case t.Values != nil:
		return dexcom.Field{Kind: dexcom.IsEnum, Of: name}
	}
	return dexcom.Field{Kind: dexcom.IsTime}
}

// value reads the next value, of the field f.
func (w *walk) value(f dexcom.Field) {
	kind := w.json.PeekKind()
	switch {
	case kind == 'n':
		if !f.Null {
			w.find(NullValue, "null")
		}
		w.json.SkipValue()
	case f.Kind == dexcom.IsObject && kind == '{':
		w.object(w.types[f.Of].Fields)
	case f.Kind == dexcom.IsList && kind == '[':
		if n := w.list(w.fieldOf(f.Of)); n > f.Max {
			w.find(OutOfRange, fmt.Sprintf("list of more than %d", f.Max))
		}
	case f.Kind == dexcom.IsObject, f.Kind == dexcom.IsList:
		w.find(WrongType, kindName(kind)+", not "+wanted(f.Kind))
		w.json.SkipValue()
	default:
		v, _ := w.json.ReadValue()
		w.scalar(f, v)
	}
}

// list reads a list of which each element is of the field f, and returns how many it has.
func (w *walk) list(f dexcom.Field) (n int64) {
	w.json.ReadToken()
	w.below("[]", func() {
		for w.json.PeekKind() != ']' {
			n++
			w.value(f)
		}
	})
	w.json.ReadToken()
	if string(w.path) == recordsName {
		w.in.Records += int(n)
	}
	return n
}

// object reads an object of these fields.
func (w *walk) object(fields []dexcom.Field) {
	had := make([]bool, len(fields))
	w.json.ReadToken()
	for w.json.PeekKind() != '}' {
		token, _ := w.json.ReadToken()
		name := token.String()
		i := slices.IndexFunc(fields, func(f dexcom.Field) bool { return name == f.Name || name == f.Spelt })
		w.below(w.spelling(name), func() {
			switch {
			case i < 0:
				w.unknown()
				return
			case had[i]:
				w.find(SentTwice, "")
			}
			had[i] = true
			w.value(fields[i])
		})
	}
	w.json.ReadToken()
	for i, f := range fields {
		if f.Required && !had[i] {
			w.below(f.Name, func() { w.find(Missing, "") })
		}
	}
}

// unknown reads a value that dexetl knows nothing of, and tells what it is made of.
func (w *walk) unknown() {
	kind := w.json.PeekKind()
	switch kind {
	case '{':
		w.find(UnknownMember, kindName(kind))
		w.object(nil)
	case '[':
		w.find(UnknownMember, kindName(kind))
		w.json.ReadToken()
		w.below("[]", func() {
			for w.json.PeekKind() != ']' {
				w.unknown()
			}
		})
		w.json.ReadToken()
	default:
		v, _ := w.json.ReadValue()
		w.find(UnknownMember, kindOf(v))
	}
}
