//go:build linux || darwin

package main

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/extract/cgmfile"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// metricsOptions are the flags of `dexetl metrics`.
type metricsOptions struct {
	resultFlags
	selection
	from, to string
	window   string
	selected string
	which    string
	preset   string
	censored string
	input    string
	file     fileFlags
}

func (p *program) metricsCommand() *cli.Command {
	var o metricsOptions
	return &cli.Command{
		Name:      "metrics",
		Usage:     "the metrics that papers report, per participant",
		ArgsUsage: "[P001…]",
		Description: "In a terminal the consensus metrics; --csv and --json have all of them. What each one " +
			"means: dexetl query \"from metric_catalogue\". What a file for --input may look like: docs/cgm-files.md.",
		Flags: slices.Concat(o.resultFlags.flags(), o.selection.flags(), o.file.flags("input"), []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "first local `DATE`, inclusive", Destination: &o.from},
			&cli.StringFlag{Name: "to", Usage: "last local `DATE`, inclusive", Destination: &o.to},
			&cli.StringFlag{Name: "window", Usage: "window `NAME` of windows.csv", Destination: &o.window},
			&cli.StringFlag{Name: "select", Usage: "`lastN`: the latest N days in a row with enough data, such as last14", Destination: &o.selected},
			&cli.StringFlag{Name: "snapshot", Usage: "`N`, tag or latest: the snapshot (default: the newest)", Destination: &o.which},
			&cli.StringFlag{Name: "preset", Usage: "`NAME` of the rules: dexetl-1, or iglu for the conventions of that R package", Value: string(sql.Dexetl1), Destination: &o.preset},
			&cli.StringFlag{Name: "sentinels", Usage: "39 and 401 count `AS` what they are (\"as sent\"), as the bounds 40-400, or as nothing: exclude", Value: string(sql.AsSent), Destination: &o.censored},
			&cli.StringFlag{Name: "input", Usage: "any id,time,gl `FILE` instead of the study", Destination: &o.input},
		}),
		Action: func(ctx context.Context, c *cli.Command) error {
			o.IDs = c.Args().Slice()
			return p.metrics(ctx, o)
		},
	}
}

func (p *program) metrics(ctx context.Context, o metricsOptions) error {
	f, err := o.format(p)
	if err != nil {
		return err
	}
	chosen, err := o.choose()
	if err != nil {
		return err
	}
	var t table.Table
	if o.input != "" {
		t, err = p.metricsOfFile(ctx, o, chosen)
	} else if err = o.file.unused("input"); err == nil {
		t, err = p.metricsOfStudy(ctx, o, chosen)
	}
	if err != nil {
		return err
	}
	p.sayDateless(o, t)
	if f == table.Text {
		t = t.Only(o.consensusColumns())
		t.First = o.firstColumns()
	}
	return p.write(t, f)
}

// choose turns flags into a selection of readings.
func (o metricsOptions) choose() (sql.Selection, error) {
	chosen, err := study.MetricsChoice{From: o.from, To: o.to, Window: o.window, Select: o.selected, Preset: o.preset, Sentinels: o.censored}.Selection()
	if wrong, ok := errors.AsType[*study.OptionError](err); ok {
		err = wrongOption(wrong)
	}
	return chosen, err
}

// wrongOption says of flags what is wrong with an option.
func wrongOption(e *study.OptionError) error {
	switch {
	case len(e.Excludes) > 0:
		return usage("--%s excludes --%s", e.Option, strings.Join(e.Excludes, " and --"))
	case e.Before != "":
		return usage("--%s %s is before --from %s", e.Option, e.Value, e.Before)
	}
	return usage("--%s %q: %s", e.Option, e.Value, e.Want)
}

func (p *program) metricsOfStudy(ctx context.Context, o metricsOptions, chosen sql.Selection) (table.Table, error) {
	if _, err := p.begunDate("from", o.from); err != nil {
		return table.Table{}, err
	}
	s, err := p.openFolder()
	if err != nil {
		return table.Table{}, err
	}
	if o.selection.narrows() || o.window != "" {
		if err := p.openState(ctx, s); err != nil {
			return table.Table{}, err
		}
		defer s.Close()
	}
	if o.selection.narrows() {
		people, err := o.selection.pickAsOf(ctx, s, o.which)
		if err != nil {
			return table.Table{}, err
		}
		chosen.Participants = mapped(people, func(who cohort.Participant) string { return who.ID })
	}
	if err := s.CheckWindow(ctx, o.which, o.window); err != nil {
		return table.Table{}, err
	}
	p.tellOutdated(s.Outdated(o.which))
	p.tellComputed(s.NotComputed(o.which))
	t, err := s.Metrics(ctx, o.which, chosen)
	if short, ok := errors.AsType[*answer.MemoryError](err); ok {
		err = advised(exitUnexpected, "ask for less: fewer participants, or a shorter interval", "%s", short.Why)
	}
	if err == nil {
		err = p.sayBaseline(ctx, s, o, chosen, len(t.Rows))
	}
	return t, err
}

