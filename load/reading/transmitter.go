package reading

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// longestLife bounds the ticks that say when a transmitter was started: the
// longest-lived ones last some months, and more is a device that does not know.
const longestLife = 3650 * 86_400 // seconds

// A wear is the time in which a transmitter sent without a pause over 3 h.
type wear struct {
	name  string
	begin int64
	all   []measurement // in order of time

	lookedFrom, started int64 // what startedFrom found last
}

// wears cuts measurements, which are in order of transmitter and time, into
// wears, and tells each which one is its own.
func wears(all []measurement, names []string) []wear {
	var list []wear
	start := 0
	for i := range all {
		m := &all[i]
		if i == 0 || m.transmitter != all[i-1].transmitter || m.time-all[i-1].time > pause {
			start = i
			list = append(list, wear{name: names[m.transmitter], begin: m.time})
		}
		last := len(list) - 1
		m.wear, list[last].all = int32(last), all[start:i+1]
	}
	return list
}

// counting returns the places of the measurements that count, in order of time: one
// counts unless a transmitter that goes before its own has one at most 150 s away.
func counting(all []measurement, names []string, records []Record) []int32 {
	order := make([]int32, len(all))
	for i := range order {
		order[i] = int32(i)
	}
	if len(all) > 0 && all[0].transmitter != all[len(all)-1].transmitter {
		slices.SortFunc(order, func(a, b int32) int {
			if all[a].time != all[b].time {
				return cmp.Compare(all[a].time, all[b].time)
			}
			return cmp.Compare(a, b)
		})
		compete(all, order, precedence{wears: wears(all, names), records: records})
	}
	return slices.DeleteFunc(order, func(i int32) bool { return all[i].out })
}

// compete marks the measurements that are near one of another transmitter, and
// those that do not count for it. The order is that of time. It takes as long as
// there are measurements, however many transmitters send at once.
func compete(all []measurement, order []int32, p precedence) {
	markNear(all, order)
	backwards := slices.Clone(order)
	slices.Reverse(backwards)
	markNear(all, backwards)
	if !slices.ContainsFunc(all, func(m measurement) bool { return m.near }) {
		return
	}
	for start := 0; start < len(order); { // of two measurements the later one says by which months they are told apart
		p.look(all[order[start]].time)
		from, end := start, start
		for from > 0 && all[order[start]].time-all[order[from-1]].time <= sameReading {
			from--
		}
		for end < len(order) && all[order[end]].time < p.end {
			end++
		}
		inMonth := end - start
		p.outdo(all, order[from:end], func(n int) bool { return n >= start-from }, func(int) bool { return true })
		p.outdo(all, backwards[len(order)-end:len(order)-from], func(int) bool { return true }, func(n int) bool { return n < inMonth })
		start = end
	}
}

// markNear marks the measurements that come at most 150 s behind one of another
// transmitter.
func markNear(all []measurement, order []int32) {
	last, other := int32(-1), int32(-1) // seen so far; other is the last one of another transmitter than last
	for _, i := range order {
		before := last
		if last >= 0 && all[last].transmitter == all[i].transmitter {
			before = other
		} else {
			other = last
		}
		if before >= 0 && apart(&all[i], &all[before]) <= sameReading {
			all[i].near = true
		}
		last = i
	}
}

func apart(a, b *measurement) int64 { return max(a.time-b.time, b.time-a.time) }

// outdo marks as out the measurements that come at most 150 s behind one whose
// transmitter goes before theirs: of the n-th of order, if it asks, and of one
// before it that stands.
func (p *precedence) outdo(all []measurement, order []int32, asks, stands func(n int) bool) {
	var best []int32 // from head on, of those at most 150 s back: the best one, the best one after it, and so on
	head := 0
	for n, i := range order {
		m := &all[i]
		for head < len(best) && apart(m, &all[best[head]]) > sameReading {
			head++
		}
		if asks(n) && head < len(best) && p.before(&all[best[head]], m) {
			m.out = true
		}
		if !stands(n) {
			continue
		}
		for head < len(best) && !p.before(&all[best[len(best)-1]], m) {
			best = best[:len(best)-1]
		}
		if 2*head >= len(best) { // more is behind than ahead
			best, head = append(best[:0], best[head:]...), 0
		}
		best = append(best, i)
	}
}

// A precedence says which of two transmitters goes before the other. It looks at
// the UTC month of a moment and the one before it, and at nothing else: so it
// says the same to whoever has the records of these months.
type precedence struct {
	wears   []wear
	records []Record

	from, month, end int64 // the months looked at: month, which ends at end, and the one before
}

// before reports whether the transmitter of a goes before that of b: the one whose
// wear began first. Where both began before the months looked at, it is the one that was started first, and
// one that does not say when goes after one that does; then the smaller name. No
// name goes after all.
func (p *precedence) before(a, b *measurement) bool {
	switch {
	case a.transmitter == b.transmitter:
		return false
	case a.transmitter == unnamed || b.transmitter == unnamed:
		return b.transmitter == unnamed
	}
	u, v := &p.wears[a.wear], &p.wears[b.wear]
	if began, other := p.began(u), p.began(v); began != other {
		return began < other
	}
	return cmp.Or(cmp.Compare(p.started(u), p.started(v)), cmp.Compare(u.name, v.name)) < 0
}

// look looks at the month of an instant and the one before it.
func (p *precedence) look(at int64) {
	if p.month <= at && at < p.end {
		return
	}
	t := time.UnixMicro(at).UTC()
	first := func(months int) int64 {
		return time.Date(t.Year(), t.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	}
	p.from, p.month, p.end = first(-1), first(0), first(1)
}

// began is when w began, or the begin of the months looked at for all that began
// before: who sent in their first 3 h may have sent before.
func (p *precedence) began(w *wear) int64 {
	if w.begin > p.from+pause {
		return w.begin
	}
	return p.from
}

// started is when the transmitter of w was started, by the first measurement in
// the months looked at that says so.
func (p *precedence) started(w *wear) int64 {
	if w.lookedFrom == p.from {
		return w.started
	}
	w.lookedFrom, w.started = p.from, math.MaxInt64
	at, _ := slices.BinarySearchFunc(w.all, p.from, func(m measurement, t int64) int { return cmp.Compare(m.time, t) })
	for _, m := range w.all[at:] {
		if m.time >= p.end {
			break
		}
		if ticks := p.records[m.chosen].Ticks; ticks > 0 && ticks < longestLife {
			w.started = m.time - ticks*second
			break
		}
	}
	return w.started
}
