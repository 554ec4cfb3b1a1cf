package figure

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/report/number"
)

func TestRangeBar(t *testing.T) {
	f := RangeBar{ID: "ranges", Shares: []float64{0.3, 3.2, 66.5, 22, 8}, Unit: number.MgdL}.Figure()
	golden(t, "rangebar", f)
	want := [][]string{
		{"Very low", "< 54", "<1 %", "4"}, {"Low", "54–69", "3 %", "46"}, {"In range", "70–180", "67 %", "958"},
		{"High", "181–250", "22 %", "317"}, {"Very high", "> 250", "8 %", "115"},
	}
	if !slices.EqualFunc(f.Data.Rows, want, slices.Equal[[]string]) {
		t.Errorf("the numbers are %q, want %q", f.Data.Rows, want)
	}
}

func TestRangeBarInMmol(t *testing.T) {
	f := RangeBar{ID: "ranges", Shares: []float64{0, 0, 100, 0, 0}, Unit: number.MmolL}.Figure()
	golden(t, "rangebar_mmol", f)
	var bounds []string
	for _, row := range f.Data.Rows {
		bounds = append(bounds, row[1])
	}
	if want := []string{"< 3.0", "3.0–3.8", "3.9–10.0", "10.1–13.9", "> 13.9"}; !slices.Equal(bounds, want) {
		t.Errorf("the ranges are %q, want %q", bounds, want)
	}
}

func TestRangeBarOfNothing(t *testing.T) {
	nan := math.NaN()
	f := RangeBar{ID: "ranges", Shares: []float64{nan, nan, nan, nan, nan}, Unit: number.MgdL}.Figure()
	if f.SVG != "" || !strings.Contains(f.Note, "no values") {
		t.Errorf("without values it has drawing %q and note %q", f.SVG, f.Note)
	}
}

// The parts fill the bar, and what is more than nothing can be seen.
func TestRangeBarHeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 4000), 5, 5).Filter(func(c []int) bool { return slices.Max(c) > 0 }).Draw(t, "counts")
		n := 0
		for _, c := range counts {
			n += c
		}
		shares := make([]float64, 5)
		for i, c := range counts {
			shares[i] = 100 * float64(c) / float64(n)
		}
		sum := 0.0
		for i, height := range (RangeBar{Shares: shares}).heights() {
			sum += height
			if shares[i] > 0 && height < 2-1e-9 || shares[i] == 0 && height != 0 {
				t.Fatalf("%v of %v is %v high", shares[i], shares, height)
			}
		}
		if math.Abs(sum-(barBottom-barTop)) > 1e-6 {
			t.Fatalf("%v is %v high", shares, sum)
		}
	})
}

// The minutes of the ranges are those of a day, and none is moved by one or more.
func TestRangeBarMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 4000), 5, 5).Filter(func(c []int) bool { return slices.Max(c) > 0 }).Draw(t, "counts")
		n, sum := 0, 0.0
		for _, c := range counts {
			n += c
		}
		shares := make([]float64, 5)
		for i, c := range counts {
			shares[i] = 100 * float64(c) / float64(n)
		}
		for i, minutes := range (RangeBar{Shares: shares}).minutes() {
			sum += minutes
			if math.Abs(minutes-14.4*shares[i]) >= 1 {
				t.Fatalf("%v of %v is %v minutes", shares[i], shares, minutes)
			}
		}
		if sum != 1440 {
			t.Fatalf("%v are %v minutes", shares, sum)
		}
	})
}

// A share of less than a minute is not written as none.
func TestRangeBarLeastMinutes(t *testing.T) {
	f := RangeBar{ID: "ranges", Shares: []float64{0.02, 0, 99.98, 0, 0}, Unit: number.MgdL}.Figure()
	if got := []string{f.Data.Rows[0][3], f.Data.Rows[1][3]}; got[0] != "<1" || got[1] != "0" || strings.Count(string(f.SVG), "&lt;1 min") != 2 {
		t.Errorf("very low and low are %q minutes", got)
	}
}

// Labels keep their order and distance, and stay inside.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.SliceOfN(rapid.Float64Range(0, 300), 1, 5).Draw(t, "places")
		slices.Sort(places)
		moved := spread(places, 44, 22, 276)
		for i, place := range moved {
			if i > 0 && place-moved[i-1] < 44-1e-9 || place < 22-1e-9 || place > 276+1e-9 {
				t.Fatalf("spread(%v) = %v", places, moved)
			}
		}
		if far := []float64{30, 100, 200}; !slices.Equal(spread(far, 44, 22, 276), far) {
			t.Fatalf("%v has room, and was moved", far)
		}
	})
}
