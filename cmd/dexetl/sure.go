package main

import (
	"fmt"
	"strings"
)

// sure asks whether to go on with what may be a mistake. With --yes it asks nothing;
// where nobody can be asked, it refuses and names the command that goes on.
func (p *program) sure(what string) error {
	if p.flags.yes {
		return nil
	}
	if !isTerminal(p.stdin) {
		return failure(exitUsage, p.typed("--yes"), "%s; nothing was done", what)
	}
	fmt.Fprint(p.stderr, plainText("%s\nGo on? [y/N] ", what))
	typed, err := readLine(p.stdin)
	switch strings.ToLower(typed) {
	case "y", "yes":
		return err
	}
	return usage("nothing was done")
}
