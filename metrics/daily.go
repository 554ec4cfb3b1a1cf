package metrics

import "math"

// A Daily holds what is computed of a grid's days and times of day. It is the
// family of Rodbard 2009 (doi 10.1089/dia.2009.0015). SD is the sample SD. A day
// or time of day without enough values does not count.
type Daily struct {
	CVMeanPct  float64 // mean of the days' CVs, 100·SD/mean; NaN without a day of two values
	CVSDPct    float64 // SD of the days' CVs; NaN below two such days
	SDwMgdL    float64 // mean of the days' SDs; NaN without a day of two values
	SDdmMgdL   float64 // SD of the days' means; NaN below two days
	SDhhmmMgdL float64 // SD of the mean day, of the means over days at each time of day; NaN below two times
	SDbMgdL    float64 // mean over times of day of the SD over days; NaN where no time of day has two days
	SDbdmMgdL  float64 // SDb after each day's mean was subtracted
}

// Daily computes the metrics of days. A cell that the clock passed twice counts
// with both values in its day, and with the later one at its time of day.
func (g *Grid) Daily() Daily {
	var d Daily
	var means, sds, cvs []float64
	offsets := make([]float64, g.Days())
	d.SDhhmmMgdL, d.SDbMgdL = g.timesOfDay(offsets)
	for day := range g.Days() {
		values := g.dayValues(day)
		if len(values) == 0 {
			continue
		}
		mean := Mean(values)
		means = append(means, mean)
		offsets[day] = mean
		if len(values) > 1 {
			sd := sdFrom(mean, values)
			sds = append(sds, sd)
			cvs = append(cvs, 100*sd/mean)
		}
	}
	d.CVMeanPct, d.CVSDPct, d.SDwMgdL, d.SDdmMgdL = Mean(cvs), SD(cvs), Mean(sds), SD(means)
	_, d.SDbdmMgdL = g.timesOfDay(offsets)
	return d
}

// dayValues returns the values of a day in the grid's scratch.
func (g *Grid) dayValues(day int) []float64 {
	found := g.scratch[:0]
	for _, v := range g.Row(day) {
		if !math.IsNaN(v) {
			found = append(found, v)
		}
	}
	for _, e := range g.again {
		if e.row == day {
			found = append(found, e.mgdl)
		}
	}
	g.scratch = found
	return found
}

// A column is what the days say of one time of day.
type column struct{ n, mean, squares float64 }

// timesOfDay returns the SD of the means at each time of day and the mean of
// the SDs there, after the offset of each day was subtracted.
func (g *Grid) timesOfDay(offsets []float64) (sdOfMeans, meanOfSDs float64) {
	columns := g.columnMeans(offsets)
	for day := range g.Days() {
		for k, v := range g.Row(day) {
			if !math.IsNaN(v) {
				d := v - offsets[day] - columns[k].mean
				columns[k].squares += d * d
			}
		}
	}
	means := g.scratch[:0]
	var sum, n float64
	for _, c := range columns {
		if c.n > 0 {
			means = append(means, c.mean)
		}
		if c.n > 1 {
			sum += math.Sqrt(c.squares / (c.n - 1))
			n++
		}
	}
	g.scratch = means
	return SD(means), sum / n
}

func (g *Grid) columnMeans(offsets []float64) []column {
	g.columns = append(g.columns[:0], make([]column, g.perDay)...)
	for day := range g.Days() {
		for k, v := range g.Row(day) {
			if !math.IsNaN(v) {
				g.columns[k].n++
				g.columns[k].mean += v - offsets[day]
			}
		}
	}
	for k := range g.columns {
		g.columns[k].mean /= g.columns[k].n
	}
	return g.columns
}

// MODD is the mean of daily differences in mg/dL (Molnar 1972, doi
// 10.1007/BF01218495): the mean of |G[d + lag] - G[d]| at the same time of day,
// of days that are lag apart, 1 or 2. NaN without a pair.
func (g *Grid) MODD(lagDays int) float64 {
	n, _, sum := g.differences(lagDays*int(g.perDay), 1)
	return sum / n
}
