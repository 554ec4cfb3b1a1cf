package main

import (
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/extract/plain"
)

// confirm asks for word to be typed before what cannot be undone is done. With
// --yes it asks nothing; where nobody can be asked, it refuses and names the
// command to type.
func (p *program) confirm(what, word, command string) error {
	if p.flags.yes {
		return nil
	}
	if isTerminal(p.stdin) {
		p.note("%s", what)
		fmt.Fprint(p.stderr, plainText("Type %s to go on: ", word))
		switch typed, err := readLine(p.stdin); {
		case err == nil && typed == word:
			return nil
		case err == nil:
			return failure(exitUsage, "", "%q is not %s; nothing was done", typed, word)
		}
	}
	return failure(exitUsage, command+" --yes", "this cannot be undone and nobody can be asked here; nothing was done")
}

// commandLine is a command on this study as it could be typed into a shell.
func (p *program) commandLine(args ...string) string {
	words := []string{"dexetl"}
	if p.flags.study != "" {
		words = append(words, "--study", p.flags.study)
	}
	return plain.ShellLine(append(words, args...))
}

// typed is the command that was typed, with more arguments.
func (p *program) typed(more ...string) string {
	return plain.ShellLine(slices.Concat([]string{"dexetl"}, p.args, more))
}
