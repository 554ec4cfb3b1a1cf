package plan

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// A keptWriter appends what an index is made of: numbers as varints, text with its
// length in front, times as seconds since the time written before, and nanoseconds.
type keptWriter struct {
	bytes []byte
	clock int64 // seconds of the time written last
}

func (w *keptWriter) number(n int64) { w.bytes = binary.AppendVarint(w.bytes, n) }

func (w *keptWriter) text(s string) {
	w.number(int64(len(s)))
	w.bytes = append(w.bytes, s...)
}

func (w *keptWriter) flag(is bool) {
	w.bytes = append(w.bytes, 0)
	if is {
		w.bytes[len(w.bytes)-1] = 1
	}
}

func (w *keptWriter) time(t time.Time) {
	w.number(t.Unix() - w.clock)
	w.number(int64(t.Nanosecond()))
	w.clock = t.Unix()
}

func (w *keptWriter) position(p raw.Position) {
	w.number(int64(p.Segment))
	w.number(p.Offset)
}

func (w *keptWriter) index(x *Index) {
	w.number(int64(len(x.volumes)))
	for _, r := range slices.Sorted(maps.Keys(x.volumes)) {
		v := x.volumes[r]
		w.text(string(r))
		w.number(int64(v.answers))
		w.number(v.bytes)
		w.number(int64(v.asked))
	}
	w.number(int64(len(x.held)))
	for _, k := range slices.SortedFunc(maps.Keys(x.held), func(a, b holder) int {
		return cmp.Or(cmp.Compare(a.participant, b.participant), cmp.Compare(a.connection, b.connection))
	}) {
		w.text(k.participant)
		w.text(k.connection)
		w.held(x.held[k])
	}
}

func (w *keptWriter) held(h *Held) {
	w.number(int64(len(h.Coverage)))
	for _, r := range slices.Sorted(maps.Keys(h.Coverage)) {
		w.text(string(r))
		w.flag(h.Found[r])
		w.number(int64(len(h.Coverage[r])))
		for _, p := range h.Coverage[r] {
			w.time(p.Start)
			w.time(p.End)
			w.time(p.Asked)
		}
	}
	w.time(h.Devices)
	w.number(int64(len(h.Newest)))
	for _, s := range h.Newest {
		w.shown(s)
	}
	w.flag(h.Full != nil)
	if h.Full == nil {
		return
	}
	at := slices.Index(h.Newest, h.Full)
	w.number(int64(at))
	if at < 0 {
		w.shown(h.Full)
	}
}

func (w *keptWriter) shown(s *Shown) {
	w.text(s.RequestID)
	w.text(s.Beat)
	w.time(s.Asked)
	w.time(s.Server)
	w.time(s.LastSync)
	w.position(s.at)
	w.flag(s.err == nil)
	if s.err != nil {
		return
	}
	for _, r := range []*dexcom.Range{s.Ranges.EGVs, s.Ranges.Events, s.Ranges.Calibrations} {
		w.flag(r != nil)
		if r != nil {
			w.time(r.Start)
			w.time(r.End)
		}
	}
}

// A keptReader reads what a keptWriter wrote. Where the bytes end too soon it gives
// zeros, and is broken.
type keptReader struct {
	bytes  []byte
	clock  int64
	broken bool
}

func (r *keptReader) number() int64 {
	n, length := binary.Varint(r.bytes)
	if length <= 0 {
		r.broken = true
		return 0
	}
	r.bytes = r.bytes[length:]
	return n
}

// count reads how many things follow, each of at least one byte.
func (r *keptReader) count() int {
	n := r.number()
	if n < 0 || n > int64(len(r.bytes)) {
		r.broken = true
		return 0
	}
	return int(n)
}

func (r *keptReader) take(n int) []byte {
	if n > len(r.bytes) {
		r.broken = true
		return make([]byte, n)
	}
	b := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return b
}

func (r *keptReader) text() string { return string(r.take(r.count())) }

func (r *keptReader) flag() bool { return r.take(1)[0] != 0 }

func (r *keptReader) time() time.Time {
	r.clock += r.number()
	return time.Unix(r.clock, r.number()).UTC()
}

func (r *keptReader) position() raw.Position {
	return raw.Position{Segment: uint64(r.number()), Offset: r.number()}
}

func (r *keptReader) index() *Index {
	x := &Index{held: map[holder]*Held{}, volumes: map[dexcom.Resource]volume{}}
	for range r.count() {
		name := dexcom.Resource(r.text())
		x.volumes[name] = volume{int(r.number()), r.number(), time.Duration(r.number())}
	}
	for range r.count() {
		k := holder{r.text(), r.text()}
		x.held[k] = r.held()
	}
	r.broken = r.broken || len(r.bytes) > 0
	return x
}

func (r *keptReader) held() *Held {
	h := &Held{Coverage: map[dexcom.Resource]Coverage{}, Found: map[dexcom.Resource]bool{}}
	for range r.count() {
		name := dexcom.Resource(r.text())
		h.Found[name] = r.flag()
		pieces := make(Coverage, r.count())
		for i := range pieces {
			pieces[i] = Piece{Window{r.time(), r.time()}, r.time()}
		}
		h.Coverage[name] = pieces
	}
	h.Devices = r.time()
	for range r.count() {
		h.Newest = append(h.Newest, r.shown())
	}
	if !r.flag() {
		return h
	}
	switch at := r.number(); {
	case at < 0:
		h.Full = r.shown()
	case at < int64(len(h.Newest)):
		h.Full = h.Newest[at]
	default:
		r.broken = true
	}
	return h
}

func (r *keptReader) shown() *Shown {
	s := &Shown{RequestID: r.text(), Beat: r.text(), Asked: r.time(), Server: r.time(), LastSync: r.time(), at: r.position()}
	if s.unread = !r.flag(); s.unread {
		return s
	}
	for _, to := range []**dexcom.Range{&s.Ranges.EGVs, &s.Ranges.Events, &s.Ranges.Calibrations} {
		if r.flag() {
			*to = &dexcom.Range{Start: r.time(), End: r.time()}
		}
	}
	return s
}
