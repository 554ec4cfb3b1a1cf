package load

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// A unit is the files that become one run of files: those of a range of
// participants, or of one day, and what changes in them.
type unit struct {
	day     string
	files   []lake.File
	adds    map[string]arrow.RecordBatch // by participant
	dirty   bool
	ordered []string // participants of adds
	parts   []*unit  // that were joined
}

func (u *unit) add(participant string, rows arrow.RecordBatch) {
	if u.adds == nil {
		u.adds = make(map[string]arrow.RecordBatch)
	}
	u.adds[participant] = rows
	u.ordered = append(u.ordered, participant)
	u.dirty = true
}

// rows are those that u holds and those that come.
func (u *unit) rows() (n int64) {
	for _, f := range u.files {
		n += f.Rows
	}
	for _, b := range u.adds {
		n += b.NumRows()
	}
	return n
}

func (u *unit) isFull(l layout) bool { return u.rows() >= l.maxRows }

// join puts neighbouring units together while too many of them are not full.
func (r *rewrite) join(units []*unit) []*unit {
	for {
		from, to := nextRun(units, r.step.loader.layout)
		if from == to {
			return units
		}
		units = slices.Replace(units, from, to, joined(units[from:to]...))
	}
}

// joined makes one unit of neighbours.
func joined(units ...*unit) *unit {
	one := &unit{day: units[0].day, dirty: true}
	for _, u := range units {
		one.parts = append(one.parts, u.eachPart()...)
		one.files = append(one.files, u.files...)
		for _, p := range u.ordered {
			one.add(p, u.adds[p])
		}
	}
	return one
}

// chunks are the parts of u, each with rows enough for a row group: small ones are
// joined with neighbours.
func (u *unit) chunks(minRows int64) (chunks []*unit) {
	isSmall := func(i int) bool { return chunks[i].rows() < minRows }
	for _, p := range u.parts {
		if last := len(chunks) - 1; last >= 0 && isSmall(last) {
			chunks[last] = joined(chunks[last], p)
		} else {
			chunks = append(chunks, p)
		}
	}
	if n := len(chunks); n > 1 && isSmall(n-1) {
		chunks = append(chunks[:n-2], joined(chunks[n-2:]...))
	}
	return chunks
}

// eachPart are the units that u was joined of, or itself.
func (u *unit) eachPart() []*unit {
	if u.parts == nil {
		return []*unit{u}
	}
	return u.parts
}

// nextRun returns the neighbours to join next; none if few enough are not full. What
// changes is left for itself as long as that is possible: answers come participant by
// participant, so the next commit will change it again, and would write all anew that it
// was joined with.
func nextRun(units []*unit, l layout) (from, to int) {
	small, settled := 0, 0
	for _, u := range units {
		if !u.isFull(l) {
			small++
			settled += bit(!u.dirty)
		}
	}
	if settled > l.maxFiles {
		from, to = cheapestRun(units, l, func(u *unit) bool { return !u.dirty })
	}
	if from == to && small > l.maxFiles+l.maxNew {
		from, to = cheapestRun(units, l, func(*unit) bool { return true })
	}
	return from, to
}

// cheapestRun returns the run, of units that may be joined, with the fewest rows by the
// square of how many files fewer there are: a file grows with others of its size, and so
// each row is written anew a few times only.
func cheapestRun(units []*unit, l layout, may func(*unit) bool) (from, to int) {
	least := math.Inf(1)
	for i := range units {
		fewer, rows := -1, int64(0)
		for j, u := range units[i:] {
			if !may(u) {
				break
			}
			fewer, rows = fewer+bit(!u.isFull(l)), rows+u.rows()
			if cost := float64(rows) / float64(fewer*fewer); fewer > 0 && cost < least {
				from, to, least = i, i+j+1, cost
			}
		}
	}
	return from, to
}
