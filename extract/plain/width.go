package plain

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// cells counts as terminals do: a wide character has two, a combining one none. One
// that is wide in East Asian fonts alone has one, whatever the machine's language.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}

// Width is how many columns of a terminal text takes.
func Width(text string) int { return cells.StringWidth(text) }

// Cut is text in at most width columns; where it was longer, it ends with ….
func Cut(text string, width int) string { return cells.Truncate(text, width, "…") }

// Pad fills text up with blanks to width columns.
func Pad(text string, width int) string { return cells.FillRight(text, width) }

// Wrap breaks text between words into lines of at most width columns. A word that is
// longer stays whole on a line of its own: what is copied from there is right.
func Wrap(text string, width int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(text) {
		size := Width(word)
		if line != "" && used+1+size > width {
			lines, line, used = append(lines, line), "", 0
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+size
	}
	return append(lines, line)
}

// Break is Wrap where no line may be longer than width: it breaks long words, too, behind
// a point or slash of theirs if one is in the second half of the line.
func Break(text string, width int) (lines []string) {
	for _, line := range Wrap(text, width) {
		for Width(line) > width {
			part := cells.Truncate(line, width, "")
			if at := strings.LastIndexAny(part, "./") + 1; at > len(part)/2 {
				part = part[:at]
			}
			if part == "" {
				break
			}
			lines, line = append(lines, part), line[len(part):]
		}
		lines = append(lines, line)
	}
	return lines
}
