package dexsim

import (
	"cmp"
	"slices"
	"sort"
)

// A view is one person's history as Dexcom would serve it at an instant.
type view struct {
	*history
	person *person
	cfg    *Config
	now    int64
}

// A hit is a record that can be seen: its system time, the instant of its
// newest upload, and its place in the history.
type hit struct {
	at, upload int64
	index      int
}

// everything is the window of all times.
var everything = interval{-1 << 62, 1 << 62}

// hits are the visible records of a resource in a window, oldest first.
func (v view) hits(resource string, window interval) []hit {
	to, entry := v.entries(resource)
	from := 0
	if resource == "egvs" { // in order of time, which never changes; others may have moved
		from, to = sortedFrom(v.egvs, window.from), sortedFrom(v.egvs, window.to)
	}
	var list []hit
	for i := from; i < to; i++ {
		if at, upload, ok := entry(i).seen(v); ok && window.holds(at) && !v.outage.hides(at, v.now) {
			list = append(list, hit{at, upload, i})
		}
	}
	slices.SortStableFunc(list, func(a, b hit) int { return cmp.Compare(a.at, b.at) })
	return list
}

// sortedFrom is the index of the first EGV that is not before ms.
func sortedFrom(egvs []egv, ms int64) int {
	return sort.Search(len(egvs), func(i int) bool { return egvs[i].at >= ms })
}

// ends are the oldest and the newest readable record uploaded after since.
func (v view) ends(resource string, since int64) (oldest, newest written, ok bool) {
	if resource == "egvs" {
		oldest, ok = v.nextEGV(0, 1, since)
		newest, _ = v.nextEGV(len(v.egvs)-1, -1, since)
		return oldest, newest, ok
	}
	for _, x := range v.hits(resource, everything) {
		m, readable := v.written(resource, x)
		if !readable || x.upload <= since {
			continue
		}
		if !ok {
			oldest, ok = m, true
		}
		newest = m
	}
	return oldest, newest, ok
}

// certain reports whether dataRange tells that there are records in the window of
// q: the oldest of the EGVs is in it, or the newest.
func (v view) certain(q question) bool {
	if q.resource != "egvs" {
		return false
	}
	oldest, newest, ok := v.ends(q.resource, everything.from)
	return ok && (q.window.holds(oldest.at) || q.window.holds(newest.at))
}

// nextEGV is the first readable one uploaded after since, from that at i on in
// steps of 1 or -1. It passes over blocks in which there is none: a year of a
// person is 100,000 EGVs, and the question comes with every sync.
func (v view) nextEGV(i, step int, since int64) (m written, ok bool) {
	for ; i >= 0 && i < len(v.egvs) && !ok; i += step {
		if b := v.egvUploads[i/egvBlock]; b.to <= since || b.from > v.now {
			if step > 0 {
				i |= egvBlock - 1
			} else {
				i &^= egvBlock - 1
			}
			continue
		}
		at, upload, seen := v.egvs[i].seen(v)
		if seen && upload > since && !v.outage.hides(at, v.now) {
			m, ok = v.written("egvs", hit{at, upload, i})
		}
	}
	return m, ok
}

// A written is the two times of a record and how it writes them.
type written struct {
	at     int64
	offset int
	how    wire
}

func (v view) written(resource string, x hit) (m written, ok bool) {
	_, entry := v.entries(resource)
	m = entry(x.index).written(x.at)
	return m, m.how.bad == readable
}
