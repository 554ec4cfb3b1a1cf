package sql_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	views "github.com/dexetl/dexetl/sql"
)

// Every metric of every view must equal what package metrics computes.
func TestMetricsEqualOracle(t *testing.T) {
	for seed := range int64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			db := openLake(t)
			s := cohort(seed)
			s.load(t, db)

			participants := byKey(t, query(t, db, `select * from participant_metrics`), "participant_id")
			days := byKey(t, query(t, db, `select * from daily_metrics`), "participant_id", "local_date")
			periods := byKey(t, query(t, db, `select * from period_metrics`), "participant_id", "period", "period_start")
			for _, p := range s.people {
				study, bounded := p.bounds()
				take(t, participants, " "+p.id, s.expectUntil(p, study, !bounded, views.Dexetl1, p.withdrawnAt()))
				if study.first.IsZero() {
					continue
				}
				for day := study.first; !day.After(study.last); day = day.AddDate(0, 0, 1) {
					take(t, days, " "+p.id+" "+day.Format(time.DateOnly), s.expectUntil(p, span{day, day}, false, views.Dexetl1, p.withdrawnAt()))
				}
				first := study.first
				if p.anchor != "" {
					first = date(p.anchor)
				}
				for n := 1; !first.After(study.last); n++ {
					key := fmt.Sprintf(" %s %d %s", p.id, n, first.Format(time.DateOnly))
					take(t, periods, key, s.expect(p, span{first, first.AddDate(0, 0, 13)}, false, views.Dexetl1))
					first = first.AddDate(0, 0, 14)
				}
			}
			noneLeft(t, "participant_metrics", participants)
			noneLeft(t, "daily_metrics", days)
			noneLeft(t, "period_metrics", periods)
		})
	}
}

func TestWindowMetrics(t *testing.T) {
	db := openLake(t)
	s := cohort(3)
	s.load(t, db)
	rows := byKey(t, query(t, db, `select * from window_metrics`), "participant_id", "window_name", "window_start", "window_end")
	for _, p := range s.people {
		march := span{date("2024-03-01"), date("2024-03-31")}
		switch p.id {
		case "newyork":
			march = span{date("2024-03-09"), date("2024-03-11")} // the own row
		case "kolkata":
			own := span{date("2025-03-03"), date("2025-03-12")}
			take(t, rows, " kolkata own 2025-03-03 2025-03-12", s.expect(p, own, false, views.Dexetl1))
			before := span{date("2025-03-05"), date("2025-03-09")}
			take(t, rows, " kolkata baseline 2025-03-05 2025-03-09", s.expect(p, before, false, views.Dexetl1))
			after := span{date("2025-03-11"), date("2025-03-13")}
			take(t, rows, " kolkata second 2025-03-11 2025-03-13", s.expect(p, after, false, views.Dexetl1))
			around := span{date("2025-03-08"), date("2025-03-16")} // no day 0
			take(t, rows, " kolkata first 2025-03-08 2025-03-16", s.expect(p, around, false, views.Dexetl1))
		}
		if p.id != "kolkata" { // no anchor_date, so no dates
			take(t, rows, " "+p.id+" baseline <nil> <nil>", s.expect(p, span{}, false, views.Dexetl1))
			take(t, rows, " "+p.id+" first <nil> <nil>", s.expect(p, span{}, false, views.Dexetl1))
			take(t, rows, " "+p.id+" second <nil> <nil>", s.expect(p, span{}, false, views.Dexetl1))
		}
		key := fmt.Sprintf(" %s march %s %s", p.id, march.first.Format(time.DateOnly), march.last.Format(time.DateOnly))
		take(t, rows, key, s.expect(p, march, false, views.Dexetl1))
	}
	noneLeft(t, "window_metrics", rows)
}

func TestSelection(t *testing.T) {
	db := openLake(t)
	s := cohort(4)
	s.load(t, db)
	tests := []struct {
		name      string
		selection views.Selection
		span      func(p *person, study span) span
		bounded   bool // dates were asked for
	}{
		{"everything", views.Selection{}, func(p *person, study span) span { return study }, false},
		{"iglu", views.Selection{Preset: views.IGLU}, func(p *person, study span) span { return study }, false},
		{"from", views.Selection{From: "2024-03-10"}, func(p *person, study span) span { return span{date("2024-03-10"), study.last} }, true},
		{"from, to, outside the study", views.Selection{From: "2024-03-01", To: "2024-03-31", Preset: views.IGLU},
			func(p *person, study span) span { return span{date("2024-03-01"), date("2024-03-31")} }, true},
		{"last 3 days", views.Selection{LastDays: 3},
			func(p *person, study span) span { chosen, _ := s.latest(p, study, 3, "", 70); return chosen }, true},
		{"last 30 days, which are not there", views.Selection{LastDays: 30},
			func(_ *person, study span) span { return study }, true},
		{"last 3 days before falling silent", views.Selection{LastDays: 3, Participants: []string{"silent"}},
			func(p *person, _ span) span {
				last := metrics.Day(p.readings[len(p.readings)-1].Local)
				return span{last.AddDate(0, 0, -2), last}
			}, true},
		{"last 3 days without a reading", views.Selection{LastDays: 3, Participants: []string{"waiting"}},
			func(*person, span) span { return span{date("2025-03-31"), date("2025-04-02")} }, true},
		{"window", views.Selection{Window: "march"},
			func(p *person, study span) span { return span{date("2024-03-09"), date("2024-03-11")} }, true},
	}
	for _, test := range tests {
		if test.selection.Participants == nil && test.name != "everything" && test.name != "iglu" {
			test.selection.Participants = []string{"newyork"}
		}
		statement, args := test.selection.Query()
		rows := byKey(t, query(t, db, statement, args...), "participant_id")
		for _, p := range s.people {
			if test.selection.Participants != nil && !slices.Contains(test.selection.Participants, p.id) {
				continue
			}
			study, bounded := p.bounds()
			withdrawn := p.withdrawnAt()
			if test.bounded {
				withdrawn = time.Time{} // dates that were asked for are whole
			}
			want := s.expectUntil(p, test.span(p, study), !bounded && !test.bounded, test.selection.Preset, withdrawn)
			take(t, rows, " "+p.id, want)
		}
		noneLeft(t, test.name, rows)
	}
}
