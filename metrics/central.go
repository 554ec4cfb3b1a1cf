package metrics

import "math"

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
	return sdFrom(Mean(values), values)
}

// sdFrom is the sample SD of values whose mean is known.
func sdFrom(mean float64, values []float64) float64 {
	var squares float64
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return sdOf(squares, float64(len(values)))
}

// sdOf is the sample SD of n values, given the sum of squares from their mean.
func sdOf(squares, n float64) float64 {
	if n < 2 {
		return math.NaN()
	}
	return math.Sqrt(squares / (n - 1))
}

// Quantile is the p-quantile of values, which stay as they are; see
// [Distribution.Quantile].
func Quantile(values []float64, p float64) float64 {
	return Distribute(values).Quantile(p)
}

// GMI is the glucose management indicator in percent (Bergenstal 2018, doi
// 10.2337/dc18-1581). It is meant for 14 days that are sufficient.
func GMI(meanMgdL float64) float64 { return 3.31 + 0.02392*meanMgdL }

// EA1C is the estimated HbA1c in percent (ADAG; Nathan 2008, doi
// 10.2337/dc08-0545).
func EA1C(meanMgdL float64) float64 { return (meanMgdL + 46.7) / 28.7 }
