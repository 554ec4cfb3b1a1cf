package transform

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexcom"
)

const when = `"recordId":"r","systemTime":"2026-03-05T18:04:55Z","displayTime":"2026-03-05T10:04:55-08:00"`

func TestCommonColumns(t *testing.T) {
	for resource, table := range map[dexcom.Resource]string{
		dexcom.EGVs: "egvs", dexcom.Events: "events", dexcom.Calibrations: "calibrations", dexcom.Alerts: "alerts",
	} {
		got := one(t, resource, table, `{`+when+`,"transmitterId":"abc","transmitterTicks":85273,"transmitterGeneration":"g7",`+
			`"transmitterGenerationVariant":"d1+","displayDevice":"iOS","displayApp":"G7"}`)
		expect(t, table, got, row{
			"participant_id": "P001", "connection_id": "C1", "source": "api", "record_id": "r", "request_id": "R1",
			"system_time": "2026-03-05T18:04:55", "display_time": "2026-03-05T10:04:55", "utc_offset_min": -480, "utc_offset_source": "sent",
			"transmitter_id": "abc", "transmitter_ticks": 85273, "transmitter_generation": "g7", "transmitter_generation_variant": "d1+",
			"display_device": "iOS", "display_app": "G7", "extra": absent{}, "first_seen_at": "2026-04-01T12:00:00", "vanished_at": absent{},
		})
	}
}

// times multiplies as float64 does, unlike constants, which are exact.
func times(a, b float64) float64 { return a * b }

