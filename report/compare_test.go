//go:build linux || darwin

package report

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/study"
)

// compareStudy has three with enough in both windows, and one for each reason not to count.
func compareStudy() map[string][]rowOf {
	level := func(mgdL int) func(day, slot int) int {
		return func(day, slot int) int { return mgdL + day + slot%40 }
	}
	before, after := dayOne, dayOne.AddDate(0, 0, 10)
	shifted := func(id string, first, second int) []rowOf {
		return slices.Concat(days(id, before, 4, level(first)), days(id, after, 4, level(second)))
	}
	few := days("P4", after, 4, func(day, slot int) int {
		if slot%3 > 0 {
			return 0
		}
		return 150
	})
	return map[string][]rowOf{
		"participants": {
			{"participant_id": "P1", "arm": "north"}, {"participant_id": "P2", "arm": "south"}, {"participant_id": "P3", "arm": "south"},
			{"participant_id": "P4"}, {"participant_id": "P5"},
		},
		"windows": {
			{"participant_id": "*", "window_name": "zero", "start_date": "2031-03-03", "end_date": "2031-03-06", "window": "zero"},
			{"participant_id": "*", "window_name": "later", "start_date": "2031-03-13", "end_date": "2031-03-16", "window": "later"},
			{"participant_id": "*", "window_name": "in days", "start_day": 1, "end_day": 4, "window": "in days"},
			{"participant_id": "P3", "window_name": "its end", "start_date": "2031-03-16", "end_date": "2031-03-16", "window": "its end"},
			{"participant_id": "P2", "window_name": "later", "start_date": "2031-03-13", "end_date": "2031-03-15", "window": "later"},
		},
		"glucose": slices.Concat(shifted("P1", 150, 120), shifted("P2", 170, 160), shifted("P3", 60, 165), days("P4", before, 4, level(100)), few),
	}
}

