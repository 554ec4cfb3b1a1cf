package dexcom

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
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

// However hostile an answer is, reading it takes as long as it is, and few words say
// what is wrong with it.
func TestHostileAnswersAreRead(t *testing.T) {
	t.Parallel()
	const n = hostileMany
	long := strings.Repeat("x", hostileText)
	digits := strings.Repeat("7", hostileDigits)
	for name, part := range map[string]string{
		"names":              several(n, `"n#":0`),
		"long names":         several(n/4, `"`+strings.Repeat("n", 300)+`#":0`),
		"one name":           several(n, `"n":0`),
		"one known name":     several(n, `"userId":"u","recordId":"r"`),
		"names in two cases": several(n, `"RecordId":"r","recordId":"r"`),
		"broken names":       several(n, "\"\xff#\":0"),
		"depth":              `"n":` + nested(9_990),
		"too much depth":     `"n":` + nested(n),
		"depth of objects":   `"n":` + strings.Repeat(`{"a":`, 9_000) + "0" + strings.Repeat("}", 9_000),
		"elements":           `"n":[` + several(n, `#`) + `]`,
		"number":             `"value":` + digits + `,"transmitterTicks":"` + digits + `","recordId":` + digits + `,"userId":` + digits,
		"small number":       `"value":0.` + digits + `e-` + digits,
		"text":               `"recordId":"` + long + `"`,
		"escapes":            `"recordId":"` + strings.Repeat(`\u00e9`, hostileText/6) + `"`,
		"text of a user":     `"userId":"` + long + `"`,
		"text as a time":     `"systemTime":"` + long + `","start":"` + long + `"`,
		"schedules":          `"alertSchedules":[` + several(n, `{"alertSettings":[{},{}]}`) + `]`,
		"ranges":             several(n, `"egvs":{"start":{"systemTime":"2026-03-05"}}`),
	} {
		for _, resource := range []Resource{EGVs, Events, Calibrations, Alerts, Devices, DataRange} {
			began := time.Now()
			inside := pageOf(resource, `{`+part+`}`, `{}`)
			around := fmt.Appendf(nil, `{"recordType":%q,"recordVersion":"3","records":[{}],%s}`, resource, part)
			for where, plain := range map[string][]byte{"record": inside, "envelope": around} {
				_, err := check(t.Context(), plain, resource)
				if err != nil && len(err.Error()) > 500 {
					t.Errorf("%s: %s of %s: an error of %d bytes", name, where, resource, len(err.Error()))
				}
			}
			yielded := 0
			yieldAll(t, resource, inside, func(m *Meta) {
				yielded++
				if len(m.Faults) > maxFaults || len(m.Extra) > maxRecordValues {
					t.Errorf("%s: %s: %d faults, %d unknown fields", name, resource, len(m.Faults), len(m.Extra))
				}
			})
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s: %s took %s", name, resource, took)
			}
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
