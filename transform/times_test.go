package transform

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// one applies an answer of one record and returns its only row of table.
func one(t testing.TB, resource dexcom.Resource, table, record string) row {
	t.Helper()
	got := apply(t, answerOf(resource, pageOf(resource, record)))
	if len(got.rows[table]) != 1 || got.Records != 1 {
		t.Fatalf("%s: rows %v; want one of %s", record, got.rows, table)
	}
	return got.rows[table][0]
}

// Times and offsets: every shape of section 4 of the API's description.
func TestTimes(t *testing.T) {
	for _, test := range []struct {
		name, system, display string
		want                  row
	}{
		{"Z and offset", "2026-03-05T18:04:55Z", "2026-03-05T10:04:55-08:00",
			row{"system_time": "2026-03-05T18:04:55", "display_time": "2026-03-05T10:04:55", "utc_offset_min": -480, "utc_offset_source": "sent", "extra": absent{}}},
		{"system time with an offset", "2026-03-05T10:04:55-08:00", "2026-03-05T10:04:55-08:00",
			row{"system_time": "2026-03-05T18:04:55", "display_time": "2026-03-05T10:04:55", "utc_offset_min": -480, "utc_offset_source": "sent"}},
		{"no offsets", "2026-03-05T18:04:55", "2026-03-05T10:04:55",
			row{"system_time": "2026-03-05T18:04:55", "display_time": "2026-03-05T10:04:55", "utc_offset_min": -480, "utc_offset_source": "derived", "extra": absent{}}},
		{"14: mobile without offset, drifting", "2026-03-05T18:04:55Z", "2026-03-05T23:38:01",
			row{"utc_offset_min": 330, "utc_offset_source": "derived"}},
		{"quarter of an hour", "2026-03-05T18:04:55", "2026-03-05T23:49:55", row{"utc_offset_min": 345, "utc_offset_source": "derived"}},
		{"drift alone", "2026-03-05T18:04:55", "2026-03-05T18:05:55", row{"utc_offset_min": 0, "utc_offset_source": "derived"}},
		{"equal, no offset: zone unknown", "2026-03-05T18:04:55Z", "2026-03-05T18:04:55",
			row{"display_time": "2026-03-05T18:04:55", "utc_offset_min": absent{}, "utc_offset_source": "unknown", "extra": absent{}}},
		{"14: receiver with Z", "2026-03-05T18:04:55.438Z", "2026-03-05T18:04:55.438Z",
			row{"system_time": "2026-03-05T18:04:55.438", "utc_offset_min": 0, "utc_offset_source": "sent"}},
		{"13: offset with seconds", "2026-03-05T17:04:55Z", "2026-03-05T10:04:55-06:59:59",
			row{"display_time": "2026-03-05T10:04:55", "utc_offset_min": -420, "utc_offset_source": "sent", "extra": `{"sent":{"displayTime":"2026-03-05T10:04:55-06:59:59"}}`}},
		{"13: offset rounded to the nearer minute", "2026-03-05T17:04:55Z", "2026-03-05T10:04:55-06:59:29", row{"utc_offset_min": -419, "utc_offset_source": "sent"}},
		{"13: no seconds", "2026-03-05T17:04Z", "2026-03-05T17:04+00:00", row{"system_time": "2026-03-05T17:04:00", "utc_offset_min": 0, "utc_offset_source": "sent"}},
		{"13: trailing zeros cut", "2026-03-05T17:04:05.1Z", "2026-03-05T17:04:05.12Z", row{"system_time": "2026-03-05T17:04:05.1", "display_time": "2026-03-05T17:04:05.12"}},
		{"13: single digits, a blank", "2026-3-5 7:4:5", "2026-3-5 9:4:5", row{"system_time": "2026-03-05T07:04:05", "utc_offset_min": 120}},
		{"microseconds", "2026-03-05T17:04:05.123456Z", "2026-03-05T17:04:05.654321Z",
			row{"system_time": "2026-03-05T17:04:05.123456", "display_time": "2026-03-05T17:04:05.654321", "extra": absent{}}},
		{"nanoseconds", "2026-03-05T17:04:05.123456789Z", "2026-03-05T17:04:05Z",
			row{"system_time": "2026-03-05T17:04:05.123456", "extra": `{"sent":{"systemTime":"2026-03-05T17:04:05.123456789Z"}}`}},
		{"nanoseconds and seconds of offset, kept once", "2026-03-05T17:04:05Z", "2026-03-05T10:04:05.123456789-06:59:59",
			row{"utc_offset_min": -420, "extra": `{"sent":{"displayTime":"2026-03-05T10:04:05.123456789-06:59:59"}}`}},
		{"no display time", "2026-03-05T17:04:05Z", "", row{"display_time": absent{}, "utc_offset_min": absent{}, "utc_offset_source": "unknown"}},
		{"empty display time", "2026-03-05T17:04:05Z", " ", row{"display_time": absent{}, "utc_offset_source": "unknown", "extra": `{"sent":{"displayTime":""}}`}},
		{"+14:00", "2026-03-05T17:04:05Z", "2026-03-06T07:04:05+14:00", row{"utc_offset_min": 840, "utc_offset_source": "sent"}},
		{"-12:00", "2026-03-05T17:04:05Z", "2026-03-05T05:04:05-12:00", row{"utc_offset_min": -720, "utc_offset_source": "sent"}},
		{"+14:01, no place on earth", "2026-03-05T17:04:05Z", "2026-03-06T07:05:05+14:01",
			row{"display_time": "2026-03-06T07:05:05", "utc_offset_min": absent{}, "utc_offset_source": "unknown", "extra": `{"sent":{"displayTime":"2026-03-06T07:05:05+14:01"}}`}},
		{"a wrong date", "2026-03-05T17:04:05", "2025-03-05T17:04:05", row{"display_time": "2025-03-05T17:04:05", "utc_offset_min": absent{}, "utc_offset_source": "unknown"}},
		{"-12:00 and drift", "2026-03-05T17:04:05", "2026-03-05T04:57:00", row{"utc_offset_min": -720, "utc_offset_source": "derived"}},
		{"too far west", "2026-03-05T17:04:05", "2026-03-05T04:50:00", row{"display_time": "2026-03-05T04:50:00", "utc_offset_min": absent{}, "utc_offset_source": "unknown"}},
	} {
		display := "null"
		if test.display != "" { // a blank stands for an empty text
			display = fmt.Sprintf("%q", strings.TrimSuffix(test.display, " "))
		}
		got := one(t, dexcom.EGVs, "egvs", fmt.Sprintf(`{"recordId":"r","systemTime":%q,"displayTime":%s}`, test.system, display))
		expect(t, test.name, got, test.want)
	}
}

