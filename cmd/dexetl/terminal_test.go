package main

import (
	"os"
	"strings"
	"testing"
)

// A device is no person: cron's and systemd's standard input is /dev/null.
func TestNullIsNoTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) {
		t.Error("/dev/null is taken for a terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer terminal.Close()
	if !isTerminal(terminal) {
		t.Error("a terminal is not taken for one")
	}
}

// Long lines go on at words, where their text begins; what is there to be copied is
// whole, and no line begins like one that tells what to do next.
func TestBroken(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short", "short"},
		{"one two three four five six seven", "one two three four five six|seven"},
		{"ok    lake  one two three four five six", "ok    lake  one two three four|            five six"},
		{"dexetl: one two three four five six", "dexetl: one two three four|        five six"},
		{"  advice: one two three four five six", "  advice: one two three four|          five six"},
		{"   --days DAYS  for which the links work, so it is", "   --days DAYS  for which the|                links work, so|                it is"},
		{"  next: dexetl query \"select 1 from a long list\"", "  next: dexetl query \"select 1 from a long list\""},
		{"  ./bin/dexetl --study demo metrics --select last14", "  ./bin/dexetl --study demo metrics --select last14"},
		{"P001 is paused here; next: dexetl participants resume P001", "P001 is paused|here; next: dexetl participants resume P001"},
		{"he said that next: rm -rf / is fine", "he said|that next: rm -rf / is fine"},
		{"one two three four five six dexetl: seven", "one two three four five|six dexetl: seven"},
		{"next: dexetl participants add P001 --start 2026-01-01", "next: dexetl participants add P001 --start 2026-01-01"},
		{"dexetl demo: one two three four five", "dexetl demo: one two three|four five"},
		{"see https://consent.example.org/i/0123456789", "see|https://consent.example.org/i/0123456789"},
		{"first\nsecond one two three four five six", "first|second one two three four five|six"},
	} {
		if got := broken(c.text, 30); got != strings.ReplaceAll(c.want, "|", "\n") {
			t.Errorf("broken(%q) =\n%s\nwant\n%s", c.text, got, strings.ReplaceAll(c.want, "|", "\n"))
		}
		if got := broken(c.text, 0); got != c.text {
			t.Errorf("broken(%q) for no terminal = %q", c.text, got)
		}
	}
}

// Help comes in pieces, which are not lines.
func TestLineBreaker(t *testing.T) {
	var out strings.Builder
	b := &lineBreaker{to: &out, width: 30}
	for _, piece := range []string{"   --a  one two three", " four five six", " seven\nx", "\n\ny", "\n"} {
		if n, err := b.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", piece, n, err)
		}
	}
	if want := "   --a  one two three four\n        five six seven\nx\n\ny\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
