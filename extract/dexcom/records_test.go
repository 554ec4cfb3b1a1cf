package dexcom

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// payload reads one of the project's own payloads.
func payload(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "dexcom", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// page wraps records in the envelope of resource.
func pageOf(resource Resource, records ...string) []byte {
	return fmt.Appendf(nil, `{"recordType":%q,"recordVersion":"3.0","userId":"u1","records":[%s]}`, resource, strings.Join(records, ","))
}

// read returns the record of a page that holds that one alone.
func read[R Record, P Pointer[R]](t testing.TB, record string) R {
	t.Helper()
	var all []R
	var e Envelope
	for r, err := range Records[R, P](pageOf(P(new(R)).resource(), record), &e) {
		if err != nil {
			t.Fatalf("Records(%s): %v", record, err)
		}
		all = append(all, *r)
	}
	if len(all) != 1 || e.Records != 1 {
		t.Fatalf("Records(%s): %d records, the envelope counts %d; want 1", record, len(all), e.Records)
	}
	return all[0]
}

func TestEGV(t *testing.T) {
	var e Envelope
	var got []string
	for r, err := range Records[EGV](payload(t, "egvs.json"), &e) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s|%s|%s|%s ticks|%s|%s|%s|%s|%s %s|%s %s %s|%d extra|%v",
			r.ID, r.SystemTime.Text, r.DisplayTime.Text, r.TransmitterTicks, r.Value, r.Status, r.Trend, r.TrendRate, r.Unit, r.RateUnit,
			r.DisplayDevice, r.DisplayApp, r.TransmitterGeneration, len(r.Extra), r.Faults))
	}
	want := []string{
		"11111111-0000-5000-8000-000000000001|2026-03-05T18:04:55Z|2026-03-05T10:04:55-08:00|85273 ticks|143||fortyFiveUp|1.2|mg/dL mg/dL/min|iOS G7 g7|0 extra|[]",
		"11111111-0000-5000-8000-000000000002|2026-03-05T17:59:55|2026-03-05T10:01:12|72364324786 ticks|401|high|doubleUp|3.5|unknown unknown|receiver  g6 pro|0 extra|[]",
		"11111111-0000-5000-8000-000000000003|2026-03-05T17:54Z|2026-03-05T10:54:00.5-06:59:58|0 ticks||low|||mg/dL mg/dL/min|Watch  g715day|1 extra|[]",
		"11111111-0000-5000-8000-000000000004|||" + " ticks|100|||| |  |0 extra|[systemTime: not a time]",
		"|||" + " ticks||||| |  |0 extra|[: record is not an object]",
		"|2026-03-05T17:49:55Z||" + " ticks|39|LOW|sideways||mg/dL |android  |0 extra|[]",
		"11111111-0000-5000-8000-000000000006|2085-03-05T17:44:55Z||" + " ticks|100|||| |  |0 extra|[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Records[EGV](egvs.json) (-want +got):\n%s", diff)
	}
	if e.Records != 7 || e.RecordType.String() != "egv" || e.Version.String() != "3.0" || !strings.HasSuffix(e.UserID.String(), "beef") {
		t.Errorf("envelope of egvs.json: %+v", e)
	}
}

// Null, absent and empty are told apart only where it matters: null and absent
// never.
func TestNullIsAbsent(t *testing.T) {
	null := read[EGV](t, `{"recordId":null,"systemTime":null,"value":null,"status":null,"transmitterTicks":null,"displayApp":null}`)
	absent := read[EGV](t, `{}`)
	null.Raw, absent.Raw = nil, nil
	null.Extra, null.Faults, absent.Extra, absent.Faults = nil, nil, nil, nil
	if diff := cmp.Diff(absent, null, cmpopts.IgnoreUnexported(Extras{})); diff != "" {
		t.Errorf("nulls differ from absence (-absent +null):\n%s", diff)
	}
	empty := read[EGV](t, `{"systemTime":"","value":"","displayApp":""}`)
	if empty.SystemTime.Valid || empty.SystemTime.Text == nil || empty.Value == nil || len(empty.Value) > 0 || empty.DisplayApp == nil || len(empty.Faults) > 0 {
		t.Errorf("empty texts: system time %+v, value %q, display app %q, faults %v; want them empty, not nil", empty.SystemTime, empty.Value, empty.DisplayApp, empty.Faults)
	}
}

