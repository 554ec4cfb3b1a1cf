package dexsim

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A kind is a sort of user: which devices are worn, where, and what they send.
type kind struct {
	name                            string
	generation, variant, app        string
	phone                           string // iOS or android; empty: none
	receiver                        bool
	zone                            string
	sensorLife, transmitterLife     int64 // ms; a G7's transmitter lives as long as its sensor
	warmup                          int64
	noEvents, calibrates, fewAlerts bool
	overlapping, traveller          bool
}

const away = "Europe/Berlin" // where the traveller goes

// kinds are what generated users cycle through.
func kinds() []kind {
	g7 := kind{generation: "g7", variant: "g7", app: "G7", sensorLife: 10 * day, transmitterLife: 10 * day, warmup: 30 * minute}
	g6 := kind{generation: "g6", variant: "g6", app: "G6", sensorLife: 10 * day, transmitterLife: 90 * day, warmup: 2 * hour}
	with := func(base kind, name, phone, zone string, change func(*kind)) kind {
		base.name, base.phone, base.zone = name, phone, zone
		change(&base)
		return base
	}
	same := func(*kind) {}
	return []kind{
		with(g7, "G7 on iOS", "iOS", "America/New_York", same),
		with(g6, "G6 on android", "android", "America/Los_Angeles", func(k *kind) { k.calibrates = true }),
		with(g6, "G6 on a receiver", "", "America/Chicago", func(k *kind) { k.receiver = true }),
		with(g6, "G6 on phone and receiver", "android", "Europe/Berlin", func(k *kind) { k.receiver, k.calibrates = true, true }),
		with(g7, "G7 15 Day on iOS", "iOS", "America/New_York", func(k *kind) {
			k.variant, k.sensorLife, k.transmitterLife = "g715day", 15*day, 15*day
		}),
		with(g7, "ONE+ on android", "android", "Asia/Kolkata", func(k *kind) { k.variant, k.app, k.fewAlerts = "d1+", "D1G7", true }),
		with(g6, "ONE on iOS", "iOS", "Europe/London", func(k *kind) { k.app, k.noEvents = "DexcomOne", true }),
		with(g7, "G7 with two sensors at once", "iOS", "Australia/Adelaide", func(k *kind) { k.overlapping = true }),
		with(g7, "G7 on a journey", "iOS", "America/New_York", func(k *kind) { k.traveller = true }),
		with(g6, "G6 on iOS", "iOS", "Asia/Kathmandu", func(k *kind) { k.calibrates = true }),
	}
}

// A person is one user of the simulated Dexcom: who they are, not their
// records. Immutable.
type person struct {
	kind
	name          string // what they sign in with
	participantID string
	index         int
	seed          uint64 // of everything about this person
	empty         bool   // has an account and no data
	replay        *Series

	home, journey *time.Location
	start, end    int64 // data exist in [start, end)
	leave, back   int64 // away from home in [leave, back)
	body
}

// A body is a person's physiology and habits. Glucose is lognormal around
// median with spread, shaped by meals, sleep and movement.
type body struct {
	median, spread float64
	dawn           float64 // rise before getting up, in spreads
	lowNights      float64 // share of nights with a low
	overdoses      float64 // share of meals with too much insulin
	appetite       float64
	entry          float64 // share of meals entered in the app
	active         float64 // bouts of exercise a day
	gapsPerDay     float64
	highAlert      float64 // mg/dL
}

// newPerson makes the generated user with the given index.
func newPerson(cfg Config, index int) (*person, error) {
	all := kinds()
	seed := hash(cfg.Seed, forPerson, uint64(index))
	p := &person{
		kind: all[index%len(all)], name: fmt.Sprintf("P%03d", index+1), index: index, seed: seed,
		empty: cfg.Participants >= 5 && index == cfg.Participants-1,
		start: cfg.End.AddDate(0, 0, -cfg.Days).UnixMilli(), end: cfg.End.UnixMilli(),
		body: newBody(seed, index),
	}
	p.participantID = p.name
	p.receiver = p.receiver && !(cfg.OneDevice && p.phone != "")
	var err error
	if p.home, err = time.LoadLocation(p.zone); err != nil {
		return nil, fmt.Errorf("time zone of %s: %w", p.kind.name, err)
	}
	if p.journey, err = time.LoadLocation(away); err != nil {
		return nil, fmt.Errorf("time zone of %s: %w", p.kind.name, err)
	}
	if p.traveller {
		span := p.end - p.start
		p.leave = p.start + span/2
		p.back = p.leave + min(7*day, span/3)
	}
	return p, nil
}

// newBody draws a physiology. Control is spread evenly over the indices by
// the golden ratio, so that even a small cohort has all sorts.
func newBody(seed uint64, index int) body {
	r := source(seed, forPerson)
	_, poor := math.Modf(0.5 + float64(index)*0.6180339887)
	return body{
		median:     110 + 92*poor,
		spread:     0.23 + 0.04*poor + 0.12*r.Float64()*(0.4+0.6*poor),
		dawn:       0.8 * r.Float64(),
		lowNights:  0.04 + 0.5*r.Float64()*r.Float64(),
		overdoses:  0.3 * r.Float64() * r.Float64(),
		appetite:   0.8 + 0.5*r.Float64(),
		entry:      0.5 + 0.45*r.Float64(),
		active:     0.1 + 0.5*r.Float64(),
		gapsPerDay: 0.1 + 0.5*r.Float64()*r.Float64(),
		highAlert:  180 + 10*float64(r.IntN(13)),
	}
}

// zoneAt is the time zone in which the person is.
func (p *person) zoneAt(ms int64) *time.Location {
	if ms >= p.leave && ms < p.back {
		return p.journey
	}
	return p.home
}

// offsetAt is the person's wall clock ahead of UTC, in seconds.
func (p *person) offsetAt(ms int64) int {
	_, offset := time.UnixMilli(ms).In(p.zoneAt(ms)).Zone()
	return offset
}

// dayStart is local midnight of the n-th day after the data's first.
func (p *person) dayStart(n int) time.Time {
	first := time.UnixMilli(p.start).In(p.home)
	return time.Date(first.Year(), first.Month(), first.Day()+n, 0, 0, 0, 0, p.home)
}

// A device is something that shows glucose and uploads it.
type device uint8

const (
	phone device = iota
	receiver
)

// main is the device that events are entered on and alerts sound on.
func (p *person) main() device {
	if p.kind.phone == "" {
		return receiver
	}
	return phone
}

func (p *person) devices() []device {
	var list []device
	if p.kind.phone != "" {
		list = append(list, phone)
	}
	if p.kind.receiver {
		list = append(list, receiver)
	}
	return list
}

// shows names the device and its app as the API does.
func (p *person) shows(d device) (displayDevice, app string) {
	if d == receiver {
		return "receiver", "receiver"
	}
	return p.kind.phone, p.app
}

// offset is the device's displayTime ahead of its systemTime, in seconds. A
// receiver's display drifts by 3 s a day until someone sets it, every 80 days.
func (p *person) offset(d device, ms int64) int {
	if d == phone {
		return p.offsetAt(ms)
	}
	return p.offsetAt(ms) + int(ms/day%80)*3
}

// delay is how long Dexcom holds back what a device has uploaded: an hour in
// the United States, three elsewhere, nothing for receivers.
func (p *person) delay(d device) int64 {
	switch {
	case d == receiver:
		return 0
	case strings.HasPrefix(p.zone, "America/"):
		return hour
	}
	return 3 * hour
}
