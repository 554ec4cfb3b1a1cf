package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"
)

// completionScripts ask the program itself what can follow: it knows its commands and
// flags, and the study its people and snapshots.
//
//go:embed completion
var completionScripts embed.FS

func (p *program) completionCommand() *cli.Command {
	c := &cli.Command{
		Name:  "completion",
		Usage: "what a shell needs to complete commands, flags, participants, tables and snapshots",
		Description: "bash: put `source <(dexetl completion bash)` into ~/.bashrc\n" +
			"zsh:  put `source <(dexetl completion zsh)` into ~/.zshrc, behind compinit\n" +
			"fish: dexetl completion fish > ~/.config/fish/completions/dexetl.fish",
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		c.Commands = append(c.Commands, &cli.Command{
			Name: shell, Usage: "for " + shell,
			Action: func(context.Context, *cli.Command) error {
				script, err := completionScripts.ReadFile("completion/" + shell)
				if err == nil {
					_, err = p.stdout.Write(script)
				}
				return err
			},
		})
	}
	return c
}

// completeName begins a line that is not to be carried out, whatever is in it.
const completeName = "complete"

// completeCommand answers the scripts of completionCommand: the shell, and the words of
// the line, the last of which is to be completed. Whatever is wrong, it says nothing.
func (p *program) completeCommand() *cli.Command {
	return &cli.Command{
		Name: completeName, Usage: "answer a shell, of whose completion it is a part", ArgsUsage: "SHELL WORD…",
		Hidden: true, SkipFlagParsing: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			words := c.Args().Slice()
			if len(words) < 2 {
				return nil
			}
			asked := *p
			asked.stderr, asked.flags = io.Discard, globalFlags{quiet: true}
			l := readLineToComplete(asked.command(), words[0], words[1:])
			asked.flags.study = l.study
			for _, found := range l.prefixed(asked.candidates(ctx, l)) {
				fmt.Fprintf(p.stdout, "%s\t%s\n", found.value, strings.ReplaceAll(found.about, "\n", " "))
			}
			return nil
		},
	}
}

// A candidate is a word that may stand where the cursor is.
type candidate struct{ value, about string }

// A lineToComplete is what was typed so far.
type lineToComplete struct {
	command *cli.Command
	args    []string // positional, of command
	flag    cli.Flag // whose value is to be completed; nil: none
	current string   // what is there of it
	prefix  string   // that candidates repeat, such as --cohort=
	study   string
}

// readLineToComplete reads words as the parser of flags does, but forgives everything.
func readLineToComplete(root *cli.Command, shell string, words []string) lineToComplete {
	if shell == "bash" {
		words = asOneWord(words)
	}
	l := lineToComplete{command: root}
	last := len(words) - 1
	for _, word := range words[:last] {
		l.take(strings.TrimSuffix(word, bashMark))
	}
	l.current = words[last]
	if l.flag != nil || !strings.HasPrefix(l.current, "-") {
		return l
	}
	if name, value, ok := strings.Cut(l.current, "="); ok {
		l.flag, l.current = flagOf(l.command, name), strings.TrimPrefix(value, bashMark)
		if value == l.current {
			l.prefix = name + "="
		}
	}
	return l
}

// bashMark stands where bash would put in candidates without the flag before them.
const bashMark = "\x00"

// asOneWord takes back that bash takes --cohort=A for three words, and the quotes of
// words before the last.
func asOneWord(words []string) (out []string) {
	for i, word := range words {
		if i < len(words)-1 {
			word = strings.NewReplacer(`"`, "", `'`, "", `\`, "").Replace(word)
		}
		n := len(out)
		switch {
		case n > 0 && word == "=":
			out[n-1] += "=" + bashMark
		case n > 0 && strings.HasSuffix(out[n-1], "="+bashMark):
			out[n-1] += word
		default:
			out = append(out, word)
		}
	}
	return out
}

// take reads a word before the last.
func (l *lineToComplete) take(word string) {
	name, value, given := strings.Cut(strings.Replace(word, "="+bashMark, "=", 1), "=")
	switch {
	case l.flag != nil:
		l.set(l.flag, word)
		l.flag = nil
	case strings.HasPrefix(word, "-"):
		f := flagOf(l.command, name)
		if given {
			l.set(f, value)
		} else if f != nil && takesValue(f) {
			l.flag = f
		}
	case len(l.args) == 0 && l.command.Command(word) != nil:
		l.command = l.command.Command(word)
	default:
		l.args = append(l.args, word)
	}
}

func (l *lineToComplete) set(f cli.Flag, value string) {
	if f != nil && f.Names()[0] == "study" {
		l.study = value
	}
}

// prefixed are those of found that go on with what was typed, as the shell puts them in.
func (l lineToComplete) prefixed(found []candidate) (out []candidate) {
	for _, c := range found {
		if strings.HasPrefix(c.value, l.current) {
			out = append(out, candidate{l.prefix + c.value, c.about})
		}
	}
	return out
}

func takesValue(f cli.Flag) bool {
	_, isBool := f.(*cli.BoolFlag)
	return !isBool
}