// The anomalies of section 8 of the API's description, by number, each as one
// record. Those of whole answers and of requests are package dexcom's tests.
func TestAnomalies(t *testing.T) {
	for _, test := range []struct {
		name     string
		resource dexcom.Resource
		fields   string
		want     row
	}{
		{"2 empty", dexcom.EGVs, `"transmitterId":"","displayApp":"","displayDevice":"","transmitterGeneration":""`,
			row{"transmitter_id": absent{}, "display_app": absent{}, "display_device": absent{}, "transmitter_generation": absent{}, "extra": absent{}}},
		{"2 missing", dexcom.EGVs, `"value":100`, row{"transmitter_id": absent{}, "glucose_mgdl": 100}},
		{"3 missing", dexcom.Events, `"eventType":"carbs","value":"45"`, row{"value": 45.0, "value_text": "45", "unit": absent{}, "extra": absent{}}},
		{"3 empty", dexcom.Events, `"eventType":"carbs","value":"45","unit":""`, row{"value": 45.0, "unit": absent{}, "extra": `{"sent":{"unit":""}}`}},
		{"4 missing", dexcom.Events, `"eventType":"insulin","unit":"units"`, row{"value": absent{}, "value_text": absent{}, "unit": "units"}},
		{"4 empty", dexcom.Events, `"eventType":"insulin","value":""`, row{"value": absent{}, "value_text": ""}},
		{"5", dexcom.Events, `"eventType":"exercise","value":"-1.00","unit":"minutes"`, row{"value": -1.0, "value_text": "-1.00"}},
		{"5 number", dexcom.Events, `"eventType":"exercise","value":-1`, row{"value": -1.0, "value_text": "-1"}},
		{"6", dexcom.Events, `"eventType":"health","eventSubType":"alcohol","value":"2"`, row{"event_subtype": "alcohol", "value": 2.0, "value_text": "2"}},
		{"7", dexcom.Events, `"eventType":"insulin","value":"4.5","unit":"units"`, row{"event_subtype": absent{}, "value": 4.5}},
		{"8", dexcom.Events, `"eventType":"note","value":"tired"`, row{"event_type": "notes", "extra": `{"sent":{"eventType":"note"}}`}},
		{"9", dexcom.Events, `"eventType":"insulin","eventSubType":"longActing","value":400,"unit":"units"`, row{"value": 400.0, "value_text": "400"}},
		{"value no number", dexcom.Events, `"eventType":"carbs","value":"about 45"`, row{"value": absent{}, "value_text": absent{}, "event_type": "carbs"}},
		{"value too large", dexcom.Events, `"eventType":"carbs","value":"1e999"`, row{"value": absent{}, "value_text": "1e999"}},
		{"16 zero", dexcom.EGVs, `"transmitterTicks":0`, row{"transmitter_ticks": 0}},
		{"16 above 2^32", dexcom.Calibrations, `"transmitterTicks":72364324786,"value":124`, row{"transmitter_ticks": 72364324786, "glucose_mgdl": 124}},
		{"16 as text", dexcom.EGVs, `"transmitterTicks":"85273"`, row{"transmitter_ticks": 85273}},
		{"17 g6 pro", dexcom.EGVs, `"transmitterGeneration":"g6 pro"`, row{"transmitter_generation": "g6Pro", "extra": `{"sent":{"transmitterGeneration":"g6 pro"}}`}},
		{"17 g715day", dexcom.EGVs, `"transmitterGeneration":"g715day"`, row{"transmitter_generation": "g715day", "extra": absent{}}},
		{"17 receivers", dexcom.EGVs, `"displayDevice":"touchscreenReceiver"`, row{"display_device": "touchscreenReceiver", "extra": absent{}}},
		{"17 letter case", dexcom.EGVs, `"displayDevice":"SHARERECEIVER","status":"High"`,
			row{"display_device": "shareReceiver", "status": "high", "extra": `{"sent":{"displayDevice":"SHARERECEIVER","status":"High"}}`}},
		{"17 Watch", dexcom.EGVs, `"displayDevice":"Watch","displayApp":"Watch"`, row{"display_device": "Watch", "display_app": "Watch", "extra": absent{}}},
		{"17 fixedLow", dexcom.Alerts, `"alertName":"fixedLow","alertState":"inactive"`, row{"alert_name": "fixedLow", "alert_state": "inactive"}},
		{"17 unknown", dexcom.EGVs, `"unit":"unknown","rateUnit":"unknown","trend":"unknown","status":"unknown","value":100`,
			row{"trend": "unknown", "status": "unknown", "glucose_mgdl": 100, "extra": `{"rateUnit":"unknown","unit":"unknown"}`}},
		{"18 nulls", dexcom.EGVs, `"value":100,"trendRate":null,"status":null,"trend":null`,
			row{"glucose_mgdl": 100, "trend_rate_mgdl_min": absent{}, "status": absent{}, "trend": absent{}}},
		{"18 null value with status", dexcom.EGVs, `"value":null,"status":"low"`, row{"glucose_mgdl": absent{}, "status": "low"}},
		{"25 low", dexcom.EGVs, `"value":39,"status":"low"`, row{"glucose_mgdl": 39}},
		{"25 high", dexcom.EGVs, `"value":401,"status":"high"`, row{"glucose_mgdl": 401}},
		{"numbers as text", dexcom.EGVs, `"value":"101","trendRate":"-0.5"`, row{"glucose_mgdl": 101, "trend_rate_mgdl_min": -0.5}},
		{"whole numbers in other words", dexcom.EGVs, `"value":101.0,"transmitterTicks":7.2364324786E10`, row{"glucose_mgdl": 101, "transmitter_ticks": 72364324786}},
		{"empty numbers", dexcom.EGVs, `"value":"","trendRate":"","status":""`,
			row{"glucose_mgdl": absent{}, "trend_rate_mgdl_min": absent{}, "status": absent{}, "extra": `{"sent":{"status":"","trendRate":"","value":""}}`}},
		{"outside the measuring range", dexcom.EGVs, `"value":-32768`, row{"glucose_mgdl": -32768}},
		{"mmol/L", dexcom.EGVs, `"value":5.6,"unit":"mmol/L","trendRate":0.1,"rateUnit":"mmol/L/min"`,
			row{"glucose_mgdl": 101, "trend_rate_mgdl_min": times(0.1, 18.01559), "extra": `{"rateUnit":"mmol/L/min","sent":{"trendRate":"0.1","value":"5.6"},"unit":"mmol/L"}`}},
		{"mmol/L calibration", dexcom.Calibrations, `"value":"6.1","unit":"MMOL/L"`, row{"glucose_mgdl": 110, "extra": `{"sent":{"value":"6.1"},"unit":"MMOL/L"}`}},
		{"mmol/L event", dexcom.Events, `"eventType":"bloodGlucose","value":"5.5","unit":"mmol/L"`,
			row{"value": times(5.5, 18.01559), "value_text": "5.5", "unit": "mg/dL", "extra": `{"sent":{"unit":"mmol/L","value":"5.5"}}`}},
		{"unknown fields", dexcom.EGVs, `"z":{"b":1.50,"a":[null,"\u00e9"]},"smoothed":12345678901234567890,"n":null`,
			row{"extra": `{"smoothed":12345678901234567890,"z":{"a":[null,"é"],"b":1.50}}`}},
		{"a field called sent", dexcom.Events, `"eventType":"Carbs","sent":true`, row{"extra": `{"sent":{"eventType":"Carbs","sent":true}}`}},
		{"recorded times", dexcom.Events, `"recordedSystemTime":"2026-03-05T10:15:30-08:00","recordedDisplayTime":"2026-03-05T10:15:30-08:00"`,
			row{"recorded_system_time": "2026-03-05T18:15:30", "recorded_display_time": "2026-03-05T10:15:30", "extra": absent{}}},
		{"recorded times whose offset the columns do not say", dexcom.Events, `"recordedSystemTime":"2026-03-05T18:15:30Z","recordedDisplayTime":"2026-03-05T10:15:30-07:00"`,
			row{"recorded_display_time": "2026-03-05T10:15:30", "extra": `{"sent":{"recordedDisplayTime":"2026-03-05T10:15:30-07:00"}}`}},
		{"states", dexcom.Events, `"eventStatus":"Deleted","eventSubType":"fastacting"`, row{"event_status": "deleted", "event_subtype": "fastActing"}},
	} {
		record := `{` + when + `,` + test.fields + `}`
		expect(t, test.name+" "+record, one(t, test.resource, string(test.resource), record), test.want)
	}
}