func TestCompare(t *testing.T) {
	s := glucoseStudy(t, compareStudy())
	for name, test := range map[string]func(*testing.T, *study.Study){"numbers": testCompareNumbers, "short": testCompareShort, "arms": testCompareArms, "named": testCompareNamed} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// compared is the model of an order's windows.
func compared(t *testing.T, w *work) page.Compare {
	t.Helper()
	by, err := w.settings(t.Context())
	must(t, err)
	c, err := w.compare(t.Context(), by)
	must(t, err)
	return c
}

// What is summed up is what the view of windows says of those who have enough in both.
func testCompareNumbers(t *testing.T, s *study.Study) {
	w := begun(t, reportOf(t, s, lastDays()))
	if w.Compare != [2]string{"zero", "later"} {
		t.Fatalf("the windows are %q, want the first two by their dates", w.Compare)
	}
	c := compared(t, w)
	var columns strings.Builder
	for _, m := range page.ComparedMetrics() {
		columns.WriteString(strings.ReplaceAll("avg(b.M), stddev_samp(b.M), median(a.M), quantile_cont(a.M, 0.25), avg(a.M - b.M), quantile_cont(a.M - b.M, 0.75), count(*)::double, ", "M", m.Column))
	}
	want, err := w.ask(t.Context(), "select "+columns.String()+`
from window_metrics b
join window_metrics a using (participant_id)
where b.window_name = 'zero' and a.window_name = 'later' and b.sufficient and a.sufficient`)
	must(t, err)
	for k, m := range page.ComparedMetrics() {
		line := c.Groups[0].Lines[k]
		got := []float64{line.Of[0].Mean, line.Of[0].SD, line.Of[1].Median, line.Of[1].Q25, line.Difference.Mean, line.Difference.Q75, float64(len(c.Groups[0].Pairs))}
		for i := range got {
			if want := want.Rows[0][7*k+i].(float64); math.Abs(got[i]-want) > 1e-9 {
				t.Errorf("%s: number %d is %v, want %v", m.Column, i, got[i], want)
			}
		}
	}
	if tir := c.Groups[0].Lines[0]; tir.Goal != "> 70 %" || tir.Met != [2]int{2, 1} {
		t.Errorf("in range: goal %q, met by %v, want P1 and P3 before and P1 after", tir.Goal, tir.Met)
	}
	if high := c.Groups[0].Lines[4]; high.Column != "tar250_pct" || high.Goal != "< 5 %" || high.Met != [2]int{3, 3} {
		t.Errorf("above 250: %s with goal %q, met by %v, want all three", high.Column, high.Goal, high.Met)
	}
	if mean := c.Groups[0].Lines[5]; mean.Goal != "" || mean.Met != [2]int{} {
		t.Errorf("the mean has goal %q, met by %v", mean.Goal, mean.Met)
	}
	why := map[string][2]page.Lack{}
	for _, p := range c.LeftOut {
		why[p.ID] = p.Why
	}
	if len(why) != 2 || why["P4"] != [2]page.Lack{page.Nothing, page.TooFew} || why["P5"] != [2]page.Lack{page.NoReadings, page.NoReadings} {
		t.Errorf("left out are %v", why)
	}
	if later := c.Windows[1].Dates(); later != "2031-03-13 to 2031-03-16 (1 of 5: other dates)" {
		t.Errorf("the second window is %q", later)
	}
}

// GMI and targets of windows that are too short for them are marked.
func testCompareShort(t *testing.T, s *study.Study) {
	w := staged(t, reportOf(t, s, lastDays()))
	text := written(t, w, w.writeCompare, comparePath)
	holds(t, text, "Window zero has fewer than 14 days for 3 of 3 participants.", "Window later has fewer than 14 days for 3 of 3 participants.")
	gmi := regexp.MustCompile(`<tr><th scope="row">GMI</th>(<td class="number greyed">[^<]*</td>){6}</tr>`)
	target := regexp.MustCompile(`<td>&gt; 70 %</td>(<td class="number greyed">[^<]*</td>){2}</tr>`)
	one := regexp.MustCompile(`<td class="number">\(\d\.\d\) → \(\d\.\d\)</td>`)
	for _, marked := range []*regexp.Regexp{gmi, target, one} {
		if !marked.MatchString(text) {
			t.Errorf("the page lacks %s", marked)
		}
	}
	c := compared(t, w)
	for i := range c.Pairs {
		c.Pairs[i].Days = [2]int{14, 28}
	}
	if said := c.Shorter(); len(said) > 0 || c.PairTable().Rows[0][8][0] == '(' {
		t.Errorf("of long windows it is said %q, and of a participant %q", said, c.PairTable().Rows[0])
	}
}

// Arms are shown to those alone who are unblinded, and the blinded have no such page.
func testCompareArms(t *testing.T, s *study.Study) {
	o := reportOf(t, s, lastDays())
	_, err := o.Run(t.Context())
	must(t, err)
	text := readPage(t, o, comparePath)
	for _, arm := range []string{"north", "south"} {
		if strings.Contains(text, arm) {
			t.Errorf("the page says %q", arm)
		}
	}
	o.Unblinded = true
	_, err = o.Run(t.Context())
	must(t, err)
	for _, words := range []string{"Arm: south <small>n = 2 in both windows", "Arm: north <small>n = 1 in both windows", "Arm: no arm", "too few readings: 33 % of 70 % needed", `<th scope="col">participant</th><th scope="col">arm</th><th scope="col">zero</th>`, "3 of 5", "Nobody has enough readings in both windows."} {
		if !strings.Contains(readPage(t, o, comparePath), words) {
			t.Errorf("the page of the unblinded does not say %q", words)
		}
	}
	if n := strings.Count(readPage(t, o, comparePath), `class="group"`); n != 2 {
		t.Errorf("%d charts are drawn, want those of the two arms with pairs", n)
	}
	o.Unblinded, o.Blinded = false, true
	_, err = o.Run(t.Context())
	must(t, err)
	if _, err := os.Stat(filepath.Join(o.Path, comparePath)); !os.IsNotExist(err) {
		t.Errorf("the blinded have the page: %v", err)
	}
}

// Windows that are named are compared, also where nobody has enough; one that the snapshot
// does not have is refused.
func testCompareNamed(t *testing.T, s *study.Study) {
	o := reportOf(t, s, lastDays())
	o.Compare = [2]string{"in days", "nobody's"}
	_, err := o.Run(t.Context())
	if none, ok := errors.AsType[*study.NoWindowError](err); !ok || none.Name != "nobody's" {
		t.Errorf("a window that is not there: %v, want a *study.NoWindowError", err)
	}
	for windows, said := range map[[2]string]bool{{"zero", "its end"}: false, {"later", "its end"}: true, {"its end", "later"}: true} {
		o.Compare = windows
		_, err = o.Run(t.Context())
		must(t, err)
		if strings.Contains(readPage(t, o, comparePath), "The windows of 1 of 1 participants have days together") != said {
			t.Errorf("%q: that they have days together is said: %t", windows, !said)
		}
	}
	o.Compare = [2]string{"in days", "later"}
	c := compared(t, begun(t, o))
	if len(c.Pairs) != 0 || len(c.LeftOut) != 5 || c.LeftOut[0].Why[0] != page.NoDates {
		t.Errorf("%d pairs; left out are %+v", len(c.Pairs), c.LeftOut)
	}
	_, err = o.Run(t.Context())
	must(t, err)
	for _, words := range []string{"Nothing can be compared.", "has no dates: no anchor date in the roster", "nobody has dates for it"} {
		if !strings.Contains(readPage(t, o, comparePath), words) {
			t.Errorf("the page does not say %q", words)
		}
	}
}
