package load

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// margin is how far inside its window an answer must have a record that we
// hold: whether the API's windows include their ends is not known.
const margin = 60 * time.Second

// A keyed is a table of records with an id, by the names of its columns.
type keyed struct {
	shape
	allMonths bool  // an id is looked up in all months of its participant
	content   []int // columns whose difference is a change
	before    []int // columns kept in changes.before
	vanished  int   // column
}

// keyedTables are the tables that share one way of folding.
func keyedTables() []keyed {
	var tables []keyed
	for _, t := range shapesOf(transform.Record) {
		k := keyed{shape: t, allMonths: t.Resource == "events", vanished: t.place["vanished_at"]}
		k.content = t.except(append([]string{"connection_id"}, t.Learned...)...)
		k.before = t.except("vanished_at", "note")
		if t.Hidden { // extra may repeat the text
			k.before = t.except("vanished_at", "note", "extra")
		}
		tables = append(tables, k)
	}
	return tables
}

// A record is one row of a participant, held or just come.
type record struct {
	pick
	id       int32 // place in ids
	next     int32 // place of another row with the id; absent: there is none
	time     arrow.Timestamp
	month    monthNo
	vanished arrow.Timestamp // 0: present
	touched  bool            // vanished differs from the source's
	gone     bool            // another row stands in its place, or none
}

// An idRows is the rows with one id, and its place in the answer in hand.
type idRows struct {
	first  int32 // place in rows; absent: there is none
	answer int32 // the last one that has the id, from 1
	row    int32 // of that answer, which counts
}

// records are the rows of one participant in a keyed table while answers are
// applied to them: all rows of the months that matter, or the latest of them where
// the others do not. An id is looked up once for each row that has it.
type records struct {
	*keyed
	reach
	step        *step
	participant string
	held        []piece // sources[:len(held)] are their rows
	sources     sources // held, then answers'
	rows        []record
	months      map[monthNo]*monthRows
	last        *monthRows // of them, the one a row came to last

	known  map[string]int32 // places in ids
	ids    []idRows
	answer int32   // how many have been applied, with the one in hand
	notes  []int32 // of each event of the answer in hand, see notePlaces; nil unless r is of notes
}

// monthRows are the places of the rows of a month, and its bounds.
type monthRows struct {
	month    monthNo
	from, to int64
	rows     []int32
}

func newRecords(s *step, k *keyed, participant string, answers []*answer) *records {
	return &records{
		keyed: k, reach: k.reach(answers), step: s, participant: participant,
		months: make(map[monthNo]*monthRows), known: make(map[string]int32),
	}
}

// hold takes the rows that the lake has, before any answer is applied.
func (r *records) hold(pieces []piece) {
	r.held = append(r.held, pieces...)
	for _, p := range pieces {
		src := r.sources.add(p.rows)
		ids, vanished := r.number(r.text(p.rows, "record_id")), r.times(p.rows, "vanished_at")
		for row, t := range r.times(p.rows, "system_time").Values() {
			rec := record{pick: pick{src, int32(row)}, time: t}
			if vanished.IsValid(row) {
				rec.vanished = vanished.Value(row)
			}
			r.insert(ids[row], rec)
		}
	}
}

// number returns the places of ids.
func (r *records) number(ids transform.TextColumn) []int32 {
	places := make([]int32, ids.Len())
	for row := range places {
		id := ids.Value(row)
		place, known := r.known[id]
		if !known {
			place = int32(len(r.ids))
			r.known[id] = place
			r.ids = append(r.ids, idRows{first: absent})
		}
		places[row] = place
	}
	return places
}

// monthAt returns the rows of the month of an instant.
func (r *records) monthAt(t arrow.Timestamp) *monthRows {
	if r.last == nil || int64(t) < r.last.from || int64(t) >= r.last.to {
		m := monthOf(t)
		if r.months[m] == nil {
			from, to := m.bounds()
			r.months[m] = &monthRows{month: m, from: from, to: to}
		}
		r.last = r.months[m]
	}
	return r.last
}

func (r *records) insert(id int32, rec record) {
	in, place := r.monthAt(rec.time), int32(len(r.rows))
	rec.id, rec.next, rec.month = id, r.ids[id].first, in.month
	r.ids[id].first = place
	r.rows = append(r.rows, rec)
	in.rows = append(in.rows, place)
}

