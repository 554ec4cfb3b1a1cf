package dexsim

import (
	"cmp"
	"slices"
)

// disturbAll applies anomalies to the records of one resource.
func disturbAll[T any](p *person, c Chaos, purpose uint64, records []record[T], common func(*T) *Common) []record[T] {
	for i := range len(records) {
		r := &records[i]
		u := hash(p.seed, forAnomaly, purpose, uint64(i), uint64(r.at))
		kind, variant := c.pick(u, choiceFor(&r.body)|timeKinds(r.device))
		switch kind {
		case 0:
		case BadRecords:
			extra := *r
			extra.how.bad = badKind(1 + variant%badKindCount)
			common(&extra.body).RecordID = uuid(4, u)
			records = append(records, extra)
		case Vanish:
			r.vanishes, r.change = true, later(r.upload, u)
		case Return:
			r.vanishes, r.change = true, later(r.upload, u)
			r.returns = r.change + int64(1+variant%10)*day
		case Wander:
			// Nobody would look for alerts before the first record of another kind.
			if at := r.at - int64(31+variant%16)*day; at >= p.start || r.hasRange() {
				body := r.body
				r.becomes(u, body, at)
			}
		default:
			r.disturb(kind, variant, common(&r.body))
		}
	}
	slices.SortStableFunc(records, func(a, b record[T]) int { return cmp.Compare(a.at, b.at) })
	return records
}

func (r *record[T]) disturb(kind Kinds, variant uint8, c *Common) {
	r.how.omitNull, r.how.blank = variant%3 == 0, variant%3 == 1
	if kind == OffsetSeconds {
		r.offset -= int(1 + variant%2)
	}
	r.at, r.offset, r.how = disturbTime(kind, variant, r.at, r.offset, r.how)
	r.recorded = max(r.recorded, r.at)
	if kind == NoSeconds {
		r.recorded -= r.recorded % minute
	}
	c.disturb(kind)
	r.how.textNumbers = kind == TextNumbers
	r.how.numberValue = kind == NumericValue
	switch body := any(&r.body).(type) {
	case *Event:
		body.disturb(kind, variant)
	case *Calibration:
		body.disturb(kind, variant)
	case *Alert:
		body.disturb(kind, variant)
	}
}

// hasRange reports whether dataRange tells of records of r's kind.
func (r *record[T]) hasRange() bool {
	_, alert := any(&r.body).(*Alert)
	return !alert
}

// choiceFor is what can befall a record of body's type beside odd times.
func choiceFor(body any) Kinds {
	always := NoTransmitter | Enums | ExtraFields | BadRecords | Vanish | Return
	switch b := body.(type) {
	case *Calibration:
		return always | NoUnit | TextNumbers | Ticks | Wander
	case *Alert:
		return always | Wander
	case *Event:
		switch b.Type {
		case "carbs", "bloodGlucose":
			return always | NoUnit | NoValue | NumericValue
		case "insulin":
			return always | NoUnit | NoValue | NumericValue | NoSubtype
		case "exercise":
			return always | NoUnit | NoValue | ExerciseMinus | NoSubtype
		case "health":
			return always | HealthValue
		case "notes":
			return always | Note | NoValue
		}
	}
	return always
}

func (e *Event) disturb(kind Kinds, variant uint8) {
	text := func(s string) *string { return &s }
	switch kind {
	case NoUnit:
		e.Unit = ""
	case NoValue:
		e.Value = nil
		if variant%3 == 1 {
			e.Value = text("")
		}
	case ExerciseMinus:
		e.Value = text("-1.00")
	case HealthValue:
		e.Value = text("1")
	case NoSubtype:
		e.SubType = ""
	case Note:
		e.Type = "note"
	case Enums:
		e.enums(variant)
	}
}

func (e *Event) enums(variant uint8) {
	switch variant % 10 {
	case 0:
		e.SubType = "unknown"
	case 1:
		e.Type = "unknown"
	case 2:
		e.Type = "hydration" // nobody has ever seen it
	case 3:
		e.Unit = "unknown"
	default:
		e.Common.enums(6 + variant%4)
	}
}

func (c *Calibration) disturb(kind Kinds, variant uint8) {
	switch kind {
	case NoUnit:
		c.Unit = ""
	case Ticks:
		zero := int64(0)
		c.Ticks = &zero
	case Enums:
		c.Common.enums(6 + variant%4)
	}
}

func (a *Alert) disturb(kind Kinds, variant uint8) {
	if kind != Enums {
		return
	}
	switch variant % 8 {
	case 0:
		a.Name = "fixedLow"
	case 1:
		a.Name = "unknown"
	case 2:
		a.State = "unknown"
	case 3:
		a.Name = "pumpOccluded" // nobody has ever seen it
	default:
		a.Common.enums(6 + variant%6)
	}
}
