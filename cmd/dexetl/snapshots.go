package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/study"
)

func (p *program) snapshotsCommand() *cli.Command {
	var limit int
	return &cli.Command{
		Name: "snapshots", Usage: "what the lake held when: list, diff",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "the snapshots, newest first",
				Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit}},
				Action: p.withLake(func(ctx context.Context, c *cli.Command, l *lake.Lake) error {
					t, err := snapshotTable(l, limit)
					if err != nil {
						return err
					}
					return p.print(t)
				}),
			},
			{
				Name: "diff", Usage: "rows added, changed and removed from one to the other, by table and participant", ArgsUsage: "A B",
				Description: "A and B are numbers, or latest.",
				Action: p.withLake(func(ctx context.Context, c *cli.Command, l *lake.Lake) error {
					if c.Args().Len() != 2 {
						return failure(exitUsage, c.FullName()+" --help", "%s needs two snapshots, got %d", c.FullName(), c.Args().Len())
					}
					return p.diffSnapshots(ctx, l, c.Args().Get(0), c.Args().Get(1))
				}),
			},
		},
	}
}

// withLake opens the lake around a command that only reads it.
func (p *program) withLake(action func(context.Context, *cli.Command, *lake.Lake) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		s, err := p.openFolder()
		if err != nil {
			return err
		}
		l, _, err := s.Snapshot("")
		if err != nil {
			return err
		}
		defer l.Close()
		return action(ctx, c, l)
	}
}

// newest returns the numbers of the newest snapshots, newest first; of all of
// them for a limit of 0.
func newest(l *lake.Lake, limit int) ([]int64, error) {
	all, err := l.Manifests()
	slices.Reverse(all)
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	return all, err
}

// snapshotTable has a row per snapshot. One whose manifest is damaged has
// nothing but its number.
func snapshotTable(l *lake.Lake, limit int) (table, error) {
	t := table{
		schema:  "dexetl.snapshots/1",
		columns: []string{"snapshot", "created_at", "run_id", "program", "glucose", "egvs", "files", "new_files", "bytes", "folder"},
	}
	numbers, err := newest(l, limit)
	if err != nil {
		return t, err
	}
	for _, n := range numbers {
		m, err := l.Manifest(n)
		if as[*lake.DamageError](err) {
			t.rows = append(t.rows, []any{n, nil, nil, nil, nil, nil, nil, nil, nil, "manifest damaged"})
			continue
		}
		if err != nil {
			return t, err
		}
		fresh, bytes := sizes(l, m)
		t.rows = append(t.rows, []any{
			n, m.CreatedAt.Truncate(time.Second), orNull(m.Run), orNull(m.Program), m.Rows("glucose"), m.Rows("egvs"), len(m.Files), fresh, bytes, folderState(l, n),
		})
	}
	return t, nil
}

// sizes returns how many of the snapshot's files its parent does not have, null
// if nobody knows, and the bytes of all of them.
func sizes(l *lake.Lake, m lake.Manifest) (fresh any, bytes int64) {
	parent := lake.Manifest{}
	var err error
	if m.Parent > 0 {
		parent, err = l.Manifest(m.Parent)
	}
	old := make(map[string]bool)
	for _, f := range parent.Files {
		old[f.Path] = true
	}
	n := 0
	for _, f := range m.Files {
		bytes += f.Bytes
		if !old[f.Path] {
			n++
		}
	}
	if err != nil {
		return nil, bytes
	}
	return n, bytes
}

// folderState says whether snapshot n can be opened without dexetl.
func folderState(l *lake.Lake, n int64) string {
	folder, err := snapshot.Folder(l, n)
	if err != nil {
		return "none"
	}
	if _, err := os.Stat(folder); err != nil {
		return "none"
	}
	if link, err := os.Readlink(filepath.Join(l.Path(), "latest")); err == nil && filepath.Base(link) == filepath.Base(folder) {
		return "latest"
	}
	return "published"
}

func (p *program) diffSnapshots(ctx context.Context, l *lake.Lake, from, to string) error {
	a, err := study.NamedSnapshot(l, from)
	if err != nil {
		return err
	}
	b, err := study.NamedSnapshot(l, to)
	if err != nil {
		return err
	}
	stop := p.spin("comparing")
	d, err := load.Diff(ctx, load.Side{Lake: l, Manifest: a}, load.Side{Lake: l, Manifest: b})
	stop()
	if err != nil {
		return err
	}
	if p.flags.json {
		fields := differenceFields(d)
		fields["from"], fields["to"] = a.Snapshot, b.Snapshot
		err = writeJSON(p.stdout, "dexetl.diff/1", fields)
	} else {
		p.say("snapshot %d: compared with snapshot %d it is %s", b.Snapshot, a.Snapshot, verdictOf(d))
		err = p.printDifference(d)
	}
	if n := len(d.NotCompared); n > 0 && err == nil {
		return failure(exitDamage, replayNext, "%d partitions could not be compared: %w", n, d.NotCompared[0].Err)
	}
	return err
}
