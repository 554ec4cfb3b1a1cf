package dexcom

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEnvelope(t *testing.T) {
	for _, test := range []struct {
		name, body string
		resource   Resource
		records    int
	}{
		{"singular", `{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{},{}]}`, EGVs, 2},
		{"1: plural", `{"recordType":"egvs","recordVersion":"3.0","userId":"u","records":[]}`, EGVs, 0},
		{"letter case", `{"recordType":"ALERT","recordVersion":"3.0","userId":"u","records":[]}`, Alerts, 0},
		{"records first", `{"records":[{}],"userId":"u","recordVersion":"3.0","recordType":"device"}`, Devices, 1},
		{"numbers", `{"recordType":"event","recordVersion":3.0,"userId":12,"records":[null]}`, Events, 1},
		{"more members", `{"recordType":"calibration","recordVersion":"3.1","userId":"u","region":{"a":[]},"records":[]}`, Calibrations, 0},
		{"blanks", " \r\n\t{ \"recordType\" : \"egv\" , \"recordVersion\":\"3.0\",\"userId\":\"u\",\"records\" : [ { } , { } , { } ] } \n", EGVs, 3},
	} {
		e, err := check(t.Context(), []byte(test.body), test.resource)
		if err != nil || e.Records != test.records {
			t.Errorf("%s: check(%s) = %d records, %v; want %d", test.name, test.body, e.Records, err, test.records)
		}
	}
}

// Whose an answer is, it need not say; if it does, it says so once.
func TestUserID(t *testing.T) {
	for sent, want := range map[string]string{
		`"userId":"u",`: "u", `"userId":12,`: "12", `"userId":"",`: "", `"userId":null,`: "", ``: "",
	} {
		for _, resource := range []Resource{EGVs, Events, Calibrations, Alerts, Devices} {
			e, err := check(t.Context(), []byte(`{"recordType":"`+string(resource)+`","recordVersion":"3.0",`+sent+`"records":[{}]}`), resource)
			if err != nil || e.UserID.String() != want || e.Records != 1 {
				t.Errorf("%s: check with %s = user %q, %d records, %v; want %q and one record", resource, sent, e.UserID, e.Records, err, want)
			}
		}
		ranges, err := ParseRanges([]byte(`{"recordType":"dataRange",` + sent + `"recordVersion":"3.0"}`))
		if err != nil || ranges.UserID != want {
			t.Errorf("ParseRanges with %s = user %q, %v; want %q", sent, ranges.UserID, err, want)
		}
	}
}

// A body that is no answer is never an empty one.
func TestWrongEnvelope(t *testing.T) {
	for _, test := range []struct {
		body   string
		reason string
	}{
		{``, "is cut off"},
		{`   `, "is cut off"},
		{`{`, "is cut off"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{"value":1}`, "is cut off"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]`, "is cut off"},
		{`<!DOCTYPE html><html></html>`, "is HTML, not JSON"},
		{"\n <html>", "is HTML, not JSON"},
		{`Service unavailable`, "is not JSON"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]}{}`, "is not JSON"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]} trailing`, "is not JSON"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[{]}}`, "is not JSON"},
		{"\uFEFF\uFEFF{}", "is not JSON"},
		{"\uFEFF{}", "has the wrong envelope"},
		{"\uFEFF <html>", "is HTML"},
		{"\uFEFF", "is cut off"},
		{`null`, "has the wrong envelope"},
		{`[]`, "has the wrong envelope"},
		{`{}`, "has the wrong envelope"},
		{`{"errors":["internal"]}`, "has the wrong envelope"},
		{`{"unit":"mg/dL","rateUnit":"mg/dL/min","egvs":[]}`, "has the wrong envelope"}, // v2
		{`{"recordType":"event","recordVersion":"3.0","userId":"u","records":[]}`, "has the wrong envelope"},
		{`{"recordVersion":"3.0","userId":"u","records":[]}`, "has the wrong envelope"},
		{`{"recordType":"egv","userId":"u","records":[]}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":{},"records":[]}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","userId":"v","records":[]}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u"}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":null}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":{}}`, "has the wrong envelope"},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[],"records":[]}`, "has the wrong envelope"},
		{`{"recordType":["egv"],"recordVersion":"3.0","userId":"u","records":[]}`, "has the wrong envelope"},
	} {
		_, err := check(t.Context(), []byte(test.body), EGVs)
		var wrong *BodyError
		if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Reason, test.reason) || wrong.Path != "/v3/users/self/egvs" {
			t.Errorf("check(%s): %v; want a BodyError, 200 %s", test.body, err, test.reason)
		}
	}
}

