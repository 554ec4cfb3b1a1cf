package metrics

import "slices"

// MaxCount is the highest glucose in mg/dL that [Counts] count; Dexcom's own
// values are 39 to 401.
const MaxCount = 1000

// Counts is a histogram: how often each whole glucose from 0 to MaxCount mg/dL
// occurs, by value. Being whole numbers, counts add up to the same in any order:
// those of an interval are the sum of those of its days. Whatever needs only
// values and not their order is computed from its [Distribution]. The zero Counts
// are of no values.
type Counts [MaxCount + 1]int32

// Add adds n values of so many mg/dL. It is false, and nothing is added, if
// they are not a whole number from 0 to MaxCount: then take [Distribute].
func (c *Counts) Add(mgdL float64, n int) bool {
	if !(mgdL >= 0 && mgdL <= MaxCount) || mgdL != float64(int(mgdL)) {
		return false
	}
	c[int(mgdL)] += int32(n)
	return true
}

// Merge adds the counts of other.
func (c *Counts) Merge(other *Counts) {
	for g, n := range other {
		c[g] += n
	}
}

// Sums returns the number of values, their sum in mg/dL and the sum of their
// squares, all exact.
func (c *Counts) Sums() (n, sum, squares int64) {
	for g, k := range c {
		n += int64(k)
		sum += int64(k) * int64(g)
		squares += int64(k) * int64(g) * int64(g)
	}
	return n, sum, squares
}

// Distribution returns the values and their weights.
func (c *Counts) Distribution() Distribution {
	different := 0
	for _, n := range c {
		if n != 0 {
			different++
		}
	}
	d := Distribution{pairs: make([]Weighted, 0, different)}
	for g, n := range c {
		if n != 0 {
			d.add(float64(g), int64(n))
		}
	}
	return d
}

// A Weighted is a glucose and how often it occurs.
type Weighted struct {
	MgdL float64
	N    int64
}

// A Distribution is values without their order: each glucose once, ascending,
// with its weight. Metrics of values are its methods, so that each has one
// definition whether the values came as [Counts] or one by one. All of them
// are NaN of no values, unless said.
type Distribution struct {
	pairs []Weighted
	n     int64
}

// fewValues are sorted faster than counted.
const fewValues = 200

// Distribute returns the distribution of any values in mg/dL, in any order. They
// stay as they are.
func Distribute(values []float64) Distribution {
	var c Counts
	for _, g := range values {
		if len(values) < fewValues || !c.Add(g, 1) {
			return distributeSorted(slices.Sorted(slices.Values(values)))
		}
	}
	return c.Distribution()
}

func distributeSorted(sorted []float64) Distribution {
	d := Distribution{pairs: make([]Weighted, 0, len(sorted))}
	for _, g := range sorted {
		d.add(g, 1)
	}
	return d
}

// add adds n values of g, which is not below those that are there.
func (d *Distribution) add(g float64, n int64) {
	d.n += n
	if last := len(d.pairs) - 1; last >= 0 && d.pairs[last].MgdL == g {
		d.pairs[last].N += n
		return
	}
	d.pairs = append(d.pairs, Weighted{g, n})
}

// N is the number of values.
func (d Distribution) N() int64 { return d.n }
