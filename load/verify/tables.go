package verify

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

// readTables reads the tables of the newest snapshot, those with most rows first.
func (r *run) readTables(ctx context.Context) error {
	m := r.report.Newest
	all := transform.Tables()
	for _, t := range all {
		r.report.Rows += m.Rows(t.Name)
	}
	slices.SortStableFunc(all, func(a, b transform.Table) int { return int(min(1, max(-1, m.Rows(b.Name)-m.Rows(a.Name)))) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, t := range all {
		g.Go(func() error {
			if err := r.readTable(ctx, t, m.TableFiles(t.Name)); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// readTable checks the rows of one table in the files that are whole. Where one is not,
// others may lie over it: then nothing is said of how they lie to each other.
func (r *run) readTable(ctx context.Context, t transform.Table, files []lake.File) error {
	whole := slices.DeleteFunc(slices.Clone(files), func(f lake.File) bool { return r.files[f.Path].harmed })
	if len(whole) == len(files) {
		for _, f := range overlapping(t, files) {
			if err := r.broken(f.File, "%s", f.why); err != nil {
				return err
			}
		}
	}
	if r.Rows {
		for _, f := range whole {
			if err := r.addUp(ctx, t, f); err != nil {
				return err
			}
		}
	}
	return r.merge(ctx, t, whole)
}

// addUp reads all columns of a file. Files of an older program may lack some.
func (r *run) addUp(ctx context.Context, t transform.Table, f lake.File) error {
	sum, err := r.Lake.HashRows(ctx, f)
	if err != nil {
		return r.failed(f, err)
	}
	if f.RowsHash != "" && f.RowsHash != sum && r.report.Newest.Version(t.Name) == t.Version {
		return r.broken(f, "its rows add up to %s, the manifest says %s", sum, f.RowsHash)
	}
	return nil
}

// broken finds a rule that rows of a file break.
func (r *run) broken(f lake.File, format string, args ...any) error {
	return r.found(r.files[f.Path], &lake.DamageError{Path: f.Path, Err: fmt.Errorf(format, args...)}, true)
}

// failed finds a file that could not be read; other errors stay.
func (r *run) failed(f lake.File, err error) error {
	if err == nil {
		return nil
	}
	return r.found(r.files[f.Path], err, true)
}

// An overlap is a file that lies over another one of its partition.
type overlap struct {
	lake.File
	why string
}

// overlapping finds, in each partition, files of days with the same day, and others with
// the same participants, or in order of time with the same times.
func overlapping(t transform.Table, files []lake.File) (found []overlap) {
	parts := make(map[string][]lake.File)
	for _, f := range files {
		parts[f.Partition+" "+f.Day] = append(parts[f.Partition+" "+f.Day], f)
	}
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		part := parts[key]
		first, last := boundsOf(t)
		slices.SortFunc(part, func(a, b lake.File) int { return compareText(first(a), first(b)) })
		for i := 1; i < len(part); i++ {
			if before := part[i-1]; first(part[i]) <= last(before) {
				found = append(found, overlap{part[i], "its rows lie over those of " + before.Path})
			}
		}
	}
	return found
}

// boundsOf are the first and last value by which rows of a table are sorted. Where the
// order is that of time alone, files may share an instant, and nobody says how they lie.
func boundsOf(t transform.Table) (first, last func(lake.File) string) {
	if t.Order[0] != "participant_id" {
		return func(f lake.File) string { return f.Path }, func(lake.File) string { return "" }
	}
	return func(f lake.File) string { return f.FirstParticipant }, func(f lake.File) string { return f.LastParticipant }
}

// merge reads the columns that sort and identify the rows of a table: one participant
// after the other, of all files at once.
func (r *run) merge(ctx context.Context, t transform.Table, files []lake.File) error {
	m := newMerge(ctx, r.Lake, t, files)
	defer m.close()
	for {
		harm, err := m.next()
		for _, one := range harm {
			if err := r.broken(one.File, "%s", one.why); err != nil {
				return err
			}
		}
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range m.takeFailed() {
			if err := r.failed(f.File, f.err); err != nil {
				return err
			}
		}
	}
}
