package main

import (
	"github.com/dexetl/dexetl/table"
	"github.com/urfave/cli/v3"
)

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