func TestEvent(t *testing.T) {
	for _, test := range []struct{ record, value, kind, unit string }{
		{`{"eventType":"carbs","value":"45","unit":"grams"}`, "45", "carbs", "grams"},
		{`{"eventType":"insulin","value":400,"unit":"units"}`, "400", "insulin", "units"}, // 9
		{`{"eventType":"insulin","value":4.50}`, "4.50", "insulin", ""},                   // 3, and its digits stay
		{`{"eventType":"exercise","value":"-1.00"}`, "-1.00", "exercise", ""},             // 5
		{`{"eventType":"note","value":"a\u0041\n\"b\" \ud83d\ude00"}`, "aA\n\"b\" \U0001F600", "note", ""},
	} {
		r := read[Event](t, test.record)
		if r.Value.String() != test.value || r.Type.String() != test.kind || r.Unit.String() != test.unit || len(r.Faults) > 0 {
			t.Errorf("%s: value %q, type %q, unit %q, faults %v; want %q, %q, %q", test.record, r.Value, r.Type, r.Unit, r.Faults, test.value, test.kind, test.unit)
		}
	}
	r := read[Event](t, `{"value":"","recordedSystemTime":"2026-03-05T20:15:30Z","recordedDisplayTime":"2026-03-05T12:15:30-08:00"}`)
	if r.Value == nil || !r.RecordedSystemTime.Valid || r.RecordedDisplayTime.Offset != -8*3600 {
		t.Errorf("event: value %v, recorded %+v, %+v", r.Value, r.RecordedSystemTime, r.RecordedDisplayTime)
	}
}

func TestDevice(t *testing.T) {
	var e Envelope
	var all []Device
	for r, err := range Records[Device](payload(t, "devices.json"), &e) {
		if err != nil || len(r.Faults) > 0 {
			t.Fatal(err, r.Faults)
		}
		all = append(all, *r)
	}
	if len(all) != 2 {
		t.Fatalf("%d devices, want 2", len(all))
	}
	first := all[0]
	night := first.Schedules[1].Schedule
	rise, again := first.Schedules[0].Settings[0], first.Schedules[0].Settings[2]
	override := first.Schedules[0].Schedule.Override
	for _, test := range []struct{ field, got, want string }{
		{"schedules", fmt.Sprint(len(first.Schedules), len(all[1].Schedules), all[1].Schedules != nil), "2 0 true"},
		{"days", fmt.Sprintf("%q", first.Schedules[0].Schedule.Days), `["sunday" "" "saturday"]`},
		{"default", fmt.Sprint(first.Schedules[0].Schedule.IsDefault, night.IsDefault), fmt.Sprint(Yes, Unsent)},
		{"active", fmt.Sprint(first.Schedules[0].Schedule.Active), fmt.Sprint(No)},
		{"override", fmt.Sprintf("%d %s %s", override.Enabled, override.Mode, override.EndTime), "2 quiet 2026-03-06T10:49:22.123-08:00"},
		{"odd times", fmt.Sprintf("%s %s", night.StartTime, night.EndTime), "11:00 PM 31:00"},
		{"capital S", rise.SecondaryTriggerCondition.String(), "180"}, // 12
		{"rise", fmt.Sprintf("%s %s %s %s|%s|%s %s", rise.Name, rise.Value, rise.Unit, rise.Delay, rise.Snooze, rise.SoundTheme, rise.SoundOutputMode), "rise 3 mg/dL/min 5||modern vibrates"},
		{"offset with seconds", fmt.Sprint(rise.DisplayTime.Offset), fmt.Sprint(-(7*3600 + 59*60 + 59))},
		{"numbers and truth as text", fmt.Sprintf("%s %d", again.Snooze, again.Enabled), "30 2"},
		{"unknown field", fmt.Sprintf("%s", again.Extra), "[{hapticStrength 3}]"},
		{"last upload", fmt.Sprint(first.LastUpload.Valid, all[1].LastUpload.Valid), "true false"}, // 10
	} {
		if test.got != test.want {
			t.Errorf("devices.json, %s: %s, want %s", test.field, test.got, test.want)
		}
	}
	// A list of nulls was published as an example by a third party.
	if d := read[Device](t, `{"alertSchedules":[null,{"alertSettings":[null]}]}`); len(d.Faults) > 0 || len(d.Schedules) != 2 || len(d.Schedules[1].Settings) != 1 {
		t.Errorf("schedules of nulls: %+v", d)
	}
}

