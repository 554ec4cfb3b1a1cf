package page

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/report/figure"
)

// longRow has as much in it as a row may have.
func longRow() CohortRow {
	return CohortRow{
		ID: strings.Repeat("P", 64), Profile: "participants/" + strings.Repeat("P", 64) + ".html", Site: strings.Repeat("S", 100), Cohort: strings.Repeat("C", 100),
		SiteClass: "s11", CohortClass: "c11", Status: "screen failed", Consent: "refused for now", NeedsHuman: true,
		ToDo:   "another account signed in on 2026-04-15, make sure whose: dexetl --study /data/studies/diabetes connect P001 --confirm, or sign in again: dexetl --study /data/studies/diabetes connect P001",
		Newest: time.Date(2026, 4, 10, 16, 47, 0, 0, time.UTC), Age: 100 * time.Hour, Covered14: 69.7, Covered30: 0.2,
		Dates:  ProfileDates{First: time.Date(2025, 12, 28, 0, 0, 0, 0, time.UTC), Last: time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC), Days: 14},
		Ranges: figure.Ranges{0.3, 1.2, 70.5, 20, 8}, TIR: 70.5, TBR54: 0.3, CV: 33.33, GMI: 7.05, GRI: 44.4, GRIZone: "C",
	}
}

// render is a page without what is around its content.
func render(t *testing.T, c Content) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, Frame{Study: "TEST", Title: "T"}, c); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), "<main")
	return text
}

// A row of a cohort of 1,000 takes less than 2 kB.
func TestCohortRow(t *testing.T) {
	none := len(render(t, Cohort{}))
	size := len(render(t, Cohort{Following: []CohortRow{longRow()}})) - none
	if size > 2000 {
		t.Errorf("a row has %d bytes", size)
	}
	text := render(t, Cohort{Following: []CohortRow{longRow()}, Others: []CohortRow{longRow()}})
	for _, want := range []string{
		`class="s11 c11 needs-human little-data"`, "70 %", "2025-12-28 to 2026-01-10", "&lt;1 %", `<span class="greyed">7.1 %</span><small>too little data</small>`, "44 C", "4 d<small>2026-04-10 16:47",
		"screen failed; refused for now", "lost: 1, 1 of whom",
	} {
		want = strings.ReplaceAll(want, "70 %", "70 %")
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "greyed\">–") {
		t.Error("no GMI is greyed")
	}
}

func TestStanding(t *testing.T) {
	for want, r := range map[string]CohortRow{
		"completed":                {Status: "completed", Consent: "completed"},
		"connected":                {Consent: "connected"},
		"screening; sign in again": {Status: "screening", Consent: "sign in again"},
	} {
		if got := r.Standing(); got != want {
			t.Errorf("%+v is %q, want %q", r, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	for words, d := range map[string]Dates{
		"the whole study":                                       {},
		"the latest 14 days with enough data":                   {Last: 14},
		"window baseline":                                       {Window: "baseline"},
		"the days from 2026-01-01 on":                           {From: "2026-01-01"},
		"the days up to 2026-02-01":                             {To: "2026-02-01"},
		"2026-01-01 to 2026-02-01":                              {From: "2026-01-01", To: "2026-02-01"},
		"the latest 14 days with enough data, up to 2026-02-01": {Last: 14, To: "2026-02-01"},
	} {
		if got := d.Words(); got != words {
			t.Errorf("%+v is %q, want %q", d, got, words)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 min", 59 * time.Minute: "59 min", time.Hour: "1 h", 47*time.Hour + 59*time.Minute: "47 h", 48 * time.Hour: "2 d", -time.Minute: "0 min"} {
		if got := age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

// A newest reading of the future is no fresh one.
func TestLagAhead(t *testing.T) {
	at := time.Date(2026, 4, 10, 16, 47, 0, 0, time.UTC)
	for want, age := range map[string]time.Duration{"0 min": 0, "12 min ahead of the clock": -12 * time.Minute, "3 h ahead of the clock": -3 * time.Hour} {
		if got := (CohortRow{Newest: at, Age: age}).Lag(); got != want {
			t.Errorf("%v is %q, want %q", age, got, want)
		}
	}
}

// Choices are offered where there are two at least, and hide the rows of all others.
func TestFilters(t *testing.T) {
	c := Cohort{Sites: []Choice{{"s0", "North"}, {"s1", "South <2>"}}, Cohorts: []Choice{{"c0", "A"}}}
	text := render(t, c)
	if !strings.Contains(text, `<input type="radio" name="site" id="only-s1"> South &lt;2&gt;`) || strings.Contains(text, `name="cohort"`) {
		t.Errorf("filters are not as expected:\n%s", text)
	}
	if css := string(c.style()); !strings.Contains(css, "main:has(#only-s0:checked) .people tbody tr:not(.s0) { display: none }") {
		t.Errorf("style is %s", css)
	}
	if c.Following = []CohortRow{{TIR: math.NaN(), GMI: math.NaN(), Ranges: figure.Ranges{math.NaN()}}}; strings.Contains(render(t, c), "NaN") {
		t.Error("a number that is none is written")
	}
}
