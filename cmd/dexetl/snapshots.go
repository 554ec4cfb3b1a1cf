package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// snapshotArgs are two snapshots.
const snapshotArgs = "A B"

func (p *program) snapshotsCommand() *cli.Command {
	var limit int
	return &cli.Command{
		Name: "snapshots", Usage: "what the lake held when: list, diff, tag, drop",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "the newest snapshots and all that are tagged, newest first",
				Flags: []cli.Flag{&cli.IntFlag{Name: "limit", Usage: "the newest `N`; 0: all", Value: 20, Destination: &limit}},
				Action: p.withLake(func(ctx context.Context, c *cli.Command, l *lake.Lake) error {
					t, err := study.SnapshotTable(l, study.Past{Limit: limit, Tagged: true})
					if !p.flags.json {
						t = withoutEmpty(byName(t), "tags", "damaged")
					}
					t.First = []string{"snapshot", "created_at", "tags", "folder", "glucose", "egvs"}
					return p.printed(t, err)
				}),
			},
			{
				Name: "diff", Usage: "rows added, changed and removed from one to the other, by table and participant", ArgsUsage: snapshotArgs,
				Description: "A and B are numbers, tags, or latest.",
				Action: p.withLake(func(ctx context.Context, c *cli.Command, l *lake.Lake) error {
					if c.Args().Len() != 2 {
						return failure(exitUsage, helpOf(c), "%s needs two snapshots, got %d", nameOf(c), c.Args().Len())
					}
					return p.diffSnapshots(ctx, l, c.Args().Get(0), c.Args().Get(1))
				}),
			},
			p.snapshotsTag(),
			p.snapshotsDrop(),
		},
	}
}

// byName is a table of snapshots with what --snapshot takes in the place of number and
// issue.
func byName(t table.Table) table.Table {
	issue := slices.Index(t.Columns, "reissue")
	for i, row := range t.Rows {
		if row[issue] != nil {
			t.Rows[i][0] = fmt.Sprintf("%ve%v", row[0], row[issue])
		}
	}
	return t.Only(slices.DeleteFunc(slices.Clone(t.Columns), func(name string) bool { return name == "reissue" }))
}

// withoutEmpty leaves out those of some columns that no row has a value of.
func withoutEmpty(t table.Table, names ...string) table.Table {
	return t.Only(slices.DeleteFunc(slices.Clone(t.Columns), func(name string) bool {
		at := slices.Index(t.Columns, name)
		return slices.Contains(names, name) && !slices.ContainsFunc(t.Rows, func(row []any) bool { return row[at] != nil })
	}))
}

// withLake opens the lake around a command that only reads it.
func (p *program) withLake(action func(context.Context, *cli.Command, *lake.Lake) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		s, err := p.openFolder()
		if err != nil {
			return err
		}
		l, _, err := s.Newest()
		if err != nil {
			return err
		}
		defer l.Close()
		return action(ctx, c, l)
	}
}

func (p *program) diffSnapshots(ctx context.Context, l *lake.Lake, from, to string) error {
	a, err := study.OpenSnapshot(l, from)
	if err != nil {
		return err
	}
	b, err := study.OpenSnapshot(l, to)
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
		err = p.object(schemas.Diff(), append(differenceValues(d), a.Snapshot, b.Snapshot)...)
	} else {
		p.say("snapshot %d: compared with snapshot %d it is %s", b.Snapshot, a.Snapshot, verdictOf(d))
		err = p.printDifference(d)
	}
	if n := len(d.NotCompared); n > 0 && err == nil {
		return failure(exitDamage, dexetl("repair"), "%d partitions could not be compared: %w", n, d.NotCompared[0].Err)
	}
	return err
}
