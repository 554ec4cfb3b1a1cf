package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// errNobodyToAsk says that no person looks at a terminal from which they could answer.
var errNobodyToAsk = errors.New("nobody can be asked here")

// confirm asks for word to be typed before what cannot be undone is done. With
// --yes it asks nothing; where nobody can be asked, it refuses and names the
// command to type: command, with --yes.
func (p *program) confirm(what, word string, command step) error {
	if p.flags.yes {
		return nil
	}
	typed, err := p.ask(what + "\nType " + word + " to go on: ")
	switch {
	case errors.Is(err, errNobodyToAsk):
		return failure(exitUsage, append(command, "--yes"), "this cannot be undone and %w; nothing was done", err)
	case err != nil:
		return err
	case typed != word:
		return usage("%q is not %s; nothing was done", typed, word)
	}
	return nil
}

// reason is the reason given, or else asked for: why something is done goes on record.
func (p *program) reason(given, what string) (string, error) {
	if given = strings.TrimSpace(given); given != "" {
		return given, nil
	}
	typed, err := p.ask("Why, for the record? ")
	if err == nil && typed != "" {
		return typed, oneLine("the reason", typed)
	}
	if err == nil || errors.Is(err, errNobodyToAsk) {
		err = advised(exitUsage, "say why with --reason", "%s needs a reason, which goes on record; nothing was done", what)
	}
	return "", err
}

// ask puts a question to a person and reads their answer, one line.
func (p *program) ask(question string) (string, error) {
	if !isTerminal(p.stdin) {
		return "", errNobodyToAsk
	}
	fmt.Fprint(p.stderr, broken(plainText("%v", errors.New(question)), p.widthOf(p.stderr)))
	return readLine(p.stdin)
}

// readFrom is standard input, from which what is read; at a terminal that is said.
func (p *program) readFrom(what string) io.Reader {
	if isTerminal(p.stdin) {
		p.note("reading %s from standard input: Ctrl-D on a line of its own ends it", what)
	}
	return p.stdin
}

// readLine reads one line, which may end with the input.
func readLine(r io.Reader) (string, error) {
	var line strings.Builder
	buffer := make([]byte, 1)
	for line.Len() < 16<<10 {
		n, err := r.Read(buffer)
		if n == 1 && buffer[0] != '\n' {
			line.WriteByte(buffer[0])
		}
		if n == 1 && buffer[0] == '\n' || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
	}
	return strings.TrimSpace(line.String()), nil
}

// An interruptible reader does not wait for input that a person no longer means to
// give: when the command is interrupted, it ends.
type interruptible struct {
	io.Reader
	interrupted <-chan struct{}
}

// Read reads as the reader below does, or until the interrupt.
func (r interruptible) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	got, own := make(chan result, 1), make([]byte, len(b))
	go func() {
		n, err := r.Reader.Read(own)
		got <- result{n, err}
	}()
	select {
	case read := <-got:
		return copy(b, own[:read.n]), read.err
	case <-r.interrupted:
		return 0, failure(exitInterrupted, again(), "interrupted; nothing was done")
	}
}
