package tables

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/transform"
)

// Whatever dates say, they are read or refused with a sentence.
func FuzzInterval(f *testing.F) {
	for _, seed := range []string{"", "2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00 02:00", "2026-01-31T08:00", "9999-12-31", "0000-01-01"} {
		f.Add(seed, seed)
	}
	glucose, _ := transform.TableNamed("glucose")
	f.Fuzz(func(t *testing.T, from, to string) {
		begin, end, err := interval(glucose, from, to)
		if err != nil {
			if p, ok := errors.AsType[*api.Problem](err); !ok || p.Status != 422 || len(p.Wrong) != 1 {
				t.Fatalf("%q, %q: %v", from, to, err)
			}
			return
		}
		if !end.IsZero() && end.Before(begin) || (from == "") != begin.IsZero() && from != "0001-01-01" && !strings.HasPrefix(from, "0001-01-01T00:00") {
			t.Fatalf("%q, %q: %v to %v", from, to, begin, end)
		}
	})
}

// Any text comes back from a line of JSON, and from one of CSV.
func FuzzTexts(f *testing.F) {
	for _, seed := range []string{"", "a", `"`, ",", "\n", "\r\n", "\\.", "\x00", "\u2028", "\xff", " x", "漢", "😀"} {
		f.Add(seed, seed)
	}
	schema := transform.Table{Name: "x", Columns: []transform.Column{{Name: "one", Type: arrow.BinaryTypes.String}, {Name: "two", Type: arrow.BinaryTypes.String}}}
	f.Fuzz(func(t *testing.T, one, two string) {
		if !utf8.ValidString(one) || !utf8.ValidString(two) {
			return // a lake has none
		}
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema.FileSchema())
		defer b.Release()
		b.Field(0).(*array.StringBuilder).Append(one)
		b.Field(1).(*array.StringBuilder).Append(two)
		rows := b.NewRecordBatch()
		defer rows.Release()
		var text bytes.Buffer
		e, err := newNDJSON(schema, &text)
		check(t, errors.Join(err, e.Write(rows)))
		var got map[string]string
		if err := json.Unmarshal(text.Bytes(), &got); err != nil || got["one"] != one || got["two"] != two || bytes.Count(text.Bytes(), []byte("\n")) != 1 {
			t.Fatalf("%q, %q as JSON: %s %v", one, two, &text, err)
		}
		text.Reset()
		e, err = newCSV(schema, &text)
		check(t, errors.Join(err, e.Write(rows)))
		all, err := csv.NewReader(&text).ReadAll()
		want := strings.NewReplacer("\r\n", "\n") // as the reader has it
		if err != nil || len(all) != 2 || all[1][0] != want.Replace(one) || all[1][1] != want.Replace(two) {
			t.Fatalf("%q, %q as CSV: %q %v", one, two, all, err)
		}
	})
}
