package metrics

// Values are the metrics of one distribution. What needs no more than that
// is here; all are NaN of no values, and those with SD below two.
type Values struct {
	N                            int64
	MeanMgdL, SDMgdL, CVPct      float64
	MinMgdL, MedianMgdL, MaxMgdL float64
	IQRMgdL, MADMgdL             float64
	PercentilesMgdL              []float64 // at ProfilePercentiles
	GMIPct, EA1CPct              float64
	JIndex                       float64
	Ranges                       Ranges
	Further                      []int64 // values in FurtherRanges
	Risk                         Risk
	LBGI, HBGI, BGRI             float64
	Grade                        Grade
	HypoIndex, HyperIndex, IGC   float64
	MValue, COGI                 float64
	LowSentinels, HighSentinels  int64   // values of 39 and of 401 mg/dL
	CensoredPct                  float64 // both, in percent of values
}

// Values computes them all.
func (d Distribution) Values(scores *Scores) Values {
	rules := scores.rules
	v := Values{
		N: d.n, MeanMgdL: d.Mean(), SDMgdL: d.SD(), CVPct: d.CV(),
		MinMgdL: d.Min(), MedianMgdL: d.Quantile(0.5), MaxMgdL: d.Max(),
		IQRMgdL: d.IQR(), MADMgdL: d.MAD(MADScale),
		PercentilesMgdL: d.percentiles(ProfilePercentiles()),
		JIndex:          d.JIndex(),
		Ranges:          d.Ranges(),
		Grade:           d.grade(scores.grade, rules),
		HypoIndex:       d.HypoIndex(rules.IndexLow),
		HyperIndex:      d.mean(scores.hyper),
		MValue:          d.mean(scores.mValue),
		COGI:            d.COGI(rules.COGI()),
		LowSentinels:    d.Within(LowSentinel, LowSentinel),
		HighSentinels:   d.Within(HighSentinel, HighSentinel),
	}
	v.IGC = v.HypoIndex + v.HyperIndex
	v.GMIPct, v.EA1CPct = GMI(v.MeanMgdL), EA1C(v.MeanMgdL)
	v.Risk = v.Ranges.GRI()
	v.LBGI, v.HBGI = d.indices(scores.risk, rules.RiskScale)
	v.BGRI = v.LBGI + v.HBGI
	v.CensoredPct = d.Pct(v.LowSentinels + v.HighSentinels)
	v.Further = d.further()
	return v
}
