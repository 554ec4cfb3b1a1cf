//go:build linux || darwin

package report

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/durable"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// courseStudy has A1, who goes on, B1, who has withdrawn, and C1, of whom nobody asked;
// their clocks are an hour ahead of UTC.
func courseStudy() map[string][]rowOf {
	a := days("A1", dayOne, 5, func(day, slot int) int {
		if day == 1 && slot >= 150 || day == 2 {
			return 0
		}
		return 120
	})
	for _, row := range a {
		if row["local_date"] == "2031-03-07" {
			row["excluded"] = "exclusion"
		}
	}
	return map[string][]rowOf{
		"participants": {
			{"participant_id": "A1", "site": "North", "timezone": "Europe/Berlin", "anchor_date": "2031-03-03", "study_start": "2031-03-03", "study_end": "2031-03-12"},
			{"participant_id": "B1", "site": "South", "timezone": "Europe/Berlin", "study_start": "2031-03-03", "study_end": "2031-03-08", "consent_date": "2031-03-04"},
			{"participant_id": "C1", "site": "South", "timezone": "Europe/Berlin", "anchor_date": "2031-03-04", "study_start": "2031-03-03", "consent_date": "2031-03-05"},
		},
		"glucose":     slices.Concat(a, days("B1", dayOne, 2, func(int, int) int { return 200 })),
		"withdrawals": {{"participant_id": "B1", "effective_at": "2031-03-04 23:00:00"}},
		"coverage": {
			{"participant_id": "A1", "resource": "egvs", "asked_from": "2031-03-02 23:00:00", "asked_to": "2031-03-09 11:00:00", "asked_at": "2031-03-09 11:00:00", "records": 1014},
			{"participant_id": "A1", "resource": "dataRange", "asked_at": "2031-03-09 10:59:00"},
		},
		"coverage_days": {{"participant_id": "A1", "resource": "egvs", "day": "2031-03-07 00:00:00", "records": 276, "last_record": "2031-03-07 22:55:00"}},
		"egvs": {
			{"participant_id": "A1", "record_id": "1", "system_time": "2031-03-03 11:00:00", "display_time": "2031-03-03 12:00:00", "transmitter_id": "T1"},
			{"participant_id": "A1", "record_id": "2", "system_time": "2031-03-03 11:30:00", "display_time": "2031-03-03 12:30:00", "transmitter_id": "T1"},
			{"participant_id": "A1", "record_id": "3", "system_time": "2031-03-05 23:30:00", "display_time": "2031-03-06 00:30:00", "transmitter_id": "T2"},
		},
	}
}

// courseWork is the work on a report of courseStudy, written on 10 March at noon.
func courseWork(t *testing.T, s *study.Study, change func(*Order)) *work {
	t.Helper()
	at := dayOne.AddDate(0, 0, 7).Add(12 * time.Hour)
	s.Now = func() time.Time { return at }
	o := reportOf(t, s, views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent})
	for i := range o.People {
		p := &o.People[i]
		p.Phase, p.Who.Timezone, p.Course = study.Active, "Europe/Berlin", cohort.Course{Asked: true}
		p.Connections = []consent.Connection{{ID: "c", Status: consent.Connected}}
	}
	o.People[1].Phase, o.People[1].Who.Status = study.Withdrawn, "withdrawn"
	if change != nil {
		change(&o)
	}
	w := staged(t, o)
	w.manifest.CreatedAt = at
	return w
}

