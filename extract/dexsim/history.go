package dexsim

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
)

// A history is everything a person's devices ever recorded, whether it can be
// seen yet or not. Immutable once made.
type history struct {
	sensors      []session
	transmitters []string
	egvs         []egv
	egvUploads   []interval // of each egvBlock of egvs, from the first upload to the last
	events       []record[Event]
	calibrations []record[Calibration]
	alerts       []record[Alert]
	outage       outage
}

// A record is a record other than an EGV, together with what its JSON hides:
// when it reaches Dexcom, and what becomes of it.
type record[T any] struct {
	at       int64 // systemTime
	recorded int64 // recordedSystemTime; events only
	offset   int   // displayTime ahead of systemTime, seconds
	upload   int64
	device   device
	how      wire
	body     T // without times

	change    int64 // when the following reaches Dexcom; 0: never
	vanishes  bool
	returns   int64 // when a record that vanished is back; 0: never
	changed   *T    // nil: no other content
	changedAt int64 // its systemTime
}

// happened reports whether the record's change can be seen at now.
func (r *record[T]) happened(p *person, now int64) bool {
	return r.change != 0 && r.change+p.delay(r.device) <= now
}

// seen is the record's system time and newest upload, if it is served at now.
func (r *record[T]) seen(p *person, now int64) (at, upload int64, ok bool) {
	switch {
	case r.upload+p.delay(r.device) > now:
		return 0, 0, false
	case !r.happened(p, now):
		return r.at, r.upload, true
	case r.vanishes && r.returns != 0 && r.returns+p.delay(r.device) <= now:
		return r.at, r.returns, true
	case r.vanishes:
		return 0, 0, false
	}
	return r.changedAt, r.change, true
}

// state is the record's content at now, times included.
func (r *record[T]) state(p *person, now int64) T {
	if r.changed != nil && r.happened(p, now) {
		return r.stamped(*r.changed, r.changedAt)
	}
	return r.stamped(r.body, r.at)
}

func (r *record[T]) stamped(body T, at int64) T {
	switch b := any(&body).(type) {
	case *Event:
		b.Common = stamp(b.Common, at, r.offset, r.how)
		b.RecordedSystemTime = utc(r.recorded)
		b.RecordedDisplayTime = utc(r.recorded + int64(r.offset)*second)
	case *Calibration:
		b.Common = stamp(b.Common, at, r.offset, r.how)
	case *Alert:
		b.Common = stamp(b.Common, at, r.offset, r.how)
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
	if !p.noEvents {
		h.events = b.events(l)
	}
	if p.calibrates {
		h.calibrations = b.calibrations(readings)
	}
	h.alerts = b.alerts(readings)
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
	mu     sync.Mutex
	recent *list.List // of *kept, newest first
	byUser map[int]*list.Element
	limit  int
}

type kept struct {
	index   int
	once    sync.Once
	history *history
}

func newHistories(limit int) *histories {
	return &histories{recent: list.New(), byUser: map[int]*list.Element{}, limit: limit}
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
	if e, ok := s.byUser[index]; ok {
		s.recent.MoveToFront(e)
		return e.Value.(*kept)
	}
	k := &kept{index: index}
	s.byUser[index] = s.recent.PushFront(k)
	if s.recent.Len() > s.limit {
		last := s.recent.Back()
		delete(s.byUser, last.Value.(*kept).index)
		s.recent.Remove(last)
	}
	return k
}
