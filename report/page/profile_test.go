package page

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/report/number"
)

var someTime = time.Date(2031, 3, 4, 1, 30, 0, 0, time.UTC)

func TestEpisodeTables(t *testing.T) {
	p := Profile{Unit: number.MmolL, Rates: []EpisodeRate{
		{Kind: "hypo_extended", BoundMgdL: 70, LeastMin: 120, MoreThan: true, N: 2, Night: 1, PerWeek: 1.04, DurationMin: 150.4},
		{Kind: "hyper_extended", Hyper: true, BoundMgdL: 250, LeastMin: 90, WindowMin: 120, PerWeek: math.NaN(), DurationMin: math.NaN()},
	}, Episodes: []Episode{
		{Kind: "hypo2", Level: 2, Start: someTime, DurationMin: 34.6, ExtremeMgdL: 39, MeanMgdL: 47, Truncated: true, Night: true},
	}}
	for i, want := range []string{
		"Low, extended | more than 120 min below 3.9 mmol/L | 2 | 1.0 | 150 min | 1",
		"High, extended | 90 min or more within 120 min above 13.9 mmol/L | 0 | – | – | 0",
	} {
		if got := strings.Join(p.RateTable().Rows[i], " | "); got != want {
			t.Errorf("rate %d is %q, want %q", i, got, want)
		}
	}
	if got := strings.Join(p.Lows().Rows[0], " | "); got != "Tue 2031-03-04 01:30 | Low, level 2 | 2 | 35 min | < 2.2 | 2.6 | night | or longer" {
		t.Errorf("the episode is %q", got)
	}
	if p.Highs() != nil {
		t.Error("there is a table of highs without any")
	}
}

func TestEntryTable(t *testing.T) {
	p := Profile{Entries: []Entry{
		{At: someTime, Type: "insulin", Subtype: "fastActing", Amount: 4.5, Sent: "4.50", Unit: "units"},
		{At: someTime, Type: "carbs", Amount: 40, Sent: "40.0", Unit: "grams"},
		{At: someTime, Type: "insulin", Amount: 0.025, Sent: "0.025", Unit: "units"},
		{At: someTime, Type: "carbs", Amount: math.NaN(), Sent: "a lot"},
	}}
	for i, want := range []string{"insulin | fast-acting | 4.5 | units", "carbohydrates |  | 40 | g", "insulin |  | <0.1 | units", "carbohydrates |  | a lot | "} {
		if got := strings.Join(p.EntryTable().Rows[i][1:], " | "); got != want {
			t.Errorf("entry %d is %q, want %q", i, got, want)
		}
	}
}

// What is not enough is said, and GMI and targets are grey for it.
func TestLacks(t *testing.T) {
	enough := ProfileDates{Days: 14, ActivePct: 90, NeedPct: 70, Sufficient: true, Sought: 14, Found: true}
	for name, c := range map[string]struct {
		change func(*ProfileDates)
		want   string // of the first sentence; empty: none
		grey   bool
	}{
		"enough":          {func(*ProfileDates) {}, "", false},
		"dates given":     {func(d *ProfileDates) { d.Sought, d.Found = 0, false }, "", false},
		"too few":         {func(d *ProfileDates) { d.Sufficient, d.ActivePct = false, 69.99 }, "Readings cover just under 70 % of these 14 days; 70 % or more are needed.", true},
		"none in a row":   {func(d *ProfileDates) { d.Found = false }, "There are no 14 days in a row with enough readings, so these are the last ones.", true},
		"a week":          {func(d *ProfileDates) { d.Days, d.Sought = 7, 0 }, "These are 7 days; GMI and targets are meant for 14.", true},
		"one day, partly": {func(d *ProfileDates) { d.Days, d.Sought, d.Sufficient, d.ActivePct = 1, 0, false, 3 }, "Readings cover 3 % of this day; 70 % or more are needed.", true},
	} {
		p := Profile{Dates: enough, Values: 100}
		c.change(&p.Dates)
		said := strings.Join(p.Lacks(), "\n")
		if first, _, _ := strings.Cut(said, "\n"); first != c.want || p.Doubtful() != c.grey || p.Tiles()[1].Doubtful != c.grey {
			t.Errorf("%s: %q, grey %v, want %q, %v", name, said, p.Doubtful(), c.want, c.grey)
		}
	}
}

func TestTogetherOfTargets(t *testing.T) {
	met, not, unknown := Verdict{"> 70 %", true, true}, Verdict{"< 4 %", false, true}, Verdict{"< 1 %", false, false}
	p := Profile{Targets: []Target{{Of: [3]Verdict{met, met, unknown}}, {Of: [3]Verdict{not, met, met}}, {Of: [3]Verdict{met, {}, {}}}}}
	var words []string
	for _, v := range p.Together() {
		words = append(words, v.Word())
	}
	if got := strings.Join(words, ", "); got != "not met, met, not known" {
		t.Errorf("together they are %q", got)
	}
}

