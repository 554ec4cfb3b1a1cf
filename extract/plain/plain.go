// Package plain makes text that others wrote fit for a terminal: devices, servers,
// people and files may hold what a terminal would obey, and what turns the order
// of a line around.
package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is text on one line, with a blank for each character that a terminal would
// obey or not show. What is no UTF-8 is U+FFFD.
func Line(text string) string {
	return strings.Map(printable, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// Text is Line for text of several lines: it keeps its line breaks.
func Text(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Line(line)
	}
	return strings.Join(lines, "\n")
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// IsLine reports whether text is as it stands what Line makes of it.
func IsLine(text string) bool { return Line(text) == text }
