package page

import "testing"

// The cohort and the profile go by one rule of what is too little.
func TestTooLittle(t *testing.T) {
	enough := ProfileDates{Days: 14, Sufficient: true, Sought: 14, Found: true}
	for name, c := range map[string]struct {
		change func(*ProfileDates)
		want   bool
	}{
		"enough":               {func(*ProfileDates) {}, false},
		"dates given":          {func(d *ProfileDates) { d.Sought, d.Found = 0, false }, false},
		"thin":                 {func(d *ProfileDates) { d.Sufficient = false }, true},
		"none in a row":        {func(d *ProfileDates) { d.Found = false }, true},
		"3 days, well covered": {func(d *ProfileDates) { d.Days = 3 }, true},
		"13 days, given":       {func(d *ProfileDates) { d.Days, d.Sought = 13, 0 }, true},
		"none":                 {func(d *ProfileDates) { *d = ProfileDates{} }, true},
	} {
		d := enough
		c.change(&d)
		row := CohortRow{Dates: d}
		if p := (Profile{Dates: d, Values: 1}); d.TooLittle() != c.want || row.GreyGMI() != c.want || p.Doubtful() != c.want || (p.Lacks() != nil) != c.want {
			t.Errorf("%s: too little %v, grey in the cohort %v and in the profile %v, lacks %q", name, d.TooLittle(), row.GreyGMI(), p.Doubtful(), p.Lacks())
		}
	}
}
