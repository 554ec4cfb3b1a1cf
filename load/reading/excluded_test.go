package reading

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerged(t *testing.T) {
	got := Merged([]Interval{{50, 60}, {10, 20}, {15, 18}, {20, 30}, {40, 40}, {70, 60}, {55, 58}})
	if diff := cmp.Diff([]Interval{{10, 30}, {50, 60}}, got); diff != "" {
		t.Errorf("Merged (-want +got):\n%s", diff)
	}
}

func TestExcluded(t *testing.T) {
	local, value := Some[int64], Some(int16(100))
	var none Maybe[int16]
	intervals := []Interval{{10, 20}, {30, 40}}
	tests := []struct {
		name string
		of   Reading
		want string
	}{
		{"before all", Reading{Local: local(9), Value: value}, ""},
		{"the first instant", Reading{Local: local(10), Value: value}, "exclusion"},
		{"the last instant", Reading{Local: local(19), Value: value}, "exclusion"},
		{"the end", Reading{Local: local(20), Value: value}, ""},
		{"the second", Reading{Local: local(35), Value: value}, "exclusion"},
		{"after all", Reading{Local: local(40), Value: value}, ""},
		{"no wall clock", Reading{Value: value}, ""},
		{"no value", Reading{Local: local(5)}, "no_value"},
		{"no value, in an interval", Reading{Local: local(15)}, "exclusion"},
		{"a code", Reading{Local: local(5), Value: none, ValueFrom: "implausible"}, "implausible"},
		{"a code, in an interval", Reading{Local: local(15), Value: none, ValueFrom: "implausible"}, "exclusion"},
		{"no value, no wall clock", Reading{}, "no_value"},
	}
	for _, test := range tests {
		if got := excluded(&test.of, intervals); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	if got := excluded(&Reading{Local: local(15), Value: value}, nil); got != "" {
		t.Errorf("without intervals: got %q, want nothing", got)
	}
}
