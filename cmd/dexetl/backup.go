package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/backup"
)

func (p *program) backupCommand() *cli.Command {
	var o backup.Order
	return &cli.Command{
		Name: "backup", Usage: "copy the study to another folder, while runs go on",
		ArgsUsage: "DIR",
		Description: "The copy has all that the study needs: configuration, state with tokens and keys, raw log, tables. " +
			"The next backup into the same DIR copies what is new, and takes out what is gone. docs/backup.md says how to keep it, and what a restore cannot bring back.",
		Flags: []cli.Flag{
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: 10 * time.Minute, Destination: &o.LockWait},
		},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) (err error) {
			if o.To, err = one(c, "folder"); err != nil {
				return err
			}
			done, err := backup.Make(ctx, s, o)
			if err != nil {
				return err
			}
			return p.printBackup(done)
		}),
	}
}

func (p *program) printBackup(r backup.Report) error {
	err := p.report(schemas.Backup(), []any{r.Dir, r.Snapshot, r.Begun, r.Files, r.Bytes, r.Kept, r.Left},
		"backup: %s (%s) copied to %s, %s there already", countOf(r.Files, "file"), megabytes(r.Bytes), r.Dir, thousands(int64(r.Kept)))
	if err != nil || p.flags.json {
		return err
	}
	for _, path := range r.Left {
		p.say("not in it: %s", path)
	}
	p.say("it has tokens and keys, and must be kept as safe as the study itself")
	return nil
}

func (p *program) restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "make a study of a backup, in a new folder",
		ArgsUsage:   "BACKUP DIR",
		Description: "Then the study is checked as by `dexetl verify`. What came after the backup is fetched again by the next sync, but tokens that were spent since are lost.",
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 2 || p.flags.study != "" {
				return usage("restore takes a backup and a new folder: restore BACKUP DIR")
			}
			author, err := p.author()
			if err != nil {
				return err
			}
			p.flags.study = c.Args().Get(1)
			done, s, err := backup.Restore(ctx, c.Args().First(), p.flags.study, p.worker(), author)
			if s != nil {
				defer s.Close()
			}
			if err != nil {
				return err
			}
			return p.checkRestored(ctx, s, done)
		},
	}
}

// checkRestored tells what was restored, and whether it is whole.
func (p *program) checkRestored(ctx context.Context, s *study.Study, r backup.Report) error {
	var found study.Verified
	if r.Snapshot > 0 {
		end := p.spin("verifying")
		var err error
		found, err = s.Verify(ctx, study.Verify{})
		end()
		if err != nil {
			return err
		}
	}
	if err := p.printRestored(r, found); err != nil {
		return err
	}
	return p.damageOf(found)
}

func (p *program) printRestored(r backup.Report, found study.Verified) error {
	damaged := []string{}
	for _, d := range found.Fresh() {
		damaged = append(damaged, d.Path)
	}
	err := p.report(schemas.Restored(), []any{r.Dir, r.Snapshot, r.Begun, r.Files, r.Bytes, damaged},
		"restored: %s (%s) to %s, as it was at %s", countOf(r.Files, "file"), megabytes(r.Bytes), r.Dir, r.Begun.Format(time.RFC3339))
	if err != nil || p.flags.json {
		return err
	}
	if r.Snapshot > 0 {
		if err := p.printVerified(found, false); err != nil {
			return err
		}
	}
	p.say("tokens that were spent since are lost: a sync says whose, and those people sign in again")
	p.sayNext("sync")
	return nil
}
