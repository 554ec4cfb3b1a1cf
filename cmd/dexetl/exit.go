package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	exitStopped     = 8   // --max-calls or --max-duration used up, resumable
	exitNoStudy     = 10  // no study here
	exitLocked      = 11  // another process holds the load lock
	exitKey         = 12  // wrong or unreadable key
	exitDisk        = 13  // disk full or not writable
	exitInterrupted = 130 // Ctrl-C, resumable
)

// An exitError is an error that knows its exit code and what to do next.
type exitError struct {
	code int
	next string // the next command or step, "" if none helps
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failure makes an exitError from a message.
func failure(code int, next, format string, args ...any) error {
	return &exitError{code: code, next: next, err: fmt.Errorf(format, args...)}
}

// usage is a failure of the arguments.
func usage(format string, args ...any) error {
	return failure(exitUsage, "", format, args...)
}

// printError tells a person, or with asJSON a program, what went wrong.
func printError(w io.Writer, err *exitError, asJSON bool) {
	if asJSON {
		json.NewEncoder(w).Encode(map[string]any{
			"schema": "dexetl.error/1", "code": err.code, "error": err.Error(), "next": err.next,
		})
		return
	}
	fmt.Fprintf(w, "dexetl: %v\n", err)
	if err.next != "" {
		fmt.Fprintf(w, "  next: %s\n", err.next)
	}
}

// classify gives err its exit code and next step.
func classify(err error) *exitError {
	var coded *exitError
	if errors.As(err, &coded) {
		return coded
	}
	if errors.Is(err, context.Canceled) {
		return &exitError{exitInterrupted, "run the same command again: it resumes", errors.New("interrupted; everything received is kept")}
	}
	return classifyByType(err)
}
