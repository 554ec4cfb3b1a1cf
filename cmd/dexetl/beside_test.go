package main

import (
	"os"
	"testing"
)

// oneAfterTheOther marks a test in which one command follows the other. What goes on
// at once within one of them, a test with atOnce runs, too: the race detector would
// see nothing new, at several times the price. make test runs the test without it.
func oneAfterTheOther(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("one command after the other: make test runs it without the race detector")
	}
}

// atOnce marks a test in which something goes on beside something else, which make
// test runs with the race detector alone: without it, it sets UNRACED. A test with neither
// mark runs both ways.
func atOnce(t *testing.T) {
	t.Helper()
	if os.Getenv("UNRACED") == "1" && !raced {
		t.Skip("something goes on beside something else: make test runs it with the race detector")
	}
}
