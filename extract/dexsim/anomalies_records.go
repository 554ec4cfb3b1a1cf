package dexsim

import (
	"cmp"
	"slices"
)

// disturbAll applies anomalies to the records of one resource.
func disturbAll(p *person, c Chaos, purpose uint64, records []record) []record {
	for i := range len(records) {
		r := &records[i]
		u := hash(p.seed, forAnomaly, purpose, uint64(i), uint64(r.at))
		kind, variant := c.pick(u, r.body.suffers()|timeKinds(r.device))
		switch kind {
		case 0:
		case BadRecords:
			extra := *r
			extra.how.bad = badKind(1 + variant%badKindCount)
			extra.body = r.body.clone()
			extra.body.common().RecordID = uuid(4, u)
			records = append(records, extra)
		case Vanish:
			r.vanishes, r.change = true, later(r.upload, u)
		case Return:
			r.vanishes, r.change = true, later(r.upload, u)
			r.returns = r.change + int64(1+variant%10)*day
		case Wander:
			// Nobody would look for alerts before the first record of another kind.
			if at := r.at - int64(31+variant%16)*day; at >= p.start || purpose != forAlert {
				r.becomes(u, r.body, at)
			}
		default:
			r.disturb(kind, variant)
		}
	}
	slices.SortStableFunc(records, func(a, b record) int { return cmp.Compare(a.at, b.at) })
	return records
}

func (r *record) disturb(kind Kinds, variant uint8) {
	r.how.omitNull, r.how.blank = variant%3 == 0, variant%3 == 1
	if kind == OffsetSeconds {
		r.offset -= int(1 + variant%2)
	}
	r.at, r.offset, r.how = disturbTime(kind, variant, r.at, r.offset, r.how)
	r.recorded = max(r.recorded, r.at)
	if kind == NoSeconds {
		r.recorded -= r.recorded % minute
	}
	r.how.textNumbers = kind == TextNumbers
	r.how.numberValue = kind == NumericValue
	r.body.common().disturb(kind)
	r.body.disturb(kind, variant)
}

// anyRecord can befall every record.
const anyRecord = NoTransmitter | Enums | ExtraFields | BadRecords | Vanish | Return

func (c *Calibration) suffers() Kinds { return anyRecord | NoUnit | TextNumbers | Ticks | Wander }

func (a *Alert) suffers() Kinds { return anyRecord | Wander }

func (e *Event) suffers() Kinds {
	switch e.Type {
	case "carbs", "bloodGlucose":
		return anyRecord | NoUnit | NoValue | NumericValue
	case "insulin":
		return anyRecord | NoUnit | NoValue | NumericValue | NoSubtype
	case "exercise":
		return anyRecord | NoUnit | NoValue | ExerciseMinus | NoSubtype
	case "health":
		return anyRecord | HealthValue
	case "notes":
		return anyRecord | Note | NoValue
	}
	return anyRecord
}

func (e *Event) disturb(kind Kinds, variant uint8) {
	switch kind {
	case NoUnit:
		e.Unit = ""
	case NoValue:
		e.Value = nil
		if variant%3 == 1 {
			e.Value = new("")
		}
	case ExerciseMinus:
		e.Value = new("-1.00")
	case HealthValue:
		e.Value = new("1")
	case NoSubtype:
		e.SubType = ""
	case Note:
		e.Type = "note"
	case Enums:
		e.enums(variant)
	}
}

func (e *Event) enums(variant uint8) {
	e.Common.odd(variant%10, variant%4, []oddity{
		{&e.SubType, "unknown"}, {&e.Type, "unknown"}, {&e.Type, "hydration"}, {&e.Unit, "unknown"},
	})
}

func (c *Calibration) disturb(kind Kinds, variant uint8) {
	switch kind {
	case NoUnit:
		c.Unit = ""
	case Ticks:
		c.Ticks = new(int64)
	case Enums:
		c.Common.odd(0, variant%4, nil)
	}
}

func (a *Alert) disturb(kind Kinds, variant uint8) {
	if kind == Enums {
		a.Common.odd(variant%8, variant%6, []oddity{
			{&a.Name, "fixedLow"}, {&a.Name, "unknown"}, {&a.State, "unknown"}, {&a.Name, "pumpOccluded"},
		})
	}
}
