package study

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// A PastRun is a run with what came of it.
type PastRun struct {
	Run       state.Run
	Alive     bool // it has not ended, and its process lives
	Folded    bool // what it brought is in the lake, and is known
	Answers   int64
	Records   int64
	Snapshots []int64 // committed, in order
}

// Runs are the newest runs before the one with an id, or for "" of all, newest first; all
// of them for a limit of 0. Damage that hides what they brought is returned beside them.
func (s *Study) Runs(ctx context.Context, before string, limit int) (past []PastRun, damage, err error) {
	runs, err := s.Store.Runs(ctx)
	if before != "" {
		runs = runs[:max(0, slices.IndexFunc(runs, func(r state.Run) bool { return r.ID == before }))]
	}
	if err != nil || len(runs) == 0 {
		return nil, nil, err
	}
	slices.Reverse(runs)
	if limit > 0 && len(runs) > limit {
		runs = runs[:limit]
	}
	brought, snapshots, err := s.broughtBy(ctx, runs[len(runs)-1])
	if is[*lake.DamageError](err) {
		damage, err = err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, r := range runs {
		one := PastRun{Run: r, Snapshots: snapshots[r.ID]}
		var came haul
		came, one.Folded = brought[r.ID]
		one.Answers, one.Records = came.answers, came.records
		if r.EndedAt.IsZero() {
			if one.Alive, err = s.Store.Alive(r); err != nil {
				return nil, damage, err
			}
		}
		past = append(past, one)
	}
	return past, damage, nil
}

// LastSync is when the newest sync began, zero if there was none: a restart is
// no reason to call again.
func (s *Study) LastSync(ctx context.Context) (last time.Time, err error) {
	runs, err := s.Store.Runs(ctx)
	for _, r := range runs {
		if strings.HasPrefix(r.Command, string(plan.Sync)) { // or sync --deep
			last = r.StartedAt
		}
	}
	return last, err
}

// A haul is what came to the lake by a run.
type haul struct{ answers, records int64 }

// broughtBy returns, by run, what came to the lake and the snapshots committed, in
// order, of the run oldest and all later ones.
func (s *Study) broughtBy(ctx context.Context, oldest state.Run) (brought map[string]haul, snapshots map[string][]int64, err error) {
	l, newest, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if snapshots, err = committedSince(l, oldest.StartedAt); err != nil {
		return nil, snapshots, err
	}
	brought, err = haulsByRun(ctx, l, newest, oldest.StartedAt)
	return brought, snapshots, err
}

// committedSince are the snapshots there are of a time and later, in order, by run. One
// that is neither there nor accounted for is damage.
func committedSince(l *lake.Lake, since time.Time) (byRun map[string][]int64, err error) {
	byRun = make(map[string][]int64)
	all, err := l.Manifests()
	if err != nil {
		return byRun, err
	}
	gone, err := l.Gone()
	if err != nil {
		return byRun, err
	}
	var m lake.Manifest
	for _, n := range slices.Backward(all) {
		if m.Snapshot > 0 && !l.Accounted(gone, n+1, m.Parent) {
			_, err := l.Manifest(m.Parent)
			return byRun, err
		}
		if m, err = l.Manifest(n); err != nil || m.CreatedAt.Before(since) {
			return byRun, err
		}
		byRun[m.Run] = append([]int64{n}, byRun[m.Run]...)
	}
	if m.Parent > 0 && !l.Accounted(gone, 1, m.Parent) {
		_, err = l.Manifest(m.Parent)
	}
	return byRun, err
}

// haulsByRun sums the requests since a time, by run.
func haulsByRun(ctx context.Context, l *lake.Lake, m lake.Manifest, since time.Time) (map[string]haul, error) {
	sums := make(map[string]haul)
	for _, f := range m.TableFiles("requests") {
		if f.LastTime.Before(since) {
			continue
		}
		for batch, err := range l.Read(ctx, f, lake.ReadOptions{Columns: []string{"run_id", "records"}}) {
			if err != nil {
				return nil, err
			}
			runs, records := transform.TextOf(batch.Column(0)), batch.Column(1).(*array.Int64)
			for row := range runs.Len() {
				run := runs.Value(row)
				if _, known := sums[run]; !known {
					run = strings.Clone(run) // the batch goes
				}
				h := sums[run]
				sums[run] = haul{h.answers + 1, h.records + records.Value(row)}
			}
			batch.Release()
		}
	}
	return sums, nil
}