// What cannot be read spoils its record and names the field; the others are
// read.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		record, field string
		reason        Reason
	}{
		{`{"systemTime":"yesterday"}`, "systemTime", BadTime},
		{`{"displayTime":1738281000}`, "displayTime", BadTime},
		{`{"value":"high"}`, "value", BadNumber},
		{`{"value":[1]}`, "value", BadNumber},
		{`{"value":true}`, "value", BadNumber},
		{`{"transmitterTicks":"0x10"}`, "transmitterTicks", BadNumber},
		{`{"trend":{"name":"flat"}}`, "trend", WrongKind},
		{`{"trend":false}`, "trend", WrongKind},
		{`{"value":1,"value":2}`, "value", SentTwice},
		{`{"value":1,"Value":2}`, "value", SentTwice},
		{`{"systemTime":"2026-01-01T00:00:00Z","systemTime":"2026-01-01T00:00:00Z"}`, "systemTime", SentTwice},
		{`{"new":1,"new":1}`, "new", SentTwice},
		{"{\"displayApp\":\"\xff\"}", "displayApp", BadText},
		{`{"displayApp":"\ud800"}`, "displayApp", BadText},
		{"{\"new\":{\"deep\":\"\xff\"}}", "new", BadText},
		{"{\"\xff\":1}", "", BadText},
		{`null`, "", NotObject}, {`7`, "", NotObject}, {`"x"`, "", NotObject}, {`[{}]`, "", NotObject},
	} {
		var e Envelope
		records := []string{`{"recordId":"before"}`, test.record, `{"recordId":"after","value":5}`}
		i := 0
		for r, err := range Records[EGV](pageOf(EGVs, records...), &e) {
			if err != nil {
				t.Fatalf("%s: %v", test.record, err)
			}
			if string(r.Raw) != records[i] {
				t.Errorf("%s: raw of record %d is %s, want %s", test.record, i, r.Raw, records[i])
			}
			if i == 1 && (len(r.Faults) != 1 || r.Faults[0].Field != test.field || r.Faults[0].Reason != test.reason) {
				t.Errorf("%s: faults %v; want one, %s: %s", test.record, r.Faults, test.field, test.reason)
			}
			if i != 1 && len(r.Faults) > 0 {
				t.Errorf("%s: record %d is spoilt, too: %v", test.record, i, r.Faults)
			}
			i++
		}
		if i != 3 {
			t.Errorf("%s: %d records, want 3", test.record, i)
		}
	}
	for _, test := range []struct {
		record, field string
		reason        Reason
	}{
		{`{"alertSchedules":{}}`, "alertSchedules", WrongKind},
		{`{"alertSchedules":[1]}`, "alertSchedules", WrongKind},
		{`{"alertSchedules":[],"alertSchedules":[]}`, "alertSchedules", SentTwice},
		{`{"alertSchedules":[{"alertScheduleSettings":[]}]}`, "alertScheduleSettings", WrongKind},
		{`{"alertSchedules":[{"alertSettings":"none"}]}`, "alertSettings", WrongKind},
		{`{"alertSchedules":[{"alertSettings":[{"enabled":"perhaps"}]}]}`, "enabled", BadBool},
		{`{"alertSchedules":[{"alertSettings":[{"snooze":"soon"}]}]}`, "snooze", BadNumber},
		{`{"alertSchedules":[{"alertScheduleSettings":{"daysOfWeek":[[]]}}]}`, "daysOfWeek", WrongKind},
	} {
		d := read[Device](t, test.record)
		if len(d.Faults) != 1 || d.Faults[0].Field != test.field || d.Faults[0].Reason != test.reason {
			t.Errorf("%s: faults %v; want one, %s: %s", test.record, d.Faults, test.field, test.reason)
		}
	}
}

// A fault may be shown and logged; what was sent must not be.
func TestFaultKeepsValuesToItself(t *testing.T) {
	r := read[EGV](t, `{"value":"private-247"}`)
	if text := r.Faults[0].Error(); strings.Contains(text, "247") {
		t.Errorf("FieldError.Error() = %q", text)
	}
	if string(r.Faults[0].Raw) != `"private-247"` {
		t.Errorf("FieldError.Raw = %s", r.Faults[0].Raw)
	}
}

func TestUnknownFieldsAreKept(t *testing.T) {
	r := read[Alert](t, `{"alertName":"low","a":{"x":[1,2.50]},"b":null,"":"no name","\u0063":"escaped"}`)
	got := fmt.Sprintf("%s", r.Extra)
	if want := `[{a {"x":[1,2.50]}} {b null} { "no name"} {c "escaped"}]`; got != want || len(r.Faults) > 0 {
		t.Errorf("extra %s, faults %v; want %s", got, r.Faults, want)
	}
	// The next record starts without them.
	var e Envelope
	var n []int
	for r, err := range Records[Alert](pageOf(Alerts, `{"x":1}`, `{}`, `{"y":2,"z":3}`), &e) {
		if err != nil {
			t.Fatal(err)
		}
		n = append(n, len(r.Extra))
	}
	if want := []int{1, 0, 2}; !slices.Equal(n, want) {
		t.Errorf("unknown fields per record: %v, want %v", n, want)
	}
}

