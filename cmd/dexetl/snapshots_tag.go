package main

import (
	"context"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// tagArg and tagsArg are how usage names a tag, which may be left out to see all of them.
const (
	tagArg  = "TAG"
	tagsArg = "[TAG]"
)

func (p *program) snapshotsTag() *cli.Command {
	var which string
	wait := defaultLockWait
	return &cli.Command{
		Name: "tag", Usage: "name a snapshot, which stays as long as it has the name; without a name: all tags", ArgsUsage: tagsArg,
		Description: "Standard output has the line by which a paper names the snapshot. The folder of the snapshot has it, too " +
			"(CITATION.txt), and the SHA-256 of each data file (SHA256SUMS).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "snapshot", Usage: "`N`, tag or latest: the snapshot to name (default: the newest)", Destination: &which},
			lockWaitFlag(&wait), p.reasonFlag(),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if !c.Args().Present() {
				return p.listTags()
			}
			return p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
				name, err := one(c, "tag")
				if err != nil {
					return err
				}
				if p.flags.reason == "" {
					return failure(exitUsage, again("--reason", "for the paper"), "snapshots tag needs --reason: what it is for")
				}
				return p.tag(ctx, s, name, which, wait)
			})(ctx, c)
		},
	}
}

func lockWaitFlag(wait *time.Duration) cli.Flag {
	return &durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: *wait, Destination: wait}
}

func (p *program) tag(ctx context.Context, s *study.Study, name, which string, wait time.Duration) error {
	t, err := s.Tag(ctx, name, which, p.flags.reason, wait)
	if err != nil {
		return err
	}
	if p.flags.json {
		return p.object(schemas.Tag(), t.Name, t.Snapshot, t.CreatedAt, t.Reason, t.ManifestSHA256, t.Citation, orNull(t.Replaces), orNull(t.Folder))
	}
	if err := p.tell("%s", t.Citation); err != nil {
		return err
	}
	if !t.Fresh {
		p.say("snapshot %s was tagged %s before, because: %s", t.Snapshot, t.Name, t.Reason)
	}
	switch {
	case t.Replaces != "":
		p.say("snapshot %s was issued again, without rows that had to go for good, so it has no folder; queries still read it, and verify checks its files", t.Snapshot)
		p.say("papers may cite what it replaces, by the manifest's SHA-256: %s", strings.ReplaceAll(t.Replaces, " ", ", "))
	case t.Folder == "":
		p.say("somebody has withdrawn since snapshot %s, so it has no folder; queries still read it, and verify checks its files", t.Snapshot)
	}
	p.sayNext("metrics", "--snapshot", t.Name, "--csv")
	return nil
}

func (p *program) listTags() error {
	s, err := p.openFolder()
	if err != nil {
		return err
	}
	t, err := s.TagTable()
	if err != nil {
		return err
	}
	if len(t.Rows) == 0 && !p.flags.json {
		p.say("no snapshot is tagged")
		return nil
	}
	if !p.flags.json {
		t = withoutEmpty(t, "replaces_sha256")
	}
	t.First = []string{"tag", "snapshot", "created_at", "reason"}
	t.Stories = true
	return p.print(t)
}

func (p *program) snapshotsDrop() *cli.Command {
	wait := defaultLockWait
	return &cli.Command{
		Name: "drop", Usage: "take the name away from a snapshot, which goes when nothing else keeps it", ArgsUsage: tagArg,
		Flags: []cli.Flag{lockWaitFlag(&wait), p.reasonFlag()},
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			name, err := one(c, "tag")
			if err != nil {
				return err
			}
			t, err := s.DropTag(ctx, name, wait)
			if err != nil {
				return err
			}
			if t.Snapshot == "" {
				return p.report(schemas.TagDropped(), []any{t.Name, ""}, "the tag %s, which was damaged, is gone; nobody can tell what it named", t.Name)
			}
			return p.report(schemas.TagDropped(), []any{t.Name, t.Snapshot}, "snapshot %s is no longer %s", t.Snapshot, t.Name)
		}),
	}
}
