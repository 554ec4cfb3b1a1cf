package metrics

import "math"

// excursionMgdL is the swing that an excursion exceeds.
const excursionMgdL = 75

// Excursions is how many excursions a day of values has: swings up or down by
// more than 75 mg/dL from one turning point to the next, each counted. A gap ends
// a swing. NaN without cells.
func (g *Grid) Excursions() float64 {
	var swings int
	var s swing
	for _, v := range g.MgdL {
		if math.IsNaN(v) {
			s = swing{}
			continue
		}
		if s.step(v) {
			swings++
		}
	}
	return float64(swings) / (float64(g.Points*g.StepMin) / 1440)
}

// A swing follows a line between its turning points.
type swing struct {
	begun     bool
	going     int     // up 1, down -1, 0 as long as no swing counted
	low, high float64 // since the last turning point
}

// step takes the next value and tells whether a new swing began to count.
func (s *swing) step(v float64) bool {
	if !s.begun {
		*s = swing{begun: true, low: v, high: v}
	}
	switch {
	case s.going <= 0 && v-s.low > excursionMgdL:
		*s = swing{true, 1, v, v}
		return true
	case s.going >= 0 && s.high-v > excursionMgdL:
		*s = swing{true, -1, v, v}
		return true
	}
	s.low, s.high = min(s.low, v), max(s.high, v)
	return false
}

// distance is the distance travelled in mg/dL: Σ|Δ| of successive readings as
// they are, neither interpolated nor cut at gaps, so that it depends on the
// cadence. 0 of one reading, NaN of none.
func distance(glucose []float64) float64 {
	if len(glucose) == 0 {
		return math.NaN()
	}
	var sum float64
	for i := 1; i < len(glucose); i++ {
		sum += math.Abs(glucose[i] - glucose[i-1])
	}
	return sum
}
