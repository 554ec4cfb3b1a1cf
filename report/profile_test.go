//go:build linux || darwin

package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// profileStudy has one with much data, one with little, one with none in the last weeks,
// and one with none at all.
func profileStudy() map[string][]rowOf {
	much := days("P1", dayOne, 20, waves)
	for i := range much {
		if i%50 == 0 {
			much[i]["excluded"] = "exclusion"
		}
	}
	little := days("P2", dayOne, 6, func(day, slot int) int {
		if slot%2 == 0 {
			return 0
		}
		return waves(day, slot)
	})
	people := []rowOf{
		{"participant_id": "P1", "site": "North <1>", "cohort": "A", "arm": "secretarm"}, {"participant_id": "P2"},
		{"participant_id": "P3", "study_start": "2031-03-20", "study_end": "2031-03-22"}, {"participant_id": "P4"},
	}
	return map[string][]rowOf{
		"participants": people,
		"glucose":      slices.Concat(much, little, days("P3", dayOne, 2, waves)),
		"events": {
			{"participant_id": "P1", "record_id": "1", "event_type": "carbs", "value": 40.0, "value_text": "40", "unit": "grams", "display_time": "2031-03-22 12:30:00", "system_time": "2031-03-22 11:30:00", "event_status": "created"},
			{"participant_id": "P1", "record_id": "2", "event_type": "insulin", "event_subtype": "fastActing", "value": 2.5, "value_text": "2.5", "unit": "units", "display_time": "2031-03-22 12:20:00", "system_time": "2031-03-22 11:20:00", "event_status": "created"},
			{"participant_id": "P1", "record_id": "3", "event_type": "carbs", "value": 99.0, "value_text": "99", "unit": "grams", "system_time": "2031-03-22 11:30:00", "event_status": "created"},
			{"participant_id": "P1", "record_id": "4", "event_type": "carbs", "value": 88.0, "value_text": "88", "unit": "grams", "display_time": "2031-03-22 12:30:00", "system_time": "2031-03-22 11:30:00", "event_status": "deleted"},
			{"participant_id": "P1", "record_id": "5", "event_type": "carbs", "value": 77.0, "value_text": "77", "unit": "grams", "display_time": "2031-03-04 12:30:00", "system_time": "2031-03-04 11:30:00", "event_status": "created"},
		},
	}
}

// lastDays is what a report is of by default.
func lastDays() views.Selection {
	return views.Selection{LastDays: 14, Preset: views.Dexetl1, Sentinels: views.AsSent}
}

