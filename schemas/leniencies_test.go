package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/transform"
)

// A leniency is something that the decoder takes and the schemas do not, because
// Dexcom neither documents it nor was seen to send it.
type leniency struct {
	name  string
	says  string // what becomes of it
	in    dexcom.Resource
	at    string // what is changed in the example of an answer of in
	value string // JSON; empty: it is left out
	shown string // the example in words; empty: the last step of at, and value

	explains func(difference) bool
}

// leniencies are all there are: a test fails at any other.
var leniencies = sync.OnceValue(func() []leniency {
	isText := func(d difference) bool { _, ok := d.value.(string); return ok }
	isNumber := func(d difference) bool { _, ok := d.value.(json.Number); return ok }
	ofKind := func(d difference, kinds ...dexcom.Kind) bool {
		return d.field.Name != "" && slices.Contains(kinds, d.field.Kind)
	}
	const setting = "records/0/alertSchedules/0/alertSettings/0/"
	return []leniency{
		{"a required member is missing", "It is as if null. A record without `recordId` gets one made of its content.",
			dexcom.EGVs, "records/0/recordId", "", "no `recordId`",
			func(d difference) bool { _, ok := d.kind.(*kind.Required); return ok }},
		{"null where none was seen", "It is as if absent, also as an element of a list.",
			dexcom.EGVs, "records/0/rateUnit", `null`, "",
			func(d difference) bool { return d.value == nil }},
		{"an empty `recordId`", "It is as if absent.",
			dexcom.EGVs, "records/0/recordId", `""`, "",
			func(d difference) bool { _, ok := d.kind.(*kind.MinLength); return ok && d.value == "" }},
		{"a number as text", "It is the number. Also `+5`, `007` and `.5`; an empty text is no number.",
			dexcom.EGVs, "records/0/value", `"101"`, "",
			func(d difference) bool { return ofKind(d, dexcom.IsWhole, dexcom.IsReal) && isText(d) }},
		{"a number out of its bounds", "It is the number, while its column can hold it.",
			dexcom.EGVs, "records/0/value", `1001`, "",
			func(d difference) bool { return ofKind(d, dexcom.IsWhole, dexcom.IsReal) && isNumber(d) && outside(d) }},
		{"decimals of a setting's `value`", "They stay: the column has decimals.",
			dexcom.Devices, setting + "value", `72.5`, "",
			func(d difference) bool {
				return d.of.Name == "alert-setting" && d.field.Name == "value" && isNumber(d)
			}},
		{"a text as number", "It is the digits as sent.",
			dexcom.EGVs, "records/0/displayApp", `7`, "",
			func(d difference) bool { return ofKind(d, dexcom.IsText, dexcom.IsEnum, dexcom.IsList) && isNumber(d) }},
		{"true or false as text", "It is that, in capitals or not; an empty text is neither.",
			dexcom.Devices, setting + "enabled", `"TRUE"`, "",
			func(d difference) bool { return ofKind(d, dexcom.IsBool) && isText(d) }},
		{"an empty time", "It is as if null, but for the `systemTime` of a record, which it must have.",
			dexcom.EGVs, "records/0/displayTime", `""`, "",
			func(d difference) bool { return ofKind(d, dexcom.IsTime) && d.value == "" }},
		{"any `displayTime` in a `data-range-moment`", "Nobody reads it.",
			dexcom.DataRange, "egvs/start/displayTime", `"soon"`, "",
			func(d difference) bool { return d.of.Name == "data-range-moment" && d.field.Name == "displayTime" }},
		{"a known name with a capital first letter", "It is the member of that name.",
			dexcom.Calibrations, "records/0/DisplayApp", `"G6"`, "",
			func(d difference) bool {
				p, ok := d.kind.(*kind.PropertyNames)
				return ok && isCapital(p.Property)
			}},
		{"two spellings of a name", "The value is that of the one which is not null.",
			dexcom.Devices, setting + "SecondaryTriggerCondition", `80`, "`\"SecondaryTriggerCondition\": 80` beside `\"secondaryTriggerCondition\": null`",
			func(d difference) bool { _, ok := d.kind.(*kind.Not); return ok }},
		{"`recordType` in capitals", "It is the type.",
			dexcom.EGVs, "recordType", `"EGV"`, "",
			func(d difference) bool { return d.field.Name == "recordType" && isText(d) }},
		{"a day that is none", "It stays as sent.",
			dexcom.Devices, "records/0/alertSchedules/0/alertScheduleSettings/daysOfWeek/0", `"friyay"`, "`\"daysOfWeek\": [\"friyay\"]`",
			func(d difference) bool { return d.field.Of == "day-of-week" && isText(d) }},
		{"a longer text", fmt.Sprintf("It may have %d bytes in UTF-8, and the value of an event %d: a schema counts characters, which have four bytes at most.", dexcom.MaxTextBytes, dexcom.MaxNoteBytes),
			dexcom.EGVs, "records/0/displayApp", `"` + strings.Repeat("x", 257) + `"`, "257 letters",
			func(d difference) bool { _, ok := d.kind.(*kind.MaxLength); return ok && isText(d) }},
		{"a longer name of a member that is not known", fmt.Sprintf("It may have %d bytes.", dexcom.MaxNameBytes),
			dexcom.EGVs, "records/0/" + strings.Repeat("n", 65), `1`, "65 letters",
			func(d difference) bool {
				p, ok := d.kind.(*kind.PropertyNames)
				return ok && len(p.Property) > maxNameChars
			}},
		{"more elements in a list", "They become rows while the record is within its limits.",
			dexcom.Devices, "records/0/alertSchedules", "[" + strings.Repeat(`{},`, 12) + "{}]", "13 schedules",
			func(d difference) bool { _, ok := d.kind.(*kind.MaxItems); return ok }},
		{"more members in an object", "They stay while the record is within its limits.",
			dexcom.EGVs, "records/0", manyMembers(), "more than 1000 members",
			func(d difference) bool { _, ok := d.kind.(*kind.MaxProperties); return ok }},
	}
})

