package dexsim

import (
	"math"
	"math/bits"
)

// disturb applies the data anomalies of c to what was recorded. A moment, and
// a record of another resource, suffers at most one.
func (h *history) disturb(p *person, c Chaos) {
	c = c.withDefaults()
	if c.Kinds.Has(Future) && p.index%10 == 1 {
		h.shift(p.end-5*day, 3*hour)
	}
	if c.Kinds.Has(Outage) && p.index%3 == 0 {
		h.outage = outageOf(p)
	}
	h.disturbEGVs(p, c)
	rare := c
	rare.RecordRate = min(1, 8*c.RecordRate) // there are few of them, and many anomalies
	purposes := map[string]uint64{"events": forEvent, "calibrations": forCalibration, "alerts": forAlert}
	for resource, list := range h.others {
		h.others[resource] = disturbAll(p, rare, purposes[resource], list)
	}
	h.change(p, c)
}

// shift sets the device's clock ahead by d from an instant on.
func (h *history) shift(from, d int64) {
	for i := range h.egvs {
		if e := &h.egvs[i]; e.at >= from {
			e.at += d
		}
	}
	for _, list := range h.others {
		for i := range list {
			if r := &list[i]; r.at >= from {
				r.at, r.recorded = r.at+d, r.recorded+d
			}
		}
	}
}

// An outage hides the records of an interval from everybody for a while, as if
// Dexcom had lost them.
type outage struct{ during, hidden interval }

func (o outage) hides(at, now int64) bool { return o.during.holds(now) && o.hidden.holds(at) }

// outageOf begins when two thirds of the person's data are over.
func outageOf(p *person) outage {
	from := p.end - (p.end-p.start)/3
	return outage{during: interval{from, from + 40*hour}, hidden: interval{from - 3*day, from - day}}
}

// timeKinds are the odd times a device may send.
func timeKinds(d device) Kinds {
	if d == receiver {
		return NoSeconds | Millis | ZReceiver
	}
	return NoSeconds | Millis | OffsetSeconds | Zoneless
}

func (h *history) disturbEGVs(p *person, c Chaos) {
	choice := NoUnit | NoValue | Ticks | Enums | Nulls | ExtraFields | TextNumbers | Reconnect | BadRecords | Vanish | Revise | Return
	if !p.overlapping {
		choice |= NoTransmitter // else nobody could tell the sensors apart
	}
	sent := len(h.egvs)
	for i := range sent {
		e := &h.egvs[i]
		u := hash(p.seed, forAnomaly, uint64(e.moment))
		kind, variant := c.pick(u, choice|timeKinds(e.device))
		first := i == 0 || h.egvs[i-1].moment != e.moment
		last := i == sent-1 || h.egvs[i+1].moment != e.moment
		if kind != 0 && (variant%2 == 0 && first || variant%2 == 1 && last) {
			if extra, ok := e.disturb(kind, variant, u); ok {
				h.egvs = append(h.egvs, extra)
			}
		}
	}
}

// disturb changes what e says; what changes only how it says it waits for
// its JSON. A second record may come of it.
func (e *egv) disturb(kind Kinds, variant uint8, u uint64) (extra egv, ok bool) {
	switch kind {
	case BadRecords:
		extra = *e
		extra.bad = badKind(1 + variant%badKindCount)
		return extra, true
	case Reconnect:
		extra = *e
		extra.again, extra.upload = true, e.upload+5*day
		return extra, true
	}
	e.odd, e.variant = int8(bits.TrailingZeros64(uint64(kind))), variant
	switch kind {
	case NoValue:
		e.value = math.NaN()
	case Ticks:
		e.ticks = 0
	case Vanish, Revise, Return:
		e.change = later(e.upload, u)
	case OffsetSeconds:
		e.offset -= int32(1 + variant%2)
	}
	how := wire{zone: e.zone}
	offset := int(e.offset)
	e.at, offset, how = disturbTime(kind, variant, e.at, offset, how)
	e.offset, e.zone = int32(offset), how.zone
	return egv{}, false
}

// disturbTime makes the time such that its odd shape says exactly that time.
func disturbTime(kind Kinds, variant uint8, at int64, offset int, how wire) (int64, int, wire) {
	switch kind {
	case NoSeconds:
		how.noSeconds = true
		at -= at % minute
		offset -= offset % 60 // a drifting display loses its seconds too
	case Millis:
		steps := [...]int64{1, 10, 100}
		at = at - at%second + steps[variant%3]*int64(1+variant%9)
	case Zoneless:
		how.zone = noZone
	case ZReceiver:
		how.zone, offset = receiverZed, 0
	}
	return at, offset, how
}

// disturb applies the anomalies of how an EGV is written.
func (r *EGV) disturb(kind Kinds, variant uint8, how wire) wire {
	how.omitNull, how.blank = variant%3 == 0, variant%3 == 1
	switch kind {
	case NoSeconds:
		how.noSeconds = true
	case NoUnit:
		r.Unit = ""
	case TextNumbers:
		how.textNumbers = true
	case Nulls:
		r.nulls(variant)
	case Enums:
		r.enums(variant)
	default:
		r.Common.disturb(kind)
	}
	return how
}

func (c *Common) disturb(kind Kinds) {
	switch kind {
	case NoTransmitter:
		c.TransmitterID = ""
	case ExtraFields:
		c.Extra = `{"sensorLot":"A17","confidence":{"level":2,"flags":["x"]}}`
	}
}

func (r *EGV) nulls(variant uint8) {
	switch variant % 5 {
	case 0:
		r.Trend = ""
	case 1:
		r.Rate = nil
	case 2, 3:
		r.Status = "low"
		if r.Value != nil && *r.Value > 100 {
			r.Status = "high"
		}
		r.Value = nil
	case 4:
		r.Value, r.Status, r.Trend, r.Rate = nil, "", "", nil
	}
}

func (r *EGV) enums(variant uint8) {
	n := variant % 12
	r.Common.odd(n, n-6, []oddity{
		{&r.Trend, "unknown"}, {&r.Trend, "sideways"}, // the latter nobody has ever seen
		{&r.Status, "ok"}, {&r.Status, "unknown"}, {&r.Unit, "unknown"}, {&r.RateUnit, "unknown"},
	})
}

// An oddity is a value outside the documentation, and the field it is for.
type oddity struct {
	to    *string
	value string
}

// odd gives a field of its own the n-th odd value, or, where there are not so many,
// a common field the m-th.
func (c *Common) odd(n, m uint8, own []oddity) {
	list := own
	if int(n) >= len(own) {
		n, list = m, []oddity{
			{&c.Generation, "g6 pro"}, {&c.Generation, "g715day"}, {&c.Device, "touchscreenReceiver"},
			{&c.Device, "shareReceiver"}, {&c.Variant, "g8"}, {&c.App, "Watch"},
		}
	}
	*list[n].to = list[n].value
}
