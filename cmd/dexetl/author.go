package main

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/state"
)

// author is who runs this command, for the audit trail: the account and the
// machine, which nobody can choose, behind the name in DEXETL_ACTOR, which is
// for accounts that several people or a service use.
func (p *program) author() (state.Author, error) {
	who := state.Account()
	actor := strings.TrimSpace(p.getenv("DEXETL_ACTOR"))
	for name, text := range map[string]string{"DEXETL_ACTOR": actor, "--reason": p.flags.reason} {
		if err := oneLine(name, text); err != nil {
			return state.Author{}, err
		}
	}
	if actor != "" {
		who = fmt.Sprintf("%s (%s)", actor, who)
	}
	return state.Author{Who: who, Command: p.running, Reason: p.flags.reason}, nil
}

// longestReason keeps a file from being passed as one.
const longestReason = 1000

func oneLine(name, text string) error {
	if len(text) > longestReason || strings.ContainsFunc(text, unicode.IsControl) {
		return usage("%s: one line of at most %d characters", name, longestReason)
	}
	return nil
}

// reasonFlag is for commands that change the study.
func (p *program) reasonFlag() cli.Flag {
	return &cli.StringFlag{Name: "reason", Usage: "why, for the audit trail: `TEXT`", Destination: &p.flags.reason}
}

// nameRunning makes every command note its name before it runs.
func (p *program) nameRunning(c *cli.Command) {
	c.Before = func(ctx context.Context, c *cli.Command) (context.Context, error) {
		p.running = nameOf(c)
		return ctx, nil
	}
	for _, sub := range c.Commands {
		p.nameRunning(sub)
	}
}
