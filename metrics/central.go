package metrics

import (
	"math"
	"slices"
)

// Mean is the arithmetic mean, NaN of nothing.
func Mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// SD is the sample standard deviation (n - 1), NaN below two values.
func SD(values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	mean := Mean(values)
	var sum float64
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// Quantile is the p-quantile, 0 to 1, by linear interpolation between order
// statistics: type 7 of Hyndman and Fan 1996, the default of R and DuckDB's
// quantile_cont. NaN of nothing. The values need not be sorted and stay as
// they are.
func Quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return quantileSorted(slices.Sorted(slices.Values(values)), p)
}

func quantileSorted(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// GMI is the glucose management indicator in percent (Bergenstal 2018, doi
// 10.2337/dc18-1581). It is meant for 14 days that are sufficient.
func GMI(meanMgdL float64) float64 { return 3.31 + 0.02392*meanMgdL }

// EA1C is the estimated HbA1c in percent (ADAG; Nathan 2008, doi
// 10.2337/dc08-0545).
func EA1C(meanMgdL float64) float64 { return (meanMgdL + 46.7) / 28.7 }
