package sql_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestFetchStatus(t *testing.T) {
	db := openLake(t)
	insert(t, db, `participants (participant_id)`, []string{values("p"), values("q"), values("r")})
	insert(t, db, `coverage (participant_id, resource, asked_from, asked_to, asked_at, records, data_to)`, []string{
		values("p", "egvs", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "2", "2025-01-20 00:10"),
		values("p", "egvs", "2025-02-01", "2025-03-01", "2025-03-01 11:00", "1", "2025-01-20 00:10"),
		values("p", "events", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "0", ""),
		values("p", "calibrations", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "0", "2025-01-03"),
		values("p", "alerts", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "1", ""),
		values("p", "devices", "", "", "2025-03-01 10:00", "1", ""),
		values("q", "egvs", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "1", "2025-01-20"),
		values("q", "events", "2025-01-01", "2025-02-01", "2025-03-01 10:00", "1", "2025-01-20"),
		values("r", "dataRange", "", "", "2025-03-01 10:00", "0", ""),
	})
	insert(t, db, `coverage_days (participant_id, resource, last_record)`, []string{
		values("p", "egvs", "2025-01-19 00:10"), values("p", "egvs", "2025-01-20 00:00"), values("q", "egvs", "2025-01-20 00:00"),
		values("q", "events", "2025-01-20 00:00"), values("p", "alerts", "2025-01-20 00:00"),
	})
	insert(t, db, `requests (participant_id, resource, asked_at, outcome)`, []string{
		values("q", "events", "2025-03-01 12:00", "held"), values("q", "egvs", "2025-03-01 09:00", "held"), values("q", "alerts", "2025-03-01 09:00", "held"),
	})
	got := table(t, db, `select participant_id, resource, state, records, lag_min, n_held, strftime(last_asked_at, '%H:%M')
		from fetch_status order by participant_id, resource`)
	want := `p alerts current 1 58200.0 0 10:00
p calibrations behind 0 - 0 10:00
p dataRange never_asked 0 - 0 -
p devices current 1 - 0 10:00
p egvs behind 3 58260.0 0 11:00
p events no_data 0 - 0 10:00
q alerts held 0 - 1 -
q calibrations never_asked 0 - 0 -
q dataRange never_asked 0 - 0 -
q devices never_asked 0 - 0 -
q egvs current 1 58200.0 1 10:00
q events held 1 58200.0 1 10:00
r alerts no_data 0 - 0 -
r calibrations no_data 0 - 0 -
r dataRange no_data 0 - 0 10:00
r devices never_asked 0 - 0 -
r egvs no_data 0 - 0 -
r events no_data 0 - 0 -
`
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("fetch_status (-want +got):\n%s", diff)
	}
}