func TestProfiles(t *testing.T) {
	s := glucoseStudy(t, profileStudy())
	for name, test := range map[string]func(*testing.T, *study.Study){
		"metrics": testProfileAgreesWithMetrics, "view": testProfileAgreesWithView, "daily view": testDailyViewOfProfile,
		"pages": testProfilePages, "blinded": testProfilesAreBlinded, "outside": testDatesOutsideStudy,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// profilesOf are the models of everybody with readings, by id.
func profilesOf(t *testing.T, w *work) map[string]page.Profile {
	t.Helper()
	by, err := w.settings(t.Context())
	must(t, err)
	entries, err := w.entries(t.Context(), w.people)
	must(t, err)
	all := map[string]page.Profile{}
	for one, err := range w.series(t.Context(), w.people) {
		must(t, err)
		p, err := w.header(one.person, by)
		must(t, err)
		p, err = w.drawn(p, one, entries[one.person.Who.ID], by)
		must(t, err)
		all[p.Who.ID] = p
	}
	return all
}

// Rates of episodes are those of the command metrics for the same dates, which computes
// them by itself.
func testProfileAgreesWithMetrics(t *testing.T, s *study.Study) {
	chosen := lastDays()
	found := profilesOf(t, begun(t, reportOf(t, s, chosen)))
	want, err := s.Metrics(t.Context(), "", chosen)
	must(t, err)
	for _, row := range want.Rows {
		of := summary{columns: want.Columns, row: row}
		p, drawn := found[of.text("participant_id")]
		if !drawn {
			continue
		}
		if p.Values != count(of, "n_values") || p.Summary.MeanMgdL != of.of("mean_mgdl") || !p.Dates.First.Equal(of.date("first_date")) {
			t.Errorf("%s: %d values with mean %v, want %v and %v", p.Who.ID, p.Values, p.Summary.MeanMgdL, of.of("n_values"), of.of("mean_mgdl"))
		}
		if math.Abs(p.Summary.ExposureDays-of.of("exposure_days")) > 1e-9 {
			t.Errorf("%s: exposure of %v days, want %v", p.Who.ID, p.Summary.ExposureDays, of.of("exposure_days"))
		}
		for _, rate := range p.Rates {
			if got, want := rate.PerWeek, of.of(rate.Kind+"_per_week"); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: %s %v a week, want %v", p.Who.ID, rate.Kind, got, want)
			}
			if n := len(slices.DeleteFunc(slices.Clone(p.Episodes), func(e page.Episode) bool { return e.Kind != rate.Kind })); n != rate.N {
				t.Errorf("%s: %d episodes %s are listed, %d are counted", p.Who.ID, n, rate.Kind, rate.N)
			}
		}
	}
	if p := found["P1"]; p.Rates[0].N == 0 || p.Rates[3].N == 0 {
		t.Errorf("there are no episodes to hold against each other: %+v", p.Rates)
	}
}

// The curve is the view agp_profile where the dates are those of the study.
func testProfileAgreesWithView(t *testing.T, s *study.Study) {
	w := begun(t, reportOf(t, s, views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent}))
	n := 0
	for one, err := range w.series(t.Context(), w.people) {
		must(t, err)
		want, err := w.ask(t.Context(), "select bin_start_min, n_days, n_values, p5_mgdl, p10_mgdl, p25_mgdl, p50_mgdl, p75_mgdl, p90_mgdl, p95_mgdl from agp_profile where participant_id = ? and bin_min = ? order by 1", one.person.Who.ID, binMin)
		must(t, err)
		bins := metrics.ProfileOf(metrics.LocalDays(one.readings), binMin)
		if len(bins) != len(want.Rows) {
			t.Fatalf("%s: %d bins, want %d", one.person.Who.ID, len(bins), len(want.Rows))
		}
		for i, row := range want.Rows {
			of := summary{columns: want.Columns, row: row}
			if b := bins[i]; float64(b.StartMin) != of.of("bin_start_min") || float64(b.Days) != of.of("n_days") || float64(b.Values) != of.of("n_values") ||
				math.Abs(b.Percentiles[0]-of.of("p5_mgdl")) > 1e-9 || math.Abs(b.Percentiles[3]-of.of("p50_mgdl")) > 1e-9 || math.Abs(b.Percentiles[6]-of.of("p95_mgdl")) > 1e-9 {
				t.Errorf("%s: bin %+v, want %v", one.person.Who.ID, b, row)
			}
			n++
		}
	}
	if n < 2*96 {
		t.Errorf("only %d bins were compared", n)
	}
}

// The days are those of daily_metrics, and what was entered lies on its day.
func testDailyViewOfProfile(t *testing.T, s *study.Study) {
	w := begun(t, reportOf(t, s, lastDays()))
	p := profilesOf(t, w)["P1"]
	want, err := w.ask(t.Context(), "select local_date, n_values, in_range_pct from daily_metrics where participant_id = 'P1' and local_date >= ? order by 1", p.Dates.First)
	must(t, err)
	if len(want.Rows) != 14 || len(p.Daily.Data.Rows) != 14 {
		t.Fatalf("%d days are drawn, and %d are there", len(p.Daily.Data.Rows), len(want.Rows))
	}
	for i, row := range want.Rows {
		got := p.Daily.Data.Rows[i]
		said := fmt.Sprintf("%s %v %.0f %%", row[0].(time.Time).Format(time.DateOnly), row[1], row[2])
		if got := got[0] + " " + got[2] + " " + got[3]; got != said {
			t.Errorf("day %d is %q, want %q", i, got, said)
		}
	}
	if last := p.Daily.Data.Rows[13]; last[7] != "40" || last[8] != "2.5" {
		t.Errorf("on the last day %q were entered, want 40 g and 2.5 units", last[7:])
	}
	if len(p.Entries) != 2 || p.Entries[0].Type != "insulin" || p.Entries[1].Amount != 40 {
		t.Errorf("entries are %+v, want the two of the last day", p.Entries)
	}
}

