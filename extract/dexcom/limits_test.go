package dexcom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// several writes n members or elements, the i-th as format says.
func several(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)))
	}
	return b.String()
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// A record that is at a limit is read, and one beyond it is spoilt; the records
// beside it are read in both cases.
func TestRecordLimits(t *testing.T) {
	padded := func(bytes int) string {
		const frame = `{"value":1}`
		return `{"value":1` + strings.Repeat(" ", bytes-len(frame)) + `}`
	}
	for _, test := range []struct {
		name, record string
		reason       Reason // "": none
	}{
		{"bytes", padded(maxRecordBytes), ""},
		{"bytes", padded(maxRecordBytes + 1), TooLong},
		{"bytes of one value", `{"m":"` + strings.Repeat("x", maxRecordBytes) + `"}`, TooLong},
		{"members", `{` + several(maxRecordValues, `"value":null`) + `}`, ""},
		{"members", `{` + several(maxRecordValues+1, `"value":null`) + `}`, TooMany},
		{"elements", `{"m":[` + several(maxRecordValues, `0`) + `]}`, TooMany},
		{"depth", `{"m":` + nested(maxRecordDepth-1) + `}`, ""},
		{"depth", `{"m":` + nested(maxRecordDepth) + `}`, TooDeep},
		{"depth in braces in text", `{"m":"\"` + strings.Repeat("[", 100) + `"}`, ""},
		{"name", `{"` + strings.Repeat("n", MaxNameBytes) + `":1}`, ""},
		{"name", `{"` + strings.Repeat("n", MaxNameBytes+1) + `":1}`, LongName},
	} {
		var e Envelope
		n := 0
		for r, err := range Records[EGV](pageOf(EGVs, `{"value":1}`, test.record, `{"value":3}`), &e) {
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			n++
			reason := Reason("")
			if len(r.Faults) > 0 {
				reason = r.Faults[0].Reason
			}
			want := Reason("")
			if n == 2 {
				want = test.reason
			}
			if reason != want || n == 2 && string(r.Raw) != test.record {
				t.Errorf("%s of %d bytes: record %d: %q and %d bytes, want %q", test.name, len(test.record), n, reason, len(r.Raw), want)
			}
		}
		if n != 3 {
			t.Errorf("%s: %d records", test.name, n)
		}
	}
}

// What is known has limits as well: they count for the record, wherever in it.
func TestDeviceLimits(t *testing.T) {
	for _, test := range []struct {
		name, record string
		reason       Reason
	}{
		{"schedules", `{"alertSchedules":[` + several(maxRecordValues-1, `{}`) + `]}`, ""},
		{"schedules", `{"alertSchedules":[` + several(maxRecordValues, `{}`) + `]}`, TooMany},
		{"settings", `{"alertSchedules":[{"alertSettings":[` + several(maxRecordValues, `{}`) + `]}]}`, TooMany},
		{"elements", `{"m":[` + several(maxRecordValues-1, `#`) + `]}`, ""},
		{"elements", `{"m":[` + several(maxRecordValues, `#`) + `]}`, TooMany},
		{"elements in two", `{"m":[` + several(maxRecordValues/2, `0`) + `],"n":{` + several(maxRecordValues/2, `"\",{":0`) + `}}`, TooMany},
		{"days", `{"alertSchedules":[{"alertScheduleSettings":{"daysOfWeek":[` + several(maxRecordValues, `"#"`) + `]}}]}`, TooMany},
		{"depth", `{"alertSchedules":[{"alertSettings":[{"m":` + nested(maxRecordDepth-5) + `}]}]}`, ""},
		{"depth", `{"alertSchedules":[{"alertSettings":[{"m":` + nested(maxRecordDepth-4) + `}]}]}`, TooDeep},
	} {
		d := read[Device](t, test.record)
		if test.reason == "" && len(d.Faults) > 0 || test.reason != "" && (len(d.Faults) == 0 || d.Faults[0].Reason != test.reason) {
			t.Errorf("%s, %d bytes: %v, want %q", test.name, len(test.record), d.Faults, test.reason)
		}
	}
	d := read[Device](t, `{"alertSchedules":[{"alertScheduleSettings":{"alertScheduleName":"n"},"alertSettings":[{"snooze":30}, {}]}]}`)
	if whole, settings := len(`{"alertScheduleSettings":{"alertScheduleName":"n"},"alertSettings":[{"snooze":30}, {}]}`), len(`:[{"snooze":30}, {}]`); d.Schedules[0].Own != whole-settings {
		t.Errorf("a schedule has %d bytes of its own, want %d", d.Schedules[0].Own, whole-settings)
	}
}

// An answer beyond a limit is none.
func TestAnswerLimits(t *testing.T) {
	page := func(r Resource, members string) string {
		return fmt.Sprintf(`{"recordType":%q,"recordVersion":"3",%s}`, r, members)
	}
	for _, test := range []struct {
		name     string
		resource Resource
		body     string
		what     string // of the SizeError
		wrong    bool   // else
	}{
		{"records", EGVs, page(EGVs, `"records":[`+several(maxRecords, `{}`)+`]`), "", false},
		{"records", EGVs, page(EGVs, `"records":[`+several(maxRecords+1, `{}`)+`]`), "records", false},
		{"devices", Devices, page(Devices, `"records":[`+several(maxDevices, `{}`)+`]`), "", false},
		{"devices", Devices, page(Devices, `"records":[`+several(maxDevices+1, `{}`)+`]`), "records", false},
		{"names", Alerts, page(Alerts, several(MaxNames, `"n#":0`)+`,"records":[]`), "", false},
		{"names", Alerts, page(Alerts, several(MaxNames+1, `"n#":0`)+`,"records":[]`), "", true},
		{"name", Events, page(Events, `"`+strings.Repeat("n", MaxNameBytes+1)+`":0,"records":[]`), "", true},
		{"names of a range", DataRange, page(DataRange, `"egvs":{`+several(MaxNames+1, `"n#":0`)+`}`), "", true},
		{"names of a moment", DataRange, page(DataRange, `"egvs":{"start":{`+several(MaxNames+1, `"n#":0`)+`}}`), "", true},
		{"bytes", EGVs, page(EGVs, `"records":[]`) + strings.Repeat(" ", DefaultMaxBody), "", true},
	} {
		_, err := check(t.Context(), []byte(test.body), test.resource)
		var wrong *BodyError
		var size *SizeError
		if (err != nil) != (test.wrong || test.what != "") || err != nil && !errors.As(err, &wrong) || test.what != "" && (!errors.As(err, &size) || size.What != test.what) {
			t.Errorf("%s, %d bytes: %v", test.name, len(test.body), err)
		}
	}
}

// yieldAll calls do for every record of an answer that can be read.
func yieldAll(t *testing.T, resource Resource, plain []byte, do func(*Meta)) {
	t.Helper()
	var e Envelope
	switch resource {
	case EGVs:
		for r := range Records[EGV](plain, &e) {
			if r != nil {
				do(&r.Meta)
			}
		}
	case Events:
		for r := range Records[Event](plain, &e) {
			if r != nil {
				do(&r.Meta)
			}
		}
	case Calibrations:
		for r := range Records[Calibration](plain, &e) {
			if r != nil {
				do(&r.Meta)
			}
		}
	case Alerts:
		for r := range Records[Alert](plain, &e) {
			if r != nil {
				do(&r.Meta)
			}
		}
	case Devices:
		for r := range Records[Device](plain, &e) {
			if r != nil {
				do(&r.Meta)
			}
		}
	}
}
