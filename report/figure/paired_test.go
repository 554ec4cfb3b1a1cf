package figure

import (
	"strings"
	"testing"
)

func TestPaired(t *testing.T) {
	p := Paired{ID: "paired", Title: "Time in range", Before: "baseline", After: "follow-up", Goal: 70, Groups: []Group{
		{Name: "A & B", Pairs: []Pair{{"P1", 50, 62.25}, {"P2", 70, 68}, {"P3", 99.99, 99.99}}},
		{Name: "control"},
	}}
	f := p.Figure()
	golden(t, "paired", f)
	for i, want := range []string{"P1 | A & B | 50.0 % | 62.3 % | +12.3", "P2 | A & B | 70.0 % | 68.0 % | −2.0", "P3 | A & B | >99.9 % | >99.9 % | 0.0"} {
		if got := strings.Join(f.Data.Rows[i], " | "); got != want {
			t.Errorf("row %d is %q, want %q", i, got, want)
		}
	}
	if !strings.Contains(string(f.SVG), "The median goes from 70 % to 68 %.") || !strings.Contains(string(f.SVG), "There are no pairs.") {
		t.Errorf("the words are not those of the numbers: %s", f.SVG)
	}
}

// Of one group without a name there is no column of groups.
func TestPairedOfEverybody(t *testing.T) {
	f := Paired{ID: "paired", Title: "Time in range", Before: "a", After: "b", Goal: 70, Groups: []Group{{Pairs: []Pair{{"P1", 50, 60}}}}}.Figure()
	if got := strings.Join(f.Data.Rows[0], " | "); got != "P1 | 50.0 % | 60.0 % | +10.0" || len(f.Data.Columns) != 4 {
		t.Errorf("the row is %q of %d columns", got, len(f.Data.Columns))
	}
}
