package metrics

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCountsTakeWholeNumbersOnly(t *testing.T) {
	var c Counts
	for _, g := range []float64{0, 39, 401, 1000} {
		if !c.Add(g, 2) {
			t.Errorf("Add(%v): got false, want true", g)
		}
	}
	for _, g := range []float64{-1, 1001, 99.5, math.NaN(), math.Inf(1), math.Inf(-1)} {
		if c.Add(g, 1) {
			t.Errorf("Add(%v): got true, want false", g)
		}
	}
	n, sum, squares := c.Sums()
	if n != 8 || sum != 2*(39+401+1000) || squares != 2*(39*39+401*401+1000*1000) {
		t.Errorf("Sums: got %d, %d, %d", n, sum, squares)
	}
}

// Days of counts, merged in any order, give the metrics of all values at once,
// to the bit; and so do the values one by one.
func TestCountsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfN(rapid.SliceOf(rapid.IntRange(39, 401)), 1, 8).Draw(t, "days")
		var all []float64
		var merged Counts
		for _, day := range rapid.Permutation(days).Draw(t, "order") {
			var c Counts
			for _, g := range day {
				c.Add(float64(g), 1)
				all = append(all, float64(g))
			}
			merged.Merge(&c)
		}
		d := merged.Distribution()
		for name, other := range map[string]Distribution{
			"Distribute": Distribute(all), "sorted": distributeSorted(slices.Sorted(slices.Values(all))),
		} {
			if d.n != other.n || !slices.Equal(d.pairs, other.pairs) {
				t.Fatalf("counts and %s: got %v and %v, want the same", name, d, other)
			}
		}
		if got, want := numbers(d.Values(DexetlValues().Scores())), numbers(Distribute(all).Values(DexetlValues().Scores())); !slices.Equal(got, want) {
			t.Fatalf("metrics: got %v and %v", got, want)
		}
	})
}

// numbers are the bits of all numbers in a struct, so that NaN equals NaN.
func numbers(v any) []uint64 {
	var all []uint64
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Float64:
			all = append(all, math.Float64bits(v.Float()))
		default:
			all = append(all, uint64(v.Int()))
		}
	}
	walk(reflect.ValueOf(v))
	return all
}

// SD from n, sum and squares alone, as SQL may compute it, is the same.
func TestSDOfSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Counts
		for _, g := range rapid.SliceOfN(rapid.IntRange(39, 401), 2, 300).Draw(t, "values") {
			c.Add(float64(g), 1)
		}
		n, sum, squares := c.Sums()
		want := math.Sqrt(float64(n*squares-sum*sum) / float64(n*(n-1)))
		if got := c.Distribution().SD(); !near(got, want, 1e-12) {
			t.Fatalf("SD: got %v, want %v", got, want)
		}
	})
}

// Of values that are not whole, or too high to count, the definitions are the
// same: those of the plain formulas.
func TestDistributionOfAnyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1, 1500), 2, 400).Draw(t, "values")
		d := Distribute(values)
		sorted := slices.Sorted(slices.Values(values))
		at := 0.25 * float64(len(sorted)-1)
		low := int(at)
		quartile := sorted[low] + (at-float64(low))*(sorted[min(low+1, len(sorted)-1)]-sorted[low])
		if !near(d.Mean(), Mean(values), 1e-12) || !near(d.SD(), SD(values), 1e-9) || !near(d.Quantile(0.25), quartile, 1e-12) {
			t.Fatalf("got %v, %v, %v; want %v, %v, %v", d.Mean(), d.SD(), d.Quantile(0.25), Mean(values), SD(values), quartile)
		}
	})
}

// What has no value, or is excluded, is not counted.
func TestCountsOf(t *testing.T) {
	readings := every(time.Minute, 100, 110, 120, 130.5)
	readings[0].HasValue, readings[1].Excluded, readings[3].HasValue = false, true, false
	c, ok := CountsOf(readings)
	if n, sum, _ := c.Sums(); !ok || n != 1 || sum != 120 {
		t.Errorf("CountsOf: got %d values, sum %d, %v, want 1, 120, true", n, sum, ok)
	}
	readings[3].HasValue = true
	if _, ok := CountsOf(readings); ok {
		t.Error("CountsOf with 130.5: got true, want false")
	}
	if d := DistributionOf(readings); d.N() != 2 || d.Max() != 130.5 {
		t.Errorf("DistributionOf: got %+v, want 120 and 130.5", d)
	}
}

func TestSentinels(t *testing.T) {
	for _, test := range []struct {
		censoring Censoring
		mean      float64
		n         int64
	}{
		{AsSent, (39 + 100 + 401 + 402) / 4.0, 4},
		{AtLimits, (40 + 100 + 400 + 402) / 4.0, 4},
		{Left, (100 + 402) / 2.0, 2},
	} {
		readings := every(5*60e9, 39, 100, 401, 402)
		counts, _ := CountsOf(readings)
		changed := test.censoring.Counts(*counts)
		for name, d := range map[string]Distribution{
			"readings": DistributionOf(test.censoring.Readings(readings)), "counts": changed.Distribution(),
		} {
			if d.N() != test.n || d.Mean() != test.mean {
				t.Errorf("%q of %s: got n %d, mean %v, want %d, %v", test.censoring, name, d.N(), d.Mean(), test.n, test.mean)
			}
		}
	}
	v := Distribute([]float64{39, 39, 100, 401}).Values(DexetlValues().Scores())
	if v.LowSentinels != 2 || v.HighSentinels != 1 || v.CensoredPct != 75 {
		t.Errorf("censored: got %+v", v)
	}
}
