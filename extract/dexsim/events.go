package dexsim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// events are the entries of a life: meals with insulin, long-acting insulin
// at night, exercise, and now and then how one feels, a fingerstick, a note.
func (b recorder) events(l *life) []record {
	p := b.person
	r := source(p.seed, forEvent)
	var list []record
	enter := func(at int64, e Event) {
		at += second * int64(r.IntN(60))
		late := int64(r.ExpFloat64() * float64(3*minute))
		if at >= p.start && at+late < p.end {
			list = append(list, b.event(at, at+late/second*second, e, uint64(len(list))))
		}
	}
	for _, m := range l.meals {
		if r.Float64() < p.entry {
			enterMeal(r, enter, m)
		}
	}
	for _, x := range l.bouts {
		enter(x.at, Event{Type: "exercise", SubType: one(r, "light", "medium", "heavy"), Unit: "minutes", Value: number(x.minutes)})
	}
	for _, midnight := range l.nights {
		enterDay(r, enter, l, midnight)
	}
	slices.SortStableFunc(list, func(a, b record) int { return cmp.Compare(a.at, b.at) })
	return list
}

func (b recorder) event(at, recorded int64, e Event, key uint64) record {
	e.Common = b.common(at, forEvent, key)
	e.App = "" // events carry none
	e.Status = "created"
	r := b.record(at, &e)
	r.recorded = recorded
	r.upload = b.uploads.at(r.device, recorded)
	return r
}

func enterMeal(r *rand.Rand, enter func(int64, Event), m meal) {
	enter(m.at, Event{Type: "carbs", Unit: "grams", Value: number(m.grams)})
	if units := math.Round(m.grams/10*(0.8+0.4*r.Float64())*2) / 2; units > 0 && r.Float64() < 0.9 {
		before := int64(r.Float64() * float64(15*minute))
		enter(m.at-before/second*second, Event{Type: "insulin", SubType: "fastActing", Unit: "units", Value: number(units)})
	}
}

// enterDay enters what happens once a day or less.
func enterDay(r *rand.Rand, enter func(int64, Event), l *life, midnight int64) {
	hours := func(h float64) int64 { return midnight + int64(h*float64(hour))/second*second }
	if r.Float64() < 0.8 {
		units := 10 + float64(r.IntN(20))
		enter(hours(21.5+r.Float64()), Event{Type: "insulin", SubType: "longActing", Unit: "units", Value: number(units)})
	}
	if r.Float64() < 0.08 {
		enter(hours(8+12*r.Float64()), Event{Type: "health", SubType: one(r, "illness", "stress", "highSymptoms", "lowSymptoms", "cycle", "alcohol")})
	}
	if r.Float64() < 0.2 {
		at := hours(7 + 14*r.Float64())
		value := math.Round(l.glucose(at) * (1 + 0.06*r.NormFloat64()))
		enter(at, Event{Type: "bloodGlucose", Unit: "mg/dL", Value: number(value)})
	}
	if r.Float64() < 0.1 {
		text := one(r, notes()...)
		enter(hours(8+13*r.Float64()), Event{Type: "notes", Value: &text})
	}
}

// notes are what people write, with everything a file format trips over.
func notes() []string {
	return []string{
		"new sensor, left arm", "slept badly", "long walk with the dog 🐕", "Geburtstagskuchen, geschätzt", `felt "shaky" at work`,
		"pizza; guessed the carbs,\nprobably too few", "flu?", "site change", "नाश्ता देर से", "tab\there, quote ' and backslash \\",
	}
}

func one(r *rand.Rand, choice ...string) string { return choice[r.IntN(len(choice))] }

func number(v float64) *string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	return &text
}

// change decides what becomes of the events after they were entered: a few
// are corrected or deleted, under the same recordId. A receiver cannot.
func (h *history) change(p *person, c Chaos) {
	edit, remove, move := 0.04, 0.03, 0.0
	if c.Kinds.Has(Edit) {
		edit = 0.15
	}
	if c.Kinds.Has(Delete) {
		remove = 0.12
	}
	if c.Kinds.Has(Move) {
		move = 0.06
	}
	events := h.others["events"]
	for i := range events {
		r := &events[i]
		if r.device == receiver || r.change != 0 || r.how.bad != readable {
			continue
		}
		u := hash(p.seed, forEvent, uint64(i), uint64(r.at))
		e := *r.body.(*Event)
		switch x := share(u); {
		case x < edit:
			r.becomes(u, corrected(e), r.at)
		case x < edit+remove:
			e.Status = "deleted"
			r.becomes(u, &e, r.at)
		case x < edit+remove+move:
			r.becomes(u, corrected(e), r.at-(20+int64(u%4000))*minute)
		}
	}
}

// becomes changes the record an hour to three weeks after its upload.
func (r *record) becomes(u uint64, body content, at int64) {
	r.change = later(r.upload, u)
	r.changed, r.changedAt = body, at
}

// later is an hour to three weeks after ms, mostly soon.
func later(ms int64, u uint64) int64 {
	return ms + int64(math.Pow(500, share(mix(u)))*float64(time.Hour.Milliseconds()))
}

// corrected is what a person makes of an entry at second thought.
func corrected(e Event) *Event {
	e.Status = "updated"
	if e.Value == nil || *e.Value == "" {
		return &e
	}
	if v, err := strconv.ParseFloat(*e.Value, 64); err == nil {
		e.Value = number(v + 1)
	} else {
		e.Value = new(*e.Value + " (corrected)")
	}
	return &e
}

// calibrations are fingersticks entered to calibrate: a few a week.
func (b recorder) calibrations(readings []reading) []record {
	r := source(b.person.seed, forCalibration)
	var list []record
	for _, m := range readings {
		if r.Float64() >= 1.0/700 {
			continue
		}
		at := m.at + second*int64(10+r.IntN(200))
		if at >= b.person.end {
			break
		}
		value := math.Round(m.value * (1 + 0.08*r.NormFloat64()))
		value = min(max(value, 40), 400)
		c := Calibration{Common: b.common(at, forCalibration), Value: &value, Unit: "mg/dL"}
		c.App = "" // calibrations carry none
		c.Ticks = b.ticks(at)
		list = append(list, b.record(at, &c))
	}
	return list
}
