package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/study"
)

// A question is a statement that somebody wrote, with what it may use. A process of
// its own answers it: one that can be killed at any instant, takes its memory with
// it, and may crash.
type question struct {
	Lake      string        `json:"lake"`
	Snapshot  int64         `json:"snapshot"`
	Statement string        `json:"statement"`
	Format    format        `json:"format"`
	Memory    int64         `json:"memory"`
	Timeout   time.Duration `json:"timeout"`
}

// An outcome is how a question ended: what an exitError says. Code 0 is success.
type outcome struct {
	Code   int    `json:"code"`
	Error  string `json:"error"`
	Advice string `json:"advice"`
	Next   string `json:"next"`
}

// errReaderLeft says that nobody reads the result any more.
var errReaderLeft = errors.New("nobody reads the result any more")

// answerName is the command that answers questions; people have no use for it.
const answerName = "answer"

// ask has another process answer q on standard output, and ends it at once when it
// is interrupted: nothing of it has to be brought to an end.
func (p *program) ask(ctx context.Context, q question) error {
	defer snapshot.SweepSpills(q.Lake)
	worker, report, err := p.startWorker(ctx, q)
	if err != nil {
		return err
	}
	defer report.Close()
	said, err := io.ReadAll(report)
	ended := worker.Wait()
	if ctx.Err() != nil {
		return failure(exitInterrupted, sameCommand, "interrupted; what was written is not all")
	}
	var result outcome
	if err == nil && json.Unmarshal(said, &result) == nil && (result.Code != exitDone || ended == nil) {
		return result.err()
	}
	return died(worker.ProcessState, ended)
}

// startWorker starts the process. Its standard input stays open as long as this
// process lives, by which it knows when it must end. The file returned is where it
// reports.
func (p *program) startWorker(ctx context.Context, q question) (*exec.Cmd, *os.File, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(q)
	if err != nil {
		return nil, nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer write.Close()
	worker := exec.CommandContext(ctx, program, answerName)
	worker.Args[0] = "dexetl"
	worker.Env = study.WithoutOurs(os.Environ()) // it needs no secret
	worker.Stdout = p.stdout
	worker.ExtraFiles = []*os.File{write}
	in, err := worker.StdinPipe()
	if err == nil {
		err = worker.Start()
	}
	if err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	// One that died before it has read all of it is seen to have died.
	_, _ = in.Write(append(text, '\n'))
	return worker, read, nil
}

func (o outcome) err() error {
	if o.Code == exitDone {
		return nil
	}
	return &exitError{o.Code, o.Advice, o.Next, errors.New(o.Error)}
}

// died is what to say of a process that ended without a report.
func died(state *os.ProcessState, ended error) error {
	how, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ended == nil:
		return errors.New("the query ended without a word")
	case ok && how.Signaled() && how.Signal() == syscall.SIGPIPE:
		return errReaderLeft
	case ok && how.Signaled() && how.Signal() == syscall.SIGKILL:
		return advised(exitUnexpected, "give it less memory than the machine has free (--max-memory), or ask for less", "the query's process was killed, as the machine does when memory ends; what was written is not all")
	}
	return advised(exitUnexpected, "write it more simply: fewer levels of nesting, fewer terms", "DuckDB broke off at this statement (%w); the study is as it was", ended)
}
