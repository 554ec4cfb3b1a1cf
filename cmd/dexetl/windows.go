package main

import (
	"context"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

func (p *program) windowsCommand() *cli.Command {
	return &cli.Command{
		Name:  "windows",
		Usage: "analysis windows, such as baseline: import, list",
		Commands: []*cli.Command{
			{
				Name: "import", Usage: "replace all windows by those of a file", ArgsUsage: "windows.csv",
				Description: "CSV with a header: participant_id (* for everybody), window, and either start and end (local dates) " +
					"or start_day and end_day (study day 1 is anchor_date); all inclusive.",
				Flags: []cli.Flag{p.reasonFlag()},
				Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
					return p.importFile(ctx, c, s, "windows", func(r io.Reader) (imported, error) {
						done, err := s.Cohort.ImportWindows(ctx, r, func(held []cohort.Window) error {
							return p.sure("the file has no window, and would remove " + removedWords(mapped(held, windowWords)))
						})
						if err != nil {
							return imported{}, err
						}
						return replaced(done, "window", windowWords), p.remarkOnWindows(ctx, s)
					})
				}),
			},
			{
				Name: "list", Usage: "all windows",
				Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
					windows, err := s.Cohort.Windows(ctx)
					if err != nil {
						return err
					}
					t := tableOf(schemas.Windows())
					for _, w := range windows {
						t.Rows = append(t.Rows, []any{w.ParticipantID, w.Name, dateOrNull(w.Start), dateOrNull(w.End),
							dayOrNull(w.StartDay), dayOrNull(w.EndDay)})
					}
					return p.print(t)
				}),
			},
		},
	}
}

func (p *program) exclusionsCommand() *cli.Command {
	return &cli.Command{
		Name:  "exclusions",
		Usage: "intervals that metrics leave out: import, list",
		Commands: []*cli.Command{
			{
				Name: "import", Usage: "replace all exclusions by those of a file", ArgsUsage: "exclusions.csv",
				Description: "CSV with a header: participant_id, from and to (local dates, the last one included, or times), and any reason.",
				Flags:       []cli.Flag{p.reasonFlag()},
				Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
					return p.importFile(ctx, c, s, "exclusions", func(r io.Reader) (imported, error) {
						done, err := s.Cohort.ImportExclusions(ctx, r, func(held []cohort.Exclusion) error {
							return p.sure("the file has no exclusion, and would remove " + removedWords(mapped(held, exclusionWords)))
						})
						if err != nil {
							return imported{}, err
						}
						return replaced(done, "exclusion", exclusionWords), p.remarkOnExclusions(ctx, s)
					})
				}),
			},
			{
				Name: "list", Usage: "all exclusions",
				Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
					exclusions, err := s.Cohort.Exclusions(ctx)
					if err != nil {
						return err
					}
					t := tableOf(schemas.Exclusions())
					for _, e := range exclusions {
						t.Rows = append(t.Rows, []any{e.ParticipantID, e.From.Format(time.DateTime), e.To.Format(time.DateTime), proseOrNull(e.Reason)})
					}
					return p.print(t)
				}),
			},
		},
	}
}
