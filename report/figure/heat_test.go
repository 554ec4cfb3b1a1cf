package figure

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHeat(t *testing.T) {
	golden(t, "heat", Heat("days-1", "North: P001 to P<3>", []HeatRow{
		{Name: "P001", Note: "day 1 is 2026-01-15", Days: []Day{Little, Some, Enough, Whole, Whole, NoReading, LeftOut, Pending}, Sensors: []int{3}},
		{Name: "P002-with-a-long-name", First: -2, Days: []Day{BeforeConsent, NeverAsked, Failed, Empty, Unknown, Whole, Withdrawn, Withdrawn}},
		{Name: "P<3>"},
	}))
}

// run is a line of a row: where it begins, and how long it is.
var run = regexp.MustCompile(`M([0-9.]+) 4.5h([0-9.]+)`)

// Rows are drawn without a hole and without an overlap: what is drawn of a kind is as wide
// as its days are many.
func TestHeatTiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Day { return Day(rapid.IntRange(0, int(endOfDays)-1).Draw(t, "day")) }), 1, 400).Draw(t, "days")
		row := HeatRow{Name: "P", First: rapid.IntRange(-30, 30).Draw(t, "first"), Days: days}
		across := scale{float64(row.First), float64(row.First + len(days)), 0, float64(len(days)) * 2}
		drawn := map[int]Day{} // by half of x: a day is 2 wide
		for _, d := range Days() {
			for _, part := range run.FindAllStringSubmatch(dayRuns(row, d, across), -1) {
				x, _ := strconv.ParseFloat(part[1], 64)
				w, _ := strconv.ParseFloat(part[2], 64)
				for at := x / 2; at < (x+w)/2; at++ {
					if other, twice := drawn[int(at)]; twice {
						t.Fatalf("day %v is drawn as %v and as %v", at, other.Words(), d.Words())
					}
					drawn[int(at)] = d
				}
			}
		}
		for i, d := range days {
			if drawn[i] != d {
				t.Fatalf("day %d is drawn as %q, want %q", i, drawn[i].Words(), d.Words())
			}
		}
	})
}

// Every kind has a class, a name and a rule of its own.
func TestDayTexts(t *testing.T) {
	seen := map[string]Day{}
	for _, d := range Days() {
		for _, text := range []string{d.Class(), d.Words(), d.Rule()} {
			if other, twice := seen[text]; twice || text == "" {
				t.Errorf("%d and %d both say %q", other, d, text)
			}
			seen[text] = d
		}
		if !d.HasReadings() && !strings.Contains(string(DayPatterns()), `id="`+d.Class()+`"`) {
			t.Errorf("%s has no pattern", d.Words())
		}
	}
}

func TestStudyDay(t *testing.T) {
	for after, want := range map[int]int{-2: -2, -1: -1, 0: 1, 1: 2} {
		if got := StudyDay(after); got != want {
			t.Errorf("StudyDay(%d) = %d, want %d", after, got, want)
		}
	}
}

// The days of 1,000 participants and 90 days, of which every tenth is of another kind, are
// drawn in some hundred kB.
func TestHeatIsSmall(t *testing.T) {
	size := 0
	for block := range 20 {
		var rows []HeatRow
		for i := range 50 {
			row := HeatRow{Name: fmt.Sprintf("P%04d", 50*block+i), Note: "day 1 is 2026-01-15", Sensors: []int{10, 20, 30, 40, 50, 60, 70, 80}}
			for day := range 90 {
				kind := Whole
				if day%10 == i%10 {
					kind = Day(1 + (day+i)%(int(endOfDays)-1))
				}
				row.Days = append(row.Days, kind)
			}
			rows = append(rows, row)
		}
		size += len(Heat(fmt.Sprint("days-", block), "", rows).SVG)
	}
	if size > 850_000 {
		t.Errorf("the maps have %d bytes", size)
	}
}
