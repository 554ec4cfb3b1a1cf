package main

import (
	"errors"
	"strings"
)

// sure asks whether to go on with what may be a mistake. With --yes it asks nothing;
// where nobody can be asked, it refuses and names the command that goes on.
func (p *program) sure(what string) error {
	if p.flags.yes {
		return nil
	}
	typed, err := p.ask(what + "\nGo on? [y/N] ")
	switch {
	case errors.Is(err, errNobodyToAsk):
		return failure(exitUsage, again("--yes"), "%s; nothing was done", what)
	case err != nil:
		return err
	case strings.EqualFold(typed, "y"), strings.EqualFold(typed, "yes"):
		return nil
	}
	return usage("nothing was done")
}
