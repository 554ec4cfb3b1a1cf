//go:build linux || darwin

package report

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/study"
)

// testCohortRows holds the numbers of rows against what the readings are made of: A1 has
// 288 + 150 + 288 values of 120 that count in 7 days, B1 two days of 200.
func testCohortRows(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) {
		o.People[0].Held = study.Holdings{"egvs": {Newest: dayOne.Add(103 * time.Hour)}}
	})
	rows, err := w.cohortRows()
	must(t, err)
	c, a, b := rows[0], rows[1], rows[2] // the longest silence first
	if a.TIR != 100 || a.TBR54 != 0 || a.CV != 0 || a.GRI != 0 || a.GRIZone != "A" || b.TIR != 0 || b.Ranges[3] != 100 || b.GRI != 80 || b.GRIZone != "D" {
		t.Errorf("glucose of %+v and %+v", a, b)
	}
	if want := 3.31 + 0.02392*120; math.Abs(a.GMI-want) > 1e-9 { // Bergenstal 2018
		t.Errorf("GMI is %v, want %v", a.GMI, want)
	}
	if want := 100 * float64(288+150+288) / (7 * 288); math.Abs(w.people[1].metrics.of("active_window_pct")-want) > 1e-9 || a.Dates.Sufficient || a.Dates.Days != 7 || c.Dates.Days != 0 || !a.GreyGMI() {
		t.Errorf("readings do not cover %v %%, or that is sufficient: %v", want, a.Dates.Sufficient)
	}
	if a.Age != 77*time.Hour || a.NewestAt() != "2031-03-07 08:00" || a.Lag() != "3 d" || c.Lag() != "never" {
		t.Errorf("newest reading at %s, %v ago, %s; of C1 %s", a.NewestAt(), a.Age, a.Lag(), c.Lag())
	}
	if !math.IsNaN(c.TIR) || c.TIRWords() != number.None || c.GreyGMI() {
		t.Errorf("who has no reading has %+v", c)
	}
	if !isFollowed(w.people[1].Person) || isFollowed(w.people[2].Person) {
		t.Error("A1 is not followed, or B1 is, who has withdrawn")
	}
}

// testLagFigure holds the figure against the totals: both are of those followed.
func testLagFigure(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) {
		o.People[0].Held = study.Holdings{"egvs": {Newest: dayOne.AddDate(0, 0, 8)}} // 12 hours from now
	})
	counts := map[string]string{}
	f := w.lagFigure()
	for _, row := range f.Data.Rows {
		counts[row[0]] = row[1]
	}
	if counts["ahead of clock"] != "1" || counts["never"] != "1" || counts["under 3 h"] != "0" { // B1 has withdrawn
		t.Errorf("ages are %v", counts)
	}
	rows, err := w.cohortRows()
	must(t, err)
	following, _ := w.parted(rows)
	if connected := total("All", following).Connected; connected != 2 || !strings.Contains(f.Note, "Of the 2 who are connected") || rows[1].Lag() != "12 h ahead of the clock" {
		t.Errorf("%d are connected, the figure says %q; lag of A1 is %s", connected, f.Note, rows[1].Lag())
	}
	if f := courseWork(t, s, nil).lagFigure(); f.Data.Rows[0][0] != "under 3 h" {
		t.Errorf("nobody is ahead of the clock, and the figure begins with %v", f.Data.Rows[0])
	}
}

