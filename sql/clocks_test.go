package sql_test

import (
	"database/sql"
	"testing"
	"time"
)

// A day tells how far its wall clock is from the roster's zone, if that lasts for
// more than two days.
func TestClockOffset(t *testing.T) {
	type stay struct {
		days  int
		clock string // a zone; or a duration the clock is ahead of the roster's zone; empty: not known; "-": no reading
	}
	tests := []struct {
		name, zone, start string
		stays             []stay
		want              string // of the days, null as .
	}{
		{"at home", "Europe/Berlin", "2025-03-28", []stay{{4, "Europe/Berlin"}}, ". . . ."},
		{"two days away", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Berlin"}, {2, "America/New_York"}, {2, "Europe/Berlin"}}, ". . . . . ."},
		{"three days away", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Berlin"}, {3, "Europe/Athens"}, {2, "Europe/Berlin"}}, ". . 60 60 60 . ."},
		{"a journey on", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {2, "Asia/Kolkata"}, {1, "Europe/Berlin"}}, "60 60 210 210 ."},
		{"AM for PM", "America/Denver", "2025-06-01", []stay{{3, "12h"}, {1, "America/Denver"}}, "720 720 720 ."},
		{"behind", "Asia/Tokyo", "2025-06-01", []stay{{3, "-12h"}}, "-720 -720 -720"},
		{"29 minutes", "America/Denver", "2025-06-01", []stay{{3, "29m"}}, ". . ."},
		{"31 minutes behind", "America/Denver", "2025-06-01", []stay{{3, "-31m"}}, "-31 -31 -31"},
		{"does not change its clock", "America/Denver", "2025-03-07", []stay{{7, "America/Phoenix"}}, ". . -60 -60 -60 -60 -60"},
		{"a zone without change", "America/Phoenix", "2025-03-07", []stay{{5, "America/Denver"}}, ". . 60 60 60"},
		{"clocks back", "America/Denver", "2025-10-31", []stay{{6, "America/Phoenix"}}, ". . . . . ."},
		{"clocks back, before", "America/Denver", "2025-10-30", []stay{{6, "America/Phoenix"}}, "-60 -60 -60 . . ."},
		{"half an hour", "Australia/Lord_Howe", "2025-10-03", []stay{{5, "Australia/Brisbane"}}, "-30 -30 -60 -60 -60"},
		{"a day that tells nothing", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {1, ""}, {1, "-"}, {1, "Europe/Athens"}}, "60 60 . . 60"},
		{"a right day between", "Europe/Berlin", "2025-06-01", []stay{{2, "Europe/Athens"}, {1, "Europe/Berlin"}, {2, "Europe/Athens"}}, ". . . . ."},
		{"no zone", "", "2025-06-01", []stay{{3, "America/Denver"}}, ". . ."},
		{"no such zone", "Mars/Phobos", "2025-06-01", []stay{{3, "America/Denver"}}, ". . ."},
	}
	db := openLake(t)
	want := map[string]string{}
	for _, test := range tests {
		want[test.name] = test.want
		home, _ := time.LoadLocation(test.zone)
		if home == nil {
			home = time.UTC
		}
		insert(t, db, `participants (participant_id, timezone)`, []string{values(test.name, test.zone)})
		day := date(test.start)
		var rows []string
		for _, s := range test.stays {
			for range s.days {
				for minute := 0; minute < 1440 && s.clock != "-"; minute += 15 {
					rows = append(rows, clockRow(test.name, day.Add(time.Duration(minute)*time.Minute), s.clock, home))
				}
				day = day.AddDate(0, 0, 1)
			}
		}
		insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl)`, rows)
		sumDays(t, db)
	}
	checkOffsets(t, db, want)
}

// checkOffsets compares clock_offset_min of the days of each participant.
func checkOffsets(t *testing.T, db *sql.DB, want map[string]string) {
	t.Helper()
	got := query(t, db, `select participant_id as id, string_agg(coalesce(clock_offset_min::varchar, '.'), ' ' order by local_date) as offsets
		from completeness group by id`)
	for _, r := range got {
		if id := r["id"].(string); r["offsets"] != want[id] {
			t.Errorf("%s: clock_offset_min of the days: got %v, want %s", id, r["offsets"], want[id])
		}
	}
	if len(got) != len(want) {
		t.Errorf("completeness has %d participants, want %d", len(got), len(want))
	}
}

// clockRow is a row of glucose at a time of the wall clock that is in a zone, or
// ahead of home. Where the clock is not known, that of home stands in.
func clockRow(id string, local time.Time, clock string, home *time.Location) string {
	source, ahead, zone := "sent", time.Duration(0), home
	if d, err := time.ParseDuration(clock); err == nil {
		ahead = d
	} else if clock != "" {
		zone, _ = time.LoadLocation(clock)
	} else {
		source = "roster"
	}
	at := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, zone).Add(-ahead)
	return values(id, stamp(at), stamp(local), local.Format(time.DateOnly), source, "100")
}

// A clock that is days off has no offset that a place could have: glucose then
// has the roster's time, and only coverage_days tells of it.
func TestClockDaysOff(t *testing.T) {
	db := openLake(t)
	insert(t, db, `participants (participant_id, timezone)`, []string{values("p", "America/Denver")})
	home, _ := time.LoadLocation("America/Denver")
	var rows, days []string
	for day := range 6 {
		at := date("2025-06-01").AddDate(0, 0, day)
		clock, offset := "", "-4320"
		if day > 3 {
			clock, offset = "America/Denver", ""
		}
		for minute := 0; minute < 1440; minute += 15 {
			rows = append(rows, clockRow("p", at.Add(time.Duration(minute)*time.Minute), clock, home))
		}
		days = append(days, values("p", "egvs", stamp(at), offset))
	}
	insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, local_time_source, glucose_mgdl)`, rows)
	sumDays(t, db)
	insert(t, db, `coverage_days (participant_id, resource, day, clock_offset_min)`, days)
	checkOffsets(t, db, map[string]string{"p": "-4320 -4320 -4320 -4320 . ."})
}
