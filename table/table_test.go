package table

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// One table in each format: null, numbers, text that a terminal would obey or a spreadsheet
// compute, and times.
func TestFormats(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)
	in := Table{Schema: "test/1", Columns: []string{"id", "n", "pct", "at"}, Rows: [][]any{
		{"P001", 7, 33.333333, Moment{at}}, {"=1+1", nil, math.NaN(), at}, {"a\x1b[31m\nb", int64(-2), 0.5, nil},
	}}
	for f, want := range map[Format]string{
		Text: "" +
			"id         n    pct  at\n" +
			"P001       7  33.33  2026-03-01 08:30\n" +
			"=1+1       ·    NaN  2026-03-01 08:30:15Z\n" +
			"a [31m b  -2    0.5  ·\n",
		CSV:     "id,n,pct,at\nP001,7,33.333333,2026-03-01 08:30\n=1+1,,NaN,2026-03-01 08:30:15Z\n\"a\x1b[31m\nb\",-2,0.5,\n",
		SafeCSV: "id,n,pct,at\nP001,7,33.333333,2026-03-01 08:30\n'=1+1,,NaN,2026-03-01 08:30:15Z\n\"a\x1b[31m\nb\",-2,0.5,\n",
	} {
		var out strings.Builder
		if err := in.Write(&out, f); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%q, want\n%q", f, err, out.String(), want)
		}
	}
	var out strings.Builder
	if err := in.Write(&out, JSON); err != nil || !strings.Contains(out.String(), `"pct": "NaN"`) || !strings.Contains(out.String(), `"at": "2026-03-01T08:30:15Z"`) ||
		!strings.Contains(out.String(), `"n": null`) || !strings.Contains(out.String(), `"id": "a\u001b[31m\nb"`) || !strings.HasSuffix(out.String(), "\"schema\": \"test/1\"\n}\n") {
		t.Errorf("JSON: %v\n%s", err, out.String())
	}
}

// JSON keeps one of two columns of a name: that is an error before anything is written.
func TestSameName(t *testing.T) {
	var out strings.Builder
	err := Table{Columns: []string{"a", "b", "a"}, Rows: [][]any{{1, 2, 3}}}.Write(&out, JSON)
	var same *SameNameError
	if !errors.As(err, &same) || same.Column != "a" || out.Len() > 0 {
		t.Errorf("two columns called a: %v, written %q", err, out.String())
	}
}

// Columns are as wide as the first thousand rows need: later rows come as they are.
func TestLongTable(t *testing.T) {
	in := Table{Columns: []string{"n"}}
	for i := range widthsFrom + 1 {
		in.Rows = append(in.Rows, []any{strings.Repeat("x", 1+i/widthsFrom*9)})
	}
	var out strings.Builder
	if err := in.Write(&out, Text); err != nil || strings.Count(out.String(), "\n") != widthsFrom+2 || !strings.HasSuffix(out.String(), "x\n"+strings.Repeat("x", 10)+"\n") {
		t.Errorf("%v, %d lines, the end %q", err, strings.Count(out.String(), "\n"), out.String()[out.Len()-20:])
	}
}

func TestOnly(t *testing.T) {
	in := Table{Schema: "s", Columns: []string{"a", "b", "c"}, Kinds: []string{"X", "DATE", "Z"}, Rows: [][]any{{1, 2, 3}}, First: []string{"b"}, Stories: true}
	if got := fmt.Sprint(in.Only([]string{"c", "b"})); got != "{s [c b] [Z DATE] [[3 2]] [b] true}" {
		t.Errorf("Only(c, b) = %s", got)
	}
}
