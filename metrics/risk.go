package metrics

import "math"

// Scales of the blood glucose risk function: as published, and as the R
// package iglu rounds it.
const (
	RiskScale     = 10 * 1.509 * 1.509
	RiskScaleIGLU = 22.77
)

// riskOf is the risk of a value, h² with h = ln(g)^1.084 - 5.381, negative where
// h is: then it is that of a low. Values below 1 mg/dL, where h does not exist,
// count as 1.
func riskOf(g float64) float64 {
	h := math.Pow(math.Log(math.Max(g, 1)), 1.084) - 5.381
	return h * math.Abs(h)
}

// BloodGlucoseIndices returns the low and the high blood glucose index
// (Kovatchev 2006, doi 10.2337/dc06-1085): the means over all values of
// scale·h² where h is negative, or positive. Their sum is the BGRI.
func (d Distribution) BloodGlucoseIndices(scale float64) (lbgi, hbgi float64) {
	return d.indices(score{of: riskOf}, scale)
}

func (d Distribution) indices(risk score, scale float64) (lbgi, hbgi float64) {
	for _, p := range d.pairs {
		if r := scale * float64(p.N) * risk.at(p.MgdL); r < 0 {
			lbgi -= r
		} else {
			hbgi += r
		}
	}
	return lbgi / float64(d.n), hbgi / float64(d.n)
}

// BloodGlucoseIndices are the indices of values; see
// [Distribution.BloodGlucoseIndices].
func BloodGlucoseIndices(values []float64, scale float64) (lbgi, hbgi float64) {
	return Distribute(values).BloodGlucoseIndices(scale)
}

// ADRR is the average daily risk range (Kovatchev 2006, doi
// 10.2337/dc06-1085): the mean over local days of the day's highest risk of a
// low plus its highest risk of a high. Any day with a value counts, however
// few it has; the paper asks for three a day over 14 days. NaN without days.
func ADRR(days []Distribution, scale float64) float64 {
	var sum, n float64
	for _, d := range days {
		if d.n == 0 {
			continue
		}
		low, high := riskOf(d.Min()), riskOf(d.Max())
		sum += scale * (math.Max(0, -low) + math.Max(0, high))
		n++
	}
	return sum / n
}
