package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

func (p *program) gcCommand() *cli.Command {
	var last, daily int
	var dryRun bool
	wait := defaultLockWait
	return &cli.Command{
		Name: "gc", Usage: "remove snapshots that nothing keeps, and the files that only they have",
		Description: "Every sync does it by lake.keep_snapshots. The newest snapshot and the one before it stay, and those that are tagged, " +
			"that somebody may have open, or of which webhooks are not told yet.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "keep-last", Usage: "keep the newest `N`; without it and --keep-daily: as lake.keep_snapshots says", Destination: &last},
			&cli.IntFlag{Name: "keep-daily", Usage: "keep the last one of each of the newest `N` days that have any", Destination: &daily},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would go, and remove nothing", Destination: &dryRun},
			lockWaitFlag(&wait),
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			by := s.Retention()
			if c.IsSet("keep-last") || c.IsSet("keep-daily") {
				by = retain.Policy{Last: last, Daily: daily}
			}
			if dryRun {
				would, err := s.Collectable(ctx, by)
				return p.printCollection(would, true, err)
			}
			done, err := s.Collect(ctx, by, wait)
			return p.printCollection(done, false, err)
		}),
	}
}

func (p *program) printCollection(c study.Collection, dryRun bool, err error) error {
	if err != nil {
		return err
	}
	if p.flags.json {
		kept := make(map[string]int)
		for _, why := range retain.Reasons() {
			kept[why] = c.Kept[why]
		}
		return p.object(schemas.Collection(), dryRun, c.Policy.Last, c.Policy.Daily, freedFields(c.Freed), kept)
	}
	if c.OlderLake > 0 {
		p.say("the newest snapshot is of format %d, and a program of that time takes snapshots that are gone for lost: they stay until the first one of format %d", c.OlderLake, lake.Format)
		p.sayNext("sync")
		return nil
	}
	p.say("%s", freedWords(c.Freed, dryRun))
	p.say("%s: %s", staying(c.Left()), keptWords(c.Kept))
	return nil
}

func staying(n int) string {
	if n == 1 {
		return "1 snapshot stays"
	}
	return fmt.Sprintf("%d snapshots stay", n)
}

// freedWords say what went, or would.
func freedWords(f lake.Freed, dryRun bool) string {
	verb := "removed"
	if dryRun {
		verb = "dry run: would remove"
	}
	if len(f.Snapshots) == 0 && f.Files == 0 {
		return strings.TrimPrefix(verb, "dry run: ") + " nothing"
	}
	return fmt.Sprintf("%s %s, %s, %s", verb, countOf(len(f.Snapshots), "snapshot"), countOf(f.Files, "file"), megabytes(f.Bytes))
}

// keptWords say why snapshots stay, most of them first.
func keptWords(kept map[string]int) string {
	words := map[string]string{
		retain.Newest: "the newest", retain.Previous: "the one before", retain.Last: "by --keep-last", retain.Daily: "by --keep-daily", retain.Recent: "younger than an hour",
		retain.Published: "published less than a day ago", retain.Opened: "opened less than a day ago", retain.Tagged: "tagged", retain.Webhooks: "not told to webhooks yet",
	}
	var parts []string
	for _, why := range retain.Reasons() {
		if n := kept[why]; n > 1 || n == 1 && why != retain.Newest && why != retain.Previous {
			parts = append(parts, fmt.Sprintf("%d %s", n, words[why]))
		} else if n == 1 {
			parts = append(parts, words[why])
		}
	}
	return strings.Join(parts, ", ")
}

func freedFields(f lake.Freed) map[string]any {
	names := make([]string, len(f.Snapshots))
	for i, id := range f.Snapshots {
		names[i] = id.String()
	}
	return map[string]any{"snapshots": names, "files": f.Files, "bytes": f.Bytes}
}
