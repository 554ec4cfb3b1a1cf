package main

import (
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// noArguments refuses arguments a command would otherwise ignore.
func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return failure(exitUsage, helpOf(c), "%s takes no argument %q", c.FullName(), c.Args().First())
	}
	return nil
}

// helpOf shows how a command is used.
func helpOf(c *cli.Command) step { return append(step(strings.Fields(c.FullName())), "--help") }

// one returns the only argument, called what in messages.
func one(c *cli.Command, what string) (string, error) {
	if c.Args().Len() != 1 {
		return "", failure(exitUsage, helpOf(c), "%s needs one %s, got %d", c.FullName(), what, c.Args().Len())
	}
	return c.Args().First(), nil
}

// optionalDate reads the date given to a flag; "" is none.
func optionalDate(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	date, err := cohort.ParseDate(text)
	if err != nil {
		return date, usage("--%s %q: %w", flag, text, err)
	}
	return date, nil
}

// aheadOfUTC is how far the calendar of the first place on Earth is ahead.
const aheadOfUTC = 14 * time.Hour

// begunDate is optionalDate of a day from which on records are looked for: there are
// none of a day that has begun nowhere yet.
func (p *program) begunDate(flag, text string) (time.Time, error) {
	date, err := optionalDate(flag, text)
	if err == nil && date.Add(-aheadOfUTC).After(p.now()) {
		return date, usage("--%s %s is in the future", flag, text)
	}
	return date, err
}

// interval is the window from the first instant of one UTC date to the last of
// another; "" leaves an end open.
func (p *program) interval(from, to string) (plan.Window, error) {
	first, err := p.begunDate("from", from)
	if err != nil {
		return plan.Window{}, err
	}
	last, err := optionalDate("to", to)
	if err != nil {
		return plan.Window{}, err
	}
	if from == "" && to == "" {
		return plan.Window{}, nil
	}
	w := plan.Window{Start: first, End: last.AddDate(0, 0, 1)}
	if to == "" {
		w.End = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if w.Empty() {
		return w, usage("--to %s is before --from %s", to, from)
	}
	return w, nil
}

// A durationFlag is a cli.DurationFlag that also reads days, such as 7d.
type durationFlag = cli.FlagBase[time.Duration, cli.NoConfig, *durationValue]

type durationValue time.Duration

// Create makes the value of a flag.
func (*durationValue) Create(value time.Duration, p *time.Duration, _ cli.NoConfig) cli.Value {
	*p = value
	return (*durationValue)(p)
}

// ToString writes a flag's default.
func (*durationValue) ToString(value time.Duration) string { return call.Spell(value) }

// Set reads what was given to a flag.
func (d *durationValue) Set(text string) error {
	return (*config.Duration)(d).UnmarshalText([]byte(text))
}

// Get is the value as a time.Duration.
func (d *durationValue) Get() any { return time.Duration(*d) }

func (d *durationValue) String() string { return call.Spell(time.Duration(*d)) }

// resultFlags choose how a table is written.
type resultFlags struct {
	csv  bool
	safe bool
	json bool
}

func (r *resultFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "csv", Usage: "CSV with every column in full precision", Destination: &r.csv},
		&cli.BoolFlag{Name: "csv-safe", Usage: "CSV for spreadsheets: a ' before texts that they would compute", Destination: &r.safe},
		&cli.BoolFlag{Name: "json", Usage: "JSON with every column in full precision", Destination: &r.json},
	}
}

func (r resultFlags) format(p *program) (table.Format, error) {
	switch {
	case (r.csv || r.safe) && (r.json || p.flags.json):
		return "", usage("CSV and --json exclude each other")
	case r.safe:
		return table.SafeCSV, nil
	case r.csv:
		return table.CSV, nil
	case r.json || p.flags.json:
		return table.JSON, nil
	}
	return table.Text, nil
}
