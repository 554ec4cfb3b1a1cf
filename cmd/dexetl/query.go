//go:build linux || darwin

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
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
		Description: "Without an argument the statement is read from standard input. It can read the\n" +
			"snapshot's files and nothing else. Rows are written as they are computed: a result is whole if the exit code is 0.",
		Flags: append(o.resultFlags.flags(),
			&cli.StringFlag{Name: "snapshot", Usage: "number `N` of the snapshot to ask, or latest (default: the newest)", Destination: &o.which},
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
	return p.ask(ctx, question{
		Lake: s.LakePath(), Snapshot: m.Snapshot, Statement: statement, Format: f, Memory: memory, Timeout: o.timeout,
	})
}

// longestStatement bounds what is read from standard input.
const longestStatement = 1 << 20

// statement is the argument, or else standard input.
func (p *program) statement(c *cli.Command) (string, error) {
	if c.Args().Present() {
		return one(c, "statement (quote it)")
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, longestStatement+1))
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

// queryStudy answers one statement over the snapshot called which ("": newest).
func queryStudy(ctx context.Context, s *study.Study, which, schema, statement string, args ...any) (table, error) {
	return askStudy(ctx, s, which, func(l *lake.Lake, m lake.Manifest) (*sql.DB, error) {
		return snapshot.Open(ctx, l, m, snapshot.Limits{})
	}, schema, statement, args...)
}

// queryOnly answers a statement that reads nothing but the tables named, of the
// newest snapshot: damage elsewhere does not matter to it.
func queryOnly(ctx context.Context, s *study.Study, tables []string, schema, statement string, args ...any) (table, error) {
	return askStudy(ctx, s, "", func(l *lake.Lake, m lake.Manifest) (*sql.DB, error) {
		return snapshot.OpenOnly(ctx, l, m, snapshot.Limits{}, tables...)
	}, schema, statement, args...)
}

func askStudy(ctx context.Context, s *study.Study, which string, open func(*lake.Lake, lake.Manifest) (*sql.DB, error), schema, statement string, args ...any) (table, error) {
	l, m, err := s.Snapshot(which)
	if err != nil {
		return table{}, err
	}
	defer l.Close()
	db, err := open(l, m)
	if err != nil {
		return table{}, err
	}
	defer db.Close()
	t, err := selectTable(ctx, db, schema, statement, args...)
	if err != nil {
		return table{}, explainQuery(ctx, l, m, err)
	}
	return t, nil
}

func selectTable(ctx context.Context, db *sql.DB, schema, statement string, args ...any) (table, error) {
	rows, err := db.QueryContext(ctx, statement, args...)
	if err != nil {
		return table{}, err
	}
	return readTable(schema, rows)
}

// explainQuery tells a damaged file from a wrong statement.
func explainQuery(ctx context.Context, l *lake.Lake, m lake.Manifest, err error) error {
	var damage *lake.DamageError
	if as[*exitError](err) {
		return err
	}
	if as[*snapshot.FunctionError](err) || errors.Is(err, snapshot.ErrReadOnly) {
		return failure(exitUsage, `dexetl query "show tables"`, "%w", err)
	}
	if failed, ok := errors.AsType[*duckdb.Error](err); ok && failed.Type == duckdb.ErrorTypeOutOfMemory {
		return advised(exitUnexpected, "ask for less: fewer participants, or a shorter interval", "%s", firstLine(failed.Msg))
	}
	if explained := snapshot.Explain(ctx, l, m, err); errors.As(explained, &damage) || errors.Is(err, context.Canceled) {
		return explained
	}
	return failure(exitUsage, `dexetl query "show tables"`, "%w", err)
}
