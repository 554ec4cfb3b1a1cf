package figure

import (
	"slices"
	"strings"
	"testing"
)

// Labels of one map are all different, and short where that can be.
func TestRowLabels(t *testing.T) {
	x := strings.Repeat("x", 40)
	for _, test := range []struct{ names, want []string }{
		{[]string{"P001", "P002-with-twenty-cha"}, []string{"P001", "P002-with-twenty-cha"}},
		{[]string{"STUDY-HOSPITAL-NORTH-001", "STUDY-HOSPITAL-NORTH-002"}, []string{"STUDY-HOSP…NORTH-001", "STUDY-HOSP…NORTH-002"}},
		{[]string{"001-" + x, "002-" + x}, []string{"001-xxxxxx…xxxxxxxxx", "002-xxxxxx…xxxxxxxxx"}},
		{[]string{x + "a-" + x[:10], x + "b-" + x[:10]}, []string{"…" + x[:7] + "a-" + x[:10], "…" + x[:7] + "b-" + x[:10]}},
		{[]string{x[:12] + "a" + x, x[:12] + "b" + x}, []string{x[:12] + "axxxxxx…", x[:12] + "bxxxxxx…"}},
		{[]string{x + "1" + x, x + "2" + x}, []string{x + "1" + x, x + "2" + x}},
	} {
		var rows []HeatRow
		for _, name := range test.names {
			rows = append(rows, HeatRow{Name: name})
		}
		if got := rowLabels(rows); !slices.Equal(got, test.want) {
			t.Errorf("labels of %q are %q, want %q", test.names, got, test.want)
		}
	}
}

// Days begin where the widest label ends.
func TestHeatLeavesRoomForLabels(t *testing.T) {
	name := strings.Repeat("W", 20)
	svg := string(Heat("days-1", "", []HeatRow{{Name: name, Days: []Day{Whole}}}).SVG)
	if !strings.Contains(svg, `x="248" y="8.5">`+name) || !strings.Contains(svg, `d="M256 4.5`) {
		t.Errorf("a label of 20 W, each 12 wide, is drawn as %s", svg)
	}
}