// lag_min is how old the newest record was when it was last asked for news, in the
// study of the participant.
func TestLag(t *testing.T) {
	tests := []struct {
		name           string
		resource       string
		asked, ranged  string
		newest, dataTo string
		end, withdrawn string
		want           string
	}{
		{"just read", "egvs", "2025-03-05 10:00", "", "2025-03-05 09:55", "2025-03-05 09:55", "", "", "5.0"},
		{"four days of silence", "egvs", "2025-03-01 10:00", "2025-03-05 10:00", "2025-03-01 10:00", "2025-03-01 10:00", "", "", "5760.0"},
		{"events, as dataRange shows", "events", "2025-03-01 10:00", "2025-03-02 10:00", "2025-03-01 10:00", "2025-03-01 10:00", "", "", "1440.0"},
		{"alerts, of which dataRange says nothing", "alerts", "2025-03-01 10:00", "2025-03-05 10:00", "2025-03-01 09:00", "", "", "", "60.0"},
		{"a clock ahead", "egvs", "2025-03-05 10:00", "", "2025-03-05 12:00", "", "", "", "0.0"},
		{"after the study", "egvs", "2025-04-01 00:00", "2025-04-02 00:00", "2025-03-01 23:00", "", "2025-03-01", "", "60.0"},
		{"after a withdrawal", "egvs", "2025-04-01 00:00", "", "2025-03-01 09:00", "", "2025-03-31", "2025-03-01 10:00", "60.0"},
		{"no record", "egvs", "2025-03-05 10:00", "", "", "", "", "", "-"},
		{"never asked", "egvs", "", "", "", "", "", "", "-"},
	}
	db := openLake(t)
	for _, test := range tests {
		insert(t, db, `participants (participant_id, study_end)`, []string{values(test.name, test.end)})
		for resource, asked := range map[string]string{test.resource: test.asked, "dataRange": test.ranged} {
			if asked != "" {
				insert(t, db, `coverage (participant_id, resource, asked_at, records, data_to)`, []string{values(test.name, resource, asked, "1", test.dataTo)})
			}
		}
		if test.newest != "" {
			insert(t, db, `coverage_days (participant_id, resource, last_record)`, []string{values(test.name, test.resource, test.newest)})
		}
		if test.withdrawn != "" {
			insert(t, db, `withdrawals (participant_id, effective_at)`, []string{values(test.name, test.withdrawn)})
		}
	}
	for _, test := range tests {
		got := table(t, db, `select lag_min from fetch_status where participant_id = '`+test.name+`' and resource = '`+test.resource+`'`)
		if got != test.want+"\n" {
			t.Errorf("%s: lag_min is %q, want %s", test.name, got, test.want)
		}
	}
	if got := table(t, db, `select state from fetch_status where participant_id = 'after a withdrawal' and resource = 'egvs'`); got != "ended\n" {
		t.Errorf("state after a withdrawal: got %q, want ended", got)
	}
}

