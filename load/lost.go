package load

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A damaged file stops what needs its rows, and nothing else. It stays part of
// the lake, marked, and is never read or rewritten: only the log knows its rows,
// and only a replay brings them back. Until then
//
//   - an answer whose changes its rows decide is held, and so are all later ones
//     of that participant and resource: they stay in log order, in the log;
//   - what is derived for its participants and month is left as it is;
//   - rows that are only added go into another file beside it;
//   - a table of the study is written anew: the study has all of it.

// damage is what a Load knows of the damaged files of the newest snapshot.
type damage struct {
	seen    map[string]*lake.DamageError // by path
	content map[string]*lake.DamageError // those whose size is right

	recovered []*lake.DamageError // that are whole again
}

func newDamage() *damage {
	return &damage{seen: make(map[string]*lake.DamageError), content: make(map[string]*lake.DamageError)}
}

// mark returns m with all files marked that are known to be damaged.
func (d *damage) mark(l *lake.Lake, m lake.Manifest) (lake.Manifest, error) {
	found, err := l.Damaged(m.Files)
	if err == nil {
		found, err = d.recover(l, m, found)
	}
	if err != nil {
		return m, err
	}
	known := maps.Clone(d.content)
	maps.Copy(known, damageByPath(found))
	for _, f := range m.Files {
		if e := known[f.Path]; e != nil {
			d.seen[f.Path] = e
		}
	}
	return marked(m, known), nil
}

// marked returns m with damaged files, by path, marked.
func marked(m lake.Manifest, damaged map[string]*lake.DamageError) lake.Manifest {
	m.Files = slices.Clone(m.Files)
	for i, f := range m.Files {
		if e := damaged[f.Path]; e != nil {
			m.Files[i].Damaged = e.Err.Error()
		}
	}
	return m
}

func damageByPath(found []*lake.DamageError) map[string]*lake.DamageError {
	of := make(map[string]*lake.DamageError, len(found))
	for _, e := range found {
		of[e.Path] = e
	}
	return of
}

// discover looks at the content of every file after err has named a damaged one. It
// reports whether that one is among them and was not known.
func (d *damage) discover(l *lake.Lake, err error) bool {
	named, ok := errors.AsType[*lake.DamageError](err)
	if !ok || d.seen[named.Path] != nil {
		return false
	}
	m, err := l.Current()
	if err != nil {
		return false
	}
	found, err := l.DamagedContent(m.Files)
	if err != nil {
		return false
	}
	damaged := damageByPath(found)[named.Path] != nil
	if found, err = d.recover(l, m, found); err != nil {
		return false
	}
	d.content = damageByPath(found)
	return damaged
}

// recover has those of the damaged files of m put back that a snapshot's folder still has,
// and returns the others. Where a commit went around a file, nothing but a replay knows
// what it would have now.
func (d *damage) recover(l *lake.Lake, m lake.Manifest, found []*lake.DamageError) (lost []*lake.DamageError, err error) {
	for _, harm := range found {
		i := slices.IndexFunc(m.Files, func(f lake.File) bool { return f.Path == harm.Path })
		back := false
		if m.Files[i].Damaged == "" {
			if back, err = l.Recover(m.Files[i]); err != nil {
				return nil, err
			}
		}
		if back {
			d.recovered = append(d.recovered, harm)
		} else {
			lost = append(lost, harm)
		}
	}
	return lost, nil
}

// list are the damaged files, by path.
func (d *damage) list() []*lake.DamageError { return byPath(slices.Collect(maps.Values(d.seen))) }

// byPath orders damaged files, each once. It reorders its argument.
func byPath(files []*lake.DamageError) []*lake.DamageError {
	slices.SortStableFunc(files, func(a, b *lake.DamageError) int { return cmp.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b *lake.DamageError) bool { return a.Path == b.Path })
}

// lost are the damaged files of a snapshot, by table.
type lost map[string][]lake.File

func lostIn(m lake.Manifest) lost {
	l := make(lost)
	for _, f := range m.Files {
		if f.Damaged != "" {
			l[f.Table] = append(l[f.Table], f)
		}
	}
	return l
}

// of returns a file of a table that may have rows of the participant; nil: none.
func (l lost) of(table, participant string) *lake.File {
	return l.find(table, participant, func(*lake.File) bool { return true })
}

// in reports whether rows of the participant may be lost of a partition.
func (l lost) in(table, partition, participant string) bool {
	return l.find(table, participant, func(f *lake.File) bool { return f.Partition == partition }) != nil
}

func (l lost) find(table, participant string, is func(*lake.File) bool) *lake.File {
	for i := range l[table] {
		if f := &l[table][i]; f.FirstParticipant <= participant && participant <= f.LastParticipant && is(f) {
			return f
		}
	}
	return nil
}

// whole are the files that are not damaged.
func whole(files []lake.File) []lake.File {
	return slices.DeleteFunc(files, func(f lake.File) bool { return f.Damaged != "" })
}

// firstDamaged returns the damage of the first of files that has one; nil: none has.
func firstDamaged(files []lake.File) *lake.DamageError {
	for _, f := range files {
		if f.Damaged != "" {
			return &lake.DamageError{Path: f.Path, Err: errors.New(f.Damaged)}
		}
	}
	return nil
}

// A waitError says why an answer is held that could be applied.
type waitError struct{ path string }

func (e *waitError) Error() string {
	return fmt.Sprintf("file %s is damaged: a replay applies this answer", e.path)
}

// waits reports whether the answer is held because of a damaged file.
func (a *answer) waits() bool {
	_, waits := errors.AsType[*waitError](a.held)
	return waits
}

// decidedBy returns the tables whose rows decide what an answer changes.
func decidedBy(resource string) []string {
	tables := []string{"connection_accounts", "connection_ranges"}
	for _, t := range shapesOf(transform.Record, transform.Version) {
		if t.Resource == resource {
			tables = append(tables, t.Name)
		}
	}
	if shapeNamed(tables[len(tables)-1]).Kind == transform.Record {
		tables = append(tables, "vanish_pending")
	}
	return tables
}

// holdWaiting holds the answers that cannot be applied without rows that are lost.
// Whose answers are held depends on no more than participant and resource, so none
// is applied before an older one.
func (s *step) holdWaiting() {
	for _, a := range s.answers {
		if a.held != nil {
			continue
		}
		for _, table := range decidedBy(a.Resource) {
			if f := s.lost.of(table, a.ParticipantID); f != nil {
				a.hold(&waitError{f.Path})
				break
			}
		}
	}
}