// A bad record is a reject with its reason, field and text, and nothing else
// of its page suffers (26).
func TestRejects(t *testing.T) {
	for _, test := range []struct {
		resource dexcom.Resource
		record   string
		reason   Reason
		field    any
	}{
		{dexcom.EGVs, `"not a record"`, dexcom.NotObject, absent{}},
		{dexcom.EGVs, `null`, dexcom.NotObject, absent{}},
		{dexcom.EGVs, `{"recordId":"r","value":100}`, NoSystemTime, "systemTime"},
		{dexcom.EGVs, `{"recordId":"r","systemTime":"2026-03-05","value":100}`, dexcom.BadTime, "systemTime"},
		{dexcom.EGVs, `{"recordId":"r","systemTime":"2026-03-05T18:04:55Z","displayTime":"noon"}`, dexcom.BadTime, "displayTime"},
		{dexcom.EGVs, `{` + when + `,"value":100.5}`, NotWhole, "value"},
		{dexcom.EGVs, `{` + when + `,"value":32768}`, OutOfRange, "value"},
		{dexcom.EGVs, `{` + when + `,"value":-32769}`, OutOfRange, "value"},
		{dexcom.EGVs, `{` + when + `,"value":"high"}`, dexcom.BadNumber, "value"},
		{dexcom.EGVs, `{` + when + `,"value":1e4,"unit":"mmol/L"}`, OutOfRange, "value"},
		{dexcom.EGVs, `{` + when + `,"trendRate":1e999}`, OutOfRange, "trendRate"},
		{dexcom.EGVs, `{` + when + `,"transmitterTicks":1.5}`, NotWhole, "transmitterTicks"},
		{dexcom.EGVs, `{` + when + `,"transmitterTicks":1e19}`, OutOfRange, "transmitterTicks"},
		{dexcom.EGVs, `{` + when + `,"value":1,"value":2}`, dexcom.SentTwice, "value"},
		{dexcom.EGVs, `{` + when + `,"displayApp":"\udc00"}`, dexcom.BadText, "displayApp"},
		{dexcom.EGVs, `{` + when + `,"trend":["flat"]}`, dexcom.WrongKind, "trend"},
		{dexcom.Events, `{` + when + `,"eventType":{}}`, dexcom.WrongKind, "eventType"},
		{dexcom.Calibrations, `{` + when + `,"value":99.9}`, NotWhole, "value"},
		{dexcom.Alerts, `{` + when + `,"alertName":true}`, dexcom.WrongKind, "alertName"},
		{dexcom.Devices, `{"alertSchedules":[{"alertSettings":[{"enabled":"?"}]}]}`, dexcom.BadBool, "enabled"},
		{dexcom.Devices, `{"alertSchedules":[{"alertSettings":[{"snooze":2147483648}]}]}`, OutOfRange, "snooze"},
	} {
		good := `{` + when + `}`
		got := apply(t, answerOf(test.resource, pageOf(test.resource, good, test.record, good)))
		table := string(test.resource)
		if len(got.rows[table]) != 2 || len(got.rows["rejects"]) != 1 || got.Records != 3 || got.Rejected != 1 {
			t.Errorf("%s: %d records, %d rejected, rows %v; want two rows and a reject", test.record, got.Records, got.Rejected, got.rows)
			continue
		}
		expect(t, test.record, got.rows["rejects"][0], row{
			"reject_id": digest([]byte("P001"), []byte(test.resource), []byte(test.record)),
			"reason":    string(test.reason), "field": test.field, "raw": test.record, "resource": table,
			"participant_id": "P001", "connection_id": "C1", "request_id": "R1", "seen_at": "2026-04-01T12:00:00",
		})
	}
}

