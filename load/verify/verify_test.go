package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

var march = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// A row is what sorts and identifies a row of calibrations.
type row struct {
	participant, record string
	at                  time.Time
	vanished            bool
}

func at(participant string, minute int, record string) row {
	return row{participant, record, march.Add(time.Duration(minute) * time.Minute), false}
}

// batch makes rows of calibrations, whose other columns say nothing.
func batch(rows []row) arrow.RecordBatch {
	table, _ := transform.TableNamed("calibrations")
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, r := range rows {
		for i, c := range table.Columns {
			switch to := b.Field(i).(type) {
			case *array.BinaryDictionaryBuilder:
				text := "x"
				if c.Name == "participant_id" {
					text = r.participant
				}
				if err := to.AppendString(text); err != nil {
					panic(err)
				}
			case *array.StringBuilder:
				to.Append(r.record)
			case *array.TimestampBuilder:
				if c.Name == "vanished_at" && !r.vanished {
					to.AppendNull()
				} else {
					to.Append(arrow.Timestamp(r.at.UnixMicro()))
				}
			default:
				to.AppendEmptyValue()
			}
		}
	}
	return b.NewRecordBatch()
}

// A place is a file of a commit: its month, and its rows.
type place struct {
	month string
	rows  []row
}

// lakeOf commits files of calibrations, commit by commit, each on top of the one before.
func lakeOf(t *testing.T, commits ...[]place) *lake.Lake {
	t.Helper()
	l, err := lake.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Unlock()
	table, _ := transform.TableNamed("calibrations")
	var m lake.Manifest
	for _, places := range commits {
		c := l.Begin(m)
		for _, p := range places {
			w, err := c.Create(table, p.month, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(batch(p.rows)); err != nil {
				t.Fatal(err)
			}
			f, err := w.Close()
			if err != nil {
				t.Fatal(err)
			}
			c.Add(f)
		}
		if m, err = c.Finish(t.Context(), lake.Manifest{Run: "run"}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// found runs all checks and says what they found, file by file.
func found(t *testing.T, l *lake.Lake) (words []string) {
	t.Helper()
	r, err := (&Check{Lake: l, Rows: true}).Run(t.Context())
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	for _, f := range r.Findings {
		words = append(words, fmt.Sprintf("%s: %v", f.Path, f.Err))
	}
	return words
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("found %q, want %q", got, want)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("found %q, want %q in it", got[i], want[i])
		}
	}
}

// Rows must rise, and no two present ones have one key, in whichever files they lie.
func TestRows(t *testing.T) {
	april := func(r row) row { r.at = r.at.AddDate(0, 1, 0); return r }
	gone := func(r row) row { r.vanished = true; return r }
	many := make([]row, 40_000) // several batches
	for i := range many {
		many[i] = at("P001", i/2, fmt.Sprintf("r%06d", i))
	}
	late := append(append([]row{}, many...), at("P001", 0, "r-late"))
	for name, c := range map[string]struct {
		files []place
		want  []string
	}{
		"sound": {[]place{
			{"2026-03", []row{at("P001", 0, "a"), at("P001", 0, "b"), at("P001", 5, "c"), at("P002", 0, "a")}},
			{"2026-03", []row{at("P003", 0, "a")}}, {"2026-04", []row{april(at("P001", 0, "d"))}},
		}, nil},
		"many":             {[]place{{"2026-03", many}}, nil},
		"out of order":     {[]place{{"2026-03", []row{at("P001", 5, "a"), at("P001", 0, "b")}}}, []string{"row 2 is not in order"}},
		"people too":       {[]place{{"2026-03", []row{at("P002", 5, "a"), at("P001", 6, "b")}}}, []string{"row 2 is not in order"}},
		"far behind":       {[]place{{"2026-03", late}}, []string{"row 40001 is not in order"}},
		"twice in a file":  {[]place{{"2026-03", []row{at("P001", 0, "a"), at("P001", 5, "a")}}}, []string{"the same participant_id, record_id as another one"}},
		"twice in two":     {[]place{{"2026-03", []row{at("P001", 0, "a")}}, {"2026-04", []row{april(at("P001", 0, "a"))}}}, []string{"as another one, in data/calibrations/month=2026-0"}},
		"moved":            {[]place{{"2026-03", []row{gone(at("P001", 0, "a"))}}, {"2026-04", []row{april(at("P001", 0, "a"))}}}, nil},
		"files that cross": {[]place{{"2026-03", []row{at("P001", 0, "a"), at("P003", 0, "a")}}, {"2026-03", []row{at("P002", 0, "a")}}}, []string{"its rows lie over those of"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, found(t, lakeOf(t, c.files)), c.want...) })
	}
}

// harms are what can befall a file, and other is another one of its kind.
var harms = map[string]func(path, other string) error{
	"gone":   func(path, _ string) error { return os.Remove(path) },
	"empty":  func(path, _ string) error { return rewrite(path, func([]byte) []byte { return nil }) },
	"cut":    func(path, _ string) error { return rewrite(path, func(b []byte) []byte { return b[:len(b)-1] }) },
	"longer": func(path, _ string) error { return rewrite(path, func(b []byte) []byte { return append(b, '\n') }) },
	"flipped": func(path, _ string) error {
		return rewrite(path, func(b []byte) []byte { b[len(b)/3] ^= 16; return b })
	},
	"swapped": func(path, other string) error {
		content, err := os.ReadFile(other)
		if err != nil {
			return err
		}
		return rewrite(path, func([]byte) []byte { return content })
	},
}

func rewrite(path string, change func([]byte) []byte) error {
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = os.WriteFile(path, change(content), 0o600)
	}
	return err
}