// However short a body is cut, it is an error.
func TestCutBody(t *testing.T) {
	for _, resource := range []Resource{EGVs, Events, Calibrations, Alerts, Devices, DataRange} {
		whole := payload(t, string(resource)+".json")
		end := len(strings.TrimRight(string(whole), "\n"))
		for n := range end {
			if e, err := check(t.Context(), whole[:n], resource); err == nil {
				t.Fatalf("%s cut to %d of %d bytes: %d records, no error", resource, n, end, e.Records)
			}
		}
		if _, err := check(t.Context(), whole[:end], resource); err != nil {
			t.Errorf("%s: %v", resource, err)
		}
	}
}

func TestParseRanges(t *testing.T) {
	got, err := ParseRanges(payload(t, "dataRange.json"))
	if err != nil || got.EGVs == nil || got.Events == nil || got.Calibrations != nil || !strings.HasSuffix(got.UserID, "beef") {
		t.Fatalf("ParseRanges(dataRange.json) = %+v, %v", got, err)
	}
	want := Range{time.Date(2025, 12, 1, 8, 0, 5, 0, time.UTC), time.Date(2026, 3, 5, 18, 4, 55, 0, time.UTC)}
	if !got.EGVs.Start.Equal(want.Start) || !got.EGVs.End.Equal(want.End) {
		t.Errorf("egvs: %+v, want %+v", *got.EGVs, want)
	}
	if !got.Events.Start.Equal(got.Events.End) {
		t.Errorf("events: one record makes a range of %s to %s", got.Events.Start, got.Events.End)
	}
}

func TestParseRangesOdd(t *testing.T) {
	head := `{"recordType":"dataRange","recordVersion":"3.0","userId":"u"`
	moment := func(t string) string { return `{"systemTime":"` + t + `","displayTime":"?"}` }
	early, late := moment("2026-01-01T00:00:00-08:00"), moment("2026-02-01T00:00:00")
	for _, test := range []struct {
		body  string
		known bool // a range of egvs is returned
		good  bool
	}{
		{head + `}`, false, true},
		{head + `,"egvs":null,"events":null,"calibrations":null}`, false, true},
		{head + `,"egvs":{}}`, false, true},
		{head + `,"egvs":{"start":null,"end":null}}`, false, true},
		{head + `,"egvs":{"start":{"systemTime":null},"end":{"systemTime":null}}}`, false, true},
		{head + `,"egvs":{"start":` + early + `,"end":` + late + `},"alerts":{"start":{}}}`, true, true},
		{head + `,"egvs":{"start":` + early + `}}`, false, false},
		{head + `,"egvs":{"end":` + late + `}}`, false, false},
		{head + `,"egvs":{"start":` + late + `,"end":` + early + `}}`, true, true},
		{head + `,"egvs":{"start":` + moment("?") + `,"end":` + late + `}}`, false, false},
		{head + `,"egvs":[]}`, false, false},
		{head + `,"egvs":{"start":"2026-01-01T00:00:00","end":` + late + `}}`, false, false},
		{head, false, false},
		{`{"recordType":"egv","recordVersion":"3.0","userId":"u","records":[]}`, false, false},
		{`{"egvs":null}`, false, false},
	} {
		got, err := ParseRanges([]byte(test.body))
		var wrong *BodyError
		if (err == nil) != test.good || (got.EGVs != nil) != test.known || err != nil && !errors.As(err, &wrong) {
			t.Errorf("ParseRanges(%s) = %+v, %v; want a range: %v, good: %v", test.body, got.EGVs, err, test.known, test.good)
		}
		if got.EGVs != nil && got.EGVs.End.Before(got.EGVs.Start) {
			t.Errorf("ParseRanges(%s) = %+v, want its ends in order", test.body, got.EGVs)
		}
	}
}
