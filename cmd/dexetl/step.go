package main

import (
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/plain"
)

// A step is the next command: its words, as a shell hands them over. It works as it
// is printed, by spell; what has to be filled in first is advice. No command of ours
// is written for people in any other way.
type step []string

// dexetl is a command of this program, on the study at hand.
func dexetl(words ...string) step { return append(step{"dexetl"}, words...) }

// shell is a command of another program.
func shell(words ...string) step { return words }

// again is the command that was typed, with these flags and arguments besides. A
// flag that was typed already gives way to the new value. What a command has done is not
// done twice, so again() resumes.
func again(changes ...string) step { return append(step{typed}, changes...) }

// typed stands for the command that was typed, whose words only the program knows.
const typed = ""

// spell is a step as it can be typed into a shell: the flag that says which study
// is repeated; init makes one.
func (p *program) spell(s step) string {
	switch {
	case len(s) == 0:
		return ""
	case s[0] == typed:
		s = append(step{p.called()}, retyped(p.args, s[1:])...)
	case s[0] == "dexetl" && s[1] != "init" && p.flags.study != "":
		s = append(step{p.called(), "--study", p.flags.study}, s[1:]...)
	case s[0] == "dexetl":
		s = append(step{p.called()}, s[1:]...)
	}
	return plain.ShellLine(s)
}

// called is the program as it was called: one that was built in a folder is not found
// by its name alone.
func (p *program) called() string {
	if strings.Contains(p.path, "/") {
		return p.path
	}
	return "dexetl"
}

// commandLine is a command on this study, for a sentence.
func (p *program) commandLine(words ...string) string { return p.spell(dexetl(words...)) }

// bare is a command on no study, for a sentence.
func (p *program) bare(words ...string) string {
	return plain.ShellLine(append([]string{p.called()}, words...))
}

// A speller writes a command on the study into a sentence, as commandLine does.
type speller func(words ...string) string

// sayNext tells a person the next command.
func (p *program) sayNext(words ...string) { p.say("next: %s", p.commandLine(words...)) }

// retyped are args with changes: flags, each followed by its value if it has one, and
// arguments. They stand before a --, behind which nothing is a flag.
func retyped(args, changes []string) []string {
	args = slices.Clone(args)
	for i, word := range changes {
		if strings.HasPrefix(word, "--") {
			hasValue := i+1 < len(changes) && !strings.HasPrefix(changes[i+1], "--")
			args = withoutFlag(args, word, hasValue)
		}
	}
	end := slices.Index(args, "--")
	if end < 0 {
		end = len(args)
	}
	return slices.Insert(args, end, changes...)
}

// withoutFlag are args without a flag, and without its value.
func withoutFlag(args []string, flag string, hasValue bool) (rest []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return append(rest, args[i:]...)
		case args[i] == flag && hasValue:
			i++
		case args[i] == flag, strings.HasPrefix(args[i], flag+"="):
		default:
			rest = append(rest, args[i])
		}
	}
	return rest
}
