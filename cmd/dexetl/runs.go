package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

func (p *program) runsCommand() *cli.Command {
	var limit int
	return &cli.Command{
		Name: "runs", Usage: "the runs, newest first: when, what, calls, exit code, snapshots",
		Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit}},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			return p.printed(p.runs(ctx, s, limit))
		}),
	}
}

// runs are the newest runs with what came of them.
func (p *program) runs(ctx context.Context, s *study.Study, limit int) (table.Table, error) {
	t := tableOf(schemas.Runs())
	t.First = []string{"started_at", "command", "state", "exit_code", "took_s", "calls", "records"}
	past, damage, err := s.Runs(ctx, limit)
	if damage != nil {
		p.say("what the runs brought is not all known: %v", damage)
	}
	for _, r := range past {
		outcome, code, calls, answers, records := "ended", any(r.Run.ExitCode), any(r.Run.Calls), any(r.Run.Answers), any(nil)
		if r.Run.EndedAt.IsZero() {
			if outcome, code, calls, answers = "died", nil, nil, nil; r.Alive {
				outcome = "running"
			}
			if r.Folded {
				answers = r.Answers
			}
		}
		if r.Folded {
			records = r.Records
		}
		t.Rows = append(t.Rows, []any{
			r.Run.StartedAt.Truncate(time.Second), r.Run.Command, outcome, code, calls, answers, records,
			orNull(spans(r.Snapshots)), p.took(r.Run, outcome), r.Run.ID,
		})
	}
	return t, err
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
