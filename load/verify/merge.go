package verify

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

var errEnd = errors.New("no more rows")

// A merge goes through the files of a table, one participant after the other. Tables that
// know none, or that are not sorted by them, are gone through file by file.
type merge struct {
	table  transform.Table
	files  []lake.File // not yet open, by their first participant
	open   []*reader
	hashed bool // keys are hashed: their order does not say that none is there twice
	seed   maphash.Seed
	ofOne  bool  // keys of two participants cannot be the same
	keys   []key // of the participant in hand, or of all so far

	openOne func(lake.File) *reader
	failed  []failure
}

// A key identifies a row, by chance not another one.
type key struct {
	hash uint64
	from *reader
}

// mostKeys is how many keys are remembered, about: those of a table whose keys name no
// participant are as many as its rows, and beyond this are compared in turns.
const mostKeys = 4 << 20

// A failure is a file that could not be read to its end.
type failure struct {
	lake.File
	err error
}

func newMerge(ctx context.Context, l *lake.Lake, t transform.Table, files []lake.File) *merge {
	m := &merge{table: t, files: slices.Clone(files), seed: maphash.MakeSeed()}
	// Keys that are the order are unique if rows rise strictly, and files do not overlap.
	m.hashed = t.Key != nil && !slices.Equal(t.Key, t.Order)
	m.ofOne = slices.Contains(t.Key, "participant_id")
	slices.SortStableFunc(m.files, func(a, b lake.File) int { return compareText(a.FirstParticipant, b.FirstParticipant) })
	m.openOne = func(f lake.File) *reader { return newReader(ctx, l, m, f) }
	return m
}

// next reads the rows of the next participant, and finds what is wrong with them. After
// the last one the error is errEnd.
func (m *merge) next() (found []overlap, err error) {
	participant, some := m.first()
	if !some {
		return m.twice(), errEnd
	}
	for len(m.files) > 0 && (m.files[0].FirstParticipant <= participant || m.fileByFile() && len(m.open) == 0) {
		m.open, m.files = append(m.open, m.openOne(m.files[0])), m.files[1:]
	}
	for _, r := range m.open {
		if err := r.take(participant); err != nil {
			if !isDamage(err) {
				return nil, err
			}
			m.failed = append(m.failed, failure{r.file, err})
			r.done = true
		}
		if r.done && r.wrong != "" {
			found = append(found, overlap{r.file, r.wrong})
		}
	}
	if m.ofOne || len(m.keys) > mostKeys {
		found = append(found, m.twice()...)
	}
	m.open = slices.DeleteFunc(m.open, func(r *reader) bool {
		if r.done {
			r.close()
		}
		return r.done
	})
	return found, nil
}

// fileByFile reports whether rows of a participant do not lie together.
func (m *merge) fileByFile() bool { return m.table.Order[0] != "participant_id" }

// first is the first participant of whom rows are left.
func (m *merge) first() (participant string, some bool) {
	for _, r := range m.open {
		if !some || r.at < participant {
			participant, some = r.at, true
		}
	}
	if len(m.files) > 0 && (!some || m.files[0].FirstParticipant < participant) {
		participant, some = m.files[0].FirstParticipant, true
	}
	return participant, some
}

// twice finds a key that two rows have, and forgets all keys.
func (m *merge) twice() (found []overlap) {
	slices.SortFunc(m.keys, func(a, b key) int { return cmp.Compare(a.hash, b.hash) })
	for i := 1; i < len(m.keys) && found == nil; i++ {
		if m.keys[i].hash == m.keys[i-1].hash {
			a, b := m.keys[i-1].from, m.keys[i].from
			found = []overlap{{b.file, "a row has the same " + strings.Join(m.table.Key, ", ") + " as another one, in " + a.file.Path}}
		}
	}
	m.keys = m.keys[:0]
	return found
}

// takeFailed are the files that could not be read, each once.
func (m *merge) takeFailed() []failure {
	failed := m.failed
	m.failed = nil
	return failed
}

func (m *merge) close() {
	for _, r := range m.open {
		r.close()
	}
}

func isDamage(err error) bool {
	_, ok := errors.AsType[*lake.DamageError](err)
	return ok
}
