package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// Exit codes are part of the interface: scripts branch on them.
const (
	exitDone        = 0   // also: nothing new
	exitUnexpected  = 1   // a bug, or something nobody thought of
	exitUsage       = 2   // arguments or configuration
	exitPartial     = 3   // committed, but some participants failed
	exitLater       = 4   // network, 5xx or limit: come back later
	exitConsent     = 5   // only consent is missing
	exitCheck       = 6   // a data check failed
	exitDamage      = 7   // damage found
	exitStopped     = 8   // --max-calls, --max-duration or --timeout used up
	exitNoStudy     = 10  // no study here
	exitLocked      = 11  // another process holds the load lock, or the state
	exitKey         = 12  // wrong or unreadable key
	exitDisk        = 13  // disk full or not writable
	exitInterrupted = 130 // Ctrl-C, resumable
	exitReaderLeft  = 141 // as the shell has it of a process whose reader left: query | head
)

// codeWords say what a code means, and name nobody.
func codeWords(code int) string {
	return map[int]string{
		exitDone: "done", exitUnexpected: "unexpected, see the log", exitUsage: "arguments or configuration",
		exitPartial: "some participants failed", exitLater: "network, 5xx or limit: tried again at the next run",
		exitConsent: "only consent is missing", exitCheck: "a check failed", exitDamage: "damage found",
		exitStopped: "stopped before all was done", exitNoStudy: "no study here", exitLocked: "another process is in the way",
		exitKey: "wrong or unreadable key", exitDisk: "disk full or not writable", exitInterrupted: "interrupted",
	}[code]
}

// An exitError is an error that knows its exit code and what to do about it.
type exitError struct {
	code   int
	advice string // what no command does, such as freeing disk space; "" if nothing
	next   step   // nil if no command helps
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failure makes an exitError from a message and the next command.
func failure(code int, next step, format string, args ...any) error {
	return &exitError{code: code, next: next, err: fmt.Errorf(format, args...)}
}

// advised makes an exitError from a message and what to do, where no command
// does it.
func advised(code int, advice, format string, args ...any) error {
	return &exitError{code: code, advice: advice, err: fmt.Errorf(format, args...)}
}

// usage is a failure of the arguments.
func usage(format string, args ...any) error {
	return failure(exitUsage, nil, format, args...)
}

// printError tells a person, or with asJSON a program, what went wrong.
func (p *program) printError(err *exitError, asJSON bool) {
	w, next := p.stderr, p.spell(err.next)
	if asJSON {
		text, _ := table.JSONText(schemas.Error().Object(err.code, err.Error(), err.advice, next), "", "") // nothing in it fails
		w.Write(append(text, '\n'))
		return
	}
	_ = p.put(w, plainText("dexetl: %v", err)) // there is nobody else to tell
	if err.advice != "" {
		_ = p.put(w, plainText("  advice: %s", err.advice))
	}
	if next != "" {
		_ = p.put(w, plainText("  next: %s", next))
	}
}

// classified gives err its exit code and what to do about it.
func classified(err error) *exitError {
	e := *ruled(err)
	e.err = aboutFile(e.err)
	return &e
}

// writtenAnew says of a command that was interrupted, and writes all or nothing, that there
// is nothing to go on with.
func writtenAnew(err error) error {
	if errors.Is(err, context.Canceled) {
		return failure(exitInterrupted, again(), "interrupted; nothing was written, and the same command begins anew")
	}
	return err
}

func ruled(err error) *exitError {
	var coded *exitError
	if errors.As(err, &coded) {
		return coded
	}
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, "", again(), errors.New("interrupted; everything received is kept, and the same command resumes")}
	}
	return classifyByType(err)
}
