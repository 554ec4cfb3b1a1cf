package metrics

import "math"

// lag is a time in cells, one at least.
func (g *Grid) lag(minutes int) int {
	if g.StepMin == 0 {
		return 1
	}
	return max(1, int(math.RoundToEven(float64(minutes)/float64(g.StepMin))))
}

// differences returns the number of all f[i+lag] - f[i] that exist, where i advances by
// some cells, their sum, and that of their amounts.
func (g *Grid) differences(lag, advance int) (n, sum, amounts float64) {
	for i := lag; i < len(g.MgdL); i += advance {
		if d := g.MgdL[i] - g.MgdL[i-lag]; d == d {
			n++
			sum += d
			amounts += math.Abs(d)
		}
	}
	return n, sum, amounts
}

// squares returns the number of the same differences, and the sum of their squares from
// a mean.
func (g *Grid) squares(lag, advance int, mean float64) (n, sum float64) {
	for i := lag; i < len(g.MgdL); i += advance {
		if d := g.MgdL[i] - g.MgdL[i-lag]; d == d {
			n++
			sum += (d - mean) * (d - mean)
		}
	}
	return n, sum
}

// MAG is the mean absolute glucose change in mg/dL per hour (Hermanides 2010,
// doi 10.1097/CCM.0b013e3181cc4be9): Σ|f[t+s] - f[t]| over t = 0, s, 2s, …,
// divided by the hours that the differences span; s is stepMin, one cell at
// least. It depends strongly on the step. NaN without a difference.
func (g *Grid) MAG(stepMin int) float64 {
	lag := g.lag(stepMin)
	n, _, sum := g.differences(lag, lag)
	return sum / (n * float64(lag*g.StepMin) / 60)
}

// Lability is the lability index in (mg/dL)² per hour (Ryan 2004, doi
// 10.2337/diabetes.53.4.955): Σd² divided by the hours that the differences d
// span, of glucose an hour apart, at the full hours of the grid. Divided by
// 18.01559² it is in (mmol/L)² per hour. NaN without a difference.
func (g *Grid) Lability() float64 {
	lag := g.lag(60)
	n, sum := g.squares(lag, lag, 0)
	return sum / (n * float64(lag*g.StepMin) / 60)
}

// CONGA is the continuous overlapping net glycemic action in mg/dL (McDonnell
// 2005, doi 10.1089/dia.2005.7.253): the sample SD of f[t] - f[t - hours]. NaN
// below two differences.
func (g *Grid) CONGA(hours int) float64 {
	lag := g.lag(60 * hours)
	n, sum, _ := g.differences(lag, 1)
	_, squares := g.squares(lag, 1, sum/n)
	return sdOf(squares, n)
}

// GVP is the glycemic variability percentage (Peyser 2018, doi
// 10.1089/dia.2017.0187): by how many percent the line through the cells is
// longer than a flat one, 100·(Σ√(s² + d²)/Σs - 1), with s the step in minutes
// and d the change in mg/dL. NaN without two cells in a row.
func (g *Grid) GVP() float64 {
	step := float64(g.StepMin)
	var length, n float64
	for i := 1; i < len(g.MgdL); i++ {
		if d := g.MgdL[i] - g.MgdL[i-1]; d == d {
			length += math.Sqrt(step*step + d*d)
			n++
		}
	}
	return 100 * (length/(n*step) - 1)
}

// AUC is the area under the curve per hour, in mg/dL: the mean of the
// trapezoids between neighbouring cells that both have a value. By the rules of
// iglu the trapezoids join cells that are as many steps apart as the grid has
// days, as iglu 4.3 does. NaN without a trapezoid.
func (g *Grid) AUC() float64 {
	stride := 1
	if g.iglu {
		stride = max(1, g.Days())
	}
	var sum float64
	var n int
	for i := stride; i < len(g.MgdL); i++ {
		if pair := g.MgdL[i] + g.MgdL[i-stride]; !math.IsNaN(pair) {
			sum += pair / 2
			n++
		}
	}
	return sum / float64(n)
}

// SDwsh is the SD within series in mg/dL (Rodbard 2009, doi
// 10.1089/dia.2009.0015): the mean of the sample SDs of every hour of
// neighbouring cells that has two values or more. NaN without one.
func (g *Grid) SDwsh() float64 {
	width, f := g.lag(60), g.MgdL
	var sum, n float64
	since := 0 // cells with a value up to before the end of the hour
	for i := 1 - width; i+width <= len(f); i++ {
		end := i + width
		if v := f[end-1]; v == v {
			since++
		} else {
			since = 0
		}
		switch {
		case i < 0:
		case since >= width && width > 1 && end+3 <= len(f) && present(f[end:end+3]):
			a, b, c, d := fourSDs(f[i : end+3])
			sum = sum + a + b + c + d
			n += 4
			i, since = i+3, since+3
		default:
			if sd := sdOfPresent(f[i:end]); sd == sd {
				sum += sd
				n++
			}
		}
	}
	return sum / n
}

// present reports whether all cells have a value.
func present(cells []float64) bool {
	for _, v := range cells {
		if v != v {
			return false
		}
	}
	return true
}

// fourSDs are the sample SDs of all cells but the last three, and three times of as many
// a cell later. A processor computes the four side by side, nearly in the time of one.
func fourSDs(f []float64) (float64, float64, float64, float64) {
	end := len(f) - 3
	n := float64(end)
	var a, b, c, d float64
	for i := 0; i < end; i++ {
		a += f[i]
		b += f[i+1]
		c += f[i+2]
		d += f[i+3]
	}
	a, b, c, d = a/n, b/n, c/n, d/n
	var w, x, y, z float64
	for i := 0; i < end; i++ {
		w += (f[i] - a) * (f[i] - a)
		x += (f[i+1] - b) * (f[i+1] - b)
		y += (f[i+2] - c) * (f[i+2] - c)
		z += (f[i+3] - d) * (f[i+3] - d)
	}
	return sdOf(w, n), sdOf(x, n), sdOf(y, n), sdOf(z, n)
}

// sdOfPresent is the sample SD of the values that are not NaN.
func sdOfPresent(cells []float64) float64 {
	var sum, n float64
	for _, v := range cells {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	mean, squares := sum/n, 0.0
	for _, v := range cells {
		if !math.IsNaN(v) {
			squares += (v - mean) * (v - mean)
		}
	}
	return sdOf(squares, n)
}
