package transform

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// Whatever the type of an event, its value and the fields that nobody knows:
// text without a column is in event_notes and nowhere else, whether the event can
// be read or not; what nobody can have written stays with the event.
func TestTextOfEvents(t *testing.T) {
	text := rapid.SampledFrom([]string{`"~"`, `"seen by ~"`, `"0171 ~"`, `{"a":"~"}`, `{"~":1}`, `[["~"],1]`, `[1,{"b":[null,"~"]}]`})
	plain := rapid.SampledFrom([]string{`1`, `-2.50`, `true`, `""`, `[]`, `{}`, `null`})
	names := rapid.SampledFrom([]string{"memo", "Note", "mealName", "sent", "note", "extra", "value2", "z"})
	rapid.Check(t, func(r *rapid.T) {
		record := fmt.Sprintf(`{%s,"eventType":%q`, when, rapid.SampledFrom([]string{"carbs", "insulin", "exercise", "health", "bloodGlucose", "notes", "diary", "unknown"}).Draw(r, "type"))
		readable := rapid.Bool().Draw(r, "readable")
		if !readable {
			record += `,"recordedSystemTime":"noon"`
		}
		value := rapid.SampledFrom([]string{``, `,"value":"45"`, `,"value":45`, `,"value":"about ~"`, `,"value":""`}).Draw(r, "value")
		record += value
		texts := strings.Count(value, "~")
		for name := range rapid.MapOfN(names, rapid.Bool(), 0, 4).Draw(r, "names") {
			of := plain
			if rapid.Bool().Draw(r, "text") {
				of = text
				texts++
			}
			record += fmt.Sprintf(",%q:%s", name, of.Draw(r, name))
		}
		record += "}"
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, record)))
		if n := len(got.rows["events"]) + len(got.rows["rejects"]); n != 1 || readable != (len(got.rows["events"]) == 1) {
			r.Fatalf("%s: rows %v, readable: %v", record, got.rows, readable)
		}
		notes := fmt.Sprint(got.rows["event_notes"])
		delete(got.rows, "event_notes")
		if all := fmt.Sprint(got.rows, got.Warnings); strings.Contains(all, "~") {
			r.Errorf("%s: its text is outside of event_notes: %s", record, all)
		}
		if readable && strings.Count(notes, "~") != texts {
			r.Errorf("%s: %d texts; event_notes has %s", record, texts, notes)
		}
	})
}

// What stays with a readable event, and what goes.
func TestUnknownFieldsOfEvents(t *testing.T) {
	for fields, want := range map[string][2]any{ // extra of events, and of event_notes; false: it has no row
		`"eventType":"carbs","value":"40","mealName":"supper","dose":1.5,"draft":true`: {`{"dose":1.5,"draft":true}`, `{"mealName":"supper"}`},
		`"eventType":"insulin","value":3,"dose":1.5`:                                   {`{"dose":1.5}`, false},
		`"eventType":"Insulin","phone":"01715550100"`:                                  {`{"sent":{"eventType":"Insulin"}}`, `{"phone":"01715550100"}`},
		`"eventType":"health","of":{"a":1},"no":[1,2]`:                                 {absent{}, `{"no":[1,2],"of":{"a":1}}`},
		`"eventType":"carbs","value":"40","sent":"word"`:                               {absent{}, `{"sent":{"sent":"word"}}`},
		`"eventType":"carbs","value":"40","sent":5,"empty":""`:                         {`{"empty":"","sent":{"sent":5}}`, false},
		`"eventType":"note","value":"tired","dose":1.5`:                                {`{"sent":{"eventType":"note"}}`, `{"dose":1.5}`},
	} {
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, `{`+when+`,`+fields+`}`)))
		expect(t, fields, got.rows["events"][0], row{"extra": want[0]})
		if want[1] == false {
			if len(got.rows["event_notes"]) > 0 || got.Noted[0] {
				t.Errorf("%s: event_notes has %v, want nothing", fields, got.rows["event_notes"])
			}
			continue
		}
		expect(t, fields, got.rows["event_notes"][0], row{"extra": want[1], "record_id": "r"})
		if !got.Noted[0] {
			t.Errorf("%s: it is not said that the event has a note", fields)
		}
	}
}
