package dexsim

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// An alarm is one alert that is watched: its name, and whether it should
// sound at a reading.
type alarm struct {
	name   string
	sounds func(reading) bool
	active bool
}

// Alert thresholds in mg/dL and mg/dL/min, as the devices list them too.
const (
	lowAlert       = 70
	urgentLowAlert = 55
	rateAlert      = 3
	lossAlert      = 20 * minute
)

func (p *person) alarms() []*alarm {
	list := []*alarm{
		{name: "high", sounds: func(m reading) bool { return m.value > p.highAlert }},
		{name: "low", sounds: func(m reading) bool { return m.value < lowAlert }},
	}
	if p.fewAlerts {
		return list
	}
	rate := func(m reading) float64 {
		if m.rate == noRate {
			return 0
		}
		return float64(m.rate) / 10
	}
	return append(list,
		&alarm{name: "urgentLow", sounds: func(m reading) bool { return m.value < urgentLowAlert }},
		&alarm{name: "urgentLowSoon", sounds: func(m reading) bool {
			return m.value >= urgentLowAlert && m.value < 100 && m.value+20*rate(m) < urgentLowAlert
		}},
		&alarm{name: "rise", sounds: func(m reading) bool { return rate(m) >= rateAlert }},
		&alarm{name: "fall", sounds: func(m reading) bool { return rate(m) <= -rateAlert }},
	)
}

// alerts follow from the readings: an alarm when a threshold is crossed, often
// snoozed, inactive when it is over; and signal loss when readings stop.
func (b recorder) alerts(readings []reading) []record {
	p := b.person
	r := source(p.seed, forAlert)
	var list []record
	tell := func(at int64, name, state string) {
		if at < p.end {
			list = append(list, b.record(at, &Alert{Common: b.common(at, forAlert, uint64(len(list))), Name: name, State: state}))
		}
	}
	alarms := p.alarms()
	for i, m := range readings {
		if i > 0 {
			b.signalLoss(tell, readings[i-1], m)
		}
		for _, a := range alarms {
			a.watch(r, tell, m)
		}
	}
	slices.SortStableFunc(list, func(a, b record) int { return cmp.Compare(a.at, b.at) })
	return list
}

// watch tells of a's changes of state at m.
func (a *alarm) watch(r *rand.Rand, tell func(int64, string, string), m reading) {
	sounds := a.sounds(m)
	switch {
	case sounds && !a.active:
		tell(m.at+2*second, a.name, "activeAlarming")
		if r.Float64() < 0.4 {
			tell(m.at+second*int64(10+r.IntN(240)), a.name, "activeSnoozed")
		}
	case !sounds && a.active:
		tell(m.at+second, a.name, "inactive")
	}
	a.active = sounds
}

// signalLoss tells of a stretch without readings of one sensor.
func (b recorder) signalLoss(tell func(int64, string, string), last, next reading) {
	if next.session != last.session || next.at-last.at <= lossAlert {
		return
	}
	name := "outOfRange"
	if b.person.generation == "g6" && last.moment%2 == 0 {
		name = "noReadings"
	}
	tell(last.at+lossAlert, name, "activeAlarming")
	tell(next.at, name, "inactive")
}
