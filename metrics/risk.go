package metrics

import "math"

// Scales of the blood glucose risk function: as published, and as the R
// package iglu rounds it.
const (
	RiskScale     = 10 * 1.509 * 1.509
	RiskScaleIGLU = 22.77
)

// BloodGlucoseIndices returns the low and the high blood glucose index
// (Kovatchev 2006, doi 10.2337/dc06-1085): the means over all values of
// scale·h² where h is negative, or positive, with h = ln(g)^1.084 - 5.381.
// Values below 1 mg/dL, where h does not exist, count as 1. NaN of nothing.
func BloodGlucoseIndices(values []float64, scale float64) (lbgi, hbgi float64) {
	for _, g := range values {
		h := math.Pow(math.Log(math.Max(g, 1)), 1.084) - 5.381
		if h < 0 {
			lbgi += scale * h * h
		} else {
			hbgi += scale * h * h
		}
	}
	n := float64(len(values))
	return lbgi / n, hbgi / n
}