// Nobody is behind for what lies outside the study.
func TestFetchStatusOutsideStudy(t *testing.T) {
	const newYork, havana, paulo = "America/New_York", "America/Havana", "America/Sao_Paulo"
	tests := []struct {
		name, zone, start, end string
		askedTo, askedAt       string
		newest, dataTo         string
		want, wantAll          string // with study.history from_study_start, all
	}{
		{"open", newYork, "2025-03-01", "", "2025-03-10", "2025-03-10", "2025-03-09", "2025-03-12", "behind", "behind"},
		{"a second missing", newYork, "2025-03-01", "2025-03-10", "2025-03-11 03:59:59", "2025-04-01", "2025-03-09", "2025-03-12", "behind", "behind"},
		{"the whole last day", newYork, "2025-03-01", "2025-03-10", "2025-03-11 04:00", "2025-04-01", "2025-03-09", "2025-03-12", "ended", "ended"},
		{"nothing newer, ended", newYork, "2025-03-01", "2025-03-10", "2025-03-11 04:00", "2025-04-01", "2025-03-09", "2025-03-09", "ended", "ended"},
		{"nothing newer, not ended", newYork, "2025-03-01", "2025-03-10", "2025-03-09", "2025-03-09", "2025-03-08", "2025-03-08", "current", "current"},
		{"clocks ahead", newYork, "2025-03-01", "2025-03-10", "2025-03-12", "2025-03-09", "2025-03-11", "2025-03-11", "current", "current"},
		{"clocks ahead, newer", newYork, "2025-03-01", "2025-03-10", "2025-03-12", "2025-03-09", "2025-03-08", "2025-03-11", "current", "current"},
		{"UTC a second missing", "", "2025-03-01", "2025-03-10", "2025-03-10 23:59:59", "2025-04-01", "2025-03-09", "2025-03-12", "behind", "behind"},
		{"UTC", "", "2025-03-01", "2025-03-10", "2025-03-11", "2025-04-01", "2025-03-09", "2025-03-12", "ended", "ended"},
		{"zone unknown to DuckDB", "Mars/Phobos", "2025-03-01", "2025-03-10", "2025-03-11", "2025-04-01", "2025-03-09", "2025-03-12", "ended", "ended"},
		{"two midnights before", havana, "2026-10-01", "2026-10-31", "2026-11-01 03:59:59", "2027-01-01", "2026-10-30", "2026-12-01", "behind", "behind"},
		{"two midnights", havana, "2026-10-01", "2026-10-31", "2026-11-01 04:00", "2027-01-01", "2026-10-30", "2026-12-01", "ended", "ended"},
		{"no midnight before", paulo, "2018-10-01", "2018-11-03", "2018-11-04 02:59:59", "2019-01-01", "2018-11-02", "2018-12-01", "behind", "behind"},
		{"no midnight", paulo, "2018-10-01", "2018-11-03", "2018-11-04 03:00", "2019-01-01", "2018-11-02", "2018-12-01", "ended", "ended"},
		{"not started", newYork, "2025-03-01", "", "", "2025-02-20", "", "2025-03-01 04:59:59", "not_started", "behind"},
		{"started", newYork, "2025-03-01", "", "", "2025-03-02", "", "2025-03-01 05:00", "behind", "behind"},
		{"two midnights, not started", havana, "2026-11-01", "", "", "2026-10-20", "", "2026-11-01 03:59:59", "not_started", "behind"},
		{"two midnights, started", havana, "2026-11-01", "", "", "2026-11-02", "", "2026-11-01 04:00", "behind", "behind"},
		{"only older records", newYork, "2025-03-01", "", "2025-03-05", "2025-03-05", "", "2025-02-01", "no_data", "behind"},
		{"only older records, ended", newYork, "2025-03-01", "2025-03-03", "2025-03-05", "2025-03-05", "", "2025-02-01", "no_data", "ended"},
		{"only older records, some held", newYork, "2025-03-01", "", "2025-03-05", "2025-03-05", "2025-01-20", "2025-02-01", "current", "behind"},
		{"no study dates", newYork, "", "", "", "2025-03-02", "", "2025-03-01", "behind", "behind"},
	}
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		db := openLake(t)
		for _, test := range tests {
			insert(t, db, `participants (participant_id, timezone, study_start, study_end)`, []string{values(test.name, test.zone, test.start, test.end)})
			records := "0"
			if test.newest != "" {
				records = "1"
				insert(t, db, `coverage_days (participant_id, resource, last_record)`, []string{values(test.name, resource, test.newest)})
			}
			insert(t, db, `coverage (participant_id, resource, asked_to, asked_at, records, data_to)`, []string{
				values(test.name, resource, test.askedTo, test.askedAt, records, test.dataTo),
				values(test.name, "devices", "", test.askedAt, "1", ""), values(test.name, "dataRange", "", test.askedAt, "0", ""),
			})
		}
		for _, history := range []string{"", "from_study_start", "all"} {
			exec(t, db, `delete from settings`)
			if history != "" {
				insert(t, db, `settings (key, value)`, []string{values("study.id", "all"), values("study.history", history)})
			}
			got := byKey(t, query(t, db, `select participant_id, resource, state from fetch_status`), "participant_id", "resource")
			for _, test := range tests {
				want := test.want
				if history == "all" {
					want = test.wantAll
				}
				for r, want := range map[string]string{resource: want, "devices": "current", "dataRange": "no_data"} {
					if state := got[" "+test.name+" "+r]["state"]; state != want {
						t.Errorf("fetch_status of %s, %s, history %q: got state %v, want %s", test.name, r, history, state, want)
					}
				}
			}
		}
	}
}

