package plain

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"P001, Łódź 3 mmol/L ≤ 日本": "P001, Łódź 3 mmol/L ≤ 日本",
		"\x1b[31mred\x1b[0m":       " [31mred [0m",
		"a\u009b2Jb":               "a 2Jb",        // the C1 form of ESC [
		"a\u0085b\u00a0c":          "a b c",        // next line, no-break space
		"P001\u202egnp.exe":        "P001 gnp.exe", // turns the rest around
		"\u2066a\u2069\u200bb":     " a  b",        // isolates, zero width
		"over\rwritten\ttab\nline": "over written tab line",
		"\x07\x08\x7f\x00":         "    ",          // bell, backspace, delete, nul
		"\x9b\xff broken":          "\ufffd broken", // no UTF-8: the raw C1 byte
		"\U000e0041\u2028\ue000":   "   ",           // tag, line separator, private use
		"two  blanks":              "two  blanks",
	} {
		if got := Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Text("a\x1b\nb\r\nc"); got != "a \nb \nc" {
		t.Errorf("Text = %q, want its line breaks kept", got)
	}
}

// Whatever comes in, nothing that a terminal obeys comes out, and what came out
// comes out again as it is.
func FuzzLine(f *testing.F) {
	f.Add("a\x1b]0;title\x07")
	f.Add("\xc2\x9b31m\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		got := Line(text)
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u2028\u2029\ufeff", r) {
				t.Fatalf("Line(%q) has %U", text, r)
			}
		}
		if !utf8.ValidString(got) || Line(got) != got {
			t.Fatalf("Line(%q) = %q, and that again %q", text, got, Line(got))
		}
	})
}
