package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

func (p *program) runsCommand() *cli.Command {
	var limit int
	return &cli.Command{
		Name: "runs", Usage: "the runs, newest first: when, what, calls, exit code, snapshots",
		Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit}},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study) error {
			t, err := p.runs(ctx, s, limit)
			if err != nil {
				return err
			}
			return p.print(t)
		}),
	}
}

// runs joins what the state knows of runs with what came of them in the lake.
func (p *program) runs(ctx context.Context, s *study, limit int) (table, error) {
	t := table{
		schema:  "dexetl.runs/1",
		columns: []string{"started_at", "command", "state", "exit_code", "calls", "answers", "records", "snapshots", "took_s", "run_id"},
	}
	runs, err := s.store.Runs(ctx)
	if err != nil || len(runs) == 0 {
		return t, err
	}
	slices.Reverse(runs)
	if limit > 0 && len(runs) > limit {
		runs = runs[:limit]
	}
	brought, snapshots, err := s.broughtBy(ctx, runs[len(runs)-1])
	if as[*lake.DamageError](err) {
		p.say("what the runs brought is not all known: %v", err)
	} else if err != nil {
		return t, err
	}
	for _, r := range runs {
		outcome, code, calls, answers := "ended", any(r.ExitCode), any(r.Calls), any(r.Answers)
		came, folded := brought[r.ID]
		if r.EndedAt.IsZero() {
			alive, err := s.store.Alive(r)
			if err != nil {
				return t, err
			}
			if outcome, code, calls, answers = "died", nil, nil, nil; alive {
				outcome = "running"
			}
			if folded {
				answers = came.answers
			}
		}
		records := any(nil)
		if folded {
			records = came.records
		}
		t.rows = append(t.rows, []any{
			r.StartedAt.Truncate(time.Second), r.Command, outcome, code, calls, answers, records,
			orNull(spans(snapshots[r.ID])), p.took(r, outcome), r.ID,
		})
	}
	return t, nil
}

// took is how long a run took, or has taken until now, in seconds.
func (p *program) took(r state.Run, outcome string) any {
	switch outcome {
	case "died":
		return nil
	case "running":
		return p.now().Sub(r.StartedAt).Round(100 * time.Millisecond).Seconds()
	}
	return r.EndedAt.Sub(r.StartedAt).Round(100 * time.Millisecond).Seconds()
}

// A haul is what came to the lake by a run.
type haul struct{ answers, records int64 }

// broughtBy returns, by run, what came to the lake and the snapshots committed, in
// order, of the run oldest and all later ones.
func (s *study) broughtBy(ctx context.Context, oldest state.Run) (brought map[string]haul, snapshots map[string][]int64, err error) {
	l, newest, err := s.snapshot("")
	if as[*emptyLakeError](err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	snapshots = make(map[string][]int64)
	for m := newest; m.Snapshot > 0 && !m.CreatedAt.Before(oldest.StartedAt); {
		snapshots[m.Run] = append([]int64{m.Snapshot}, snapshots[m.Run]...)
		if m.Parent == 0 {
			break
		}
		if m, err = l.Manifest(m.Parent); err != nil {
			return nil, snapshots, err
		}
	}
	brought, err = haulsByRun(ctx, l, newest, oldest.StartedAt)
	return brought, snapshots, err
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
			runs, records := batch.Column(0).(*array.String), batch.Column(1).(*array.Int64)
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

// spans writes ascending numbers as 3, or 3-7, or 3-5 8.
func spans(numbers []int64) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := fmt.Sprint(numbers[i])
		if j > i {
			part += fmt.Sprintf("-%d", numbers[j])
		}
		parts, i = append(parts, part), j+1
	}
	return strings.Join(parts, " ")
}
