//go:build linux || darwin

package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/report"
	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// reportOptions are the flags of `dexetl report`.
type reportOptions struct {
	selection
	order    report.Order
	from, to string
	window   string
	selected string
	compare  string
	unit     string
	palette  string
	open     bool
	run      string
	given    bool // dates are
}

// usualDays are those of a profile, unless it is said otherwise: the latest 14 with
// enough data.
const usualDays = "last14"

func (p *program) reportCommand() *cli.Command {
	var o reportOptions
	return &cli.Command{
		Name:      "report",
		Usage:     "pages to look at: profiles, the cohort, completeness, windows compared",
		ArgsUsage: "[P001…]",
		Description: "Writes a folder of HTML that needs no network and no script. Begin with index.html. " +
			"Profiles are of the latest 14 days with enough data, unless dates are given; dates are local, both inclusive.",
		Flags: slices.Concat(o.selection.flags(), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`DIR` to write to; a report there is replaced (default: report-<snapshot>)", Destination: &o.order.Path},
			&cli.StringFlag{Name: "from", Usage: "first local `DATE`, inclusive", Destination: &o.from},
			&cli.StringFlag{Name: "to", Usage: "last local `DATE`, inclusive", Destination: &o.to},
			&cli.StringFlag{Name: "window", Usage: "window `NAME` of windows.csv", Destination: &o.window},
			&cli.StringFlag{Name: "select", Usage: "`lastN`: the latest N days in a row with enough data (default: " + usualDays + ")", Destination: &o.selected},
			&cli.StringFlag{Name: "compare", Usage: "two windows `BEFORE,AFTER` of windows.csv (default: the first two)", Destination: &o.compare},
			&cli.StringFlag{Name: "snapshot", Usage: "`N`, tag or latest: the snapshot (default: the newest)", Destination: &o.order.Snapshot},
			&cli.BoolFlag{Name: "blinded", Usage: "without glucose, alerts, events and arms, as in a blinded study (study.blinding)", Destination: &o.order.Blinded},
			&cli.BoolFlag{Name: "unblinded", Usage: "with arms, and with what a blinded study hides", Destination: &o.order.Unblinded},
			&cli.StringFlag{Name: "palette", Usage: "`COLOURS`: convention, or accessible for those who see red and green alike", Value: string(page.Convention), Destination: &o.palette},
			&cli.StringFlag{Name: "unit", Usage: "`UNIT` of glucose: mg/dL or mmol/L", Value: string(number.MgdL), Destination: &o.unit},
			&cli.StringFlag{Name: "run", Usage: "only the page about a run: its `ID`, or last", Destination: &o.run},
			&cli.BoolFlag{Name: "open", Usage: "open it in a browser", Destination: &o.open},
			p.reasonFlag(),
		}),
		Action: p.withStudy(func(ctx context.Context, c *cli.Command, s *study.Study) error {
			o.IDs, o.order.Study = c.Args().Slice(), s
			if err := o.check(); err != nil {
				return err
			}
			if o.run != "" {
				return p.reportRun(ctx, o, o.run)
			}
			p.sayDemo(s)
			done, err := p.writeReport(ctx, o)
			if done.Path == "" { // nothing was written
				return err
			}
			return cmp.Or(p.printPages(done, o.open), err)
		}),
	}
}

// check refuses flags that do not go together, and reads the others.
func (o *reportOptions) check() (err error) {
	if o.order.Blinded && o.order.Unblinded {
		return usage("--blinded excludes --unblinded")
	}
	for _, one := range page.Palettes() {
		if string(one) == o.palette {
			o.order.Palette = one
		}
	}
	if o.order.Palette == "" {
		return usage("--palette %q: convention or accessible", o.palette)
	}
	unit, err := cgmfile.ParseUnit(o.unit)
	if err != nil {
		return usage("--unit: %w", err)
	}
	o.order.Unit = number.Unit(unit.String())
	if before, after, two := strings.Cut(o.compare, ","); two && before != "" && after != "" && before != after {
		o.order.Compare = [2]string{before, after}
	} else if o.compare != "" {
		return usage("--compare %q: two windows, such as baseline,follow-up", o.compare)
	}
	if o.given = o.from+o.to+o.window+o.selected != ""; !o.given {
		o.selected = usualDays
	}
	o.order.Chosen, err = study.MetricsChoice{From: o.from, To: o.to, Window: o.window, Select: o.selected, Preset: string(sql.Dexetl1), Sentinels: string(sql.AsSent)}.Selection()
	if wrong, ok := errors.AsType[*study.OptionError](err); ok {
		err = wrongOption(wrong)
	}
	return err
}