// The page of a profile holds what others wrote as text.
func TestProfileEscapes(t *testing.T) {
	p := Profile{Unit: number.MgdL, Who: Who{ID: "P1", Site: "<script>", Consent: "a & b", ToDo: "<b>"}}
	var b strings.Builder
	if err := Write(&b, Frame{Study: "S", Title: "P1"}, p); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b>", "javascript:"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !regexp.MustCompile(`Consent: a &amp; b\.`).MatchString(b.String()) {
		t.Errorf("the page does not say how the consent stands: %s", b.String())
	}
}

// The newest reading is named where it is more than a day old.
func TestSilent(t *testing.T) {
	for _, c := range []struct {
		who  Who
		want string
	}{
		{Who{}, ""}, {Who{Newest: someTime, Age: 24 * time.Hour}, ""},
		{Who{Newest: someTime, Age: 25 * time.Hour}, "2031-03-04 01:30, 25 h ago"},
		{Who{Newest: someTime, Age: 80 * time.Hour, Zoneless: true}, "2031-03-04 01:30 UTC, 3 d ago"},
	} {
		if got := c.who.Silent(); got != c.want {
			t.Errorf("%+v is silent since %q, want %q", c.who, got, c.want)
		}
	}
}

// What somebody has, and whether the target is met, agree.
func TestPairTableAgreesWithTargets(t *testing.T) {
	c := Compare{Unit: number.MgdL, Bounds: []float64{70, 4, 1, 25, 5}, Pairs: []Pair{{ID: "P1"}}}
	for i := range c.Pairs[0].Of {
		c.Pairs[0].Of[i] = []float64{69.96, 4.04, 0.97, 20, 0.5, 150, 7, 33, 30, 95}
	}
	if got := strings.Join(c.PairTable().Rows[0][:6], " | "); got != "P1 | 69.96 → 69.96 | 0.0 | 4.04 → 4.04 | 0.97 → 0.97 | 20.0 → 20.0" {
		t.Errorf("the row is %q", got)
	}
}

func TestCompareWords(t *testing.T) {
	mgdl, mmol := Compare{Unit: number.MgdL}, Compare{Unit: number.MmolL}
	share, mean, gri := ComparedMetrics()[2], ComparedMetrics()[5], ComparedMetrics()[8]
	s := Spread{Mean: 0.03, SD: 0.5, Median: 1.25, Q25: 0, Q75: 2}
	g := Spread{Mean: -18.01559, SD: 9, Median: 4, Q25: -0.2, Q75: 20}
	for want, got := range map[string]string{
		"<0.1 % (0.5)":          mgdl.MeanSD(share, s),
		"1.3 % (0.0 to 2.0)":    mgdl.MedianIQR(share, s),
		"0.0 (0.5)":             mgdl.DifferenceMean(share, s),
		"−18 (9)":               mgdl.DifferenceMean(mean, g),
		"−1.0 (0.5)":            mmol.DifferenceMean(mean, g),
		"+4 (0 to +20)":         mgdl.DifferenceMedian(gri, g),
		"Time below 3.0 mmol/L": mmol.Name(share),
		"2 of 3 (67 %)":         CompareGroup{Pairs: make([]Pair, 3)}.Of(2),
		"–":                     CompareGroup{}.Of(0),
	} {
		if got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// A page is known as blinded by what it says.
func TestIsBlinded(t *testing.T) {
	for _, sight := range []Sight{Usual, Blinded, Unblinded} {
		var b bytes.Buffer
		if err := Write(&b, Frame{Title: "Blinded", Sight: sight}, Run{}); err != nil {
			t.Fatal(err)
		}
		if got := IsBlinded(b.Bytes()); got != (sight == Blinded) {
			t.Errorf("a page that is %s is blinded: %t", sight, got)
		}
	}
}

// One day is told as one, and a part of the dates as a part.
func TestFewDays(t *testing.T) {
	one := ProfileDates{First: someTime, Last: someTime, Days: 1, NeedPct: 70, ActivePct: 20, Sought: 1}
	said := strings.Join(Profile{Dates: one, Values: 1}.Lacks(), " ")
	for _, want := range []string{"Readings cover 20 % of this day;", "There is no day with enough readings, so this is the last one.", "This is 1 day;"} {
		if !strings.Contains(said, want) {
			t.Errorf("of one day it is said %q, which lacks %q", said, want)
		}
	}
	if got := (CohortRow{Dates: one}).Days(); got != "2031-03-04" {
		t.Errorf("the dates of one day are %q", got)
	}
	if got := (Dates{Last: 1}).Words(); got != "the latest day with enough data" {
		t.Errorf("the latest 1 days are %q", got)
	}
	p := Profile{Dates: ProfileDates{Days: 28}}
	p.Daily.Data.Rows = make([][]string, 14)
	if got := p.Latest(); got != "the last 14 days of 28" {
		t.Errorf("the daily view of 28 days is of %q", got)
	}
	if p.Dates.Days = 14; p.Latest() != "" {
		t.Errorf("the daily view of all days is of %q", p.Latest())
	}
}
