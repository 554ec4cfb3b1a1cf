package sql_test

import (
	"database/sql"
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// latest selects days of p as package metrics does. Those after the last reading are
// none of it.
func (s study) latest(p *person, offered span, days int, before string, pct float64) (chosen span, sufficient bool) {
	zone, err := time.LoadLocation(p.zone)
	if err != nil {
		zone = time.UTC
	}
	var last time.Time
	for _, r := range p.readings {
		if day := metrics.Day(r.Local); !r.Local.IsZero() && day.After(last) {
			last = day
		}
	}
	if last.Before(offered.last) && !last.Before(offered.first) {
		offered.last = last
	}
	if offered.first.IsZero() {
		return span{}, false
	}
	anchor := time.Time{}
	if before != "" {
		anchor = date(before)
	}
	got := metrics.SufficiencyRule{Pct: pct, Days: days}.Latest(metrics.SlotsByDay(s.oracleReadings(p), offered.first, offered.last, zone), anchor)
	return span{got.First, got.Last}, got.Sufficient
}

// The days that are selected must be those that package metrics selects.
func TestLatestEqualsOracle(t *testing.T) {
	db := openLake(t)
	s := cohort(11)
	random := rand.New(rand.NewSource(11))
	for _, p := range s.people {
		p.lose(random)
	}
	s.load(t, db)
	sufficient, compared := 0, 0
	for _, days := range []int{1, 3, 14} {
		for _, pct := range []float64{70, 45} {
			exec(t, db, `delete from settings`)
			exec(t, db, `insert into settings values ('metrics.min_active_pct', ?)`, pct)
			for _, window := range []string{"", "march", "baseline", "first"} {
				rows := byKey(t, chosenDays(t, db, views.Selection{LastDays: days, Window: window}), "participant_id")
				for _, p := range s.people {
					offered, before, found := s.offered(p, window)
					if !found {
						continue
					}
					want, isEnough := s.latest(p, offered, days, before, pct)
					got := rows[" "+p.id]
					what := fmt.Sprintf("last %d of %q at %v: %s", days, window, pct, p.id)
					compare(t, what, got, row{"first_date": want.first, "last_date": want.last, views.SelectionSufficient: isEnough})
					sufficient += map[bool]int{true: 1}[isEnough]
					compared++
				}
			}
		}
	}
	if sufficient < 50 || compared-sufficient < 50 {
		t.Errorf("%d of %d selections are sufficient, want more of either", sufficient, compared)
	}
}

// offered is the interval in which days of p are selected, and the date that they end
// before; found: p has the window, and it has dates.
func (s study) offered(p *person, name string) (offered span, before string, found bool) {
	if name == "" {
		study, _ := p.bounds()
		return study, "", !study.first.IsZero()
	}
	var chosen *window
	for _, w := range s.windows {
		if w.name == name && (w.participant == p.id || w.participant == "*" && chosen == nil) {
			chosen = &w
		}
	}
	if name == "baseline" {
		before = p.anchor
	}
	if chosen == nil || chosen.start == "" && p.anchor == "" {
		return span{}, "", false
	}
	return span{p.dateOf(chosen.start, chosen.startDay), p.dateOf(chosen.end, chosen.endDay)}, before, true
}

// dateOf is a bound of a window: a date, or a day of the study, of which none is 0.
func (p person) dateOf(text string, day int) time.Time {
	if text != "" {
		return date(text)
	}
	if day > 0 {
		day--
	}
	return date(p.anchor).AddDate(0, 0, day)
}

// lose makes some stretches of days thin.
func (p *person) lose(random *rand.Rand) {
	kept := p.readings[:0]
	thin := 0
	for i, r := range p.readings {
		if i%288 == 0 {
			thin = random.Intn(3)
		}
		if thin == 0 || random.Intn(10) > 3 {
			kept = append(kept, r)
		}
	}
	p.readings = kept
}

// chosenDays are the rows of a selection.
func chosenDays(t *testing.T, db *sql.DB, s views.Selection) []row {
	t.Helper()
	statement, args := s.Query()
	return query(t, db, statement, args...)
}

// Twenty days, of which 4 to 9 have all readings and the others every second one.
func TestLatestDays(t *testing.T) {
	db := openLake(t)
	p := person{id: "P1", zone: "UTC", anchor: "2025-03-11", start: "2025-03-01", asked: "2025-04-30"}
	for at := date("2025-03-01"); at.Before(date("2025-03-21")); at = at.Add(5 * time.Minute) {
		if whole := at.Day() >= 4 && at.Day() < 10; whole || at.Minute()%10 == 0 {
			p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}})
		}
	}
	study{people: []*person{&p}, windows: []window{
		{participant: "*", name: "Baseline", startDay: -14, endDay: 3}, {participant: "*", name: "around", startDay: -14, endDay: 3},
	}}.load(t, db)
	for _, test := range []struct {
		selection views.Selection
		want      string
	}{
		{views.Selection{LastDays: 6}, "2025-03-07 2025-03-12 true"}, // 3 whole days and 3 half ones: 75 %
		{views.Selection{LastDays: 1}, "2025-03-09 2025-03-09 true"},
		{views.Selection{LastDays: 14}, "2025-03-04 2025-03-17 true"},  // 6 and 8: 71 %
		{views.Selection{LastDays: 16}, "2025-03-05 2025-03-20 false"}, // 6 and 10 at most: 69 %
		{views.Selection{LastDays: 40}, "2025-03-01 2025-03-20 false"}, // all there are
		{views.Selection{LastDays: 5, To: "2025-03-05"}, "2025-03-01 2025-03-05 true"},
		{views.Selection{LastDays: 2, To: "2025-04-10"}, "2025-03-09 2025-03-10 true"},
		{views.Selection{LastDays: 19, To: "2025-04-10"}, "2025-03-23 2025-04-10 false"},
		{views.Selection{LastDays: 19, To: "2025-12-31"}, "2025-04-12 2025-04-30 false"}, // the study ends with the day last asked
		{views.Selection{LastDays: 6, To: "2025-12-31"}, "2025-03-07 2025-03-12 true"},
		{views.Selection{LastDays: 12, Window: "around"}, "2025-03-02 2025-03-13 true"},
		{views.Selection{LastDays: 12, Window: "Baseline"}, "2025-02-27 2025-03-10 false"},
		{views.Selection{LastDays: 7, Window: "Baseline"}, "2025-03-04 2025-03-10 true"},
	} {
		got := "no row"
		for _, r := range chosenDays(t, db, test.selection) {
			got = fmt.Sprint(r["first_date"].(time.Time).Format(time.DateOnly), " ", r["last_date"].(time.Time).Format(time.DateOnly), " ", r[views.SelectionSufficient])
		}
		if got != test.want {
			t.Errorf("%+v: got %s, want %s", test.selection, got, test.want)
		}
	}
}