// testCohortPage looks for what the page and the file show, and for what they hide.
func testCohortPage(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) {
		o.People[0].Who.Arm, o.Unit = "secretarm", number.MmolL
		o.People = append(o.People, study.Person{Who: o.People[0].Who})
		o.People[3].Who.ID = "D1" // enrolled after the snapshot
	})
	text := written(t, w, w.writeCohort, Index)
	for _, want := range []string{
		`<a href="participants/A1.html">A1</a>`, `Not in this snapshot yet, so not on this page: D1.`, `&lt;3.0</abbr>`, `time in range, 3.9 to 10.0 mmol/L`,
		`id="only-s1"`, `main:has(#only-s1:checked) .people tbody tr:not(.s1) { display: none }`, `withdrawn or lost: 1`, `>enrolled; connected<small>`, `too little data`, `id="risk-grid-title"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if file := csvOf(t, w); strings.Contains(text+file, "secretarm") || !strings.HasPrefix(file, "participant_id,site,cohort,status,") ||
		!strings.Contains(file, "\nA1,North,,enrolled,connected,") || !strings.Contains(file, ",2031-03-03,2031-03-09,36.") {
		t.Errorf("arms are shown, or the file is not as expected:\n%s", file)
	}
	if file := csvOf(t, w); !strings.Contains(file, ",sufficient,too_little_data,") || !strings.Contains(file, ",36.01190476190476,false,true,") {
		t.Errorf("the file does not say what is too little:\n%s", file)
	}
	w.Unblinded = true
	if text := written(t, w, w.writeCohort, Index); !strings.Contains(text, "North · secretarm") || !strings.Contains(csvOf(t, w), ",secretarm,") {
		t.Error("unblinded, the arm is not shown")
	}
}

// testCohortBlinded looks for anything that tells of glucose.
func testCohortBlinded(t *testing.T, s *study.Study) {
	w := courseWork(t, s, func(o *Order) {
		o.Blinded = true
		o.People[0].Who.Arm = "secretarm"
		o.Say.ToDo = func(study.Person) string { return "call them; send a link: dexetl invite A1" }
	})
	text := written(t, w, w.writeCohort, Index)
	_, text, _ = strings.Cut(text, "<main")
	for _, hidden := range []string{"secretarm", "TIR", "GMI", "GRI", "participants/", "ranges", "risk", "<svg", "A1.html"} {
		if strings.Contains(text, hidden) {
			t.Errorf("the blinded page has %q", hidden)
		}
	}
	if strings.Contains(text, "dexetl invite") || !strings.Contains(text, "call them; send a link<") {
		t.Error("the blinded page has a command, or not what there is to do")
	}
	file := csvOf(t, w)
	header, _, _ := strings.Cut(file, "\n")
	for _, column := range strings.Split(header, ",") {
		if slices.Contains(rangeColumns(), column) || strings.HasPrefix(column, "tir") || strings.HasPrefix(column, "g") || column == "arm" || column == "cv_pct" || column == "tbr54_pct" {
			t.Errorf("the blinded file has %s", column)
		}
	}
	if !strings.Contains(header, "coverage_14d_pct") || !strings.Contains(text, "A1") {
		t.Errorf("the blinded page or file lacks what may be shown: %s", header)
	}
}

func csvOf(t *testing.T, w *work) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.staging.Dir, cohortCSV))
	must(t, err)
	return string(content)
}

func TestTotals(t *testing.T) {
	none, enough := math.NaN(), page.ProfileDates{Days: 14, Sufficient: true}
	week := enough
	week.Days = 7
	rows := []page.CohortRow{
		{Site: "b", Connected: true, NeedsHuman: true, Covered14: 90, Dates: enough, TIR: 50},
		{Site: "a", Connected: true, Covered14: 70, Dates: enough, TIR: 80},
		{Site: "b", Covered14: none, TIR: none},
		{Site: "b", Covered14: 80, Dates: enough, TIR: 60},
		{Site: "b", Covered14: 10, Dates: week, TIR: 1}, // too little data: in no median
	}
	sites := choices(rows, "s", func(r *page.CohortRow) (string, *string) { return r.Site, &r.SiteClass })
	want := []page.SiteTotal{
		{Name: "a", Participants: 1, Connected: 1, Covered14: 70, TIR: 80, WithTIR: 1},
		{Name: "b", Participants: 4, Connected: 1, NeedsHuman: 1, Covered14: 80, TIR: 55, WithTIR: 2},
		{Name: "All", Participants: 5, Connected: 2, NeedsHuman: 1, Covered14: 75, TIR: 60, WithTIR: 3},
	}
	if got := totals(rows, sites); !slices.Equal(got, want) {
		t.Errorf("totals are %+v, want %+v", got, want)
	}
	if got := totals(rows[:1], sites[:1]); len(got) != 1 || got[0].Name != "All" {
		t.Errorf("of one site, totals are %+v", got)
	}
	if len(sites) != 2 || sites[0] != (page.Choice{Class: "s0", Name: "a"}) || rows[0].SiteClass != "s1" {
		t.Errorf("choices are %v, the first row is of %s", sites, rows[0].SiteClass)
	}
}
