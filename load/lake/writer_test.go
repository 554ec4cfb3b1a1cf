package lake

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

func TestFileDescribesItself(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "glucose")
	rows := build(table, 3, func(row int, column string) any {
		switch column {
		case "participant_id":
			return []string{"P002", "P001", "P003"}[row]
		case "time_utc":
			return micros(march.Add(time.Duration((row+2)%3) * time.Hour))
		case "n_sources":
			return 1
		case "overlap", "clock_suspect":
			return false
		case "local_time_source":
			return "sent"
		}
		return nil
	})
	c := l.Begin(Manifest{})
	w, err := c.Create(table, "2026-03", "2026-03-01")
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	defer rows.Release()
	if err := w.Write(rows); err != nil {
		t.Fatalf("Write: %v", err)
	}
	f, err := w.Close()
	if err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := l.Check(f); err != nil {
		t.Errorf("Check of a new file: %v", err)
	}
	if want := path.Join("data/glucose/month=2026-03", f.SHA256[:16]+".parquet"); f.Path != want {
		t.Errorf("Path = %s, want %s", f.Path, want)
	}
	got := f
	got.Path, got.SHA256, got.Bytes, got.RowsHash = "", "", 0, ""
	want := File{
		Table: "glucose", Partition: "2026-03", Day: "2026-03-01", Rows: 3,
		FirstParticipant: "P001", LastParticipant: "P003", FirstTime: march, LastTime: march.Add(2 * time.Hour),
	}
	if got != want {
		t.Errorf("File = %+v, want %+v", got, want)
	}
	info, err := l.dir.Stat(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := fs.FileMode(0o444 &^ umask()); info.Mode() != mode || info.Size() != f.Bytes {
		t.Errorf("file has mode %v and %d bytes, want %v and %d", info.Mode(), info.Size(), mode, f.Bytes)
	}
}

// umask returns the process's umask; the system tells it only by changing it.
func umask() int {
	mask := syscall.Umask(0o077)
	syscall.Umask(mask)
	return mask
}

// Equal content is one file, under one name.
func TestEqualContentIsOneFile(t *testing.T) {
	l := locked(t)
	c := l.Begin(Manifest{})
	table := tableNamed(t, "egvs")
	rows := func() arrow.RecordBatch { return some(table, 50, rand.New(rand.NewPCG(3, 3))) }
	one, two := write(t, c, table, rows()), write(t, c, table, rows())
	if one != two {
		t.Errorf("two files of equal rows: %+v and %+v", one, two)
	}
	if err := l.Check(two); err != nil {
		t.Error(err)
	}
}

func TestWriterRefuses(t *testing.T) {
	glucose := tableNamed(t, "glucose")
	chance := rand.New(rand.NewPCG(1, 1))
	wider := glucose
	wider.Columns = append([]transform.Column{}, glucose.Columns...)
	wider.Columns[1].Name = "time"
	tests := []struct {
		name, partition, day string
		rows                 arrow.RecordBatch
		want                 string
	}{
		{"another table", "2026-03", "", some(tableNamed(t, "runs"), 1, chance), "columns"},
		{"another column", "2026-03", "", build(wider, 0, nil), "column 2"},
		{"a null", "2026-03", "", build(glucose, 1, func(int, string) any { return nil }), "1 nulls in column participant_id"},
		{"another month", "2026-02", "", some(glucose, 1, chance), "partition of 2026-02"},
		{"two days", "2026-03", "2026-03-01", some(glucose, 24*60+1, chance), "file of 2026-03-01"},
		{"no month", "", "", nil, "no month"},
		{"month as a folder", "month=2026-03", "", nil, "no month"},
		{"no date", "2026-03", "today", nil, "no date"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := locked(t)
			w, err := l.Begin(Manifest{}).Create(glucose, test.partition, test.day)
			if err == nil {
				w.Write(test.rows) // Close says it again
				_, err = w.Close()
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that says %q", err, test.want)
			}
			if staged, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(staged) != 0 {
				t.Errorf("staged files afterwards: %v", staged)
			}
		})
	}
	if _, err := locked(t).Begin(Manifest{}).Create(tableNamed(t, "runs"), "2026-03", ""); err == nil {
		t.Error("Create(runs, 2026-03): no error for a table without months")
	}
}

func TestNoRowsNoFile(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "runs")
	f := write(t, l.Begin(Manifest{}), table, build(table, 0, nil))
	if f != (File{}) {
		t.Errorf("file without rows = %+v, want the zero File", f)
	}
	if staged, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(staged) != 0 {
		t.Errorf("staged files afterwards: %v", staged)
	}
}

// Row groups are full, unless the budget ends them sooner.
func TestRowGroups(t *testing.T) {
	table := tableNamed(t, "settings")
	rows := build(table, RowGroupRows+1, func(int, string) any { return "x" })
	defer rows.Release()
	for _, test := range []struct {
		budget int64
		want   int
	}{{0, 2}, {rowBytes(rows) / 4, 4}} {
		l := locked(t)
		l.GroupBytes = test.budget
		rows.Retain()
		f := write(t, l.Begin(Manifest{}), table, rows)
		if got := rowGroups(t, l, f); got != test.want {
			t.Errorf("row groups of %d rows with a budget of %d bytes = %d, want %d", f.Rows, test.budget, got, test.want)
		}
	}
}

// Rows with lists are large: whoever asks for one participant need not read those of
// all others.
func TestRowGroupsOfLists(t *testing.T) {
	table := tableNamed(t, "glucose_days")
	rows := build(table, 5000, func(row int, column string) any {
		c := table.Columns[slices.IndexFunc(table.Columns, func(c transform.Column) bool { return c.Name == column })]
		switch {
		case c.Nullable:
			return nil
		case c.Type.ID() == arrow.STRING || c.Type.ID() == arrow.DICTIONARY:
			return fmt.Sprintf("%04d", row)
		case c.Type.ID() == arrow.TIMESTAMP:
			return micros(march)
		case c.Type.ID() == arrow.LIST:
			return list{}
		default:
			return row % 100
		}
	})
	defer rows.Release()
	l := locked(t)
	rows.Retain()
	f := write(t, l.Begin(Manifest{}), table, rows)
	if got, want := rowGroups(t, l, f), 10; got != want {
		t.Errorf("row groups of %d rows = %d, want %d", f.Rows, got, want)
	}
}

// Rows that come a few at a time, with the texts of all, fill row groups as well.
func TestRowGroupsOfFewRowsATime(t *testing.T) {
	table := tableNamed(t, "settings")
	rows := build(table, 4000, func(row int, _ string) any { return fmt.Sprintf("%04d%s", row, strings.Repeat("x", 500)) })
	defer rows.Release()
	l := locked(t)
	var few []arrow.RecordBatch
	for from := int64(0); from < rows.NumRows(); from += 10 {
		few = append(few, rows.NewSlice(from, from+10))
	}
	f := write(t, l.Begin(Manifest{}), table, few...)
	if got := rowGroups(t, l, f); got != 1 {
		t.Errorf("row groups of %d rows = %d, want 1", f.Rows, got)
	}
}

// The layout of columns is what keeps a lake small: 22 bytes per reading.
func TestBytesPerReading(t *testing.T) {
	l := locked(t)
	f := write(t, l.Begin(Manifest{}), tableNamed(t, "egvs"), egvs(t, 3, 8640))
	if got := float64(f.Bytes) / float64(f.Rows); got > 22.4 {
		t.Errorf("bytes per row of egvs = %.2f, want at most 22.4", got)
	}
}
