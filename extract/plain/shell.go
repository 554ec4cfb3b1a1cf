package plain

import (
	"fmt"
	"strings"
)

// ShellLine quotes words for a shell where they need it.
func ShellLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

func shellWord(w string) string {
	switch {
	case !IsLine(w):
		return ansiQuoted(w)
	case w != "" && w[0] != '=' && !strings.ContainsAny(w, " '\"\\$`!*?[](){}<>|&;#~^"):
		return w
	case strings.Contains(w, "'") && !strings.ContainsAny(w, "\"\\$`!"):
		return `"` + w + `"`
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
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
