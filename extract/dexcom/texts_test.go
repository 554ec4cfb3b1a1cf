package dexcom

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// wireNames are the names of fields that are not their Go name with a small letter.
var wireNames = map[string]string{
	"ID": "recordId", "TransmitterID": "transmitterId",
	"Event.Type": "eventType", "Event.SubType": "eventSubType", "Event.Status": "eventStatus",
	"Alert.Name": "alertName", "Alert.State": "alertState",
	"ScheduleSettings.Name": "alertScheduleName", "ScheduleSettings.Days": "daysOfWeek",
	"AlertSetting.Name": "alertName",
	"Device.Schedules":  "alertSchedules", "AlertSchedule.Schedule": "alertScheduleSettings", "AlertSchedule.Settings": "alertSettings",
}

// A leaf is a text or number that a kind of record has, wherever in it.
type leaf struct {
	name   string // on the wire
	format string // of a record with it; # is its value
	index  [][]int
	number bool
}

// value is what the leaf holds in a record.
func (l leaf) value(record reflect.Value) string {
	for _, index := range l.index {
		if record.Kind() == reflect.Slice {
			record = record.Index(0)
		}
		record = record.FieldByIndex(index)
	}
	if record.Type() == reflect.TypeFor[[]Text]() {
		record = record.Index(0)
	}
	return string(record.Bytes())
}

// leaves finds the leaves of the struct of by its fields: one that is new is among
// them without being named here.
func leaves(of reflect.Type) (all []leaf) {
	for _, f := range reflect.VisibleFields(of) {
		if f.Anonymous || !f.IsExported() || f.Type == reflect.TypeFor[Time]() {
			continue
		}
		name, named := wireNames[of.Name()+"."+f.Name]
		if !named {
			name, named = wireNames[f.Name]
		}
		if !named {
			name = string(lowerFirst([]byte(f.Name)))
		}
		member, inside := `{"`+name+`":#}`, f.Type
		switch f.Type {
		case reflect.TypeFor[Text](), reflect.TypeFor[Number]():
			all = append(all, leaf{name, member, [][]int{f.Index}, f.Type == reflect.TypeFor[Number]()})
			continue
		case reflect.TypeFor[[]Text]():
			all = append(all, leaf{name, `{"` + name + `":[#]}`, [][]int{f.Index}, false})
			continue
		case reflect.TypeFor[[]Member](), reflect.TypeFor[[]FieldError](): // no fields of the API
			continue
		}
		if f.Type.Kind() == reflect.Slice {
			member, inside = `{"`+name+`":[#]}`, f.Type.Elem()
		}
		if inside.Kind() != reflect.Struct {
			continue
		}
		for _, l := range leaves(inside) {
			all = append(all, leaf{l.name, strings.Replace(member, "#", l.format, 1), append([][]int{f.Index}, l.index...), l.number})
		}
	}
	return all
}

// Whatever text or number a record has: at its limit it is read, one byte more and
// the record is spoilt, and no other.
func TestTextLimits(t *testing.T) {
	textLimits[EGV](t, 13)
	textLimits[Event](t, 12)
	textLimits[Calibration](t, 9)
	textLimits[Alert](t, 9)
	textLimits[Device](t, 19)
}

