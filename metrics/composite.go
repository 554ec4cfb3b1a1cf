package metrics

import "math"

// A COGIRule weighs the parts of the continuous glucose monitoring index.
type COGIRule struct {
	Low, High                 float64 // mg/dL; the range, both inclusive
	InRange, Below, Variation float64 // weights of the parts
	MgdLPerMmol               float64
}

// COGI returns the published rule (Leelarathna 2020, doi
// 10.1177/1932296819838525): 50 percent time in range, 35 percent time below
// it, 15 percent variation.
func (r ValueRules) COGI() COGIRule {
	return COGIRule{70, 180, 0.5, 0.35, 0.15, r.MgdLPerMmol}
}

// COGI is 100·(w₁·TIR + w₂·(1-TBR/15 %) + w₃·(6-SD)/5), with SD in mmol/L and
// each part held between 0 and 1; NaN below two values.
func (d Distribution) COGI(rule COGIRule) float64 {
	n := float64(d.n)
	inRange := float64(d.Within(rule.Low, rule.High)) / n
	below := 1 - float64(d.Below(rule.Low))/n/0.15
	variation := (6 - d.SD()/rule.MgdLPerMmol) / 5
	return 100 * (rule.InRange*inRange + rule.Below*unit(below) + rule.Variation*unit(variation))
}

// unit holds x between 0 and 1; NaN stays.
func unit(x float64) float64 { return math.Max(0, math.Min(1, x)) }

// A PGSInput is what the personal glycemic state is made of.
type PGSInput struct {
	GVPPct           float64 // glycemic variability percentage
	TIRPct           float64 // 70 to 180 mg/dL
	MeanMgdL         float64
	Hypo1OnlyPerWeek float64 // episodes below 70 mg/dL that do not reach level 2; see PGSEpisodes
	Hypo2PerWeek     float64 // episodes below 54 mg/dL
}

// PGS is the personal glycemic state, low is better (Hirsch 2017, doi
// 10.1089/dia.2017.0080): the sum of its parts for variability, time in
// range, mean and hypoglycemia. It has no unit and is not Nightscout's "PGS".
// NaN if a part is.
func PGS(in PGSInput) float64 {
	variability := 1 + 9*logistic(0.049*(in.GVPPct-65.47))
	inRange := 1 + 9*logistic(-0.0833*(in.TIRPct-55.04))
	mean := 1 + 9*(logistic(-0.1139*(in.MeanMgdL-72.08))+logistic(0.09195*(in.MeanMgdL-157.57)))
	// One a week makes it 3. The manual of iglu prints 0.91093, but it calculates
	// with this.
	severe := 0.5 + 4.5*(1-math.Exp(-0.81093*in.Hypo2PerWeek))
	mild := 0.5714*in.Hypo1OnlyPerWeek + 0.625
	if in.Hypo1OnlyPerWeek > 7.65 {
		mild = 5
	}
	return variability + inRange + mean + severe + mild
}

// PGS is the personal glycemic state of a trace, whose values are d, with their
// glycemic variability percentage. It tells from few days what it would be in a
// week.
func (t *Trace) PGS(d Distribution, gvpPct float64) float64 {
	episodes, days := t.Episodes(PGSEpisodes()), t.ExposureDays()
	return PGS(PGSInput{
		GVPPct: gvpPct, TIRPct: d.Pct(d.Within(70, 180)), MeanMgdL: d.Mean(),
		Hypo1OnlyPerWeek: RateOf(episodes, days, OnlyLevel1(Hypo1)).PerWeek,
		Hypo2PerWeek:     RateOf(episodes, days, Of(Hypo2)).PerWeek,
	})
}

// logistic rises from 0 to 1, and is a half at 0.
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
