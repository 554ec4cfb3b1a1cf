package load

import (
	"strings"
	"time"
)

// When this many records and this share of those held in a window are gone at
// once, a second answer must agree, so much later.
const (
	manyMissing   = 20
	missingShare  = 0.20
	secondOpinion = 24 * time.Hour
)

// missing returns the present rows that the answer should have and lacks, and
// how many rows it should have. Another account lacking a record says nothing,
// and neither does an answer whose record could not be read. But the connection
// may be another one to the same account.
func (r *records) missing(a *answer) (places []int32, held int) {
	if !a.hasWindow() {
		return nil, 0
	}
	from, to := instant(a.WindowStart.Add(margin)), instant(a.WindowEnd.Add(-margin))
	for m := monthOf(from); m <= monthOf(to); m++ {
		in := r.months[m]
		if in == nil {
			continue
		}
		for _, place := range in.rows {
			rec := &r.rows[place]
			if rec.gone || rec.vanished != 0 || rec.time < from || rec.time > to {
				continue
			}
			source := r.sources[rec.src]
			if !r.step.study.sameAccount(r.text(source, "connection_id").Value(int(rec.row)), a.ConnectionID) {
				continue
			}
			held++
			if _, came := r.newest(rec.id); !came && !a.mentions(r.idOf(place)) {
				places = append(places, place)
			}
		}
	}
	return places, held
}

// lose marks a row as vanished.
func (r *records) lose(a *answer, id string, place int32, since time.Time) {
	r.change(a, id, place, "vanished")
	delete(r.step.pending, r.pendingKey(id))
	rec := &r.rows[place]
	rec.vanished, rec.touched = instant(since), true
	a.count(r.Name).Vanished++
}

// vanish marks the missing rows, or lets them wait for a second answer, or
// leaves them where the answer is not to be believed. Notes do what their events
// do, which were judged before them.
func (r *records) vanish(a *answer, missing []int32, held int) {
	if len(missing) > 0 && a.trust == contradicted {
		a.count(r.Name).Contradicted += len(missing)
		return
	}
	many := a.trust == doubted || len(missing) >= manyMissing && float64(len(missing)) > missingShare*float64(held)
	if r.Name == r.Resource {
		a.manyMissing = many
	} else {
		many = a.manyMissing
	}
	for _, place := range missing {
		id := r.idOf(place)
		since, waits := r.step.pending[r.pendingKey(id)]
		switch {
		case waits && a.AskedAt.Sub(since) < secondOpinion, many && !waits:
			if !waits {
				r.step.pending[r.pendingKey(strings.Clone(id))] = a.AskedAt
			}
			a.count(r.Name).Withheld++
			continue
		case !waits:
			since = a.AskedAt
		}
		r.lose(a, id, place, since)
	}
}

// A pendingKey is a record that waits for a second answer to agree that it is
// gone.
type pendingKey struct{ participant, table, record string }

// waited reports whether the record with an id waited for that, and ends it.
func (r *records) waited(id string) bool {
	if len(r.step.pending) == 0 {
		return false
	}
	_, waited := r.step.pending[r.pendingKey(id)]
	delete(r.step.pending, r.pendingKey(id))
	return waited
}

// pendingKey is the key of a record of r's table.
func (r *records) pendingKey(id string) pendingKey { return pendingKey{r.participant, r.Name, id} }