// What is missing is said: too few readings, none in the dates, none at all.
func testProfilePages(t *testing.T, s *study.Study) {
	o := reportOf(t, s, lastDays())
	o.People[0].Phase, o.People[2].Phase = study.TokensDue, study.TokensDue // something is to be done
	o.People[0].Held = study.Holdings{"egvs": {Newest: s.Now().Add(-75 * time.Hour)}}
	_, err := o.Run(t.Context())
	must(t, err)
	for id, want := range map[string][]string{
		"P1": {"Consent: connected. Newest reading: [-0-9]+ [0-9:]+ UTC, 3 d ago. Next: call them", `<a href="P2.html">P2 →</a>`, "North &lt;1&gt;", "Time in ranges", "Carbohydrates and insulin", "fast-acting", "Excluded|exclusions"},
		"P2": {"Consent: connected.</p>", "There are too few data for a full report.", "Readings cover 49 % of these 6 days; 70 % or more are needed.", "no 14 days in a row", `class="doubtful"`, "not reliable: too few data"},
		"P3": {`<li><a href="P2.html">← P2</a></li><li><a href="P4.html">P4 →</a>`, "There are no readings in these dates.", "The last reading of this participant is of 2031-03-04", "Consent: connected.", "Next: call them"},
		"P4": {"There are no readings of P4 in this snapshot.", "No reading of this participant has ever come."},
	} {
		text := readPage(t, o, profilePath(id))
		for _, words := range want {
			if !regexp.MustCompile(words).MatchString(text) {
				t.Errorf("the page of %s does not say %q:\n%.3000s", id, words, text[strings.Index(text, "<main"):])
			}
		}
		for _, not := range []string{"NaN", "secretarm", "%!", "<no value>"} {
			if strings.Contains(text, not) {
				t.Errorf("the page of %s says %q", id, not)
			}
		}
		ids := regexp.MustCompile(` id="[^"]*"`).FindAllString(text, -1)
		if unique := slices.Compact(slices.Sorted(slices.Values(ids))); len(unique) != len(ids) {
			t.Errorf("on the page of %s ids are there twice", id)
		}
	}
	if text := readPage(t, o, profilePath("P1")); strings.Contains(text, "too few data") {
		t.Error("the page of P1, who has enough, says that data are too few")
	}
}

// The arm is told to those alone who are unblinded; the blinded get no profile.
func testProfilesAreBlinded(t *testing.T, s *study.Study) {
	o := reportOf(t, s, lastDays())
	o.Unblinded = true
	_, err := o.Run(t.Context())
	must(t, err)
	if !strings.Contains(readPage(t, o, profilePath("P1")), "secretarm") {
		t.Error("the arm is not told to the unblinded")
	}
	o.Unblinded, o.Blinded = false, true
	_, err = o.Run(t.Context())
	must(t, err)
	if _, err := os.Stat(filepath.Join(o.Path, profilePath("P1"))); !os.IsNotExist(err) {
		t.Errorf("the blinded have a profile: %v", err)
	}
}

func readPage(t *testing.T, o Order, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.Path, path))
	must(t, err)
	return string(text)
}

// Dates of which none is a day of somebody's study are not told as dates.
func testDatesOutsideStudy(t *testing.T, s *study.Study) {
	early := lastDays()
	early.To = "2031-03-02"
	before := staged(t, reportOf(t, s, early))
	must(t, before.writeProfiles(t.Context()))
	holds(t, fileOf(t, before, profilePath("P1")), "No day of their study lies in these dates")
	w := staged(t, reportOf(t, s, views.Selection{From: "2031-03-23", Preset: views.Dexetl1, Sentinels: views.AsSent}))
	const outside = "o day of their study lies in these dates"
	index := written(t, w, w.writeCohort, Index)
	holds(t, index, outside)
	must(t, w.writeProfiles(t.Context()))
	p3 := fileOf(t, w, profilePath("P3")) // whose study ends on 22 March
	holds(t, p3, outside)
	for _, text := range []string{index, p3, csvOf(t, w)} {
		if strings.Contains(text, "2031-03-23") && strings.Contains(text, "2031-03-22") || strings.Contains(text, "<dt>Days</dt>") {
			t.Error("dates run backwards")
		}
	}
}
