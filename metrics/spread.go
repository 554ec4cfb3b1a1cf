package metrics

import (
	"cmp"
	"math"
	"slices"
)

// MADScale makes the median absolute deviation of a normal distribution its
// standard deviation.
const MADScale = 1.4826

// Mean is Σg/n in mg/dL.
func (d Distribution) Mean() float64 {
	var sum float64
	for _, p := range d.pairs {
		sum += float64(p.N) * p.MgdL
	}
	return sum / float64(d.n)
}

// SD is the sample standard deviation √(Σ(g-m)²/(n-1)) in mg/dL; NaN below two
// values.
func (d Distribution) SD() float64 {
	if d.n < 2 {
		return math.NaN()
	}
	var squares float64
	m := d.Mean()
	for _, p := range d.pairs {
		squares += float64(p.N) * (p.MgdL - m) * (p.MgdL - m)
	}
	return math.Sqrt(squares / float64(d.n-1))
}

// CV is 100·SD/mean in percent; NaN below two values, and of a mean of 0.
func (d Distribution) CV() float64 {
	if m := d.Mean(); m != 0 {
		return 100 * d.SD() / m
	}
	return math.NaN()
}

// Min is the lowest value in mg/dL.
func (d Distribution) Min() float64 { return d.at(0) }

// Max is the highest value in mg/dL.
func (d Distribution) Max() float64 { return d.at(d.n - 1) }

// percentiles are quantiles at some percents.
func (d Distribution) percentiles(at []float64) []float64 {
	result := make([]float64, len(at))
	for i, p := range at {
		result[i] = d.Quantile(p / 100)
	}
	return result
}

// at is the value of a rank, from 0; NaN of no values.
func (d Distribution) at(rank int64) float64 {
	for _, p := range d.pairs {
		if rank < p.N {
			return p.MgdL
		}
		rank -= p.N
	}
	return math.NaN()
}

// Quantile is the p-quantile, 0 to 1, by linear interpolation between order
// statistics: type 7 of Hyndman and Fan 1996, the default of R and DuckDB's
// quantile_cont.
func (d Distribution) Quantile(p float64) float64 {
	rank := p * float64(d.n-1)
	whole := math.Floor(rank)
	low := d.at(int64(whole))
	if rank == whole {
		return low
	}
	return low + (rank-whole)*(d.at(int64(whole)+1)-low)
}

// IQR is the interquartile range in mg/dL: the 0.75-quantile less the
// 0.25-quantile.
func (d Distribution) IQR() float64 { return d.Quantile(0.75) - d.Quantile(0.25) }

// MAD is the median absolute deviation from the median in mg/dL, times scale:
// MADScale, or 1.
func (d Distribution) MAD(scale float64) float64 {
	median := d.Quantile(0.5)
	away := make([]Weighted, len(d.pairs))
	for i, p := range d.pairs {
		away[i] = Weighted{math.Abs(p.MgdL - median), p.N}
	}
	slices.SortFunc(away, func(a, b Weighted) int { return cmp.Compare(a.MgdL, b.MgdL) })
	return scale * Distribution{away, d.n}.Quantile(0.5)
}

// JIndex is 0.001·(mean+SD)² (Wojcicki 1995, doi 10.1055/s-2007-979906); NaN
// below two values.
func (d Distribution) JIndex() float64 {
	sum := d.Mean() + d.SD()
	return 0.001 * sum * sum
}
