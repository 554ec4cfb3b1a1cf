package table

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/plain"
)

// narrow is a table as it stands in lines of so many columns.
func narrow(t *testing.T, in Table, width int) string {
	t.Helper()
	var out strings.Builder
	if err := in.Show(&out, width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The columns that matter stay, prose goes on below itself, a text is cut, a number never
// is; what is missing is named.
func TestShowNarrow(t *testing.T) {
	in := Table{
		Columns: []string{"id", "cohort", "empty", "n", "pct", "to_do"}, First: []string{"id", "to_do"},
		Rows: [][]any{
			{"P001", "a cohort with a long name", nil, 1234567, 99.5, Prose("call: no readings at Dexcom; does the app upload?")},
			{"P002", "日本語のとても長い名前です", nil, 1, 0.25, nil},
		},
	}
	for width, want := range map[int]string{
		0: "" +
			"id    cohort                      empty        n   pct  to_do\n" +
			"P001  a cohort with a long name   ·      1234567  99.5  call: no readings at Dexcom; does the app upload?\n" +
			"P002  日本語のとても長い名前です  ·            1  0.25  ·\n",
		72: "" +
			"id    cohort                        n  to_do\n" +
			"P001  a cohort with a long …  1234567  call: no readings at Dexcom; does\n" +
			"                                       the app upload?\n" +
			"P002  日本語のとても長い名…         1  ·\n" +
			"--wide shows 2 more columns: empty, pct\n",
		52: "" +
			"id          n  to_do\n" +
			"P001  1234567  call: no readings at Dexcom; does the\n" +
			"               app upload?\n" +
			"P002        1  ·\n" +
			"--wide shows 3 more columns: cohort, empty, pct\n",
		30: "" +
			"id    to_do\n" +
			"P001  call: no readings at\n" +
			"      Dexcom; does the app\n" +
			"      upload?\n" +
			"P002  ·\n" +
			"--wide shows 4 more columns: …\n",
	} {
		if got := narrow(t, in, width); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}

// One row, and rows that are stories, stand one column below the other, all of them, and
// what may be copied is whole.
func TestStories(t *testing.T) {
	link := "https://consent.example.org/i/" + strings.Repeat("x", 20)
	row := []any{"P001", link, Prose("the app of the participant does not upload"), nil}
	in := Table{Columns: []string{"id", "link", "why", "seen"}, Rows: [][]any{row}}
	one := "" +
		"id    P001\n" +
		"link  " + link + "\n" +
		"why   the app of the participant does\n" +
		"      not upload\n" +
		"seen  ·\n"
	if got := narrow(t, in, 40); got != one {
		t.Errorf("one row:\n%s\nwant\n%s", got, one)
	}
	in.Rows = append(in.Rows, row)
	if got := narrow(t, in, 40); strings.Count(got, "\n") == strings.Count(one, "\n")*2+1 {
		t.Errorf("two rows, which are no stories:\n%s", got)
	}
	in.Stories = true
	if got := narrow(t, in, 40); got != one+"\n"+one {
		t.Errorf("two stories:\n%s\nwant\n%s", got, one+"\n"+one)
	}
	if got := narrow(t, in, 200); !strings.HasPrefix(got, "id    link") {
		t.Errorf("stories that fit are a table:\n%s", got)
	}
}

// Of a result of which nobody knows what matters, the columns in the middle go first.
func TestMiddleGoes(t *testing.T) {
	columns := []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta"}
	for first, want := range map[string]string{"": "alpha  beta  epsilon  zeta", "delta": "alpha  beta  delta  zeta"} {
		var out strings.Builder
		rows, err := newRows(&out, Text, "", columns, nil, Screen{Width: 30, First: []string{first}, ends: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := rows.row([]any{1, 2, 3, 4, 5, 6}); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.end(); err != nil || !strings.HasPrefix(out.String(), want+"\n") {
			t.Errorf("first %q: %v\n%s\nwant the columns %s", first, err, out.String(), want)
		}
	}
}

// Whatever is in a table, no line is longer than the screen, unless one number is; every
// row is there, and so is the column that matters most.
func TestShowFits(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		width := rapid.IntRange(20, 120).Draw(r, "width")
		in := Table{}
		for i := range rapid.IntRange(1, 12).Draw(r, "columns") {
			in.Columns = append(in.Columns, fmt.Sprintf("%c%s", 'a'+i, strings.Repeat("_", rapid.IntRange(0, 30).Draw(r, "name"))))
		}
		in.First = rapid.SliceOfN(rapid.SampledFrom(in.Columns), 1, 3).Draw(r, "first")
		value := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Int(), func(n int) any { return n }),
			rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.String(), func(s string) any { return Prose(s) }))
		for range rapid.IntRange(2, 5).Draw(r, "rows") {
			in.Rows = append(in.Rows, rapid.SliceOfN(value, len(in.Columns), len(in.Columns)).Draw(r, "row"))
		}
		var out strings.Builder
		if err := in.Show(&out, width); err != nil {
			r.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		for _, line := range lines {
			if plain.Width(line) > width {
				r.Errorf("%d of %d columns: %q", plain.Width(line), width, line)
			}
		}
		if len(lines) < 1+len(in.Rows) || !strings.Contains(lines[0], in.First[0][:1]) {
			r.Errorf("a row or column %s is missing:\n%s", in.First[0], out.String())
		}
	})
}

// Texts for people go on in the next line, whoever wrote them; others are cut.
func TestProseByName(t *testing.T) {
	for name, want := range map[string]string{
		"comment": "x  comment\n1  where readings are missing:\n   between two of them\n",
		"extra":   "x  extra\n1  where readings are missing…\n--wide shows texts in full\n",
	} {
		var out bytes.Buffer
		rows, err := newRows(&out, Text, "", []string{"x", name}, nil, Screen{Width: 30, Prose: []string{"comment"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(rows.row([]any{1, "where readings are missing: between two of them"}), rows.row([]any{2, "z"}), rows.end()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(out.String(), "2  z\n", "", 1); got != want {
			t.Errorf("column %s:\n%s, want\n%s", name, got, want)
		}
	}
}