func (r *records) remove(place int32) {
	r.rows[place].gone = true
	link := &r.ids[r.rows[place].id].first
	for *link != place {
		link = &r.rows[*link].next
	}
	*link = r.rows[place].next
}

// apply applies one answer.
func (r *records) apply(a *answer) {
	if a.dropped {
		return
	}
	batch, come := a.batch.Tables[r.Name], r.come(a)
	missing, held := r.missing(a)
	if batch != nil {
		src, ids := r.sources.add(batch), come
		if r.Name != r.Resource {
			ids = r.number(r.text(batch, "record_id"))
		}
		near, texts := r.near(a, batch), r.text(batch, "record_id")
		for row, id := range ids {
			if at, _ := r.newest(id); at == int32(row) {
				r.upsert(a, id, texts.Value(row), pick{src, int32(row)}, near)
			}
		}
	}
	if r.Name != r.Resource {
		r.unnote(a, come)
	}
	r.vanish(a, missing, held)
}

// near returns the months in which the answer's records are looked up.
func (r *records) near(a *answer, batch arrow.RecordBatch) []monthNo {
	if r.allMonths {
		return slices.Sorted(maps.Keys(r.months))
	}
	months := make(map[monthNo]bool)
	addMonths(months, a, batch, r.shape)
	return slices.Sorted(maps.Keys(months))
}

// addMonths adds the months of an answer's window and records, and their
// neighbours.
func addMonths(months map[monthNo]bool, a *answer, batch arrow.RecordBatch, s shape) {
	around := func(m monthNo) { months[m-1], months[m], months[m+1] = true, true, true }
	if a.hasWindow() {
		for m := monthOf(instant(a.WindowStart)); m <= monthOf(instant(a.WindowEnd)); m++ {
			around(m)
		}
	}
	if batch == nil {
		return
	}
	var last monthNo
	for _, t := range s.times(batch, "system_time").Values() {
		if m := monthOf(t); m != last {
			around(m)
			last = m
		}
	}
}

// finish returns what became of the rows, by month.
func (r *records) finish() map[monthNo]change {
	changes := make(map[monthNo]change)
	for m := range r.months {
		if c, ok := r.monthChange(m); ok {
			changes[m] = c
		}
	}
	return changes
}

func (r *records) monthChange(m monthNo) (change, bool) {
	c := change{participant: r.participant}
	var adds []int32
	r.sort(r.months[m].rows)
	for _, place := range r.months[m].rows {
		rec := &r.rows[place]
		held := int(rec.src) < len(r.held)
		if held && (rec.gone || rec.touched) {
			c.drop(r.held[rec.src], int(rec.row))
		}
		if !rec.gone && (!held || rec.touched) {
			adds = append(adds, place)
		}
	}
	if r.lacks = r.lacks || c.drops != nil; len(adds) > 0 {
		r.added = min(r.added, r.rows[adds[0]].time)
	}
	if len(adds) > 0 {
		c.adds = r.gatherRows(adds)
	}
	return c, c.adds != nil || c.drops != nil
}

// sort puts the rows at places into the table's order.
func (r *records) sort(places []int32) {
	id := func(rec *record) string { return r.text(r.sources[rec.src], "record_id").Value(int(rec.row)) }
	slices.SortFunc(places, func(a, b int32) int {
		p, q := &r.rows[a], &r.rows[b]
		if p.time != q.time {
			return cmp.Compare(p.time, q.time)
		}
		return cmp.Compare(id(p), id(q))
	})
}

// gatherRows copies the rows at places.
func (r *records) gatherRows(places []int32) arrow.RecordBatch {
	picks, vanished := make([]pick, len(places)), make([]arrow.Timestamp, len(places))
	for i, place := range places {
		picks[i], vanished[i] = r.rows[place].pick, r.rows[place].vanished
	}
	batch := r.sources.gather(r.step.loader.Mem, r.schema, picks)
	defer batch.Release()
	return setTimes(r.step.loader.Mem, batch, r.vanished, vanished)
}

// presence reports whether the row at place was and is present.
func (r *records) presence(place int) (was, is bool) {
	rec := &r.rows[place]
	is = !rec.gone && rec.vanished == 0
	if int(rec.src) < len(r.held) {
		was = r.times(r.held[rec.src].rows, "vanished_at").IsNull(int(rec.row))
	}
	return was, is
}