// A reader of records may stop at any of them.
func TestRecordsStops(t *testing.T) {
	for stop := range 3 {
		n := 0
		var e Envelope
		for _, err := range Records[EGV](pageOf(EGVs, `{}`, `{}`, `{}`), &e) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("stopping at record %d: %d were yielded", stop, n)
		}
	}
}

// Records are read without copying: a few allocations a page, none a record.
func TestRecordsAllocate(t *testing.T) {
	few, many := egvPage(10), egvPage(1000)
	count := func(plain []byte) float64 {
		return testing.AllocsPerRun(5, func() {
			var e Envelope
			for _, err := range Records[EGV](plain, &e) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if a, b := count(few), count(many); b > a+10 {
		t.Errorf("%v allocations for 10 records, %v for 1000", a, b)
	}
}

// The samples that Dexcom publishes, where they are at hand.
func TestPublishedSamples(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "fixtures")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the published samples are not at hand: " + err.Error())
	}
	sample := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	clean(t, "alert", records[Alert](t, sample("01-official-v3-alerts.json")))
	clean(t, "event", records[Event](t, sample("02-official-v3-events.json")))
	clean(t, "calibration", records[Calibration](t, sample("03-official-v3-calibrations.json")))
	clean(t, "device", records[Device](t, sample("05-official-v3-devices-head.json")))
	clean(t, "egv", records[EGV](t, sample("07-v3-egvs-glucodesk-test.json")))
	if got := records[EGV](t, sample("08-v3-egvs-empty.json")); len(got) != 0 {
		t.Errorf("08: %d records, want 0", len(got))
	}
	ranges, err := ParseRanges(sample("04-official-v3-dataRange.json"))
	if err != nil || ranges.EGVs == nil || !ranges.EGVs.Start.Equal(ranges.EGVs.End) || ranges.EGVs.Start.Format("2006-01-02T15:04:05Z07:00") != "2021-06-01T01:10:08Z" {
		t.Errorf("04: %+v, %v", ranges, err)
	}
}

func records[R Record, P Pointer[R]](t *testing.T, plain []byte) []Meta {
	t.Helper()
	var all []Meta
	var e Envelope
	for r, err := range Records[R, P](plain, &e) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *P(r).Wire())
	}
	return all
}

// clean expects one record that is read whole.
func clean(t *testing.T, name string, got []Meta) {
	t.Helper()
	if len(got) != 1 || len(got[0].Faults) > 0 || len(got[0].Extra) > 0 {
		t.Errorf("%s: %+v; want one record, no faults, nothing unknown", name, got)
	}
}

func FuzzRecords(f *testing.F) {
	for _, name := range []string{"egvs.json", "events.json", "calibrations.json", "alerts.json", "devices.json", "egvs-empty.json", "dataRange.json"} {
		f.Add(payload(f, name))
	}
	f.Add([]byte(`{"records":[{"value":1,"value":2,"\u0000":[{"a":null}]},[],null,"\ud800"],"recordType":"egv","recordVersion":3,"userId":5}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		fuzzRecords[EGV](t, plain)
		fuzzRecords[Event](t, plain)
		fuzzRecords[Calibration](t, plain)
		fuzzRecords[Alert](t, plain)
		fuzzRecords[Device](t, plain)
		if r, err := ParseRanges(plain); err == nil && r.EGVs != nil && r.EGVs.End.Before(r.EGVs.Start) {
			t.Errorf("ParseRanges: %+v", r.EGVs)
		}
	})
}

// fuzzRecords checks that every element of records is yielded as it was sent,
// and that counting alone comes to the same verdict.
func fuzzRecords[R Record, P Pointer[R]](t *testing.T, plain []byte) {
	var e Envelope
	n := 0
	var failed error
	for r, err := range Records[R, P](plain, &e) {
		if failed = err; err != nil {
			break
		}
		n++
		wire := P(r).Wire()
		// Duplicate names deep inside an unknown field are nobody's harm.
		if !wire.Raw.IsValid(jsontext.AllowDuplicateNames(true)) && len(wire.Faults) == 0 {
			t.Errorf("record %d: %q is not good JSON, and nobody says so", n, wire.Raw)
		}
	}
	counted, err := check(t.Context(), plain, P(new(R)).resource())
	if (err == nil) != (failed == nil) {
		t.Errorf("Records ends with %v, check with %v", failed, err)
	}
	if failed == nil && (n != e.Records || n != counted.Records) {
		t.Errorf("%d records yielded, %d and %d counted", n, e.Records, counted.Records)
	}
	if wrong := (*BodyError)(nil); failed != nil && !errors.As(failed, &wrong) {
		t.Errorf("Records: %v is no *BodyError", failed)
	}
}