// sayBaseline tells of whom --select takes not all of a baseline.
func (p *program) sayBaseline(ctx context.Context, s *study.Study, o metricsOptions, chosen sql.Selection, people int) error {
	none, part, err := s.BaselineCut(ctx, o.which, chosen)
	const rule = "with --select, a window called baseline ends before anchor_date, day 1: "
	if len(none) > 0 {
		p.say(rule+"no day of it is left for %d of %d, whose window begins on that day or later: %s; without --select it has the days of windows.csv", len(none), people, study.ShortList(none))
	}
	if len(part) > 0 {
		p.say(rule+"its later days are left out for %d of %d: %s", len(part), people, study.ShortList(part))
	}
	return err
}

func (p *program) metricsOfFile(ctx context.Context, o metricsOptions, chosen sql.Selection) (table.Table, error) {
	if o.Cohort+o.Site+o.Status+o.shard != "" || o.window != "" || o.which != "" {
		return table.Table{}, usage("--input is a file of its own: no --cohort, --shard, --window or --snapshot")
	}
	file, err := o.file.read("input", o.input)
	if err != nil {
		return table.Table{}, err
	}
	p.sayReplaced("input", o.input, file)
	p.sayImplausible(o.input, file)
	if chosen.Preset == sql.Dexetl1 {
		p.sayOddCadences(o.input, file)
	}
	for _, id := range o.IDs {
		if !slices.ContainsFunc(file.Series, func(s cgmfile.Series) bool { return s.ID == id }) {
			return table.Table{}, usage("--input %s: nobody there is called %q", o.input, id)
		}
	}
	if len(o.IDs) > 0 {
		chosen.Participants = o.IDs
	}
	by, err := p.thresholds()
	if err != nil {
		return table.Table{}, err
	}
	t, err := study.MetricsOf(ctx, file, chosen, by)
	if short, ok := errors.AsType[*answer.MemoryError](err); ok {
		err = advised(exitUnexpected, "split the file by participants", "--input %s: %s", o.input, short.Why)
	}
	return t, err
}

// thresholds are those of the study that is given or that one stands in, else of none.
func (p *program) thresholds() (config.Metrics, error) {
	dir, err := p.findStudy()
	given := cmp.Or(p.flags.study, p.getenv("DEXETL_STUDY")) != ""
	if _, none := errors.AsType[*study.NoStudyError](err); none && !given {
		dir, err = "", nil
	}
	if err != nil {
		return config.Metrics{}, err
	}
	m, err := config.LoadMetrics(dir, p.getenv)
	if err == nil && dir != "" && m != config.DefaultMetrics() {
		p.say("the thresholds are those of %s", filepath.Join(dir, config.File))
	}
	return m, err
}

// sayDateless tells of whom no day is among those asked for.
func (p *program) sayDateless(o metricsOptions, t table.Table) {
	if o.from == "" && o.to == "" {
		return
	}
	var names []string
	id, first := slices.Index(t.Columns, "participant_id"), slices.Index(t.Columns, "first_date")
	for _, row := range t.Rows {
		if row[first] == nil {
			names = append(names, row[id].(string))
		}
	}
	if len(names) > 0 {
		p.say("no day of their study lies in these dates: %s", study.ShortList(names))
	}
}

// consensusColumns are what a person reads first.
func (o metricsOptions) consensusColumns() []string {
	columns := []string{
		"participant_id", "first_date", "last_date", "n_values", "active_window_pct", "mean_mgdl", "sd_mgdl", "cv_pct", "gmi_pct",
		"very_low_pct", "low_pct", "in_range_pct", "high_pct", "very_high_pct", "gri",
	}
	if o.selected != "" {
		columns = slices.Insert(columns, 3, sql.SelectionSufficient)
	}
	if sql.Preset(o.preset) != sql.Dexetl1 {
		columns = append(columns, "preset")
	}
	if sql.Sentinels(o.censored) != sql.AsSent {
		columns = append(columns, "sentinels", "n_low_sentinel", "n_high_sentinel", "censored_pct")
	}
	return columns
}

// firstColumns are those that a narrow terminal has room for. Which days were
// selected is a result, too.
func (o metricsOptions) firstColumns() []string {
	if o.selected != "" {
		return []string{"participant_id", "last_date", sql.SelectionSufficient, "mean_mgdl", "in_range_pct", "first_date", "active_window_pct"}
	}
	return []string{"participant_id", "mean_mgdl", "in_range_pct", "cv_pct", "active_window_pct", "gmi_pct", "gri"}
}
