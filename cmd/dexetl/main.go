// Command dexetl takes a cohort's continuous-glucose-monitor data out of the
// Dexcom API and lands it as a lake of Parquet files with DuckDB views.
//
// This package is the outermost layer: flags, and what people see. What is done is in
// package study. One file per command; what they share is in study.go (opening a study),
// facts.go (what is told meanwhile), classify.go and exit.go (errors and exit codes),
// step.go (commands to type next).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"
	_ "time/tzdata" // a participant's zone must not depend on the machine

	"github.com/dexetl/dexetl/answer"
	"github.com/dexetl/dexetl/study"
)

// memoryLimit is from where on Go collects garbage early. A commit has less in
// hand; without a limit as much again lies around.
const memoryLimit = 300 << 20 // bytes

func main() { os.Exit(runProcess(time.Now)) }

// runProcess is all that a process does, by some clock, and returns its exit code.
func runProcess(now func() time.Time) int {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	p := &program{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: now,
	}
	return p.run(os.Args)
}

// What the program makes is for its owner, or, where lake.readers says so, for the group
// to read. What is never for others has modes of its own.
const (
	ownerReads = 0o077
	groupReads = 0o027
)

// A program is one invocation: its streams, environment and clock.
type program struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer // written to by many goroutines, as an *os.File may be
	getenv func(string) string
	now    func() time.Time

	flags   globalFlags
	path    string   // of the program, as typed
	args    []string // as typed, without the program
	running string   // the command, such as participants import
	opened  *study.Study

	inDemo  *demoStudy       // the study, if that is a demo; then now is its clock
	machine func() time.Time // and this is the machine's
}

// run carries out args and returns the exit code. The first interrupt ends
// the work in hand, a second one the process.
func (p *program) run(args []string) int {
	syscall.Umask(ownerReads)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	p.path, p.args, p.stdin = args[0], args[1:], interruptible{p.stdin, ctx.Done()}
	root := p.command()
	err := root.Run(ctx, askedForHelp(root, args))
	if err == nil {
		return exitDone
	}
	if errors.Is(err, answer.ErrReaderLeft) {
		return exitReaderLeft
	}
	if p.opened != nil {
		err = p.opened.Behind(err)
	}
	failed := classified(err)
	if failed.code == exitInterrupted && isTerminal(p.stderr) {
		fmt.Fprintln(p.stderr) // the terminal shows ^C, and stays in that line
	}
	// A flag that nobody knows ends the reading of those after it.
	p.printError(failed, p.flags.json || slices.Contains(p.args, "--json"))
	return failed.code
}
