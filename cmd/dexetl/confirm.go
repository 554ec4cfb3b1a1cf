package main

import (
	"fmt"
	"slices"
	"strings"

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
		fmt.Fprint(p.stderr, plainText("%s\nType %s to go on: ", what, word))
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
	return shellLine(append(words, args...))
}

// typed is the command that was typed, with more arguments.
func (p *program) typed(more ...string) string {
	return shellLine(slices.Concat([]string{"dexetl"}, p.args, more))
}

// shellLine quotes words for a shell where they need it.
func shellLine(words []string) string {
	quoted := slices.Clone(words)
	for i, w := range words {
		if !plain.IsLine(w) {
			quoted[i] = ansiQuoted(w)
		} else if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`!*?[](){}<>|&;#~") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// ansiQuoted is a word with what cannot be printed, as bash, zsh and ksh read it.
func ansiQuoted(word string) string {
	var b strings.Builder
	for _, c := range []byte(word) {
		if c < 0x20 || c > 0x7e || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}