// An event that cannot be read is shown without what a person may have written.
func TestRejectsWithoutWords(t *testing.T) {
	const bad = `"systemTime":"noon"`
	for record, want := range map[string]string{
		`{"eventType":"notes",` + bad + `,"value":"met Jane"}`:         `{"eventType":"notes",` + bad + `,"value":"(10 bytes, in the raw log only)"}`,
		`{` + bad + `,"value":"45"}`:                                   `{` + bad + `,"value":"45"}`,
		`{` + bad + `,"value":7,"memo":null,"n":[],"of":{"a":"Jane"}}`: `{` + bad + `,"value":7,"memo":null,"n":[],"of":"(12 bytes, in the raw log only)"}`,
		`{` + bad + `,"value":"Jane","value":"Jane"}`:                  `{` + bad + `,"value":"(6 bytes, in the raw log only)","value":"(6 bytes, in the raw log only)"}`,
		`{` + bad + `,"phone":"01715550100","empty":""}`:               `{` + bad + `,"phone":"(13 bytes, in the raw log only)","empty":""}`,
		`{` + bad + `,"memo":"Jane"}`:                                  `{` + bad + `,"memo":"(6 bytes, in the raw log only)"}`,
		`{"systemTime":"Jane` + strings.Repeat("!", 61) + `"}`:         `{"systemTime":"(67 bytes, in the raw log only)"}`,
		`"Jane"`:   `"(6 bytes, in the raw log only)"`,
		`["Jane"]`: `"(8 bytes, in the raw log only)"`,
	} {
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, record)))
		if len(got.rows["rejects"]) != 1 {
			t.Fatalf("%s: %v, want a reject", record, got.rows)
		}
		expect(t, record, got.rows["rejects"][0], row{"raw": want, "reject_id": digest([]byte("P001"), []byte("events"), []byte(record))})
	}
}

// Broken UTF-8 would make the whole table unreadable to some readers.
func TestRejectIsValidText(t *testing.T) {
	record := "{" + when + ",\"displayApp\":\"a\xffb\"}"
	got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs, record)))
	if len(got.rows["rejects"]) != 1 {
		t.Fatalf("%q: %v, want a reject", record, got.rows)
	}
	expect(t, record, got.rows["rejects"][0], row{
		"raw":       strings.ToValidUTF8(record, "\uFFFD"),
		"reject_id": digest([]byte("P001"), []byte("egvs"), []byte(record)),
	})
}

