package load

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// upsert puts a row in the place of the one with its id, if that is different.
// An id that is held in two months, because it moved further than it was looked
// up, is one record again: the other row goes.
func (r *records) upsert(a *answer, id int32, text string, p pick, near []monthNo) {
	t := r.times(r.sources[p.src], "system_time").Value(int(p.row))
	held := r.find(id, monthOf(t), near)
	for i, place := range held {
		if i == 1 {
			r.change(a, text, place, "moved")
		}
		if i > 0 {
			r.remove(place)
		}
	}
	if r.waited(text) {
		a.effect = true
	}
	if len(held) == 0 {
		r.insert(id, record{pick: p, time: t})
		a.count(r.Name).Added++
		return
	}
	kind := r.kind(&r.rows[held[0]], p, t)
	if kind == "moved" && len(held) > 1 {
		kind = "edited" // one row of changes per kind
	}
	r.replace(a, text, held[0], kind, record{pick: p, time: t})
}

// find returns the rows with an id, the one in its own month first.
func (r *records) find(id int32, own monthNo, near []monthNo) (places []int32) {
	for place := r.ids[id].first; place != absent; place = r.rows[place].next {
		if m := r.rows[place].month; m == own || slices.Contains(near, m) {
			places = append(places, place)
		}
	}
	slices.SortFunc(places, func(p, q int32) int {
		a, b := r.rows[p].month, r.rows[q].month
		return cmp.Or(cmp.Compare(bit(a != own), bit(b != own)), cmp.Compare(a, b))
	})
	return places
}

// replace puts row in the place of the one at place, unless they say the same.
func (r *records) replace(a *answer, id string, place int32, kind string, row record) {
	old := &r.rows[place]
	same := r.sources.compare(old.pick, row.pick, r.content) == 0
	if same && old.vanished == 0 {
		return
	}
	r.change(a, id, place, kind)
	if same {
		old.vanished, old.touched = 0, true
		a.count(r.Name).Restored++
		return
	}
	a.count(r.Name).Changed++
	r.remove(place)
	r.insert(r.rows[place].id, row)
}

// kind names a change by the most important thing about it.
func (r *records) kind(old *record, p pick, t arrow.Timestamp) string {
	if status, ok := r.place["event_status"]; ok {
		text := func(p pick) string { return transform.TextAt(r.sources[p.src].Column(status), int(p.row)) }
		if text(p) == "deleted" && text(old.pick) != "deleted" {
			return "deleted"
		}
	}
	switch {
	case old.vanished != 0:
		return "restored"
	case old.month != monthOf(t):
		return "moved"
	}
	return "edited"
}

// change notes a row of changes for the row at place as it is.
func (r *records) change(a *answer, id string, place int32, kind string) {
	a.effect = true
	rec := &r.rows[place]
	before := r.appendRow(nil, r.sources[rec.src], int(rec.row), r.before)
	before = append(before[:len(before)-1], `,"vanished_at":`...)
	if rec.vanished == 0 {
		before = append(before, "null}"...)
	} else {
		before = append(quoteTime(before, rec.vanished), '}')
	}
	r.step.changes = append(r.step.changes, changeRow{
		participant: r.participant, resource: r.Name, record: strings.Clone(id), kind: kind,
		before: string(before), request: a.RequestID, seen: a.AskedAt,
	})
}