func TestCompleteness(t *testing.T) {
	s := glucoseStudy(t, courseStudy())
	for name, test := range map[string]func(*testing.T, *study.Study){
		"rows": testHeatRows, "apart": testHeatRowsApart, "view": testDaysAgreeWithView, "gaps": testGapsOfPage, "page": testCompletenessPage,
		"cohort": testCohortRows, "lag": testLagFigure, "cohort page": testCohortPage, "blinded": testCohortBlinded,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func testHeatRows(t *testing.T, s *study.Study) {
	w := courseWork(t, s, nil)
	all, err := w.histories(t.Context())
	must(t, err)
	got := map[string]figure.HeatRow{}
	for _, p := range w.people {
		if got[p.Who.ID], err = w.heatRow(p, all[p.Who.ID]); err != nil {
			t.Fatal(err)
		}
	}
	never := figure.NeverAsked
	want := map[string]figure.HeatRow{
		"A1": {Name: "A1", Note: "day 1 is 2031-03-03", Sensors: []int{3},
			Days: []figure.Day{figure.Whole, figure.Some, figure.NoReading, figure.Whole, figure.LeftOut, figure.Pending, figure.Pending}},
		"B1": {Name: "B1", Note: "day 1 is 2031-03-03",
			Days: []figure.Day{figure.Whole, figure.Whole, figure.Withdrawn, figure.Withdrawn, figure.Withdrawn, figure.Withdrawn}},
		"C1": {Name: "C1", Note: "day 1 is 2031-03-04", First: -1,
			Days: []figure.Day{figure.BeforeConsent, figure.BeforeConsent, never, never, never, never, never, never}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := early("B1", all["B1"]); len(got) != 1 {
		t.Error("the readings of B1 before the consent are not told")
	}
}

// Of whom nothing could be asked, no day has failed; of whom the study is over, the row ends
// with their last day, or their last reading.
func testHeatRowsApart(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) {
		a, c := &o.People[0], &o.People[2]
		a.Course = cohort.Course{LastDay: on(5)} // lost
		c.Connections, c.Outcome = nil, cohort.FetchOutcome{Error: "no answer"}
		c.Course.LastDay = on(6)
	})
	all, err := w.histories(t.Context())
	must(t, err)
	lost, err := w.heatRow(w.people[0], all["A1"])
	must(t, err)
	never, err := w.heatRow(w.people[2], all["C1"])
	must(t, err)
	if !slices.Equal(lost.Days, []figure.Day{figure.Whole, figure.Some, figure.NoReading, figure.Whole, figure.LeftOut}) {
		t.Errorf("days of who was lost on day 3, with readings up to day 5: %v", lost.Days)
	}
	if !slices.Equal(never.Days, []figure.Day{figure.BeforeConsent, figure.BeforeConsent, figure.Apart, figure.Apart}) {
		t.Errorf("days of who never connected, up to day 4: %v", never.Days)
	}
}

// What a day is drawn as goes by the share that the view has.
func testDaysAgreeWithView(t *testing.T, s *study.Study) {
	w := courseWork(t, s, nil)
	all, err := w.histories(t.Context())
	must(t, err)
	rows, err := w.ask(t.Context(), `select participant_id, local_date, active_window_pct from daily_metrics`)
	must(t, err)
	for _, row := range rows.Rows {
		date, pct := row[1].(time.Time), row[2].(float64)
		covered := 100 * float64(all[row[0].(string)].days[dayNumber(date)].coveredMin) / 1440
		if covered-pct > 1e-9 || pct-covered > 1e-9 {
			t.Errorf("%s, %s: %v %% of the day, the view has %v", row[0], date.Format(time.DateOnly), covered, pct)
		}
	}
	if len(rows.Rows) < 8 {
		t.Errorf("the view has %d days", len(rows.Rows))
	}
}

func testGapsOfPage(t *testing.T, s *study.Study) {
	w := courseWork(t, s, nil)
	var c page.Completeness
	must(t, w.addGaps(t.Context(), &c))
	at := func(day, hour, minute int) time.Time { return time.Date(2031, 3, day, hour, minute, 0, 0, time.UTC) }
	want := []page.Gap{
		{Participant: "A1", Start: at(4, 12, 25), End: at(6, 0, 0), Hours: 35 + 35.0/60, Kind: "unknown"},
		{Participant: "A1", Start: at(7, 23, 55), Hours: 36 + 5.0/60, Kind: "open"},
	}
	slices.Reverse(want) // the longest one first
	for i, g := range c.Gaps {
		if i < len(want) && (g.Participant != want[i].Participant || !g.Start.Equal(want[i].Start) || !g.End.Equal(want[i].End) || g.Kind != want[i].Kind || g.Hours-want[i].Hours > 1e-9 || want[i].Hours-g.Hours > 1e-9) {
			t.Errorf("gap %d is %+v, want %+v", i, g, want[i])
		}
	}
	if len(c.Gaps) != 2 || c.MoreGaps != 0 { // of C1, who was never asked, there is none
		t.Errorf("gaps %+v, and %d more", c.Gaps, c.MoreGaps)
	}
	for day, hours := range map[int]float64{7: 0, 8: 24 + 5.0/60} { // their last one: the open gap ends with it
		w.people[slices.IndexFunc(w.people, func(p person) bool { return p.Who.ID == "A1" })].Course.LastDay = on(day)
		gaps, err := w.longGaps(t.Context())
		must(t, err)
		open := slices.IndexFunc(gaps, func(g page.Gap) bool { return g.Kind == "open" })
		if hours == 0 && open >= 0 || hours > 0 && (open < 0 || math.Abs(gaps[open].Hours-hours) > 1e-9) {
			t.Errorf("with day %d as the last, gaps are %+v", day, gaps)
		}
	}
}

// The page shows nobody who is not of the report, and is written in a blinded study, too.
func testCompletenessPage(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) { o.Blinded = true; o.People = o.People[:2] })
	text := written(t, w, w.writeCompleteness, completenessPath)
	for _, want := range []string{"North: A1", "South: B1", "before the date of consent in the roster: B1", "anchor date (1)", "(1); there is no day 0", "never: 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "C1") {
		t.Error("the page shows C1, who is not of the report")
	}
}

// written is what a page of a report becomes.
func written(t *testing.T, w *work, write func(context.Context) error, path string) string {
	t.Helper()
	must(t, write(t.Context()))
	return fileOf(t, w, path)
}

// fileOf is a file of the report that is being written.
func fileOf(t *testing.T, w *work, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.staging.Dir, path))
	must(t, err)
	return string(content)
}

// holds wants texts in a page.
func holds(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

// staged is the work on a report that may write pages.
func staged(t *testing.T, o Order) *work {
	t.Helper()
	w := begun(t, o)
	var err error
	w.staging, err = durable.Place{Path: o.Path, Ours: isReport}.Stage()
	must(t, err)
	return w
}
