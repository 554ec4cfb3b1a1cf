package dexsim

import "math"

// A reading is one value of one sensor, before any device has sent it.
type reading struct {
	at      int64
	value   float64 // mg/dL, 39 to 401
	rate    int8    // tenths of mg/dL/min, or noRate
	trend   uint8
	session int
	moment  int32
}

const noRate = math.MinInt8

// egv is a reading as one device sent it, packed: a cohort has millions.
type egv struct {
	at      int64 // systemTime
	upload  int64
	change  int64 // when it is revised or vanishes, by odd; 0: never
	ticks   int64
	value   float64 // NaN: null
	moment  int32
	offset  int32 // displayTime ahead of systemTime, seconds
	session int16
	rate    int8
	trend   uint8
	device  device
	zone    zoneStyle
	bad     badKind
	again   bool // the same reading once more, after a reconnect
	odd     int8 // bit of the anomaly in Kinds; -1: none
	variant uint8
}

func trends() [11]string {
	return [...]string{"none", "doubleUp", "singleUp", "fortyFiveUp", "flat", "fortyFiveDown", "singleDown", "doubleDown", "notComputable", "rateOutOfRange", "unknown"}
}

// Indices into trends. The arrows from doubleUp to doubleDown follow one another.
const (
	trendNone      = 0
	doubleUp       = 1
	notComputable  = 8
	rateOutOfRange = 9
)

// trendOf is the arrow of a rate in tenths of mg/dL/min.
func trendOf(tenths int) (trend uint8) {
	if tenths > 80 || tenths < -80 {
		return rateOutOfRange
	}
	trend = doubleUp
	for _, least := range [...]int{30, 20, 10, -9, -19, -29} { // of each arrow
		if tenths < least {
			trend++
		}
	}
	return trend
}

// read makes the readings of all sensors from the glucose curve, session by
// session.
func (p *person) read(l *life, sensors []session) []reading {
	gaps := p.gaps(sensors)
	var all []reading
	for i, s := range sensors {
		r := source(p.seed, forSensor, uint64(s.start))
		noise, first := 0.0, len(all)
		for at := s.start; at < min(s.end, p.end); at += slot {
			noise = 0.7*noise + 0.012*r.NormFloat64()
			exact := at + second*int64(r.IntN(3)) // steps of 300 ± 2 s
			if exact < p.start || exact >= p.end || inside(gaps, exact) {
				continue
			}
			value := math.Round(l.glucose(exact) * (s.gain + noise))
			m := reading{at: exact, value: min(max(value, 39), 401), session: i, moment: int32(len(all))}
			m.rate, m.trend = slope(all[first:], m)
			all = append(all, m)
		}
	}
	return all
}

func inside(list []interval, ms int64) bool {
	i := firstAfter(list, ms)
	return i < len(list) && list[i].holds(ms)
}

// slope is the rate of change over the last ten minutes of the sensor, and
// its arrow; neither can be told at a sensor's start or after a gap.
func slope(before []reading, m reading) (rate int8, trend uint8) {
	if len(before) == 0 {
		return noRate, trendNone
	}
	from := before[max(0, len(before)-2)]
	span := m.at - from.at
	if span > 11*minute || len(before) < 2 {
		return noRate, notComputable
	}
	tenths := int(math.Round((m.value - from.value) / float64(span) * float64(minute) * 10))
	trend = trendOf(tenths)
	if trend == rateOutOfRange {
		return noRate, trend
	}
	return int8(tenths), trend
}

// send makes the EGVs that the person's devices send of readings.
func (p *person) send(readings []reading, sensors []session, up uploads) []egv {
	devices := p.devices()
	list := make([]egv, 0, len(readings)*len(devices))
	for _, m := range readings {
		s := sensors[m.session]
		for _, d := range devices {
			if len(devices) > 1 && p.outOfReach(d, m.at) {
				continue
			}
			at := m.at + p.skew(d, m.at)
			e := egv{
				at: at, upload: up.at(d, m.at), ticks: (m.at-s.started)/second + s.bigTicks,
				value: m.value, moment: m.moment, offset: int32(p.offset(d, at)), session: int16(m.session),
				rate: m.rate, trend: m.trend, device: d, odd: -1,
			}
			if d == receiver {
				e.zone = noZone
			}
			list = append(list, e)
		}
	}
	return list
}

// outOfReach tells, for someone with two devices, in which hours one of them
// lies elsewhere; never both.
func (p *person) outOfReach(d device, ms int64) bool {
	u := share(hash(p.seed, forGaps, uint64(ms/hour)))
	if d == phone {
		return u < 0.03
	}
	return u > 0.9
}

// skew is how far the system clock of a receiver worn beside a phone is ahead
// of the phone's: up to 40 s.
func (p *person) skew(d device, ms int64) int64 {
	if d == phone || p.kind.phone == "" {
		return 0
	}
	return (3 + ms/day%38) * second
}

// status is the API's word for values outside the measuring range.
func status(value float64) string {
	switch {
	case value < 40:
		return "low"
	case value > 400:
		return "high"
	}
	return ""
}

func (e *egv) id(p *person) string {
	again := uint64(0)
	if e.again {
		again = 1
	}
	return uuid(5, p.seed, forEGV, uint64(e.moment), uint64(e.device), uint64(e.bad), again)
}

func (e *egv) written(at int64) written {
	return written{at, int(e.offset), wire{zone: e.zone, noSeconds: e.is(NoSeconds), bad: e.bad}}
}

// egv is e as a reader understands it now, and how it is written.
func (v view) egv(e *egv) (EGV, wire) {
	s := v.sensors[e.session]
	ticks, how := e.ticks, wire{zone: e.zone, bad: e.bad}
	r := EGV{
		Common: Common{
			RecordID: e.id(v.person), Ticks: &ticks, TransmitterID: v.transmitters[s.transmitter],
			Generation: v.person.generation, Variant: v.person.variant,
		},
		Unit: "mg/dL", RateUnit: "mg/dL/min", Trend: trends()[e.trend],
		Served: utc(e.upload + v.person.delay(e.device)), Moment: int(e.moment), session: e.session,
	}
	r.Device, r.App = v.person.shows(e.device)
	if value := e.valueAt(v); !math.IsNaN(value) {
		r.Value, r.Status = &value, status(value)
	}
	if e.rate != noRate {
		rate := float64(e.rate) / 10
		r.Rate = &rate
	}
	if e.odd >= 0 {
		how = r.disturb(Kinds(1)<<e.odd, e.variant, how)
	}
	r.Common = stamp(r.Common, e.at, int(e.offset), how)
	return r, how
}

func (e *egv) is(k Kinds) bool { return e.odd >= 0 && Kinds(1)<<e.odd == k }

// valueAt is e's value as served now.
func (e *egv) valueAt(v view) float64 {
	if e.is(Revise) && v.arrived(e.device, e.change) {
		return min(max(e.value+float64(e.variant%9)-12, 39), 401)
	}
	return e.value
}

// returns is when e is back if it vanished and returns: one to ten days after.
func (e *egv) returns() int64 {
	if !e.is(Return) {
		return 0
	}
	return e.change + int64(1+e.variant%10)*day
}

func (e *egv) seen(v view) (at, upload int64, ok bool) {
	j := journey{e.at, e.upload, e.device, e.change, e.at, e.is(Vanish) || e.is(Return), e.returns()}
	return j.seen(v)
}