// Whatever befalls a file of whichever snapshot, it is found, and nothing else is.
func TestFiles(t *testing.T) {
	for name, harm := range harms {
		for _, file := range []string{"data/*/*/*", "manifests/000000000001.json", "manifests/000000000002.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				l := lakeOf(t, []place{{"2026-03", []row{at("P001", 0, "a")}}, {"2026-03", []row{at("P002", 0, "a")}}},
					[]place{{"2026-03", []row{at("P003", 0, "a")}}})
				paths, err := filepath.Glob(filepath.Join(l.Path(), file))
				if err != nil || len(paths) == 0 {
					t.Fatalf("no %s: %v", file, err)
				}
				others, _ := filepath.Glob(filepath.Join(filepath.Dir(paths[0]), "*"))
				other := others[len(others)-1]
				if other == paths[0] {
					other = others[0]
				}
				if err := harm(paths[0], other); err != nil {
					t.Fatal(err)
				}
				// A folder shows the newest snapshot, and so that there was one.
				if err := os.MkdirAll(filepath.Join(l.Path(), "snapshots/000002"), 0o700); err != nil {
					t.Fatal(err)
				}
				below, _ := filepath.Rel(l.Path(), paths[0])
				expect(t, found(t, l), below)
			})
		}
	}
}

// A manifest that was written anew, with a checksum that is right, is not the one that its
// successor names.
func TestChain(t *testing.T) {
	l := lakeOf(t, []place{{"2026-03", []row{at("P001", 0, "a")}}}, nil)
	other := lakeOf(t, []place{{"2026-03", []row{at("P009", 0, "a")}}})
	const name = "manifests/000000000001.json"
	content, err := os.ReadFile(filepath.Join(other.Path(), name))
	if err != nil {
		t.Fatal(err)
	}
	if err := rewrite(filepath.Join(l.Path(), name), func([]byte) []byte { return content }); err != nil {
		t.Fatal(err)
	}
	expect(t, found(t, l), name+": snapshot 2 was made from another one", "does not exist")
}

// That latest leads to a snapshot tells that there was one, unless it was set aside.
func TestLatestBeyond(t *testing.T) {
	l := lakeOf(t, []place{{"2026-03", []row{at("P001", 0, "a")}}}, nil)
	if err := os.Symlink("snapshots/000002", filepath.Join(l.Path(), "latest")); err != nil {
		t.Fatal(err)
	}
	expect(t, found(t, l))
	if err := os.Remove(filepath.Join(l.Path(), "manifests/000000000002.json")); err != nil {
		t.Fatal(err)
	}
	expect(t, found(t, l), "manifests/000000000002.json")
}

// A snapshot names its parent as it was committed, however often that is issued again.
func TestReissuedTwice(t *testing.T) {
	l := lakeOf(t, []place{{"2026-03", []row{at("P001", 0, "a")}}}, nil)
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Unlock()
	id := lake.ID{Number: 1}
	for range 2 {
		m, err := l.ManifestOf(id)
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Begin(m).Reissue(t.Context(), nil)
		if err == nil {
			_, err = l.Remove([]lake.ID{id}, lake.GoneErased, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		id = again.ID()
		expect(t, found(t, l))
	}
}
