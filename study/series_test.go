package study

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cgmfile"
)

// Whose values come at another pace than 1, 5 or 15 minutes is told, with what they count
// for; jitter, lost readings and a change between known paces are none.
func TestOddCadences(t *testing.T) {
	for name, test := range map[string]struct {
		steps []time.Duration // one after the other, over and over
		n     int
		want  string
	}{
		"1 min":                   {[]time.Duration{time.Minute}, 200, ""},
		"1 min, wavering":         {[]time.Duration{50 * time.Second, 70 * time.Second}, 200, ""},
		"2 min":                   {[]time.Duration{2 * time.Minute}, 200, "2m0s as 1"},
		"3 min":                   {[]time.Duration{3 * time.Minute}, 200, "3m0s as 5"},
		"4 min":                   {[]time.Duration{4 * time.Minute}, 200, "4m0s as 5"},
		"5 min, wavering":         {[]time.Duration{280 * time.Second, 320 * time.Second}, 200, ""},
		"5 min, a third lost":     {[]time.Duration{5 * time.Minute, 10 * time.Minute}, 200, ""},
		"5 min, a day at 15":      {append(same(288, 5*time.Minute), same(96, 15*time.Minute)...), 384, ""},
		"6 min":                   {[]time.Duration{6 * time.Minute}, 200, "6m0s as 5"},
		"7.5 min":                 {[]time.Duration{450 * time.Second}, 200, "7m30s as 5"},
		"10 min":                  {[]time.Duration{10 * time.Minute}, 200, "10m0s as 5"},
		"12 min and a bit, as 15": {[]time.Duration{751 * time.Second}, 200, ""},
		"20 min":                  {[]time.Duration{20 * time.Minute}, 200, "20m0s as 15"},
		"an hour":                 {[]time.Duration{time.Hour}, 200, "1h0m0s as 15"},
		"too few":                 {[]time.Duration{10 * time.Minute}, 11, ""},
		"few":                     {[]time.Duration{10 * time.Minute}, 12, "10m0s as 5"},
	} {
		var b strings.Builder
		b.WriteString("id,time,gl\n")
		at := time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC)
		for i := range test.n {
			fmt.Fprintf(&b, "a,%s,110\na,%s,NA\nc,%[1]s,100\n", at.Format(time.DateTime), at.Add(7*time.Second).Format(time.DateTime))
			at = at.Add(test.steps[i%len(test.steps)])
		}
		file, err := cgmfile.Format{}.Read(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		got, want := "", test.want
		for _, odd := range OddCadences(file) {
			got += fmt.Sprintf("%s as %d: %s", odd.Step, odd.Counted, strings.Join(odd.IDs, " "))
		}
		if want != "" {
			want += ": a c"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func same(n int, step time.Duration) (steps []time.Duration) {
	for range n {
		steps = append(steps, step)
	}
	return steps
}
