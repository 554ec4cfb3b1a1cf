//go:build linux || darwin

package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// exportNamesCommand tells the study who is who in what it has handed over.
func (p *program) exportNamesCommand() *cli.Command {
	return &cli.Command{
		Name: "names", Usage: "who is who in de-identified exports: never hand this over", ArgsUsage: "[P001|NAME…]",
		Description: "Names follow from the key in state/" + export.KeyFile + ". Participants, or names of an export, choose whom it lists.",
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			return p.exportNames(ctx, s, c.Args().Slice())
		}),
	}
}

func (p *program) exportNames(ctx context.Context, s *study.Study, wanted []string) error {
	keys, err := export.KnownKeys(ctx, s)
	if err != nil {
		return err
	}
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	t := tableOf(schemas.ExportNames())
	for _, k := range slices.Backward(keys) {
		for _, who := range people {
			name := k.Name(who.ID)
			if len(wanted) == 0 || slices.Contains(wanted, who.ID) || slices.Contains(wanted, name) {
				t.Rows = append(t.Rows, []any{name, who.ID, k.ID, k.MadeAt, k.Weeks(who.ID, usualShift)})
			}
		}
	}
	if len(keys) == 0 && !p.flags.json {
		p.say("there are none: no de-identified export was made yet")
		return nil
	}
	return p.print(t)
}
