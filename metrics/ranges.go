package metrics

import "math"

// Ranges counts values, or adds up their minutes, in the five exclusive classes
// of the consensus (Battelino 2019, doi 10.2337/dci19-0028), and in the tight
// range, which is part of the third.
type Ranges struct {
	VeryLow  int // < 54
	Low      int // 54 to < 70
	InRange  int // 70 to 180, both inclusive
	High     int // > 180 to 250 inclusive
	VeryHigh int // > 250
	Tight    int // 70 to 140, both inclusive
}

// CountRanges counts values in mg/dL.
func CountRanges(values []float64) Ranges { return Distribute(values).Ranges() }

// rangeMinutes adds up the minutes that readings with a value stand for.
func rangeMinutes(valued []Reading) Ranges {
	var r Ranges
	for _, reading := range valued {
		r.add(reading.GlucoseMgdL, reading.cadence())
	}
	return r
}

// add adds n to the classes of a value.
func (r *Ranges) add(g float64, n int) {
	switch {
	case g < 54:
		r.VeryLow += n
	case g < 70:
		r.Low += n
	case g <= 180:
		r.InRange += n
	case g <= 250:
		r.High += n
	default:
		r.VeryHigh += n
	}
	if g >= 70 && g <= 140 {
		r.Tight += n
	}
}

// N is the number of values counted.
func (r Ranges) N() int { return r.VeryLow + r.Low + r.InRange + r.High + r.VeryHigh }

// Pct is n in percent of all values, NaN of nothing.
func (r Ranges) Pct(n int) float64 { return 100 * float64(n) / float64(r.N()) }

// A Risk is the glycemia risk index (Klonoff 2022, doi
// 10.1177/19322968221085273).
type Risk struct {
	GRI   float64 // 0 to 100; 3.0 Hypo + 1.6 Hyper, capped
	Hypo  float64 // percent very low + 0.8 percent low
	Hyper float64 // percent very high + 0.5 percent high
}

// GRI computes the glycemia risk index; NaN of nothing. It is computed from the
// counts, so that a bound of a zone is met exactly.
func (r Ranges) GRI() Risk {
	weighted := 10 * (30*r.VeryLow + 24*r.Low + 16*r.VeryHigh + 8*r.High)
	return Risk{
		GRI:   math.Min(100, float64(weighted)/float64(r.N())),
		Hypo:  r.Pct(r.VeryLow) + 0.8*r.Pct(r.Low),
		Hyper: r.Pct(r.VeryHigh) + 0.5*r.Pct(r.High),
	}
}

// Zone is the zone of the index, A (best) to E; empty for NaN. Bounds belong
// to the better zone and compare with the unrounded index.
func (r Risk) Zone() string {
	switch {
	case math.IsNaN(r.GRI):
		return ""
	case r.GRI <= 20:
		return "A"
	case r.GRI <= 40:
		return "B"
	case r.GRI <= 60:
		return "C"
	case r.GRI <= 80:
		return "D"
	default:
		return "E"
	}
}
