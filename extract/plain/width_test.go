package plain

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A column is a cell of the terminal, not a byte and not a rune.
func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "P001": 4, "Łódź": 4, "日本": 4, "e\u0301": 1, "…·→≥": 4, "한국어": 6, "👍": 2,
	} {
		if got := Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"enrolled", 8, "enrolled"}, {"enrolled", 7, "enroll…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"},
		{"日本語", 4, "日…"}, {"cafe\u0301s", 5, "cafe\u0301s"}, {"cafe\u0301s", 4, "caf…"}, {"abc", 1, "…"},
	} {
		if got := Cut(c.text, c.width); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	const link = "https://consent.example.org/i/gl4syqdfmb3"
	for _, c := range []struct {
		text         string
		width        int
		wrap, broken string
	}{
		{"send the link again", 80, "send the link again", "send the link again"},
		{"send the link again", 8, "send the|link|again", "send the|link|again"},
		{"see " + link + " there", 20, "see|" + link + "|there", "see|https://consent.|example.org/i/|gl4syqdfmb3|there"},
		{"records[].alertSettings[].value", 28, "records[].alertSettings[].value", "records[].alertSettings[].|value"},
		{"a.transmitterGeneration", 20, "a.transmitterGeneration", "a.transmitterGenerat|ion"},
		{"connect P001 --confirm", 15, "connect P001|--confirm", "connect P001|--confirm"},
		{"日本 語", 4, "日本|語", "日本|語"},
		{"", 10, "", ""},
	} {
		if got := strings.Join(Wrap(c.text, c.width), "|"); got != c.wrap {
			t.Errorf("Wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.wrap)
		}
		if got := strings.Join(Break(c.text, c.width), "|"); got != c.broken {
			t.Errorf("Break(%q, %d) = %q, want %q", c.text, c.width, got, c.broken)
		}
	}
}

// Whatever the text, no line is wider than asked for, and no word is lost.
func TestBreakFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, width := Line(rapid.String().Draw(t, "text")), rapid.IntRange(2, 40).Draw(t, "width")
		lines := Break(text, width)
		for _, line := range lines {
			if Width(line) > width {
				t.Errorf("Break(%q, %d) has %q, %d columns", text, width, line, Width(line))
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.Join(strings.Fields(text), ""); got != want {
			t.Errorf("Break(%q, %d) has the text %q, want %q", text, width, got, want)
		}
		if cut := Cut(text, width); Width(cut) > width {
			t.Errorf("Cut(%q, %d) = %q, %d columns", text, width, cut, Width(cut))
		}
	})
}