// A day of 23 hours has enough with 966 minutes, one of 24 with 1008, and one of 25 with
// 1050: 193.2, 201.6 and 210 readings of 5 minutes.
func TestLatestDayWhereClocksChange(t *testing.T) {
	for _, test := range []struct {
		day, begins string // the second one UTC
		readings    int
		want        bool
	}{
		{"2025-03-30", "2025-03-29 23:00:00", 193, false}, {"2025-03-30", "2025-03-29 23:00:00", 194, true},
		{"2025-03-29", "2025-03-28 23:00:00", 201, false}, {"2025-03-29", "2025-03-28 23:00:00", 202, true},
		{"2025-10-26", "2025-10-25 22:00:00", 209, false}, {"2025-10-26", "2025-10-25 22:00:00", 210, true},
	} {
		db := openLake(t)
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		p := person{id: "P1", zone: "Europe/Berlin", start: test.day, end: test.day, asked: test.day}
		begins, err := time.Parse(time.DateTime, test.begins)
		if err != nil {
			t.Fatal(err)
		}
		for i := range test.readings {
			at := begins.Add(time.Duration(i) * 5 * time.Minute)
			_, ahead := at.In(zone).Zone()
			p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at.Add(time.Duration(ahead) * time.Second), GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}})
		}
		study{people: []*person{&p}}.load(t, db)
		got := chosenDays(t, db, views.Selection{LastDays: 1})[0]
		for what, is := range map[string]any{views.SelectionSufficient: got[views.SelectionSufficient], "sufficient": got["sufficient"], "valid_days": got["valid_days"] == int64(1)} {
			if is != test.want {
				t.Errorf("%d readings of %s: %s is %v, want %v", test.readings, test.day, what, is, test.want)
			}
		}
	}
}