// A derived offset is the nearest quarter of an hour, whatever the drift.
func TestDerivedOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		system := time.Unix(rapid.Int64Range(1.3e9, 1.7e9).Draw(t, "system"), 0).UTC()
		quarters := rapid.IntRange(-48, 56).Draw(t, "quarters")
		drift := rapid.IntRange(-440, 440).Draw(t, "drift") // seconds, less than half a quarter
		if quarters == 0 && drift == 0 {
			t.Skip("says nothing")
		}
		wall := system.Add(time.Duration(quarters)*15*time.Minute + time.Duration(drift)*time.Second)
		got, source := offset(system, dexcom.Time{Valid: true, Wall: wall})
		if !got.ok || int(got.value) != quarters*15 || string(source) != "derived" {
			t.Fatalf("offset(%s, %s) = %v, %s; want %d", system, wall, got, source, quarters*15)
		}
	})
}

func TestSystemTimeLimits(t *testing.T) {
	server := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		system string
		server time.Time
		reason Reason
	}{
		{"2010-01-01T00:00:00Z", server, ""},
		{"2009-12-31T23:59:59Z", server, ImplausibleTime},
		{"2010-01-01T00:59:59+01:00", server, ImplausibleTime},
		{"2026-03-06T12:00:00Z", server, ""},
		{"2026-03-06T12:00:01Z", server, ImplausibleTime}, // 15
		{"2085-01-01T00:00:00Z", server, ImplausibleTime},
		{"2026-04-02T12:00:00Z", time.Time{}, ""}, // the instant it was asked stands in
		{"2026-04-02T12:00:01Z", time.Time{}, ImplausibleTime},
		{"", server, NoSystemTime},
	} {
		a := answerOf(dexcom.EGVs, pageOf(dexcom.EGVs, fmt.Sprintf(`{"recordId":"r","systemTime":%q}`, test.system)))
		a.ServerDate = test.server
		got := apply(t, a)
		if test.reason == "" {
			if len(got.rows["egvs"]) != 1 || got.Rejected != 0 {
				t.Errorf("%s, server %s: %v; want a row", test.system, test.server, got.rows)
			}
			continue
		}
		if len(got.rows["rejects"]) != 1 || got.Rejected != 1 || len(got.rows) != 1 {
			t.Errorf("%s, server %s: %v; want a reject", test.system, test.server, got.rows)
			continue
		}
		expect(t, test.system, got.rows["rejects"][0], row{"reason": string(test.reason), "field": "systemTime"})
	}
}
