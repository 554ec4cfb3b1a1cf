package dexsim

import (
	"cmp"
	"slices"
	"sync"
)

// A history is everything a person's devices ever recorded, whether it can be
// seen yet or not. Immutable once made.
type history struct {
	sensors      []session
	transmitters []string
	egvs         []egv
	egvUploads   []interval          // of each egvBlock of egvs, from the first upload to the last
	others       map[string][]record // events, calibrations and alerts, by resource
	outage       outage
}

// An entry is a record of any resource.
type entry interface {
	seen(v view) (at, upload int64, ok bool)
	id(p *person) string
	written(at int64) written
	write(v view, w *writer)
	tell(v view, t *Truth)
}

// entries are the records of a resource, of which there are n.
func (h *history) entries(resource string) (n int, at func(int) entry) {
	if resource == "egvs" {
		return len(h.egvs), func(i int) entry { return &h.egvs[i] }
	}
	list := h.others[resource]
	return len(list), func(i int) entry { return &list[i] }
}

// A journey is when a record reaches Dexcom, and what becomes of it.
type journey struct {
	at     int64 // systemTime
	upload int64
	device device

	change    int64 // when the following reaches Dexcom; 0: never
	changedAt int64 // its systemTime
	vanishes  bool
	returns   int64 // when a record that vanished is back; 0: never
}

// arrived reports whether what reached Dexcom at ms is served; 0 is never.
func (v view) arrived(d device, ms int64) bool {
	return ms != 0 && ms+v.person.delay(d) <= v.now
}

// seen is the record's system time and newest upload, if it is served now.
func (j *journey) seen(v view) (at, upload int64, ok bool) {
	switch {
	case !v.arrived(j.device, j.upload):
		return 0, 0, false
	case !v.arrived(j.device, j.change):
		return j.at, j.upload, true
	case !j.vanishes:
		return j.changedAt, j.change, true
	case v.arrived(j.device, j.returns):
		return j.at, j.returns, true
	}
	return 0, 0, false
}

// A record is a record other than an EGV, together with what its JSON hides.
type record struct {
	journey
	recorded int64 // recordedSystemTime; events only
	offset   int   // displayTime ahead of systemTime, seconds
	how      wire
	body     content // without times
	changed  content // what it is after the change; nil: the same
}

// A content is an Event, a Calibration or an Alert.
type content interface {
	common() *Common
	clone() content
	suffers() Kinds // what can befall it beside odd times
	disturb(kind Kinds, variant uint8)
	write(w *writer, r *record) // what is its own
	tell(t *Truth)
}

func (c *Common) common() *Common { return c }

func (e *Event) clone() content       { return new(*e) }
func (c *Calibration) clone() content { return new(*c) }
func (a *Alert) clone() content       { return new(*a) }

func (r *record) id(*person) string { return r.body.common().RecordID }

func (r *record) written(at int64) written { return written{at, r.offset, r.how} }

// state is the record's content now, times included.
func (r *record) state(v view) content {
	body, at := r.body, r.at
	if r.changed != nil && v.arrived(r.device, r.change) {
		body, at = r.changed, r.changedAt
	}
	body = body.clone()
	*body.common() = stamp(*body.common(), at, r.offset, r.how)
	if e, ok := body.(*Event); ok {
		e.RecordedSystemTime = utc(r.recorded)
		e.RecordedDisplayTime = utc(r.recorded + int64(r.offset)*second)
	}
	return body
}

// stamp completes c with its times as a reader understands them.
func stamp(c Common, at int64, offset int, how wire) Common {
	c.SystemTime, c.DisplayTime = utc(at), utc(at+int64(offset)*second)
	if how.zone != noZone {
		c.OffsetSeconds = &offset
	}
	return c
}

// generate makes the person's history. It depends on the seed, the person and
// the chaos in force, on nothing else.
func (p *person) generate(c Chaos) *history {
	h := &history{}
	switch {
	case p.empty:
		return h
	case p.replay != nil:
		h.replay(p)
	default:
		h.simulate(p, c)
	}
	h.disturb(p, c)
	slices.SortStableFunc(h.egvs, func(a, b egv) int { return cmp.Compare(a.at, b.at) })
	for block := range slices.Chunk(h.egvs, egvBlock) {
		uploads := interval{block[0].upload, block[0].upload}
		for i := range block {
			e := &block[i]
			uploads.from = min(uploads.from, e.upload)
			uploads.to = max(uploads.to, e.upload, e.change, e.returns())
		}
		h.egvUploads = append(h.egvUploads, uploads)
	}
	return h
}

// egvBlock is a power of 2.
const egvBlock = 256

func (h *history) simulate(p *person, c Chaos) {
	h.sensors = p.sessions()
	if c.Kinds.Has(Ticks) {
		for i := range h.sensors {
			if hash(p.seed, forSensor, uint64(h.sensors[i].transmitter))%4 == 0 {
				h.sensors[i].bigTicks = 72_364_000_000
			}
		}
	}
	for n := range h.sensors[len(h.sensors)-1].transmitter + 1 {
		h.transmitters = append(h.transmitters, p.transmitterID(n))
	}
	l := p.live()
	up := newUploads(p, h.sensors, c.Kinds.Has(Late))
	readings := p.read(l, h.sensors)
	h.egvs = p.send(readings, h.sensors, up)
	b := recorder{person: p, history: h, uploads: up}
	h.others = map[string][]record{"alerts": b.alerts(readings)}
	if !p.noEvents {
		h.others["events"] = b.events(l)
	}
	if p.calibrates {
		h.others["calibrations"] = b.calibrations(readings)
	}
}

// sensorAt is the sensor running at ms, else the last one before, else the
// first.
func (h *history) sensorAt(ms int64) session {
	i := len(h.sensors) - 1
	for i > 0 && h.sensors[i].start > ms {
		i--
	}
	return h.sensors[i]
}

// histories keeps the histories used last: a year of one person is some 7 MB,
// and generating it again takes tens of milliseconds.
type histories struct {
	limit  int
	mu     sync.Mutex
	recent []*kept // newest last
}

type kept struct {
	index   int // of the person
	once    sync.Once
	history *history
}

// of returns p's history. Two who ask at once for one that is not there wait
// for the same generation.
func (s *histories) of(p *person, c Chaos) *history {
	k := s.slot(p.index)
	k.once.Do(func() { k.history = p.generate(c) })
	return k.history
}

func (s *histories) slot(index int) *kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, i := &kept{index: index}, slices.IndexFunc(s.recent, func(k *kept) bool { return k.index == index })
	switch {
	case i >= 0:
		k = s.recent[i]
		s.recent = slices.Delete(s.recent, i, i+1)
	case len(s.recent) == s.limit:
		s.recent = slices.Delete(s.recent, 0, 1)
	}
	s.recent = append(s.recent, k)
	return k
}
