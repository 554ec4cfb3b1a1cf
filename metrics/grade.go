package metrics

import "math"

// A Grade is the glycaemic risk assessment diabetes equation (Hill 2007, doi
// 10.1111/j.1464-5491.2007.02119.x) and what hypo-, eu- and hyperglycemia
// contribute to it.
type Grade struct {
	Mean                     float64 // of all values' scores, 0 to 50
	HypoPct, EuPct, HyperPct float64 // percent of the sum of scores; NaN if it is 0
}

// Grade scores each value min(50, 425·(log10(log10(g/k))+0.16)²), with k mg/dL
// in a mmol/L. At k mg/dL and below, where it does not exist, the score is 50,
// which it approaches.
func (d Distribution) Grade(rules ValueRules) Grade {
	return d.grade(gradeScore(rules.MgdLPerMmol), rules)
}

func (d Distribution) grade(of score, rules ValueRules) Grade {
	var all, hypo, eu, hyper float64
	for _, p := range d.pairs {
		score := float64(p.N) * of.at(p.MgdL)
		all += score
		if p.MgdL < rules.GradeHypo {
			hypo += score
		}
		if p.MgdL >= rules.GradeEuLow && p.MgdL <= rules.GradeHyper {
			eu += score
		}
		if p.MgdL > rules.GradeHyper {
			hyper += score
		}
	}
	return Grade{all / float64(d.n), 100 * hypo / all, 100 * eu / all, 100 * hyper / all}
}

func gradeScore(mgdLPerMmol float64) score {
	return score{of: func(g float64) float64 { return gradeOf(g, mgdLPerMmol) }}
}

func gradeOf(g, mgdLPerMmol float64) float64 {
	if g <= mgdLPerMmol {
		return 50
	}
	x := math.Log10(math.Log10(g/mgdLPerMmol)) + 0.16
	return math.Min(50, 425*x*x)
}

// MValue is the mean of 1000·|log10(g/r)|³ with the reference r in mg/dL
// (Schlichtkrull 1965, doi 10.1111/j.0954-6820.1965.tb01810.x), without the
// correction by the range. Values below 1 mg/dL count as 1.
func (d Distribution) MValue(reference float64) float64 {
	return d.mean(mValueScore(reference))
}

func mValueScore(reference float64) score {
	return score{of: func(g float64) float64 {
		x := math.Abs(math.Log10(math.Max(g, 1) / reference))
		return 1000 * x * x * x
	}}
}

// HypoIndex is Σ(low-g)²/(30·n) over values below low mg/dL
// (Rodbard 2009, doi 10.1089/dia.2008.0132).
func (d Distribution) HypoIndex(low float64) float64 {
	return d.mean(score{of: func(g float64) float64 {
		below := math.Max(0, low-g)
		return below * below / 30
	}})
}

// HyperIndex is Σ(g-high)^1.1/(30·n) over values above high mg/dL (Rodbard
// 2009, doi 10.1089/dia.2008.0132).
func (d Distribution) HyperIndex(high float64) float64 {
	return d.mean(hyperScore(high))
}

func hyperScore(high float64) score {
	return score{of: func(g float64) float64 { return math.Pow(math.Max(0, g-high), 1.1) / 30 }}
}

// IGC is the index of glycemic control: hypo index + hyper index.
func (d Distribution) IGC(low, high float64) float64 {
	return d.HypoIndex(low) + d.HyperIndex(high)
}
