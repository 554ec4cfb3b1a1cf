package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/study"
)

func (p *program) runsCommand() *cli.Command {
	var limit int
	return &cli.Command{
		Name: "runs", Usage: "the runs, newest first: when, what, calls, exit code, snapshots",
		Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit}},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			t, damage, err := s.RunTable(ctx, "", limit)
			if damage != nil {
				p.say("what the runs brought is not all known: %v", damage)
			}
			t.First = []string{"started_at", "command", "state", "exit_code", "took_s", "calls", "records"}
			return p.printed(t, err)
		}),
	}
}
