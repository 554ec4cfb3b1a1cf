package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

func (p *program) schemaCheckCommand() *cli.Command {
	var of string
	return &cli.Command{
		Name: "check", Usage: "tell what saved answers of Dexcom's API hold that dexetl does not know", ArgsUsage: "FILE",
		Description: "FILE has answers as Dexcom sent them: one, a list, or one behind the other; gzip is fine, and - is standard input. " +
			"The result has no glucose, notes, ids or times of anybody: it can be sent on.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "`TYPE` of what is in FILE, such as egv-record (default: what each answer tells)", Destination: &of},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			path, err := one(c, "file")
			if err != nil {
				return err
			}
			return p.checkAnswers(path, of)
		},
	}
}

func (p *program) checkAnswers(path, of string) error {
	if of != "" {
		s, err := schemas.Named(of)
		if err != nil {
			return schemaNext(err)
		}
		if s.Group != "dexcom" {
			return failure(exitUsage, dexetl("schema", "list"), "--as %s: not a type of Dexcom's API", of)
		}
		of = s.Name
	}
	file, err := p.openAnswers(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if path == "-" {
		path = "standard input"
	}
	report, err := schemas.CheckAnswers(file, of)
	if len(report.Read) > 0 {
		if err := p.printReport(report); err != nil {
			return err
		}
	}
	switch {
	case as[*schemas.UntoldError](err):
		return advised(exitUsage, "say of what type it is, such as with --as egv-record; leave out errors, which are no data", "%s: %w", path, err)
	case err != nil:
		return advised(exitUsage, "save the body of an answer as Dexcom sends it", "%s: %w", path, err)
	}
	return p.somethingNew(path, report)
}

// openAnswers opens a file of saved answers.
func (p *program) openAnswers(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(p.readFrom("the answers")), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, usage("answers: %w", err)
	}
	return file, nil
}

func (p *program) printReport(report schemas.Report) error {
	if p.flags.json {
		return p.reportJSON(report)
	}
	for i, read := range report.Read {
		if i > 0 {
			p.tell("")
		}
		if err := p.printFindings(read, report.Findings); err != nil {
			return err
		}
	}
	return nil
}

// printFindings writes those findings that are of the type of read.
func (p *program) printFindings(read schemas.Answers, findings []schemas.Finding) error {
	t := table.Table{Columns: []string{"what", "path", "count", "seen"}, First: []string{"what", "path", "count", "seen"}}
	for _, f := range findings {
		if f.Type == read.Type {
			t.Rows = append(t.Rows, []any{string(f.What), table.Prose(f.Path), f.Count, table.Prose(f.Seen)})
		}
	}
	if len(t.Rows) == 0 {
		return p.tell("%s: %s: nothing that dexetl does not know", read.Type, howMuch(read))
	}
	return cmp.Or(p.tell("%s: %s", read.Type, howMuch(read)), p.show(p.stdout, t))
}

func (p *program) reportJSON(report schemas.Report) error {
	form := schemas.Check()
	read := table.Table{Columns: form.Columns("read")}
	for _, r := range report.Read {
		read.Rows = append(read.Rows, []any{r.Type, r.Answers, r.Records})
	}
	found := table.Table{Columns: form.Columns("findings")}
	for _, f := range report.Findings {
		found.Rows = append(found.Rows, []any{f.Type, string(f.What), f.Path, f.Count, f.Seen})
	}
	return table.WriteJSON(p.stdout, form.Schema(), form.Object(version(), read.Objects(), found.Objects()))
}

func howMuch(r schemas.Answers) string {
	if !strings.HasSuffix(r.Type, "-response") {
		return countOf(r.Answers, "value")
	}
	return countOf(r.Answers, "answer") + ", " + countOf(r.Records, "record")
}

// somethingNew is the error of a report that has findings.
func (p *program) somethingNew(path string, report schemas.Report) error {
	if len(report.Findings) == 0 {
		return nil
	}
	next := again("--json")
	if p.flags.json {
		next = nil // that is it
	}
	return &exitError{exitCheck, "look through the report for names of people, and send it to us in an issue", next,
		fmt.Errorf("%s holds what dexetl does not know: %s", path, countOf(len(report.Findings), "finding"))}
}
