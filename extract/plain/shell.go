package plain

import (
	"fmt"
	"slices"
	"strings"
)

// ShellLine quotes words for a shell where they need it.
func ShellLine(words []string) string {
	quoted := slices.Clone(words)
	for i, w := range words {
		if !IsLine(w) {
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
