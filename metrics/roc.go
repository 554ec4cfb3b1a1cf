package metrics

import "math"

// rateLagMin is the time over which a rate of change is taken.
const rateLagMin = 15

// RateClasses is the number of classes of rates.
const RateClasses = 7

// A RateOfChange describes the rates of change in mg/dL per minute (Clarke and
// Kovatchev 2009, doi 10.1089/dia.2008.0138): (f[t] - f[t - 15 min])/15 at every
// cell.
type RateOfChange struct {
	N                                 int
	MeanMgdLPerMin, MeanAbsMgdLPerMin float64
	SDMgdLPerMin                      float64 // sample SD, NaN below two rates
	MinMgdLPerMin, MaxMgdLPerMin      float64
	ClassPct                          [RateClasses]float64 // < -3, -3 to < -2, -2 to < -1, -1 to 1, > 1 to 2, > 2 to 3, > 3
}

// RateOfChange describes the rates over 15 minutes, or over a cell where it is
// longer. All but N is NaN without a rate.
func (g *Grid) RateOfChange() RateOfChange { return g.rateOver(rateLagMin) }

func (g *Grid) rateOver(minutes int) RateOfChange {
	lag := g.lag(minutes)
	over := float64(lag * g.StepMin)
	r := RateOfChange{MinMgdLPerMin: math.Inf(1), MaxMgdLPerMin: math.Inf(-1)}
	var count [RateClasses]int
	var sum, sumAbs float64
	rates := g.scratch[:0]
	for i := lag; i < len(g.MgdL); i++ {
		rate := (g.MgdL[i] - g.MgdL[i-lag]) / over
		if rate != rate {
			continue
		}
		rates = append(rates, rate)
		sum += rate
		sumAbs += math.Abs(rate)
		r.MinMgdLPerMin, r.MaxMgdLPerMin = min(r.MinMgdLPerMin, rate), max(r.MaxMgdLPerMin, rate)
		count[rateClass(rate)]++
	}
	g.scratch, r.N = rates, len(rates)
	n := float64(r.N)
	r.MeanMgdLPerMin, r.MeanAbsMgdLPerMin, r.SDMgdLPerMin = sum/n, sumAbs/n, sdFrom(sum/n, rates)
	for i, c := range count {
		r.ClassPct[i] = 100 * float64(c) / n
	}
	if r.N == 0 {
		r.MinMgdLPerMin, r.MaxMgdLPerMin = math.NaN(), math.NaN()
	}
	return r
}

// rateClass is the class of a rate; a bound belongs to the class nearer to 0.
func rateClass(rate float64) int {
	switch {
	case rate < -3:
		return 0
	case rate < -2:
		return 1
	case rate < -1:
		return 2
	case rate <= 1:
		return 3
	case rate <= 2:
		return 4
	case rate <= 3:
		return 5
	default:
		return 6
	}
}