// The free text of a note is in event_notes and nowhere else.
func TestNotes(t *testing.T) {
	for _, kind := range []string{"notes", "note", "NOTES"} {
		const secret = "met Jane Doe at 5.5 km"
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events,
			fmt.Sprintf(`{%s,"eventType":%q,"value":%q,"eventStatus":"created","displayDevice":"iOS","unit":"mmol/L"}`, when, kind, secret))))
		if len(got.rows["events"]) != 1 || len(got.rows["event_notes"]) != 1 {
			t.Fatalf("%s: %v; want a row of events and one of event_notes", kind, got.rows)
		}
		event, note := got.rows["events"][0], got.rows["event_notes"][0]
		expect(t, kind, event, row{"event_type": "notes", "value": absent{}, "value_text": absent{}, "record_id": "r", "event_status": "created"})
		expect(t, kind, note, row{"note": secret, "record_id": "r", "display_device": "iOS", "utc_offset_min": -480, "extra": absent{}})
		if text := fmt.Sprint(event); strings.Contains(text, "Jane") {
			t.Errorf("%s: the note is in events: %s", kind, text)
		}
		delete(note, "note")
		if text := fmt.Sprint(note, got.Warnings); strings.Contains(text, "Jane") {
			t.Errorf("%s: the note is in more than one place: %s", kind, text)
		}
	}
	// A value that is no number is free text, whatever the event calls itself;
	// fields that nobody knows may repeat it.
	for _, kind := range []string{"notes", "diary", "carbs"} {
		got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events,
			fmt.Sprintf(`{%s,"eventType":%q,"value":"met Jane","memo":"Jane","sent":"Jane"}`, when, kind))))
		note := got.rows["event_notes"][0]
		expect(t, kind, note, row{"note": "met Jane", "extra": `{"memo":"Jane","sent":{"sent":"Jane"}}`})
		delete(got.rows, "event_notes")
		if text := fmt.Sprint(got.rows, got.Warnings); strings.Contains(text, "Jane") {
			t.Errorf("%s: the text is in more than one place: %s", kind, text)
		}
	}
	// A number is a note's text, too; a note without text still has its row,
	// so that the text goes when an entry is emptied.
	got := apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, `{`+when+`,"eventType":"notes","value":5}`, `{`+when+`,"eventType":"notes"}`)))
	expect(t, "number", got.rows["event_notes"][0], row{"note": "5"})
	expect(t, "number", got.rows["events"][0], row{"value": absent{}, "value_text": absent{}})
	expect(t, "no text", got.rows["event_notes"][1], row{"note": absent{}})
	// Which event a note belongs to is said beside them.
	got = apply(t, answerOf(dexcom.Events, pageOf(dexcom.Events, `{"eventType":"notes"}`, `{`+when+`,"eventType":"carbs","value":5}`,
		`{`+when+`,"eventType":"carbs"}`, `{`+when+`,"eventType":"carbs","value":"a lot"}`, `{`+when+`,"eventType":"notes"}`)))
	if want := []bool{false, false, true, true}; !slices.Equal(got.Noted, want) {
		t.Errorf("Noted = %v, want %v", got.Noted, want)
	}
}

