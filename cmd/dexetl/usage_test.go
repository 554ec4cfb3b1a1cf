package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// eachCommand calls do with every command that people see, and its words.
func eachCommand(do func(words []string, c *cli.Command)) {
	var walk func(words []string, c *cli.Command)
	walk = func(words []string, c *cli.Command) {
		for _, sub := range c.Commands {
			if !sub.Hidden {
				inner := append(slices.Clone(words), sub.Name)
				do(inner, sub)
				walk(inner, sub)
			}
		}
	}
	walk(nil, new(program).command())
}

// Wherever --help stands, and whatever is wrong before it, the command's help is shown.
func TestHelpAnywhere(t *testing.T) {
	root, seen := new(program).command(), 0
	eachCommand(func(words []string, _ *cli.Command) {
		seen++
		want := slices.Concat([]string{"dexetl"}, words, []string{"--help"})
		for _, line := range [][]string{
			slices.Concat(words, []string{"P100", "--help"}),
			slices.Concat(words, []string{"--nonsense", "-h", "P100"}),
			slices.Concat([]string{"--study", words[0]}, words, []string{"--cohort", "--help"}),
			slices.Concat([]string{"--help"}, words),
			slices.Concat([]string{"help"}, words),
		} {
			if got := askedForHelp(root, slices.Concat([]string{"dexetl"}, line)); !slices.Equal(got, want) {
				t.Errorf("%q is carried out as %q, want %q", line, got, want)
			}
		}
	})
	if seen < 40 {
		t.Errorf("%d commands seen: the test has lost sight of them", seen)
	}
	for _, line := range []string{"dexetl status P001", "dexetl query -- --help", "dexetl complete bash status --help", "dexetl status --reason=--help"} {
		if args := strings.Fields(line); !slices.Equal(askedForHelp(root, args), args) {
			t.Errorf("%s: taken for a question for help", line)
		}
	}
}

// Every flag with a slip in it is told, with the flag that was meant.
func TestFlagMeant(t *testing.T) {
	seen := 0
	eachCommand(func(words []string, c *cli.Command) {
		for _, f := range c.Flags {
			name := f.Names()[0]
			wrong := name[:len(name)-1] + "x" + name[len(name)-1:]
			err := parseOnly(slices.Concat(words, []string{"--" + wrong}))
			if err == nil || !strings.HasPrefix(err.Error(), "no flag --"+wrong+", did you mean --") {
				t.Errorf("dexetl %s --%s: %v", strings.Join(words, " "), wrong, err)
			}
			seen++
		}
	})
	if seen < 100 {
		t.Errorf("%d flags seen: the test has lost sight of them", seen)
	}
}
