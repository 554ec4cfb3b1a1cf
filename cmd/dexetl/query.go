//go:build linux || darwin

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// queryOptions are the flags of `dexetl query`.
type queryOptions struct {
	resultFlags
	which   string
	timeout time.Duration
	memory  string
}

func (p *program) queryCommand() *cli.Command {
	o := queryOptions{timeout: defaultTimeout, memory: defaultMemory}
	return &cli.Command{
		Name:      "query",
		Usage:     "one SQL statement over the tables and views",
		ArgsUsage: `["SQL"]`,
		Description: "Without an argument the statement is read from standard input. It can read the " +
			"snapshot's files and nothing else. Rows are written as they are computed: a result is whole if the exit code is 0.",
		Flags: append(o.resultFlags.flags(),
			&cli.StringFlag{Name: "snapshot", Usage: "`N`, tag or latest: the snapshot to ask (default: the newest)", Destination: &o.which},
			&durationFlag{Name: "timeout", Usage: "how long it may compute; the time its reader takes is not counted; 0s: no limit", Value: o.timeout, Destination: &o.timeout},
			&cli.StringFlag{Name: "max-memory", Usage: "`SIZE` of memory it may use, such as 8GB; what fits no longer goes to disk", Value: o.memory, Destination: &o.memory}),
		Action: func(ctx context.Context, c *cli.Command) error { return p.runQuery(ctx, c, o) },
	}
}

func (p *program) runQuery(ctx context.Context, c *cli.Command, o queryOptions) error {
	f, err := o.format(p)
	if err != nil {
		return err
	}
	memory, err := parseMemory(o.memory)
	if err != nil {
		return err
	}
	s, err := p.openFolder()
	if err != nil {
		return err
	}
	statement, err := p.statement(c)
	if err != nil {
		return err
	}
	l, m, err := s.Snapshot(o.which)
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		return err
	}
	p.tellOutdated(m.Outdated())
	if sql.NeedsSpans(statement) {
		p.tellComputed(s.NotComputed(o.which))
	}
	said, err := answer.Ask(ctx, answer.Question{
		Lake: s.LakePath(), Snapshot: m.ID(), Statement: statement, Format: f, Width: p.tableWidth(p.stdout),
		Memory: memory, Timeout: o.timeout,
	}, p.stdout)
	switch {
	case errors.Is(err, context.Canceled):
		return failure(exitInterrupted, again(), "interrupted; what was written is not all")
	case err == nil && said.Code != exitDone:
		failed := &exitError{said.Code, said.Advice, said.Next, errors.New(said.Error)}
		if lost := s.Behind(&lake.DamageError{Path: said.File}); as[*study.LostFileError](lost) {
			failed.advice, failed.next = classifyByType(lost).advice, nil
		}
		return failed
	}
	return err
}

// answerCommand answers a question of dexetl query; people have no use for it.
func (p *program) answerCommand() *cli.Command {
	return &cli.Command{
		Name: answer.Command, Usage: "answer a question of dexetl query, of which it is a part", Hidden: true,
		Action: func(context.Context, *cli.Command) error {
			report, ok := answer.Report()
			if !ok {
				return usage("query starts this command; people have no use for it")
			}
			return answer.Answer(p.stdin, p.stdout, report, study.ComputeSpans, func(err error) answer.Outcome {
				e := classified(err)
				said := answer.Outcome{Code: e.code, Error: e.Error(), Advice: e.advice, Next: e.next}
				if harm, ok := errors.AsType[*lake.DamageError](err); ok {
					said.File = harm.Path
				}
				return said
			})
		},
	}
}

const (
	defaultTimeout = time.Minute
	defaultMemory  = "2GB"
	leastMemory    = 256_000_000
)

// parseMemory reads a size such as 2GB.
func parseMemory(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > 1<<50 {
		return 0, usage("--max-memory %q: a size such as 2GB or 500MB", text)
	}
	if n < leastMemory {
		return 0, usage("--max-memory %s: not less than 256MB, of which the program itself needs a part", text)
	}
	return int64(n), nil
}

// longestStatement bounds what is read from standard input.
const longestStatement = 1 << 20

// statement is the argument, or else standard input.
func (p *program) statement(c *cli.Command) (string, error) {
	if c.Args().Present() {
		return one(c, "statement (quote it)")
	}
	text, err := io.ReadAll(io.LimitReader(p.readFrom("the statement"), longestStatement+1))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if len(text) > longestStatement {
		return "", usage("the statement is longer than 1 MB")
	}
	if strings.TrimSpace(string(text)) == "" {
		return "", usage("query needs a statement, as an argument or on standard input")
	}
	return string(text), nil
}