func TestMissingID(t *testing.T) {
	id := func(resource dexcom.Resource, record string) string {
		t.Helper()
		return one(t, resource, string(resource), record)["record_id"].(string)
	}
	const at = `"systemTime":"2026-03-05T18:04:55Z"`
	first := id(dexcom.EGVs, `{`+at+`,"value":100}`)
	if !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+64 {
		t.Errorf("record_id %q, want sha256: and 64 digits", first)
	}
	for _, same := range []string{`{"value":100,` + at + `}`, "{ " + at + " ,\n\"value\":100 }", `{` + at + `,"value":100,"recordId":null,"trend":null}`} {
		if got := id(dexcom.EGVs, same); got != first {
			t.Errorf("%s: record_id %s, want %s", same, got, first)
		}
	}
	for _, other := range []string{`{` + at + `,"value":101}`, `{` + at + `,"value":100,"trend":"flat"}`} {
		if got := id(dexcom.EGVs, other); got == first {
			t.Errorf("%s: record_id %s is another record's", other, got)
		}
	}
	if got := id(dexcom.Calibrations, `{`+at+`,"value":100}`); got == first {
		t.Errorf("calibration: record_id %s is an EGV's", got)
	}
	got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs, `{`+at+`}`, `{`+at+`,"recordId":""}`)))
	if diff := cmp.Diff([]Warning{{"recordId", MissingID, 2}}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	body := []byte(`{"recordType":"egv","recordVersion":"3.0","userId":"u1","links":[],"records":[` + strings.Join([]string{
		`{` + when + `,"trend":"sideways","displayDevice":"Watch","new":1}`,
		`{` + when + `,"trend":"sideways","displayDevice":"watch","new":null}`,
		`{` + when + `,"trend":"Flat","unit":"mg/dl","rateUnit":"furlongs","displayApp":"Whatever","transmitterGeneration":"g8"}`,
	}, ",") + `]}`)
	want := []Warning{
		{"displayDevice", "Watch", 1}, {"displayDevice", "watch", 1}, {"links", "", 1}, {"new", "", 2},
		{"rateUnit", "furlongs", 1}, {"transmitterGeneration", "g8", 1}, {"trend", "sideways", 2},
	}
	if diff := cmp.Diff(want, apply(t, answerOf(dexcom.EGVs, body)).Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// 23 and 24: what looks like one reading twice is two rows; merging is for
// those who read all of them.
func TestRowsStayInWireOrder(t *testing.T) {
	got := apply(t, answerOf(dexcom.EGVs, pageOf(dexcom.EGVs,
		`{"recordId":"b","systemTime":"2026-03-05T18:04:55Z","value":100,"transmitterId":"x"}`,
		`{"recordId":"a","systemTime":"2026-03-05T18:04:55Z","value":100,"transmitterId":"x"}`,
		`{"recordId":"c","systemTime":"2026-03-05T18:04:55Z","value":100,"transmitterId":"y"}`,
		`{"recordId":"b","systemTime":"2026-03-05T18:04:55Z","value":101,"transmitterId":"x"}`)))
	var order []string
	for _, r := range got.rows["egvs"] {
		order = append(order, fmt.Sprintf("%s %d %s", r["record_id"], r["glucose_mgdl"], r["transmitter_id"]))
	}
	if diff := cmp.Diff([]string{"b 100 x", "a 100 x", "c 100 y", "b 101 x"}, order); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestApplyWholeAnswers(t *testing.T) {
	for _, test := range []struct {
		resource dexcom.Resource
		body     string
		good     bool
	}{
		{dexcom.EGVs, `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]}`, true},
		{dexcom.DataRange, `{"recordType":"dataRange","recordVersion":"3.0","userId":"u"}`, true},
		{dexcom.DataRange, `{"recordType":"dataRange"}`, false},
		{dexcom.EGVs, `{"recordType":"event","recordVersion":"3.0","userId":"u","records":[]}`, false},
		{dexcom.EGVs, `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{` + when + `}`, false},
		{dexcom.EGVs, `<html>`, false},
		{dexcom.EGVs, ``, false},
		{"statistics", `{}`, false},
	} {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		batch, err := Apply(t.Context(), mem, answerOf(test.resource, []byte(test.body)))
		if (err == nil) != test.good || len(batch.Tables) > 0 || batch.Records > 0 {
			t.Errorf("Apply(%s, %s) = %+v, %v; want good: %v, no rows", test.resource, test.body, batch, err, test.good)
		}
		mem.AssertSize(t, 0)
	}
}

// What a table says of its columns must be about columns that it has.
func TestTablesNameTheirColumns(t *testing.T) {
	for _, table := range Tables() {
		named := slices.Concat(table.Key, table.Order, table.Learned, table.Unique)
		if table.Time != "" {
			named = append(named, table.Time)
		}
		for _, column := range named {
			if len(table.Schema().FieldIndices(column)) != 1 {
				t.Errorf("%s has no column %s", table.Name, column)
			}
		}
	}
}
