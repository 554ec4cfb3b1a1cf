//go:build linux || darwin

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/export"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// exportOptions are the flags of `dexetl export`.
type exportOptions struct {
	selection
	order    export.Order
	from, to string
	window   string
	tables   string
}

// Weeks by which times are moved, unless it is said otherwise, and at most.
const (
	usualShift = 52
	mostShift  = 520
)

func (p *program) exportCommand() *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "hand data over: a copy for people without a study, as duckdb, parquet or csv",
		Commands: []*cli.Command{
			p.exportAs(export.DuckDB, "one DuckDB file with tables, no views, and all comments"),
			p.exportAs(export.Parquet, "a folder of Parquet, a file for each table"),
			p.exportAs(export.CSV, "a folder of CSV, a file for each table"),
			p.exportNamesCommand(),
		},
	}
}

func (p *program) exportAs(format export.Format, usage string) *cli.Command {
	o := exportOptions{order: export.Order{Format: format}}
	return &cli.Command{
		Name: string(format), Usage: usage, ArgsUsage: "[P001…]",
		Description: "PATH becomes a folder with tables, metrics, codebook.csv, schemas and a citation; for duckdb a PATH that " +
			"ends in .duckdb becomes one file that has all of it. Dates are local, both inclusive. What --deid does and what not: docs/export.md.",
		Flags: slices.Concat(o.selection.flags(), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`PATH` to write to", Destination: &o.order.Path},
			&cli.BoolFlag{Name: "overwrite", Usage: "put it in the place of an export that is there", Destination: &o.order.Overwrite},
			&cli.StringFlag{Name: "from", Usage: "first local `DATE`, inclusive", Destination: &o.from},
			&cli.StringFlag{Name: "to", Usage: "last local `DATE`, inclusive", Destination: &o.to},
			&cli.StringFlag{Name: "window", Usage: "window `NAME` of windows.csv", Destination: &o.window},
			&cli.StringFlag{Name: "tables", Usage: "only these `TABLES` and views, divided by commas", Destination: &o.tables},
			&cli.StringFlag{Name: "snapshot", Usage: "`N`, tag or latest: the snapshot (default: the newest)", Destination: &o.order.Snapshot},
			&cli.BoolFlag{Name: "notes", Usage: "free text of events and reasons, too: it may name people", Destination: &o.order.Notes},
			&cli.BoolFlag{Name: "unblinded", Usage: "what a blinded study (study.blinding) hides, too", Destination: &o.order.Unblinded},
			&cli.BoolFlag{Name: "deid", Usage: "other names for participants, moved times, and nothing that identifies them by itself", Destination: &o.order.Deid},
			&cli.IntFlag{Name: "shift-weeks", Usage: "with --deid: times of each participant move back by 1 to `N` whole weeks; 0: they stay", Value: usualShift, Destination: &o.order.ShiftWeeks},
			&cli.BoolFlag{Name: "new-names", Usage: "with --deid: names and weeks other than in the exports before", Destination: &o.order.NewNames},
			p.reasonFlag(),
		}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			o.IDs, o.order.Study = c.Args().Slice(), s
			if err := o.check(c.IsSet("shift-weeks")); err != nil {
				return err
			}
			return p.export(ctx, o)
		}),
	}
}

// check refuses flags that do not go together, and reads the others.
func (o *exportOptions) check(shiftGiven bool) (err error) {
	order := &o.order
	switch {
	case order.Path == "":
		return failure(exitUsage, again("-o", "export"), "export needs -o PATH: where to write to")
	case !order.Deid && (shiftGiven || order.NewNames):
		return usage("--shift-weeks and --new-names go with --deid")
	case order.Deid && order.Notes:
		return usage("--deid excludes --notes: what people wrote may name them")
	case order.ShiftWeeks == 1 || order.ShiftWeeks > mostShift: // 1 moves everybody alike
		return usage("--shift-weeks %d: from 2 to %d, or 0: times stay", order.ShiftWeeks, mostShift)
	}
	if !order.Deid {
		order.ShiftWeeks = 0
	}
	for _, name := range strings.Split(o.tables, ",") {
		if name = strings.TrimSpace(name); name != "" {
			order.Tables = append(order.Tables, name)
		}
	}
	order.Chosen, err = study.MetricsChoice{From: o.from, To: o.to, Window: o.window, Preset: string(sql.Dexetl1), Sentinels: string(sql.AsSent)}.Selection()
	if wrong, ok := errors.AsType[*study.OptionError](err); ok {
		err = wrongOption(wrong)
	}
	return err
}

func (p *program) export(ctx context.Context, o exportOptions) error {
	if _, err := p.begunDate("from", o.from); err != nil {
		return err
	}
	order := o.order
	if o.selection.narrows() {
		people, err := o.selection.pickAsOf(ctx, order.Study, order.Snapshot)
		if err != nil {
			return err
		}
		order.Chosen.Participants = mapped(people, func(who cohort.Participant) string { return who.ID })
	}
	if err := order.Study.CheckWindow(ctx, order.Snapshot, o.window); err != nil {
		return err
	}
	if err := order.Study.MayHandOver(ctx); err != nil {
		return err
	}
	p.tellOutdated(order.Study.Outdated(order.Snapshot))
	if order.Tables == nil || sql.NeedsSpans(o.tables) {
		p.tellComputed(order.Study.NotComputed(order.Snapshot))
	}
	order.Busy = func(what string) func() { return p.spin("exporting " + what) }
	done, err := order.Run(ctx)
	err = writtenAnew(err)
	if short, ok := errors.AsType[*answer.MemoryError](err); ok {
		err = advised(exitUnexpected, "export less: fewer participants, tables or dates", "%s", short.Why)
	}
	if err != nil {
		return err
	}
	return p.printExport(order, done)
}

// printExport tells what was written.
func (p *program) printExport(order export.Order, done export.Result) error {
	if len(done.Gone) > 0 {
		p.note("left out, because they withdrew after this snapshot or were deleted: %s", study.ShortList(done.Gone))
	}
	if !done.Telling.None() {
		p.note("whoever knows more can count back the weeks by which times were moved: of %s %s; docs/export.md says how", countOf(done.Participants, "participant"), tellingWords(done.Telling))
	}
	if p.flags.json {
		return p.object(schemas.Export(), done.Values()...)
	}
	t := table.Table{Schema: schemas.Export().Schema(), Columns: schemas.Export().Columns("tables")}
	for _, w := range done.Tables {
		t.Rows = append(t.Rows, []any{w.Table, w.Rows, w.File})
	}
	if err := p.show(p.stdout, t); err != nil {
		return err
	}
	for _, l := range done.Reasons() {
		p.say("not in it: %s: %s", strings.Join(l.Tables, ", "), l.Why)
	}
	p.say("%s of snapshot %s %s in %s", countOf(done.Participants, "participant"), done.Snapshot, isOrAre(done.Participants), filepath.Clean(order.Path))
	return nil
}

// tellingWords say of whom times tell more than they should.
func tellingWords(t export.Telling) string {
	var all []string
	say := func(n int, what string) {
		if n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, what))
		}
	}
	say(t.Recording, "with readings of the week before the snapshot (export after the end of the study)")
	say(t.ClockChanges, "with a change of clocks in their data, or a journey")
	say(t.SameAnchor, "with the same anchor_date")
	return strings.Join(all, ", ")
}
