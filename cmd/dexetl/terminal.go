package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/dexetl/dexetl/extract/plain"
)

// isTerminal reports whether w is a terminal that a person looks at.
func isTerminal(w any) bool {
	if r, ok := w.(interruptible); ok {
		w = r.Reader
	}
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// The widths of a terminal: of one that does not say, and the narrowest that we
// arrange anything for.
const (
	usualWidth = 80
	leastWidth = 20
)

// widthOf is how many columns w shows: what COLUMNS says, else the terminal. It is 0
// where w is a pipe or a file, which take lines of any length.
func (p *program) widthOf(w any) int {
	if !isTerminal(w) {
		return 0
	}
	width, err := strconv.Atoi(p.getenv("COLUMNS"))
	if err != nil || width <= 0 {
		width, _, err = term.GetSize(int(w.(*os.File).Fd()))
	}
	if err != nil || width <= 0 {
		return usualWidth
	}
	return max(width, leastWidth)
}

// tableWidth is how many columns a table on w may take; 0 is any.
func (p *program) tableWidth(w any) int {
	if p.flags.wide {
		return 0
	}
	return p.widthOf(w)
}

// broken is text whose lines end within width, 0 for any, at words: they go on below
// where their text begins. What is there to be copied stays whole.
func broken(text string, width int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !isCommand(line) {
			lines[i] = brokenLine(line, width)
		}
	}
	return strings.Join(lines, "\n")
}

// isCommand reports whether a line is a command, to be copied: one that stands apart.
func isCommand(line string) bool {
	words := strings.Fields(line)
	return len(words) > 0 && (words[0] == "next:" || line[0] == ' ' && filepath.Base(words[0]) == "dexetl")
}

// beginning is what stands before the text of a line: blanks, and labels with two
// blanks behind them, or with a colon.
var beginning = regexp.MustCompile(`^ *(?:(?:dexetl|advice): )?(?:\S+(?: \S+)* {2,})*`)

// glued is a blank at which no line is broken: a character that no text of ours has.
const glued = "\ue000"

func brokenLine(line string, width int) string {
	if plain.Width(line) <= width {
		return line
	}
	begin := beginning.FindString(line)
	if len(begin) > width*2/3 {
		begin = line[:len(line)-len(strings.TrimLeft(line, " "))]
	}
	// No line may begin like one that tells what to do next, and a command is whole.
	text, next, found := strings.Cut(line[len(begin):], " next: ")
	for _, label := range []string{"dexetl:", "advice:", "next:"} {
		text = strings.ReplaceAll(text, " "+label, glued+label)
	}
	if found {
		text += strings.ReplaceAll(" next: "+next, " ", glued)
	}
	below := "\n" + strings.Repeat(" ", plain.Width(begin))
	text = strings.Join(plain.Wrap(text, width-plain.Width(begin)), below)
	return begin + strings.ReplaceAll(text, glued, " ")
}

// A lineBreaker breaks the lines of help that are written to it: see broken.
type lineBreaker struct {
	to    io.Writer
	width int
	rest  string // of a line without its end
}

// Write writes the lines that have come to their end.
func (b *lineBreaker) Write(text []byte) (int, error) {
	lines := strings.Split(b.rest+string(text), "\n")
	last := len(lines) - 1
	b.rest = lines[last]
	for _, line := range lines[:last] {
		if _, err := io.WriteString(b.to, brokenLine(line, b.width)+"\n"); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
