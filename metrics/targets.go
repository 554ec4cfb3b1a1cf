package metrics

import "math"

// A Population is whom a target is for.
type Population string

// The populations that the consensus has targets for.
const (
	Adults    Population = "adult"     // type 1 or 2
	HighRisk  Population = "high_risk" // older, or at high risk
	Pregnancy Population = "pregnancy" // type 1
)

// A Target is a bound of a metric.
type Target struct {
	Population Population
	Metric     string // the column that it bounds
	Above      bool   // more than the bound is good, else less
	Inclusive  bool   // the bound itself is good
	Bound      float64
}

// Targets are those of the consensus (Battelino 2019, doi 10.2337/dci19-0028).
// They are for 14 days that are sufficient.
func Targets() []Target {
	above := func(p Population, metric string, bound float64) Target { return Target{p, metric, true, false, bound} }
	below := func(p Population, metric string, bound float64) Target { return Target{p, metric, false, false, bound} }
	upTo := func(p Population, metric string, bound float64) Target { return Target{p, metric, false, true, bound} }
	return []Target{
		above(Adults, "tir_pct", 70),
		below(Adults, "tbr70_pct", 4),
		below(Adults, "tbr54_pct", 1),
		below(Adults, "tar180_pct", 25),
		below(Adults, "tar250_pct", 5),
		upTo(Adults, "cv_pct", 36),
		above(HighRisk, "tir_pct", 50),
		below(HighRisk, "tbr70_pct", 1),
		below(HighRisk, "tar250_pct", 10),
		upTo(HighRisk, "cv_pct", 36),
		above(Pregnancy, "tir63_140_pct", 70),
		below(Pregnancy, "tbr63_pct", 4),
		below(Pregnancy, "tbr54_pct", 1),
		below(Pregnancy, "tar140_pct", 25),
	}
}

// Met tells whether a value meets the target. Of no value nothing is known.
func (t Target) Met(value float64) (met, known bool) {
	switch {
	case math.IsNaN(value):
		return false, false
	case value == t.Bound:
		return t.Inclusive, true
	default:
		return (value > t.Bound) == t.Above, true
	}
}

// Of is the value that the target bounds.
func (t Target) Of(d Distribution) float64 {
	ranges := map[string]Range{"tir_pct": {Low: 70, High: 180}}
	for _, r := range FurtherRanges() {
		ranges[r.Name+"_pct"] = r
	}
	if t.Metric == "cv_pct" {
		return d.CV()
	}
	return d.Pct(d.In(ranges[t.Metric]))
}

// An Outcome is whether a target is met.
type Outcome struct {
	Target
	Value      float64 // NaN of no values
	Met, Known bool
}

// Outcomes are those of all targets, in their order.
func Outcomes(d Distribution) []Outcome {
	var outcomes []Outcome
	for _, t := range Targets() {
		value := t.Of(d)
		met, known := t.Met(value)
		outcomes = append(outcomes, Outcome{t, value, met, known})
	}
	return outcomes
}
