package metrics

import (
	"testing"
	"time"
)

// days are dates from 1 March with so many minutes of each.
func days(covered ...int) []DaySlots {
	var all []DaySlots
	for i, minutes := range covered {
		all = append(all, DaySlots{start.AddDate(0, 0, i), minutes, 1440})
	}
	return all
}

func repeat(n, minutes int) []int {
	var all []int
	for range n {
		all = append(all, minutes)
	}
	return all
}

func TestLatest(t *testing.T) {
	full, none := 1440, 0
	join := func(parts ...[]int) (all []int) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name        string
		days        []DaySlots
		before      time.Time
		first, last string
		sufficient  bool
	}{
		{"the last of twenty", days(repeat(20, full)...), time.Time{}, "03-07", "03-20", true},
		{"exactly 70 percent", days(repeat(14, 1008)...), time.Time{}, "03-01", "03-14", true},
		{"a minute less", days(append(repeat(13, 1008), 1007)...), time.Time{}, "03-01", "03-14", false},
		{"the end is empty: 4 of 14 days may be", days(join(repeat(14, full), repeat(6, none))...), time.Time{}, "03-05", "03-18", true},
		{"no 14 days are enough: the last", days(repeat(20, 700)...), time.Time{}, "03-07", "03-20", false},
		{"fewer than 14", days(repeat(5, full)...), time.Time{}, "03-01", "03-05", false},
		{"a baseline ends before its anchor", days(repeat(20, full)...), start.AddDate(0, 0, 16), "03-03", "03-16", true},
		{"an anchor after the window", days(repeat(20, full)...), start.AddDate(0, 0, 40), "03-07", "03-20", true},
		{"a baseline of less than 14", days(repeat(20, full)...), start.AddDate(0, 0, 3), "03-01", "03-03", false},
		{"nothing before the anchor", days(repeat(20, full)...), start, "", "", false},
		{"no days", nil, time.Time{}, "", "", false},
		{"more than a day is a day", days(join(repeat(9, 2000), repeat(5, none))...), time.Time{}, "03-01", "03-14", false},
	}
	date := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format("01-02")
	}
	for _, test := range tests {
		got := DefaultSufficiency().Latest(test.days, test.before)
		if date(got.First) != test.first || date(got.Last) != test.last || got.Sufficient != test.sufficient {
			t.Errorf("%s: got %s to %s, %v, want %s to %s, %v", test.name, date(got.First), date(got.Last), got.Sufficient, test.first, test.last, test.sufficient)
		}
	}
}

// A day is valid with 70 percent of its own length: 966 min of 23 hours, 1008 of
// 24, 1050 of 25.
func TestValidDaysWhereClocksChange(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		date    time.Time
		enough  int // minutes
		minutes int
	}{
		{time.Date(2024, 3, 10, 0, 0, 0, 0, time.UTC), 966, 1380},
		{time.Date(2024, 3, 11, 0, 0, 0, 0, time.UTC), 1008, 1440},
		{time.Date(2024, 11, 3, 0, 0, 0, 0, time.UTC), 1050, 1500},
	}
	for _, test := range tests {
		slots := SlotsByDay(nil, test.date, test.date, newYork)
		if len(slots) != 1 || slots[0].Minutes != test.minutes || slots[0].CoveredMin != 0 {
			t.Errorf("SlotsByDay(%s): got %+v, want %d min, none covered", test.date.Format(time.DateOnly), slots, test.minutes)
		}
		for covered, want := range map[int]int{test.enough: 1, test.enough - 1: 0} {
			slots[0].CoveredMin = covered
			if got := DefaultSufficiency().ValidDays(slots); got != want {
				t.Errorf("ValidDays(%+v): got %d, want %d", slots, got, want)
			}
		}
	}
}

// Dates without readings are days, too; readings of unknown local time are of
// none, and two in one slot are one.
func TestSlotsByDay(t *testing.T) {
	readings := every(2*time.Minute, 100, 100, 100, 100, 100) // minutes 0 2 4 6 8: slots 0 and 5
	readings[4].Local = time.Time{}
	later := every(5*time.Minute, 100)
	later[0].Time, later[0].Local = start.AddDate(0, 0, 2), start.AddDate(0, 0, 2)
	got := SlotsByDay(append(readings, later...), start, start.AddDate(0, 0, 3), time.UTC)
	want := []int{10, 0, 5, 0}
	if len(got) != len(want) {
		t.Fatalf("got %d days, want %d", len(got), len(want))
	}
	for i, d := range got {
		if d.CoveredMin != want[i] || !d.Date.Equal(start.AddDate(0, 0, i)) {
			t.Errorf("day %d: got %+v, want %d min", i, d, want[i])
		}
	}
}

// The repeated hour of the autumn is of one date, in both directions of time.
func TestLocalDays(t *testing.T) {
	readings := every(30*time.Minute, 1, 2, 3, 4, 5)
	for i, minutes := range []int{1430, 1439, 1400, 1435, 1445} { // clocks go back after the second
		readings[i].Local = start.Add(time.Duration(minutes) * time.Minute)
	}
	days := LocalDays(readings)
	if len(days) != 2 || len(days[0].Readings) != 4 || len(days[1].Readings) != 1 || !days[1].Date.Equal(start.AddDate(0, 0, 1)) {
		t.Errorf("LocalDays: got %+v, want 4 readings and 1", days)
	}
	readings[2].Local = start.Add(1450 * time.Minute) // seen from the next day, once
	if days := LocalDays(readings); len(days) != 2 || len(days[0].Readings) != 3 {
		t.Errorf("LocalDays back over midnight: got %+v, want 3 readings and 2", days)
	}
	if days := LocalDays(nil); days != nil {
		t.Errorf("LocalDays(nil): got %v, want none", days)
	}
}