// writeReport writes a report. Damage that hides some of what the lake has is the error,
// and the report is written with it.
func (p *program) writeReport(ctx context.Context, o reportOptions) (done report.Result, err error) {
	if _, err := p.begunDate("from", o.from); err != nil {
		return done, err
	}
	order := o.order
	if err := order.Study.MayHandOver(ctx); err != nil {
		return done, err
	}
	people, err := o.people(ctx)
	if err != nil {
		return done, err
	}
	if err := order.Study.CheckWindow(ctx, order.Snapshot, o.window); err != nil {
		return done, err
	}
	persons, harm := order.Study.People(ctx, people)
	if err := study.UnlessData(harm); err != nil {
		return done, err
	}
	p.tellOutdated(order.Study.Outdated(order.Snapshot))
	p.tellComputed(order.Study.NotComputed(order.Snapshot))
	order.People, order.Say = byUrgency(persons), p.reportWords()
	order.Busy = func(what string) func() { return p.spin("writing " + what) }
	if order.Path == "" {
		if order.Path, err = p.usualReport(order); err != nil {
			return done, err
		}
	}
	done, err = order.Run(ctx)
	err = writtenAnew(err)
	if short, ok := errors.AsType[*answer.MemoryError](err); ok {
		err = advised(exitUnexpected, "report less: fewer participants or dates", "%s", short.Why)
	}
	return done, cmp.Or(err, harm)
}

// people are those meant by the roster as the snapshot has it, as the roster of today has them:
// who is not in it any more is in no report.
func (o reportOptions) people(ctx context.Context) ([]cohort.Participant, error) {
	picked, err := o.selection.pickAsOf(ctx, o.order.Study, o.order.Snapshot)
	if err != nil {
		return nil, err
	}
	roster, err := o.order.Study.Cohort.Participants(ctx)
	return slices.DeleteFunc(roster, func(p cohort.Participant) bool {
		return !slices.ContainsFunc(picked, func(o cohort.Participant) bool { return o.ID == p.ID })
	}), err
}

// reportWords are the words of status.
func (p *program) reportWords() report.Words {
	return report.Words{
		Run:     runWords,
		Consent: func(one study.Person) string { return accountWords(one.Consent()) },
		ToDo:    func(one study.Person) string { return toDo(one, bareCommand) },
	}
}

// bareCommand is a command for a page, which is read elsewhere: it does not say where the
// program and the study are.
func bareCommand(words ...string) string { return plain.ShellLine(dexetl(words...)) }

// usualReport is the folder for whoever names none.
func (p *program) usualReport(order report.Order) (string, error) {
	l, m, err := order.Study.Snapshot(order.Snapshot)
	if err != nil {
		return "", err
	}
	return "report-" + m.ID().String(), l.Close()
}

// printPages tells what was written, and where.
func (p *program) printPages(done report.Result, open bool) error {
	if len(done.Gone) > 0 {
		p.note("left out, because they withdrew after this snapshot or were deleted: %s", study.ShortList(done.Gone))
	}
	if open {
		p.openPage(done.Begin())
	}
	if p.flags.json {
		return p.object(schemas.ReportPages(), done.Values()...)
	}
	return p.tell("%s: %s of snapshot %s, %s", done.Begin(), countOf(done.Pages, "page"), done.Snapshot, countOf(done.Participants, "participant"))
}

// openPage opens a file in a browser.
func (p *program) openPage(path string) {
	p.openBrowser((&url.URL{Scheme: "file", Path: path}).String())
}
