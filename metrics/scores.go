package metrics

import "math"

// A score is a function of one value. Those of whole numbers may be known
// beforehand: logarithms are slow, and each day has the same values.
type score struct {
	of    func(mgdL float64) float64
	known []float64 // by value; nil: none
}

// at is the score of a value.
func (s score) at(g float64) float64 {
	if g >= 0 && g < float64(len(s.known)) && g == math.Trunc(g) {
		return s.known[int(g)]
	}
	return s.of(g)
}

// tabled computes the scores of what [Counts] count.
func (s score) tabled() score {
	s.known = make([]float64, MaxCount+1)
	for g := range s.known {
		s.known[g] = s.of(float64(g))
	}
	return s
}

// Scores are rules made ready for many distributions; see
// [Distribution.Values].
type Scores struct {
	rules                      ValueRules
	risk, grade, hyper, mValue score
}

// Scores makes the rules ready. That takes as long as some distributions: do it
// once.
func (r ValueRules) Scores() *Scores {
	return &Scores{
		rules:  r,
		risk:   score{of: riskOf}.tabled(),
		grade:  gradeScore(r.MgdLPerMmol).tabled(),
		hyper:  hyperScore(r.IndexHigh).tabled(),
		mValue: mValueScore(r.MValueReference).tabled(),
	}
}

// mean is the mean score of the values.
func (d Distribution) mean(s score) float64 {
	var sum float64
	for _, p := range d.pairs {
		sum += float64(p.N) * s.at(p.MgdL)
	}
	return sum / float64(d.n)
}
