// Package answer answers a SQL statement that somebody wrote in a process of its own: one
// that can be killed at any instant, takes its memory with it, and may crash.
package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/table"
)

// A Question is a statement that somebody wrote, with what it may use.
type Question struct {
	Lake      string        `json:"lake"`
	Snapshot  lake.ID       `json:"snapshot"`
	Statement string        `json:"statement"`
	Format    table.Format  `json:"format"`
	Width     int           `json:"width"`   // columns of the terminal that shows text; 0: any
	Memory    int64         `json:"memory"`  // bytes, of the process
	Timeout   time.Duration `json:"timeout"` // 0: none
}

// An Outcome is how a question ended, in the words of the process that answered it. Code
// 0 is success.
type Outcome struct {
	Code   int      `json:"code"`
	Error  string   `json:"error"`
	Advice string   `json:"advice"`
	Next   []string `json:"next"` // the words of a command
	File   string   `json:"file"` // the damaged file of the lake that is why; empty: none is
}

// ErrReaderLeft says that nobody reads the result any more.
var ErrReaderLeft = errors.New("nobody reads the result any more")

// A DiedError says that the process ended without a report. Killed: the machine did it, as
// when memory ends; else DuckDB broke off.
type DiedError struct {
	Killed bool
	Err    error
}

func (e *DiedError) Error() string {
	if e.Killed {
		return "the query's process was killed, as the machine does when memory ends; what was written is not all"
	}
	return fmt.Sprintf("DuckDB broke off at this statement (%v); the study is as it was", e.Err)
}

func (e *DiedError) Unwrap() error { return e.Err }

// Command is the hidden command of the program that answers: it calls Answer.
const Command = "answer"

// Ask has another process of this program answer q to out, and ends it at once when ctx
// ends: nothing of it has to be brought to an end. The error is ctx's, ErrReaderLeft, a
// *DiedError, or that no process could be had.
func Ask(ctx context.Context, q Question, out io.Writer) (Outcome, error) {
	defer snapshot.SweepSpills(q.Lake)
	worker, report, err := startWorker(ctx, q, out)
	if err != nil {
		return Outcome{}, err
	}
	defer report.Close()
	said, err := io.ReadAll(report)
	ended := worker.Wait()
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	var result Outcome
	if err == nil && json.Unmarshal(said, &result) == nil && (result.Code != 0 || ended == nil) {
		return result, nil
	}
	return Outcome{}, died(worker.ProcessState, ended)
}

// startWorker starts the process. Its standard input stays open as long as this
// process lives, by which it knows when it must end. The file returned is where it
// reports.
func startWorker(ctx context.Context, q Question, out io.Writer) (*exec.Cmd, *os.File, error) {
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
	worker := exec.CommandContext(ctx, program, Command)
	worker.Args[0] = "dexetl"
	worker.Env = config.WithoutOurs(os.Environ()) // it needs no secret
	worker.Stdout = out
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

// died is what to say of a process that ended without a report.
func died(state *os.ProcessState, ended error) error {
	how, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case ended == nil:
		return errors.New("the query ended without a word")
	case ok && how.Signaled() && how.Signal() == syscall.SIGPIPE:
		return ErrReaderLeft
	}
	return &DiedError{ok && how.Signaled() && how.Signal() == syscall.SIGKILL, ended}
}
