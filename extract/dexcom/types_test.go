package dexcom

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// The types are those of Dexcom's list, in its order, and what is beside it.
func TestTypesAreDexcoms(t *testing.T) {
	var names []string
	for _, typ := range Types() {
		names = append(names, typ.Name)
	}
	want := strings.Fields(`egv-record egvs-response event-record events-response calibration-record calibrations-response
		alert-record alerts-response alert-schedule alert-schedule-settings alert-schedule-override alert-setting
		device-record devices-response data-range-moment data-range-window data-range-response token-request token-response
		glucose-unit rate-unit trend-type egv-status event-type event-status alert-name alert-state transmitter-generation date-time
		transmitter-generation-variant display-device event-subtype event-unit setting-unit day-of-week override-mode
		sound-theme sound-output-mode egvs-record-type events-record-type calibrations-record-type alerts-record-type
		devices-record-type data-range-record-type grant-type`)
	if !slices.Equal(names, want) {
		t.Errorf("Types() are %s,\nwant %s", names, want)
	}
}

func TestTypesAreDescribed(t *testing.T) {
	for _, typ := range Types() {
		if typ.Title == "" || !sentence(typ.Comment) {
			t.Errorf("%s: title %q, comment %q", typ.Name, typ.Title, typ.Comment)
		}
		if !jsontext.Value(typ.Example).IsValid() {
			t.Errorf("%s: example %s is not JSON", typ.Name, typ.Example)
		}
		for other, usual := range typ.Means {
			if !slices.Contains(typ.Values, other) || !slices.Contains(typ.Values, usual) || typ.Means[usual] != "" {
				t.Errorf("%s: %q means %q; one is not among its values, or no usual spelling", typ.Name, other, usual)
			}
		}
		for _, f := range typ.Fields {
			if problem := wrongField(f); problem != "" {
				t.Errorf("%s.%s: %s", typ.Name, f.Name, problem)
			}
		}
	}
}

func sentence(text string) bool { return regexp.MustCompile(`^[A-Za-z0-9].*\.$`).MatchString(text) }

// wrongField says what f lacks.
func wrongField(f Field) string {
	of, known := TypeNamed(f.Of)
	hasOf := f.Kind == IsEnum || f.Kind == IsObject || f.Kind == IsList
	switch {
	case !sentence(f.Comment) || f.Evidence == "":
		return "no comment in sentences, or no evidence"
	case hasOf != known || !hasOf && f.Of != "":
		return "it is of no type, or should not be"
	case (f.Kind == IsEnum) != (of.Values != nil) && f.Kind != IsList:
		return "it is no enum, or should be"
	case (f.Kind == IsWhole || f.Kind == IsReal || f.Kind == IsList) && f.Min >= f.Max:
		return "it has no bounds"
	case f.Null && f.Required:
		return "null says what absence says, and it is required"
	case f.Example == "null" && !f.Null:
		return "its example is null"
	case f.Required && exampleIn(Types(), f) == "":
		return "it is required, and in no example"
	case f.Kind == IsEnum && f.Example != "" && f.Example != "null" && !slices.Contains(of.Values, unquoted(f.Example)):
		return "its example is no known value"
	}
	return ""
}

func unquoted(text string) string {
	var s string
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err.Error()
	}
	return s
}

// What the types show as an example is read, to the last member.
func TestExamplesAreRead(t *testing.T) {
	readExample[EGV](t, "egvs-response")
	readExample[Event](t, "events-response")
	readExample[Calibration](t, "calibrations-response")
	readExample[Alert](t, "alerts-response")
	readExample[Device](t, "devices-response")
	ranges, err := ParseRanges(example(t, "data-range-response"))
	if err != nil || ranges.EGVs == nil || ranges.Events == nil || ranges.Calibrations == nil {
		t.Errorf("ParseRanges of the example: %+v, %v", ranges, err)
	}
}

func example(t testing.TB, name string) []byte {
	typ, ok := TypeNamed(name)
	if !ok {
		t.Fatalf("no type %s", name)
	}
	return []byte(typ.Example)
}

func readExample[R Record, P Pointer[R]](t *testing.T, name string) {
	var e Envelope
	for r, err := range Records[R, P](example(t, name), &e) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m := P(r).Wire(); len(m.Faults)+len(m.Extra) > 0 {
			t.Errorf("%s: faults %v, extra %v", name, m.Faults, m.Extra)
		}
	}
	if e.Records != 1 || len(e.Extra) > 0 {
		t.Errorf("%s: %d records, extra %v; want 1 and none", name, e.Records, e.Extra)
	}
}

// Every field of a table is read into a place of its own, whichever way it is spelt, and
// nothing of a record is left without a field.
func TestTablesAreWhole(t *testing.T) {
	whole(t, &egvRecord)
	whole(t, &eventRecord)
	whole(t, &calibrationRecord)
	whole(t, &alertRecord)
	whole(t, &deviceRecord)
	whole(t, &alertSchedule)
	whole(t, &scheduleSettings)
	whole(t, &scheduleOverride)
	whole(t, &alertSetting)
	whole(t, &rangeWindow)
}

func whole[T any, P interface {
	*T
	object
}](t *testing.T, table *table[T]) {
	fieldOf := map[string]string{} // by place
	for _, r := range table.rows {
		for _, name := range []string{r.Name, r.Spelt} {
			if name == "" {
				continue
			}
			var one T
			place := placeOf(t, P(&one), fmt.Sprintf(`{%q:%s}`, name, valueOf(r.Field)))
			if other, taken := fieldOf[place]; taken && other != r.Name {
				t.Errorf("%s: %s and %s are read into %s", table.Name, other, r.Name, place)
			}
			fieldOf[place] = r.Name
		}
	}
	places(reflect.ValueOf(new(T)).Elem(), func(path string, _ reflect.Value) {
		if fieldOf[path] == "" {
			t.Errorf("%s: no field is read into %s", table.Name, path)
		}
	})
}

// placeOf reads sent, an object of one member, and returns where its value went.
func placeOf(t *testing.T, into object, sent string) (found string) {
	r := newReader([]byte(sent))
	var faults []FieldError
	r.faults = &faults
	r.object([]byte("it"), into)
	if r.err != nil || len(faults) > 0 || len(into.extras().Extra) > 0 {
		t.Errorf("%T of %s: %v, faults %v, extra %v", into, sent, r.err, faults, into.extras().Extra)
	}
	places(reflect.ValueOf(into).Elem(), func(path string, v reflect.Value) {
		switch {
		case v.IsZero():
		case found == "":
			found = path
		default:
			t.Errorf("%T of %s: %s and %s", into, sent, found, path)
		}
	})
	return found
}

// valueOf is a value that leaves its mark.
func valueOf(f Field) string {
	if value := exampleIn(types(), f); value != "" && value != "null" && value != `""` {
		return value
	}
	switch f.Kind {
	case IsWhole, IsReal:
		return "7"
	case IsObject, IsEnum:
		of, _ := TypeNamed(f.Of)
		return of.Example
	}
	return `"x"`
}

// places calls each of the fields of a struct that hold what was sent.
func places(v reflect.Value, each func(path string, v reflect.Value)) {
	for i := range v.NumField() {
		switch f := v.Type().Field(i); {
		case f.Type == reflect.TypeFor[Meta]() || f.Type == reflect.TypeFor[Extras]() || f.Name == "Own":
		case f.Anonymous:
			places(v.Field(i), each)
		default:
			each(f.Name, v.Field(i))
		}
	}
}
