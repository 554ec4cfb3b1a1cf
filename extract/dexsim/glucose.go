package dexsim

import (
	"math"
	"math/rand/v2"
	"time"
)

const slot = 5 * minute // step of the glucose curve

// A meal, a bout of exercise and a dose are what a life is made of; glucose
// follows from them, and so do the events in the app.
type meal struct {
	at    int64
	grams float64
}

type bout struct {
	at      int64
	minutes float64
}

// A life is what happened to a person and the glucose that came of it.
type life struct {
	meals  []meal
	bouts  []bout
	nights []int64   // local midnights
	origin int64     // instant of curve[0]
	curve  []float32 // mg/dL every 5 minutes
}

// live makes the person's life over their data, one local day after another;
// each day has its own generator.
func (p *person) live() *life {
	l := &life{origin: p.start - day}
	slots := int((p.end-l.origin)/slot) + 2
	stress := make([]float64, slots)
	for n := -1; ; n++ {
		midnight := p.dayStart(n)
		if midnight.UnixMilli() >= p.end {
			break
		}
		r := source(p.seed, forDay, uint64(midnight.Unix()))
		p.eat(l, stress, r, midnight)
		p.sleep(l, stress, r, midnight)
		p.move(l, stress, r, midnight)
	}
	l.curve = p.follow(stress)
	return l
}

// clock is the instant of a time of day, given in hours, with some spread.
func clock(r *rand.Rand, midnight time.Time, hours, spread float64) int64 {
	seconds := int((hours + spread*r.NormFloat64()) * 3600)
	y, m, d := midnight.Date()
	return time.Date(y, m, d, 0, 0, seconds, 0, midnight.Location()).UnixMilli()
}

func (p *person) eat(l *life, stress []float64, r *rand.Rand, midnight time.Time) {
	lieIn := 0.0
	if w := midnight.Weekday(); w == time.Saturday || w == time.Sunday {
		lieIn = 1.4
	}
	for _, m := range []struct{ hours, spread, chance, grams float64 }{
		{7.1 + lieIn, 0.5, 0.92, 45}, {12.6, 0.6, 0.95, 60}, {15.8, 0.7, 0.4, 20}, {18.8, 0.7, 0.97, 70}, {21.4, 0.5, 0.35, 20},
	} {
		at, size, rise, tau := clock(r, midnight, m.hours, m.spread), 0.5+r.Float64(), 0.5+r.Float64(), 50+30*r.Float64()
		fall, over := p.depth(50+35*r.Float64()), r.Float64() < p.overdoses
		if r.Float64() >= m.chance {
			continue
		}
		grams := math.Round(m.grams * size)
		l.meals = append(l.meals, meal{at, grams})
		addMeal(l, stress, at, p.appetite*rise*grams/32, tau)
		if over {
			addBump(l, stress, at+180*minute, -fall, 0.6)
		}
	}
}

// addMeal adds a rise that peaks after tau minutes and falls back, a little
// below where it came from.
func addMeal(l *life, stress []float64, at int64, height, tau float64) {
	for i := range 84 {
		x := float64(i) * 5 / tau
		dip := 0.25 * math.Exp(-(x-4.2)*(x-4.2)/1.5)
		add(l, stress, at+int64(i)*slot, height*(x*math.Exp(1-x)-dip))
	}
}

// addBump adds a bell of the given height and width (hours) around at.
func addBump(l *life, stress []float64, at int64, height, width float64) {
	reach := int(3 * width * 12)
	for i := -reach; i <= reach; i++ {
		x := float64(i) / 12 / width
		add(l, stress, at+int64(i)*slot, height*math.Exp(-x*x/2))
	}
}

func add(l *life, stress []float64, at int64, amount float64) {
	if i := (at - l.origin) / slot; i >= 0 && i < int64(len(stress)) {
		stress[i] += amount
	}
}

// depth is how far down, in spreads, a low of the given mg/dL lies.
func (b body) depth(mgdl float64) float64 { return math.Log(b.median/mgdl) / b.spread }

// sleep adds the dawn phenomenon and, in some nights, a low with a rebound.
func (p *person) sleep(l *life, stress []float64, r *rand.Rand, midnight time.Time) {
	l.nights = append(l.nights, midnight.UnixMilli())
	addBump(l, stress, clock(r, midnight, 6.2, 0.4), p.dawn*(0.6+0.8*r.Float64()), 1.2)
	low := clock(r, midnight, 3, 0.8)
	depth, rebound := p.depth(42+30*r.Float64()), 0.4+1.0*r.Float64()
	if r.Float64() < p.lowNights {
		addBump(l, stress, low, -depth, 0.7)
		addBump(l, stress, low+150*minute, rebound, 0.8)
	}
}

func (p *person) move(l *life, stress []float64, r *rand.Rand, midnight time.Time) {
	at, length := clock(r, midnight, 17, 2), 20+70*r.Float64()
	if r.Float64() >= p.active {
		return
	}
	l.bouts = append(l.bouts, bout{at, math.Round(length/5) * 5})
	addBump(l, stress, at+hour, -0.5-0.7*length/90, 0.9)
}

// follow turns stress (in spreads) into glucose: a slow drift of its own, a
// lognormal scale, and a limit of 3.6 mg/dL a minute to how fast it moves.
func (p *person) follow(stress []float64) []float32 {
	r := source(p.seed, forCurve)
	const keep, push = 0.983, 0.55 * 0.1836 // drift with sd 0.55 and a memory of 5 h
	const fastest = 3.6 * 5
	curve := make([]float32, len(stress))
	drift, last := 0.55*r.NormFloat64(), p.median
	for i, s := range stress {
		drift = keep*drift + push*r.NormFloat64()
		g := p.median * math.Exp(p.spread*(0.95*(s-0.55)+drift))
		last = min(max(g, last-fastest), last+fastest)
		curve[i] = float32(last)
	}
	return curve
}

// glucose is the curve at ms, on a line between two steps of it, and beyond
// its ends as at them.
func (l *life) glucose(ms int64) float64 {
	last := len(l.curve) - 1
	whole, rest := math.Modf(max(0, float64(ms-l.origin)/float64(slot)))
	i := int(whole)
	if i >= last {
		return float64(l.curve[last])
	}
	return float64(l.curve[i])*(1-rest) + float64(l.curve[i+1])*rest
}
