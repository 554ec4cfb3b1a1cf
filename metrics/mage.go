package metrics

import "math"

// A MAGE is the mean amplitude of glycemic excursions in mg/dL (Service 1970,
// doi 10.2337/diab.19.9.644), of turning points that two moving averages find
// (Fernandes 2022, doi 10.1177/19322968211061165), on a grid of 5 minutes.
//
// The grid is cut where more than 3 hours have no value. A segment counts with
// 32 cells or more and an SD of 1 mg/dL or more, in proportion to its length.
// Everything is NaN without a segment that has an excursion.
type MAGE struct {
	AvgMgdL     float64 // mean of the next two; of a segment with one of them, that one
	PlusMgdL    float64 // rises from nadir to peak of one SD or more
	MinusMgdL   float64 // falls from peak to nadir of one SD or more
	ServiceMgdL float64 // one of these two, whichever excursion a segment has first
	MaxMgdL     float64 // the larger of the two
}

// MAGERules are the parameters of [Grid.MAGE].
type MAGERules struct {
	ShortCells, LongCells int // widths of the moving averages
	MaxGapMin             int // a longer run of cells without a value ends a segment
}

// MAGEDefault are the rules of both presets, which are the defaults of iglu 4.3.
func MAGEDefault() MAGERules { return MAGERules{ShortCells: 5, LongCells: 32, MaxGapMin: 180} }

// mageStepMin is the step of the grid that MAGE goes by.
const mageStepMin = 5

// MAGE computes the amplitudes of excursions. The grid must have 5-minute steps.
func (g *Grid) MAGE(rules MAGERules) MAGE {
	var avg, plus, minus, service, larger weighted
	for f := range segments(g.MgdL, rules.MaxGapMin/g.StepMin) {
		m := g.mageOf(f, rules)
		length := float64(len(f) - 1)
		avg.add(m.AvgMgdL, length)
		plus.add(m.PlusMgdL, length)
		minus.add(m.MinusMgdL, length)
		service.add(m.ServiceMgdL, length)
		larger.add(m.MaxMgdL, length)
	}
	return MAGE{avg.mean(), plus.mean(), minus.mean(), service.mean(), larger.mean()}
}

// weighted is a weighted mean of what is not NaN.
type weighted struct{ sum, weight float64 }

func (w *weighted) add(v, weight float64) {
	if !math.IsNaN(v) {
		w.sum += v * weight
		w.weight += weight
	}
}

func (w *weighted) mean() float64 { return w.sum / w.weight }

// segments yields the parts of f between runs of NaN that are longer than
// maxRun, without NaN at their ends.
func segments(f []float64, maxRun int) func(func([]float64) bool) {
	return func(yield func([]float64) bool) {
		first, last := -1, -1
		for i, v := range f {
			if v != v {
				continue
			}
			if first >= 0 && i-last-1 > maxRun {
				if !yield(f[first : last+1]) {
					return
				}
				first = i
			}
			if first < 0 {
				first = i
			}
			last = i
		}
		if first >= 0 {
			yield(f[first : last+1])
		}
	}
}

// mageOf is the MAGE of one segment.
func (g *Grid) mageOf(f []float64, rules MAGERules) MAGE {
	sd := sdOfPresent(f)
	if len(f) < rules.LongCells || !(sd >= 1) {
		nan := math.NaN()
		return MAGE{nan, nan, nan, nan, nan}
	}
	turns := g.turningPoints(f, rules)
	plus, rise := excursions(turns, sd, 1)
	minus, fall := excursions(turns, sd, -1)
	switch {
	case math.IsNaN(plus):
		return MAGE{minus, plus, minus, minus, minus}
	case math.IsNaN(minus):
		return MAGE{plus, plus, minus, plus, plus}
	}
	m := MAGE{(plus + minus) / 2, plus, minus, minus, max(plus, minus)}
	if rise <= fall {
		m.ServiceMgdL = plus
	}
	return m
}

// excursions is the mean of the excursions of one SD or more among turning
// points, which alternate: of rises for sign 1, of falls for -1. Each begins at
// the deepest nadir since the one before, and reaches to the highest peak before
// a fall of more than one SD. first is the place of the first one's peak.
func excursions(turns []float64, sd, sign float64) (mean float64, first int) {
	var sum, n float64
	first = len(turns)
	for from := 0; from < len(turns); {
		nadir, peak := riseFrom(turns[from:], sd, sign)
		if peak < 0 {
			break
		}
		from += peak
		sum += sign*turns[from] - nadir
		n++
		first = min(first, from)
	}
	return sum / n, first
}

// riseFrom returns the nadir of the first excursion and the place of its peak,
// -1 without one.
func riseFrom(turns []float64, sd, sign float64) (nadir float64, peak int) {
	nadir, peak = sign*turns[0], -1
	for i, v := range turns {
		v *= sign
		switch {
		case peak < 0 && v-nadir >= sd:
			peak = i
		case peak < 0:
			nadir = min(nadir, v)
		case sign*turns[peak]-v > sd:
			return nadir, peak
		case v > sign*turns[peak]:
			peak = i
		}
	}
	return nadir, peak
}

// naiveMAGE is the mean distance from the mean, in mg/dL, of the readings that
// are more than one SD from it. NaN without one.
func naiveMAGE(glucose []float64) float64 {
	mean := Mean(glucose)
	sd := sdFrom(mean, glucose)
	var far weighted
	for _, v := range glucose {
		if d := math.Abs(v - mean); d > sd {
			far.add(d, 1)
		}
	}
	return far.mean()
}