// A participant who fell silent has days without data up to the local date of
// the last request; days to come are not days without data.
func TestStudyEndsWithLastRequest(t *testing.T) {
	db := openLake(t)
	type answer struct{ resource, at string }
	monday, sunday := answer{"egvs", "2025-03-03 01:00"}, answer{"dataRange", "2025-03-09 16:00"} // a Monday again in Tokyo
	var want strings.Builder
	for _, test := range []struct {
		id, anchor, start, end string
		read                   string // date of the one reading; empty: none
		asked                  []answer
		days                   string // number of them and the last; empty: none
	}{
		{"all", "2025-03-02", "2025-03-01", "", "2025-03-05", []answer{monday, sunday}, "10 2025-03-10"},
		{"anchored", "2025-03-01", "", "", "2025-03-05", []answer{sunday}, "6 2025-03-10"},
		{"anchored, unread", "2025-03-01", "", "", "", []answer{sunday}, ""},
		{"clock ahead", "", "2025-03-01", "", "2025-03-12", []answer{sunday}, "12 2025-03-12"},
		{"coming", "", "2025-04-01", "", "", []answer{sunday}, ""},
		{"coming, read before", "", "2025-04-01", "", "2025-03-05", []answer{sunday}, ""},
		{"coming, with end", "", "2025-04-01", "2025-04-30", "", []answer{sunday}, ""},
		{"done", "", "2025-03-01", "2025-03-03", "2025-03-05", []answer{sunday}, "3 2025-03-03"},
		{"ends later", "", "2025-03-01", "2025-06-30", "2025-03-05", []answer{{"egvs", "2025-03-09 16:00"}}, "10 2025-03-10"},
		{"never asked", "", "2025-03-01", "", "2025-03-05", nil, "5 2025-03-05"},
		{"no dates", "", "", "", "2025-03-05", []answer{sunday}, "1 2025-03-05"},
		{"only egvs", "", "2025-03-01", "", "2025-03-05", []answer{{"egvs", "2025-03-09 14:00"}, {"events", "2025-03-20 14:00"}}, "9 2025-03-09"},
		{"other resources", "", "2025-03-01", "", "2025-03-02", []answer{monday, {"events", "2025-03-20 14:00"}, {"devices", "2025-03-20 14:00"}}, "3 2025-03-03"},
		{"unread", "", "2025-03-01", "", "", []answer{sunday}, "10 2025-03-10"},
	} {
		insert(t, db, `participants (participant_id, timezone, anchor_date, study_start, study_end)`,
			[]string{values(test.id, "Asia/Tokyo", test.anchor, test.start, test.end)})
		for _, a := range test.asked {
			insert(t, db, `coverage (participant_id, resource, asked_at, records)`, []string{values(test.id, a.resource, a.at, "1")})
		}
		if test.read != "" {
			insert(t, db, `glucose (participant_id, time_utc, local_time, local_date, glucose_mgdl)`, []string{
				values(test.id, test.read+" 03:00", test.read+" 12:00", test.read, "100"),
			})
		}
		fmt.Fprintf(&want, "%s: %s\n", test.id, cmp.Or(test.days, "0 -"))
	}
	sumDays(t, db)
	got := table(t, db, `select p.participant_id || ':', count(d.local_date), max(d.local_date)
		from participants p left join daily_metrics d using (participant_id) group by p.participant_id order by p.participant_id`)
	if diff := gocmp.Diff(want.String(), got); diff != "" {
		t.Errorf("days of daily_metrics (-want +got):\n%s", diff)
	}
	// Day 1 is enough for periods.
	got = table(t, db, `select period, period_start, n_readings, expected_slots from period_metrics where participant_id = 'anchored, unread'`)
	if want := "1 2025-03-01 0 4032\n"; got != want {
		t.Errorf("periods without a reading: got %q, want %q", got, want)
	}
	// A study to come has no slots yet, and surely not a negative number of them.
	got = table(t, db, `select participant_id, n_readings, expected_slots from participant_metrics where participant_id like 'coming%' or participant_id = 'unread' order by participant_id`)
	if want := "coming 0 -\ncoming, read before 0 -\ncoming, with end 0 -\nunread 0 2880\n"; got != want {
		t.Errorf("slots of participant_metrics: got %q, want %q", got, want)
	}
}