// Fourteen days have 4032 slots, and 70 percent of them are 2822.4: with a gap of four days
// before the last reading 2823 are enough and 2822 are not, which are 69.99 percent.
func TestLatestDaysAtTheThreshold(t *testing.T) {
	for readings, want := range map[int]bool{2822: false, 2823: true} {
		db := openLake(t)
		p := person{id: "P1", zone: "UTC", start: "2025-03-01", asked: "2025-03-20"}
		for i := range readings {
			at := date("2025-03-01").Add(time.Duration(i) * 5 * time.Minute)
			if i == readings-1 {
				at = date("2025-03-14")
			}
			p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}})
		}
		s := study{people: []*person{&p}}
		s.load(t, db)
		got := chosenDays(t, db, views.Selection{LastDays: 14})[0]
		compare(t, fmt.Sprint(readings, " readings"), got, row{
			views.SelectionSufficient: want, "sufficient": want, "first_date": date("2025-03-01"), "last_date": date("2025-03-14"), "n_slots": readings,
		})
		offered, _ := p.bounds()
		if chosen, sufficient := s.latest(&p, offered, 14, "", 70); sufficient != want || !chosen.first.Equal(date("2025-03-01")) {
			t.Errorf("%d readings, by package metrics: %v from %v, want %v", readings, sufficient, chosen.first, want)
		}
	}
}

// No day after the end of a study is selected, whatever --to says: be the end that of the
// roster, the day last asked, or the last reading of somebody whom nobody listed. Where the
// end is not known, or --to lies before the study, there is no day.
func TestLatestDaysEndWithTheStudy(t *testing.T) {
	for name, test := range map[string]struct {
		person person
		to     string
		want   string
	}{
		"ends by the roster":   {person{start: "2025-03-01", end: "2025-03-10", asked: "2025-03-20"}, "2025-12-31", "2025-03-08 2025-03-10"},
		"end of it to come":    {person{start: "2025-03-01", end: "2025-06-30", asked: "2025-03-21"}, "2025-12-31", "2025-03-18 2025-03-20"},
		"to is its end":        {person{start: "2025-03-01", end: "2025-03-10", asked: "2025-03-20"}, "2025-03-10", "2025-03-08 2025-03-10"},
		"to is before its end": {person{start: "2025-03-01", end: "2025-03-10", asked: "2025-03-20"}, "2025-03-09", "2025-03-07 2025-03-09"},
		"fell silent":          {person{start: "2025-03-01", asked: "2025-04-30"}, "2025-12-31", "2025-03-18 2025-03-20"},
		"asked once":           {person{start: "2025-03-01", asked: "2025-03-21"}, "2025-12-31", "2025-03-18 2025-03-20"},
		"in no roster":         {person{unlisted: true}, "2025-12-31", "2025-03-18 2025-03-20"},
		"withdrew":             {person{start: "2025-03-01", asked: "2025-03-21", withdrawn: "2025-03-15 12:00:00"}, "2025-12-31", "2025-03-13 2025-03-15"},
		"before it":            {person{start: "2025-03-01", asked: "2025-03-21"}, "2025-02-20", "no days"},
		"still to come":        {person{start: "2026-03-01", asked: "2025-03-21"}, "2026-12-31", "no days"},
		"nobody asked for it":  {person{start: "2026-03-01"}, "2026-12-31", "no days"},
	} {
		db := openLake(t)
		p := test.person
		p.id, p.zone = "P1", "UTC"
		last := date("2025-03-21")
		if p.withdrawn != "" {
			last = p.withdrawnAt()
		}
		for at := date("2025-03-01"); at.Before(last); at = at.Add(5 * time.Minute) {
			p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}})
		}
		study{people: []*person{&p}}.load(t, db)
		got := "no days"
		r := chosenDays(t, db, views.Selection{LastDays: 3, To: test.to})[0]
		if first, ok := r["first_date"].(time.Time); ok {
			got = first.Format(time.DateOnly) + " " + r["last_date"].(time.Time).Format(time.DateOnly)
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// Dates of which none is between the first and the last are no row with a reversed interval.
func TestNoIntervalIsReversed(t *testing.T) {
	db := openLake(t)
	p := person{id: "P1", zone: "UTC", start: "2025-03-01", asked: "2025-03-05"}
	for at := date("2025-03-01"); at.Before(date("2025-03-05")); at = at.Add(5 * time.Minute) {
		p.readings = append(p.readings, reading{Reading: metrics.Reading{Time: at, Local: at, GlucoseMgdL: 100, HasValue: true, CadenceMin: 5}})
	}
	study{people: []*person{&p}}.load(t, db)
	for _, selection := range []views.Selection{{From: "2025-04-05"}, {To: "2025-01-05"}} {
		compare(t, fmt.Sprintf("%+v", selection), chosenDays(t, db, selection)[0], row{"first_date": nil, "last_date": nil, "n_values": 0, "expected_slots": nil, "mean_mgdl": nil})
	}
	compare(t, "both ends", chosenDays(t, db, views.Selection{From: "2025-04-05", To: "2025-04-06"})[0], row{"first_date": date("2025-04-05"), "last_date": date("2025-04-06"), "n_values": 0})
}
