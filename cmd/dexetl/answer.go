//go:build linux || darwin

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
)

// reportFD is the file to which the process that answers reports how it ended.
const reportFD = 3

func (p *program) answerCommand() *cli.Command {
	return &cli.Command{
		Name: answerName, Usage: "answer a question of dexetl query, of which it is a part", Hidden: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			to := os.NewFile(reportFD, "report")
			if _, err := to.Stat(); err != nil {
				return usage("dexetl query starts this command; people have no use for it")
			}
			return p.answer(to)
		},
	}
}

// answer reads a question from standard input, writes the rows, and reports how it
// ended. It ends before that if a limit is passed, or when who asked is gone.
func (p *program) answer(to *os.File) error {
	// A core file would hold the readings.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	in := bufio.NewReader(p.stdin)
	text, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		return err
	}
	a := &answering{question: q, spill: snapshot.NewSpill(q.Lake), report: to, out: &timedWriter{to: p.stdout}}
	go a.endWith(in)
	go func() {
		a.end(limiter{memory: q.Memory, timeout: q.Timeout, output: a.out, rss: residentMemory}.watch())
	}()
	a.end(a.run())
	return nil
}

// An answering is a question being answered.
type answering struct {
	question
	spill  *snapshot.Spill
	report *os.File
	out    *timedWriter
	once   sync.Once
}

// end reports err and ends the process, whatever else it is doing.
func (a *answering) end(err error) {
	a.once.Do(func() {
		said := outcome{}
		if err != nil {
			failed := classified(err)
			said = outcome{failed.code, failed.Error(), failed.advice, failed.next}
		}
		_ = json.NewEncoder(a.report).Encode(said)
		_ = a.spill.Close() // what is left of it, the next session sweeps
		os.Exit(said.Code)
	})
	select {} // the other one ends the process
}

// endWith ends the process when standard input ends: who asked is gone.
func (a *answering) endWith(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	a.end(errors.New("who asked is gone"))
}

func (a *answering) run() error {
	ctx := context.Background() // nothing ends it but the end of the process
	l, err := lake.OpenToRead(a.Lake)
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := l.Manifest(a.Snapshot)
	if err != nil {
		return err
	}
	stream := snapshot.OpenStream()
	db, err := snapshot.Open(ctx, l, m, snapshot.Limits{Memory: duckDBMemory(a.Memory), Spill: a.spill})
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, a.Statement)
	if err == nil {
		err = writeRows(a.out, a.Format, "dexetl.query/1", rows, stream.Err)
	}
	if failed, ok := errors.AsType[*duckdb.Error](err); ok && failed.Type == duckdb.ErrorTypeOutOfMemory {
		return outOfMemory(firstLine(failed.Msg))
	}
	if err != nil {
		return explainQuery(ctx, l, m, err)
	}
	return nil
}
