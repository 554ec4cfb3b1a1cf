package load

import (
	"cmp"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// Add adds what a later Load did to r, whose Tables must not be nil.
func (r *Result) Add(later Result) {
	r.Snapshot, r.Outdated = later.Snapshot, later.Outdated
	r.Commits += later.Commits
	r.Applied += later.Applied
	r.Held += later.Held
	r.Records += later.Records
	r.Rejected += later.Rejected
	r.Bytes += later.Bytes
	r.Nameless += later.Nameless
	for participant, answers := range later.OtherAccount {
		r.ofOther(participant, answers)
	}
	for of, t := range later.Tallies {
		r.tally(of, t)
	}
	r.Conflicts += later.Conflicts
	r.Took += later.Took
	r.warn(later.Warnings, later.Unnamed)
	r.Harmed(later.Damaged...)
	r.Recovered = append(r.Recovered, later.Recovered...)
	for table, counts := range later.Tables {
		addCounts(r.Tables, table, counts)
	}
}

func addCounts(to map[string]Counts, table string, c Counts) {
	all := to[table]
	all.add(c)
	to[table] = all
}

// A Subject is one resource of one participant.
type Subject struct{ ParticipantID, Resource string }

// A Tally counts records of answers, repeats included.
type Tally struct{ Records, Rejected int }

// Unread returns those of whom records came and every one was rejected, sorted.
func (r *Result) Unread() []Subject {
	var unread []Subject
	for of, t := range r.Tallies {
		if t.Records > 0 && t.Rejected == t.Records {
			unread = append(unread, of)
		}
	}
	slices.SortFunc(unread, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.ParticipantID, b.ParticipantID), cmp.Compare(a.Resource, b.Resource))
	})
	return unread
}

func (r *Result) tally(of Subject, t Tally) {
	if t.Records == 0 {
		return
	}
	if r.Tallies == nil {
		r.Tallies = make(map[Subject]Tally)
	}
	all := r.Tallies[of]
	r.Tallies[of] = Tally{all.Records + t.Records, all.Rejected + t.Rejected}
}

func (r *Result) ofOther(participant string, answers int) {
	if r.OtherAccount == nil {
		r.OtherAccount = make(map[string]int)
	}
	r.OtherAccount[participant] += answers
}

// Harmed adds damaged files, each once.
func (r *Result) Harmed(files ...*lake.DamageError) {
	r.Damaged = byPath(slices.Concat(r.Damaged, files))
}

// maxWarnings is how many different warnings a Result has at most.
const maxWarnings = 1000

// warn adds warnings, each field and value once, in their order, and counts those
// that are not named.
func (r *Result) warn(more []transform.Warning, unnamed int) {
	order := func(a, b transform.Warning) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
	}
	all := slices.Concat(r.Warnings, more) // Result is copied: its slice is not to be written to
	slices.SortStableFunc(all, order)
	merged := all[:0]
	for _, w := range all {
		if n := len(merged); n > 0 && order(merged[n-1], w) == 0 {
			merged[n-1].Count += w.Count
		} else {
			merged = append(merged, w)
		}
	}
	r.Warnings = merged[:min(len(merged), maxWarnings)]
	for _, w := range merged[len(r.Warnings):] {
		unnamed += w.Count
	}
	r.Unnamed += unnamed
}