func textLimits[R Record, P Pointer[R]](t *testing.T, atLeast int) {
	resource := P(new(R)).resource()
	all := leaves(reflect.TypeFor[R]())
	if len(all) < atLeast {
		t.Errorf("%s: %d texts and numbers found, want %d", resource, len(all), atLeast)
	}
	for _, l := range all {
		limit := MaxTextBytes
		if resource == Events && l.name == "value" {
			limit = MaxNoteBytes
		}
		kinds := map[string][3]string{"digits": {"1", "", "1"}, "digits as text": {"1", `"`, "1"}}
		if !l.number {
			kinds["letters"], kinds["umlauts"], kinds["escapes"] = [3]string{"x", `"`, "x"}, [3]string{"é", `"`, "é"}, [3]string{`\u00e9`, `"`, "é"}
		}
		for kind, k := range kinds {
			for over := range 2 {
				n := limit / len(k[2])
				text, says := strings.Repeat(k[0], n), strings.Repeat(k[2], n)
				if over == 1 {
					text, says = "1"+text, "1"+says
				}
				record := strings.Replace(l.format, "#", k[1]+text+k[1], 1)
				call := fmt.Sprintf("%s: %.150s, %s, %d over", resource, record, kind, over)
				var e Envelope
				at := 0
				for r, err := range Records[R, P](pageOf(resource, `{}`, record, `{}`), &e) {
					if err != nil {
						t.Fatalf("%s: %v", call, err)
					}
					faults := P(r).Wire().Faults
					switch {
					case at == 1 && l.value(reflect.ValueOf(*r)) != says:
						t.Errorf("%s: the text is not in its field: is its name another one?", call)
					case at == 1 && over == 1:
						if len(faults) == 0 || faults[0].Reason != LongText || faults[0].Field != l.name {
							t.Errorf("%s: %v, want %q", call, faults, LongText)
						}
					case len(faults) > 0:
						t.Errorf("%s: record %d: %v", call, at, faults)
					}
					at++
				}
				if at != 3 {
					t.Errorf("%s: %d records", call, at)
				}
			}
		}
	}
}

// The fields of a record that nobody knows are counted together, and the days of a
// schedule, which are one text of its rows.
func TestSumsOfTexts(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	const most, mostOfDevice = maxExtraBytes, maxDeviceExtraBytes
	day := func(n int) string {
		return `{"alertSchedules":[{"alertScheduleSettings":{"daysOfWeek":[` + several(n, `"1"`) + `]}}]}`
	}
	for _, test := range []struct {
		name   string
		device bool
		record string
		reason Reason
		field  string
	}{
		{"one", false, `{"n":"` + x(most-3) + `"}`, "", ""},
		{"one", false, `{"n":"` + x(most-2) + `"}`, LongExtra, "n"},
		{"a long name", false, `{"` + x(100) + `":"` + x(most-102) + `"}`, "", ""},
		{"a long name", false, `{"` + x(101) + `":"` + x(most-102) + `"}`, LongExtra, x(101)},
		{"two", false, `{"n":"` + x(most-10) + `","value":1,"m":"` + x(4) + `"}`, "", ""},
		{"two", false, `{"n":"` + x(most-10) + `","value":1,"m":"` + x(5) + `"}`, LongExtra, "m"},
		{"an object", false, `{"n":{"o":"` + x(most-9) + `"}}`, "", ""},
		{"an object", false, `{"n":{"o":"` + x(most-8) + `"}}`, LongExtra, "n"},
		{"many", false, `{` + several(2_000, `"n#":"xxxxx"`) + `}`, LongExtra, "n1457"},
		{"one", true, `{"n":"` + x(mostOfDevice-3) + `"}`, "", ""},
		{"one", true, `{"n":"` + x(mostOfDevice-2) + `"}`, LongExtra, "n"},
		{"in two settings", true, `{"alertSchedules":[{"alertSettings":[{"n":"` + x(mostOfDevice-10) + `"},{"m":"` + x(4) + `"}]}]}`, "", ""},
		{"in two settings", true, `{"alertSchedules":[{"alertSettings":[{"n":"` + x(mostOfDevice-10) + `"},{"m":"` + x(5) + `"}]}]}`, LongExtra, "m"},
		{"days", true, day((MaxTextBytes + 1) / 2), "", ""},
		{"days", true, day((MaxTextBytes+1)/2 + 1), LongText, "daysOfWeek"},
	} {
		var faults []FieldError
		if test.device {
			faults = read[Device](t, test.record).Faults
		} else {
			faults = read[Alert](t, strings.ReplaceAll(test.record, `"value":1`, `"alertName":"high"`)).Faults
		}
		got := FieldError{}
		if len(faults) > 0 {
			got = faults[0]
		}
		if got.Reason != test.reason || got.Field != test.field {
			t.Errorf("%s, %d bytes, device %t: %q of %.110q, want %q of %.110q", test.name, len(test.record), test.device, got.Reason, got.Field, test.reason, test.field)
		}
	}
}
