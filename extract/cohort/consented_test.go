package cohort

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestConsented(t *testing.T) {
	day := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	instant := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	const open = "2200-01-01T00:00:00Z"
	for _, tt := range []struct {
		name                   string
		start, end, zone, hist string
		from, to               string // of the connection
		wantStart, wantEnd     string
		reason                 string // part of it
	}{
		{"days of the zone", "2026-03-01", "2026-03-10", "America/New_York", "from_study_start", "", "", "2026-03-01T05:00:00Z", "2026-03-11T04:00:00Z", ""},
		{"east of Greenwich", "2026-03-01", "2026-03-01", "Australia/Adelaide", "from_study_start", "", "", "2026-02-28T13:30:00Z", "2026-03-01T13:30:00Z", ""},
		{"no zone: UTC", "2026-03-01", "2026-03-01", "", "from_study_start", "", "", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", ""},
		{"no end", "2026-03-01", "", "", "from_study_start", "", "", "2026-03-01T00:00:00Z", open, ""},
		{"no midnight", "2018-11-04", "2018-11-04", "America/Sao_Paulo", "from_study_start", "", "", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", ""},
		{"two midnights", "2026-11-01", "2026-11-01", "America/Havana", "from_study_start", "", "", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", ""},
		{"midnight shown as the evening before", "2026-10-25", "2026-10-25", "Asia/Beirut", "from_study_start", "", "", "2026-10-24T22:00:00Z", "2026-10-25T22:00:00Z", ""},
		{"a day that was left out", "2011-12-30", "2011-12-31", "Pacific/Apia", "from_study_start", "", "", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", ""},
		{"all history", "2026-03-01", "2026-03-10", "", "all", "", "", "2010-01-01T00:00:00Z", "2026-03-11T00:00:00Z", ""},
		{"all history without start", "", "", "", "all", "", "", "2010-01-01T00:00:00Z", open, ""},
		{"no start", "", "2026-03-10", "", "from_study_start", "", "", "", "", "study.history: all"},
		{"end before start", "2026-03-10", "2026-03-01", "", "from_study_start", "", "", "", "", "correct the roster"},
		{"connection inside", "2026-03-01", "2026-03-31", "", "from_study_start", "2026-03-05T10:00:00Z", "2026-03-06T11:00:00Z", "2026-03-05T10:00:00Z", "2026-03-06T11:00:00Z", ""},
		{"connection within seconds", "2026-03-01", "2026-03-31", "", "from_study_start", "2026-03-05T10:00:00.000001Z", "2026-03-06T11:00:00.999999Z", "2026-03-05T10:00:01Z", "2026-03-06T11:00:00Z", ""},
		{"connection of less than a second", "2026-03-01", "2026-03-31", "", "from_study_start", "2026-03-05T10:00:00.1Z", "2026-03-05T10:00:00.9Z", "", "", "connect the participant again"},
		{"connection before the study", "2026-03-01", "2026-03-31", "", "from_study_start", "2026-01-05T10:00:00Z", "2026-01-06T11:00:00Z", "", "", "connect the participant again"},
		{"before 2010", "1999-03-01", "", "", "from_study_start", "", "", "2010-01-01T00:00:00Z", open, ""},
	} {
		var loc *time.Location
		if tt.zone != "" {
			var err error
			if loc, err = time.LoadLocation(tt.zone); err != nil {
				t.Fatal(err)
			}
		}
		from, to, reason := Consented(day(tt.start), day(tt.end), loc, tt.hist, instant(tt.from), instant(tt.to))
		if !from.Equal(instant(tt.wantStart)) || !to.Equal(instant(tt.wantEnd)) || (tt.reason == "") != (reason == "") || !strings.Contains(reason, tt.reason) {
			t.Errorf("%s: Consented(%s, %s, %s, %s, %s, %s) = %v, %v, %q; want %s, %s, %q", tt.name, tt.start, tt.end, tt.zone, tt.hist, tt.from, tt.to, from, to, reason, tt.wantStart, tt.wantEnd, tt.reason)
		}
	}
}
