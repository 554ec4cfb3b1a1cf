package figure

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/metrics"
	"github.com/dexetl/dexetl/report/number"
)

var someDate = time.Date(2031, 3, 4, 0, 0, 0, 0, time.UTC)

// at is a reading so many minutes after local midnight; UTC is an hour earlier.
func at(minute, mgdL float64) metrics.Reading {
	local := someDate.Add(time.Duration(minute * float64(time.Minute)))
	return metrics.Reading{Time: local.Add(-time.Hour), Local: local, GlucoseMgdL: mgdL, HasValue: true, CadenceMin: 5}
}

func TestDailyView(t *testing.T) {
	day := DailyGlucose{Date: someDate}
	for i, mgdL := range []float64{100, 60, 50, 60, 100, 200, 300, 200, 150} {
		day.Readings = append(day.Readings, at(600+5*float64(i), mgdL))
	}
	day.Readings = append(day.Readings, at(700, 120)) // after a gap
	day.Carbs = []Dose{{Minute: 610, Amount: 45}, {Minute: 650, Amount: math.NaN()}}
	day.Insulin = []Dose{{Minute: 615, Amount: 4.5}}
	f := DailyView{ID: "daily", Days: []DailyGlucose{day, {Date: someDate.AddDate(0, 0, 1)}}, Unit: number.MgdL}.Figure()
	golden(t, "dailyview", f)
	if got := strings.Join(f.Data.Rows[0], " | "); got != "2031-03-04 | Tue | 10 | 40 % | 30 % | 30 % | 134 | 45, and 1 without amount | 4.5" {
		t.Errorf("the day's numbers are %q", got)
	}
	if got := strings.Join(f.Data.Rows[1], " | "); got != "2031-03-05 | Wed | 0 | – | – | – | – | – | –" {
		t.Errorf("the numbers of a day without values are %q", got)
	}
	untold := []Dose{{Amount: math.NaN()}, {Amount: math.NaN()}}
	if got := amount(untold, 1, " units"); got != "2 without amount" {
		t.Errorf("insulin without amounts is %q", got)
	}
}

// Shares that part a day add to 100.
func TestDayIsParted(t *testing.T) {
	day := DailyGlucose{Date: someDate}
	for i := range 200 {
		mgdL := 100.0
		if i < 5 {
			mgdL = 60
		} else if i < 20 {
			mgdL = 200
		}
		day.Readings = append(day.Readings, at(5*float64(i), mgdL)) // 90, 2.5 and 7.5 %
	}
	f := DailyView{ID: "daily", Days: []DailyGlucose{day}, Unit: number.MgdL}.Figure()
	if got := strings.Join(f.Data.Rows[0][3:6], " "); got != "90 % 3 % 7 %" {
		t.Errorf("the day is parted into %q", got)
	}
}

// A first or last day that is not whole says which part there is; one between says nothing.
func TestPartOfADay(t *testing.T) {
	late := []metrics.Reading{at(575, 100), at(1435, 401)}
	early := []metrics.Reading{at(0, 39), at(415, 100)}
	for name, c := range map[string]struct {
		day  DailyGlucose
		want string
	}{
		"first":           {DailyGlucose{Readings: late, First: true}, "Tue, only from 09:35"},
		"last":            {DailyGlucose{Readings: early, Last: true}, "Tue, only to 07:00"},
		"first and last":  {DailyGlucose{Readings: late[:1], First: true, Last: true}, "Tue, only from 09:35 to 09:40"},
		"gaps on others":  {DailyGlucose{Readings: early}, "Tue"},
		"last, whole":     {DailyGlucose{Readings: late, Last: true}, "Tue"},
		"last, no values": {DailyGlucose{Last: true}, "Tue"},
	} {
		c.day.Date = someDate
		f := DailyView{ID: "daily", Days: []DailyGlucose{c.day}, Unit: number.MgdL}.Figure()
		if got := f.Data.Rows[0][1]; got != c.want {
			t.Errorf("%s: the day is %q, want %q", name, got, c.want)
		}
		if part := c.want != "Tue"; strings.Contains(string(f.SVG), `class="not-there"`) != part || strings.Contains(f.Note, "grey") != part {
			t.Errorf("%s: drawn as part %v: %s", name, !part, f.SVG)
		}
	}
}

// What a sensor cannot measure is less or more than what it can.
func TestMeasured(t *testing.T) {
	for mgdL, want := range map[float64][2]string{39: {"< 40", "< 2.2"}, 40: {"40", "2.2"}, 400: {"400", "22.2"}, 401: {"> 400", "> 22.2"}} {
		if got := [2]string{Measured(number.MgdL, mgdL), Measured(number.MmolL, mgdL)}; got != want {
			t.Errorf("%v mg/dL is %q, want %q", mgdL, got, want)
		}
	}
	f := DailyView{ID: "daily", Days: []DailyGlucose{{Date: someDate, Readings: []metrics.Reading{at(0, 39), at(5, 401)}, Carbs: []Dose{{Amount: 4}}}}, Unit: number.MgdL}.Figure()
	for _, words := range []string{"from &lt; 40 to &gt; 400", "entered once: 4 g"} {
		if !strings.Contains(string(f.SVG), words) {
			t.Errorf("the day does not say %q: %s", words, f.SVG)
		}
	}
}

// A line ends where readings are missing, and where the clock was set back.
func TestUnbroken(t *testing.T) {
	back := at(120, 100)
	back.Time = at(180, 0).Time // the same hour for the second time
	before := at(175, 100)
	for name, c := range map[string]struct {
		readings []metrics.Reading
		want     []int
	}{
		"none":          {nil, nil},
		"one":           {[]metrics.Reading{at(0, 100)}, []int{1}},
		"neighbours":    {[]metrics.Reading{at(0, 100), at(5, 100), at(12.5, 100)}, []int{3}},
		"gap":           {[]metrics.Reading{at(0, 100), at(7.6, 100), at(12, 100)}, []int{1, 2}},
		"clock back":    {[]metrics.Reading{before, back}, []int{1, 1}},
		"every quarter": {[]metrics.Reading{quarter(at(0, 100)), quarter(at(22, 100)), at(27, 100)}, []int{3}},
	} {
		var got []int
		for _, run := range unbroken(c.readings) {
			got = append(got, len(run))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: runs of %v, want %v", name, got, c.want)
		}
	}
}

func quarter(r metrics.Reading) metrics.Reading { r.CadenceMin = 15; return r }

// Excursions touch nothing on the near side of their bound, and there are some exactly if
// there is a value beyond.
func TestExcursions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var run []value
		beyond := false
		for i, mgdL := range rapid.SliceOfN(rapid.IntRange(40, 400), 2, 40).Draw(t, "values") {
			run = append(run, value{float64(5 * i), float64(mgdL)})
			beyond = beyond || mgdL > 180
		}
		alone := len(run) > 0 && run[0].mgdL > 180 && run[1].mgdL == 180 // an edge of no width
		d := excursions(run, 180, 1, scale{0, 1440, 0, 1440}, scale{0, 400, 0, 400})
		if (d != "") != beyond && !alone {
			t.Fatalf("%v: %q", run, d)
		}
		for _, pair := range strings.FieldsFunc(d, func(r rune) bool { return strings.ContainsRune("MLZ", r) }) {
			_, y, _ := strings.Cut(pair, " ")
			if len(y) < 3 || y < "180" {
				t.Fatalf("%v: %q goes below the bound", run, d)
			}
		}
	})
}
