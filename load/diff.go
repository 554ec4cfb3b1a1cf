package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A Side is one of two snapshots that are compared, and the lake that has its
// files.
type Side struct {
	Lake     *lake.Lake
	Manifest lake.Manifest
}

// sideOf is a lake's newest snapshot.
func sideOf(l *lake.Lake) (Side, error) {
	m, err := l.Current()
	return Side{l, m}, err
}

// A Difference says what leads from one snapshot to another.
type Difference struct {
	Rows        []RowCounts // only those that are not zero; by table, in the order of transform, and participant
	NotCompared []NotCompared
}

// RowCounts count the rows of one table and participant that differ. A row is
// found again by its table's key. Rows that have vanished are not rows of their
// snapshot: they are history.
type RowCounts struct {
	Table       string
	Participant string // empty: the table has none
	Added       int64
	Changed     int64 // in what they say
	Removed     int64

	// History counts the rows that differ only in when and by which request
	// they were learned, and vanished ones that differ at all.
	History int64
}

func (c *RowCounts) add(d RowCounts) {
	c.Added += d.Added
	c.Changed += d.Changed
	c.Removed += d.Removed
	c.History += d.History
}

// NotCompared is a partition that is left out, because a file of it is
// missing or damaged.
type NotCompared struct {
	Snapshot         int64
	Table, Partition string
	Err              *lake.DamageError
}

// Sum sums Rows over all tables that are not of history.
func (d Difference) Sum() RowCounts {
	var sum RowCounts
	for _, c := range d.Rows {
		if !shapeNamed(c.Table).History {
			sum.add(c)
		}
	}
	return sum
}

// Equal reports whether the snapshots say the same: there is no row more, less
// or different, but in tables of history. It says nothing of what could not be
// compared.
func (d Difference) Equal() bool {
	sum := d.Sum()
	return sum.Added+sum.Changed+sum.Removed == 0
}

// Identical reports whether nothing differs at all but the table runs, to which
// every run adds a row.
func (d Difference) Identical() bool {
	return len(d.NotCompared) == 0 && !slices.ContainsFunc(d.Rows, func(c RowCounts) bool { return c.Table != "runs" })
}

// Totals sums Rows over participants.
func (d Difference) Totals() []RowCounts {
	var totals []RowCounts
	for _, c := range d.Rows {
		if n := len(totals); n == 0 || totals[n-1].Table != c.Table {
			totals = append(totals, RowCounts{Table: c.Table})
		}
		totals[len(totals)-1].add(c)
	}
	return totals
}

// Diff compares two snapshots row by row. It reads the files that only one of
// them has: a file has its content's name. Of partitions whose rows are the same by
// the hash in the manifests it reads nothing but whether their files are whole. In
// memory are the rows of one participant at a time and table, and of requests those
// of one day.
func Diff(ctx context.Context, a, b Side) (Difference, error) {
	tables := transform.Tables()
	parts := make([]Difference, len(tables))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range tables {
		g.Go(func() (err error) {
			if parts[i], err = diffTable(ctx, shapeOf(t), a, b); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Difference{}, err
	}
	var d Difference
	for _, part := range parts {
		d.Rows = append(d.Rows, part.Rows...)
		d.NotCompared = append(d.NotCompared, part.NotCompared...)
	}
	return d, nil
}

func diffTable(ctx context.Context, t shape, a, b Side) (Difference, error) {
	filesA, filesB := onlyIn(t, a, b), onlyIn(t, b, a)
	var d Difference
	var err error
	if d.NotCompared, err = damagedParts(ctx, a, filesA); err != nil {
		return d, err
	}
	more, err := damagedParts(ctx, b, filesB)
	if err != nil {
		return d, err
	}
	d.NotCompared = append(d.NotCompared, more...)
	leftOut := func(f lake.File) bool {
		return slices.ContainsFunc(d.NotCompared, func(n NotCompared) bool { return n.Partition == f.Partition })
	}
	filesA, filesB = differing(slices.DeleteFunc(filesA, leftOut), slices.DeleteFunc(filesB, leftOut))
	c := newComparison(t)
	err = c.run(newStream(ctx, t, a.Lake, filesA), newStream(ctx, t, b.Lake, filesB))
	for _, participant := range slices.Sorted(maps.Keys(c.counts)) {
		d.Rows = append(d.Rows, *c.counts[participant])
	}
	return d, err
}

// onlyIn returns the files of a table that a has and b does not.
func onlyIn(t shape, a, b Side) []lake.File {
	shared := make(map[string]bool)
	for _, f := range b.Manifest.TableFiles(t.Name) {
		shared[f.SHA256] = true
	}
	return slices.DeleteFunc(a.Manifest.TableFiles(t.Name), func(f lake.File) bool { return shared[f.SHA256] })
}

// differing leaves out the partitions that hold the same rows in both, however they
// are spread over files.
func differing(a, b []lake.File) (filesA, filesB []lake.File) {
	partsA, partsB := byPartition(a), byPartition(b)
	same := func(f lake.File) bool { return lake.SameRows(partsA[f.Partition], partsB[f.Partition]) }
	return slices.DeleteFunc(a, same), slices.DeleteFunc(b, same)
}

func byPartition(files []lake.File) map[string][]lake.File {
	parts := make(map[string][]lake.File)
	for _, f := range files {
		parts[f.Partition] = append(parts[f.Partition], f)
	}
	return parts
}

// damagedParts returns the partitions of files of which one is not what it
// should be, each once.
func damagedParts(ctx context.Context, s Side, files []lake.File) ([]NotCompared, error) {
	var parts []NotCompared
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := s.Lake.Check(f)
		if err == nil {
			continue
		}
		damage, ok := errors.AsType[*lake.DamageError](err)
		if !ok {
			return nil, err
		}
		parts = append(parts, NotCompared{s.Manifest.Snapshot, f.Table, f.Partition, damage})
	}
	return slices.CompactFunc(parts, func(x, y NotCompared) bool { return x.Partition == y.Partition }), nil
}