func outside(d difference) bool {
	switch d.kind.(type) {
	case *kind.Minimum, *kind.Maximum:
		return true
	}
	return false
}

// isCapital reports whether name is a known one but for its first letter.
func isCapital(name string) bool {
	return slices.ContainsFunc(types(), func(t dexcom.Type) bool {
		return slices.ContainsFunc(t.Fields, func(f dexcom.Field) bool { return capital(f.Name) == name })
	})
}

func manyMembers() string {
	text, _ := json.Marshal(types().example(types().named("egv-record")))
	for i := range dexcom.MaxNames {
		text = fmt.Appendf(text[:len(text)-1], `,"n%d":0}`, i)
	}
	return string(text)
}

// A limit is something that the decoder does not take and the schemas cannot say.
type limit struct {
	name    string
	says    string
	reasons []string // of rejects, where documents of the tests may come to it
}

func limits() []limit {
	return []limit{
		{"the size of a record", "It has 256 kB at most.", []string{string(dexcom.TooLong)}},
		{"how many values a record has", "It has 10,000 members and elements at most, at any depth, and the rows of a device repeat 256 kB at most.", []string{string(dexcom.TooMany)}},
		{"depth", "32 objects and lists within each other, the record included.", []string{string(dexcom.TooDeep)}},
		{"members that are not known, together", "16 kB of names and values in a record, 64 kB in a device.", []string{string(dexcom.LongExtra)}},
		{"a name that comes twice", "The record is rejected, whichever of the two a validator sees.", []string{string(dexcom.SentTwice)}},
		{"text that is not valid Unicode", "Broken UTF-8 and half a surrogate pair are rejected.", []string{string(dexcom.BadText)}},
		{"how a number is spelt", "With an exponent it has 64 characters at most, and an exponent of four digits.", nil},
		{"when", "A `systemTime` before 2010, or more than a day ahead of the server's clock, is rejected.", []string{string(transform.ImplausibleTime)}},
		{"the size of an answer", fmt.Sprintf("%d MB.", dexcom.DefaultMaxBody>>20), nil},
		{"a line break behind a time", "The decoder and the pattern of Go and JavaScript refuse it; Python's `$` lets it pass.", nil},
	}
}

// Each leniency is one: the schema refuses its example, the decoder takes it, and no
// leniency before it explains that.
func TestLeniencies(t *testing.T) {
	for _, l := range leniencies() {
		t.Run(l.name, func(t *testing.T) {
			answer := exampleAnswer(t, l.in)
			change(t, answer, l.at, l.value)
			taken, named := compare(t, l.in, answer)
			if taken {
				t.Errorf("the schema takes it")
			}
			if !slices.Contains(named, l.name) {
				t.Errorf("the schema refuses it by %q; the decoder says %q", named, decodedValue(t, l.in, answer))
			}
		})
	}
}

func decodedValue(t *testing.T, r dexcom.Resource, answer any) []string {
	body, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, r, body)
}

// exampleAnswer is the example of an answer of r.
func exampleAnswer(t testing.TB, r dexcom.Resource) any {
	t.Helper()
	text, err := json.Marshal(types().example(types().named(typeOf(r))))
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, text)
}

// change puts value, JSON, at a place in a document; empty takes away what is there.
func change(t testing.TB, in any, at, value string) {
	t.Helper()
	steps := strings.Split(at, "/")
	for _, step := range steps[:len(steps)-1] {
		in = stepInto(in, step)
	}
	last := steps[len(steps)-1]
	if value == "" {
		delete(in.(map[string]any), last)
		return
	}
	switch in := in.(type) {
	case map[string]any:
		in[last] = parsed(t, []byte(value))
	case []any:
		i, _ := strconv.Atoi(last)
		in[i] = parsed(t, []byte(value))
	default:
		t.Fatalf("%s leads nowhere", at)
	}
}

func stepInto(value any, step string) any {
	if list, ok := value.([]any); ok {
		i, _ := strconv.Atoi(step)
		return list[i]
	}
	return value.(map[string]any)[step]
}
