package page

import (
	"math"
	"testing"
)

// What is printed lies on the side of the bounds that the value lies on.
func TestBeside(t *testing.T) {
	for _, c := range []struct {
		x        float64
		decimals int
		bounds   []float64
		want     string
	}{
		{3.6, 0, []float64{4, 1}, "3.6 %"}, {3.4, 0, []float64{4, 1}, "3 %"}, {3.97, 0, []float64{4}, "3.97 %"},
		{4.3, 0, []float64{4}, "4.3 %"}, {4, 0, []float64{4}, "4 %"}, {0.7, 0, []float64{1}, "0.7 %"}, {0.3, 0, []float64{1}, "<1 %"},
		{0.97, 1, []float64{1}, "0.97 %"}, {1.02, 1, []float64{1}, "1.02 %"}, {69.6, 0, []float64{70, 50}, "69.6 %"},
		{36.04, 1, []float64{36}, "36.04 %"}, {3.9999999, 0, []float64{4}, "4.0000 %"}, {math.NaN(), 0, []float64{4}, "–"}, {3.6, 0, nil, "4 %"},
	} {
		if got := Beside(c.x, c.decimals, c.bounds...); got != c.want {
			t.Errorf("Beside(%v, %d, %v) = %q, want %q", c.x, c.decimals, c.bounds, got, c.want)
		}
	}
}
