package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

func (p *program) replayCommand() *cli.Command {
	var o study.Replay
	return &cli.Command{
		Name: "replay", Usage: "make the tables anew from the raw log, without an API call, and print the difference",
		Description: "This is how a newer program reaches data that came before it, and how lost or " +
			"damaged data files come back. It folds every answer from the first on, with the " +
			"roster, windows and exclusions of today, and commits the result as one snapshot.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "print the difference and leave the lake as it is", Destination: &o.DryRun},
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &o.LockWait},
		},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			o.ExitCode = codeOf
			done, err := s.Replay(ctx, o)
			if errors.Is(err, context.Canceled) {
				return failure(exitInterrupted, again(), "interrupted; the lake is as it was, and a replay starts from the beginning")
			}
			if err != nil {
				return err
			}
			return p.printReplay(done)
		}),
	}
}

// printReplay tells what a replay did and what is different now.
func (p *program) printReplay(r study.Replayed) error {
	dryRun := r.Snapshot == r.Before
	for _, line := range damageLines(r.Left) {
		p.say("an older snapshot needs it, and it stays: %s", line)
	}
	if len(r.Left) > 0 {
		p.sayNext("repair")
	}
	if p.flags.json {
		return p.object(schemas.Replay(), append(differenceValues(r.Difference),
			r.Snapshot, r.Before, dryRun, r.Applied+r.Held, r.Held, r.Fresh, r.Records, r.Took.Seconds())...)
	}
	p.say("replay: %s answers (%s), %s records in %.1f s", thousands(int64(r.Applied+r.Held)), megabytes(r.Bytes),
		thousands(int64(r.Records)), r.Took.Seconds())
	if r.Fresh > 0 {
		p.say("  %s of them came after snapshot %d and are a part of the difference", thousands(int64(r.Fresh)), r.Before)
	}
	if r.Held > 0 {
		p.say("  %s held (see requests.held_reason)", countOf(r.Held, "answer"))
	}
	for _, line := range describeLoaded(r.Result) {
		p.say("  %s", line)
	}
	if dryRun {
		p.say("dry run: snapshot %d stays as it is; a replay would make it %s", r.Before, verdictOf(r.Difference))
	} else {
		p.say("snapshot %d: compared with snapshot %d it is %s", r.Snapshot, r.Before, verdictOf(r.Difference))
	}
	return p.printDifference(r.Difference)
}
