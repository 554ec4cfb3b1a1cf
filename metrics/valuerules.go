package metrics

// MgdLPerMmol is the mg/dL of one mmol/L of glucose.
const MgdLPerMmol = 18.01559

// ValueRules are what packages disagree about in metrics of values. A preset
// is one choice of all of them.
type ValueRules struct {
	RiskScale   float64 // RiskScale or RiskScaleIGLU
	MgdLPerMmol float64 // in GRADE and COGI

	// GRADE's shares, mg/dL: hypo is below the first, hyper above the third,
	// and euglycemia from the second to the third, both inclusive.
	GradeHypo, GradeEuLow, GradeHyper float64

	IndexLow, IndexHigh float64 // mg/dL: the hypo index is of values below, the hyper index of values above
	MValueReference     float64 // mg/dL: what the M-value is 0 for
}

// DexetlValues are the rules of preset dexetl-1: as the papers have them, with
// one factor between the units. GRADE's shares are those below 3.9 and above
// 7.8 mmol/L, and add up to 100 percent.
func DexetlValues() ValueRules {
	return ValueRules{
		RiskScale:       RiskScale,
		MgdLPerMmol:     MgdLPerMmol,
		GradeHypo:       3.9 * MgdLPerMmol,
		GradeEuLow:      3.9 * MgdLPerMmol,
		GradeHyper:      7.8 * MgdLPerMmol,
		IndexLow:        80,
		IndexHigh:       140,
		MValueReference: 90,
	}
}

// IGLUValues are the defaults of the R package iglu 4.3. Its shares of GRADE
// overlap from 70 to 80 mg/dL, so that they add up to more than 100 percent.
func IGLUValues() ValueRules {
	return ValueRules{
		RiskScale:       RiskScaleIGLU,
		MgdLPerMmol:     18,
		GradeHypo:       80,
		GradeEuLow:      70,
		GradeHyper:      140,
		IndexLow:        80,
		IndexHigh:       140,
		MValueReference: 90,
	}
}
