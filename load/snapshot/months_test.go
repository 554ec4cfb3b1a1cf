//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// commitMonth adds files of glucose and glucose_days of a month.
func commitMonth(t *testing.T, l *lake.Lake, participant string, month time.Time) lake.Manifest {
	t.Helper()
	return commitTables(t, l, participant, month, "glucose", "glucose_days")
}

// commitAlerts adds nothing that anything is computed of.
func commitAlerts(t *testing.T, l *lake.Lake) lake.Manifest {
	t.Helper()
	return commitTables(t, l, "P001", march, "alerts")
}

func commitTables(t *testing.T, l *lake.Lake, participant string, month time.Time, tables ...string) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatal(err)
	}
	c := l.Begin(parent)
	for _, table := range tables {
		c.Add(writeMonth(t, c, table, participant, month, 3))
	}
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// computedRows publishes a snapshot, and returns whom it computed for and all rows.
func computedRows(t *testing.T, l *lake.Lake, m lake.Manifest) (due, rows []string) {
	t.Helper()
	var c computer
	if harm, err := Publish(t.Context(), l, m, c.compute); err != nil || len(harm) > 0 {
		t.Fatalf("Publish: %v, %v", harm, err)
	}
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows = ask(t, db, "select participant_id || ' ' || scope || ' ' || first_date || ' ' || last_date || ' ' || n_values from span_metrics order by all")
	return c.due, append(rows, ask(t, db, "select participant_id || ' ' || kind || ' ' || start_utc from episodes order by all")...)
}

// inFolderOf is a file in the folder of a snapshot.
func inFolderOf(t *testing.T, l *lake.Lake, m lake.Manifest, name string) string {
	t.Helper()
	folder, err := Folder(l, m.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// sameFile reports whether two names are of one file that nobody may write.
func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, other) && one.Mode().Perm()&0o222 == 0
}

// Months in which nothing changed are the files of the snapshot before.
func TestPublishLinksMonthsAsTheyWere(t *testing.T) {
	t.Parallel()
	l, may := newLake(t), march.AddDate(0, 2, 0) // whose first period begins in April
	first := commitMonth(t, l, "P001", march)
	computedRows(t, l, first)
	second := commitMonth(t, l, "P001", may)
	due, rows := computedRows(t, l, second)
	if slices.Sort(due); !slices.Equal(due, []string{"P001 day", "P001 participant", "P001 period"}) {
		t.Errorf("with a new month are due %q, want its day, its period, and the study", due)
	}
	if len(rows) != 6 {
		t.Errorf("rows are %q, want two days, two periods, the study and its episode", rows)
	}
	for name, want := range map[string]bool{"span_metrics/2026-03.parquet": true, "span_metrics/whole.parquet": false, "episodes/whole.parquet": true} {
		if got := sameFile(t, inFolderOf(t, l, first, name), inFolderOf(t, l, second, name)); got != want {
			t.Errorf("%s is that of the snapshot before, read-only: %t, want %t", name, got, want)
		}
	}
	hashes, err := filepath.Glob(escape(inFolderOf(t, l, first, hashesFolder)) + "/" + readingHashes.name + "-*")
	if err != nil || len(hashes) != 1 || !sameFile(t, hashes[0], inFolderOf(t, l, second, filepath.Join(hashesFolder, filepath.Base(hashes[0])))) {
		t.Errorf("the hashes of March, %q, were made anew: %v", hashes, err)
	}
	again := commitAlerts(t, l)
	if due, got := computedRows(t, l, again); len(due) > 0 || !slices.Equal(got, rows) {
		t.Errorf("without news %q are due, and the rows are %q, want none, and %q", due, got, rows)
	}
	if !sameFile(t, inFolderOf(t, l, second, "span_metrics/whole.parquet"), inFolderOf(t, l, again, "span_metrics/whole.parquet")) {
		t.Error("without news whole.parquet was written anew")
	}
}

// Rows of readings that are gone go, and months without any have no file.
func TestPublishForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	_, want := computedRows(t, l, commitMonth(t, l, "P001", march))
	second := commitMonth(t, l, "P002", march.AddDate(0, 1, 0))
	computedRows(t, l, second)
	c := l.Begin(second)
	for _, f := range second.Files {
		if f.Partition == "2026-04" {
			c.Replace([]lake.File{f})
		}
	}
	third, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	if due, got := computedRows(t, l, third); len(due) > 0 || !slices.Equal(got, want) {
		t.Errorf("after P002 is gone, %q are due, and the rows are %q, want none, and %q", due, got, want)
	}
	if _, err := os.Stat(inFolderOf(t, l, third, "span_metrics/2026-04.parquet")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a month without rows has a file: %v", err)
	}
}

// What latest has is taken over from a program that had one file, and computed anew
// where it is damaged.
func TestPublishTakesOverWhatItCan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, folder string) error
		due    int
	}{
		"one file": {func(t *testing.T, folder string) error {
			for _, table := range []string{spansTable, episodesTable} {
				all := filepath.Join(folder, table)
				one := filepath.Join(t.TempDir(), "one.parquet")
				stranger(t, "", "copy (from read_parquet("+text(noPattern(all)+"/*.parquet")+")) to "+text(one)+" (format parquet)")
				if err := errors.Join(os.RemoveAll(all), os.Mkdir(all, 0o700), os.Rename(one, filepath.Join(all, table+".parquet"))); err != nil {
					return err
				}
			}
			return os.Remove(filepath.Join(folder, derivedName)) // such a program had none
		}, 0},
		"a month is cut": {func(t *testing.T, folder string) error {
			return cutLink(filepath.Join(folder, "span_metrics/2026-03.parquet"))
		}, 3},
		"episodes are gone":  {func(t *testing.T, folder string) error { return os.RemoveAll(filepath.Join(folder, "episodes")) }, 3},
		"hashes are damaged": {func(t *testing.T, folder string) error { return spoil(filepath.Join(folder, hashesFolder)) }, 0}, // they are summed anew, and say the same
		"pages are damaged":  {func(t *testing.T, folder string) error { return spoil(filepath.Join(folder, "span_metrics")) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t)
			first := commitMonth(t, l, "P001", march)
			_, want := computedRows(t, l, first)
			if err := c.change(t, inFolderOf(t, l, first, "")); err != nil {
				t.Fatal(err)
			}
			due, got := computedRows(t, l, commitAlerts(t, l))
			if len(due) != c.due || !slices.Equal(got, want) {
				t.Errorf("%d are due, %q, and the rows are %q; want %d, and %q", len(due), due, got, c.due, want)
			}
		})
	}
}

// spoil damages the pages of all files in a folder, but not what says where they are.
func spoil(folder string) error {
	names, err := filepath.Glob(escape(folder) + "/*.parquet")
	for _, name := range names {
		err = errors.Join(err, scribble(name, func(content []byte) {
			for i := 4; i < len(content)/4; i++ {
				content[i] ^= 0xff
			}
		}))
	}
	return err
}

// When computing fails, latest stays what it was, and the next publish makes up for it.
func TestPublishMakesUpForAFailure(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	computedRows(t, l, commitMonth(t, l, "P001", march))
	before := latest(t, l)
	m, broken := commitMonth(t, l, "P002", march), errors.New("broken")
	fail := func(_ context.Context, _ *sql.DB, due []Span, put func(Span, []float64, []Episode) error) error {
		return broken
	}
	if _, err := Publish(t.Context(), l, m, fail); !errors.Is(err, broken) {
		t.Errorf("Publish says %v, want %v", err, broken)
	}
	if latest(t, l) != before {
		t.Errorf("latest is %s, want %s", latest(t, l), before)
	}
	if due, _ := computedRows(t, l, m); len(due) != 3 {
		t.Errorf("the next publish computes %q, want the three of P002", due)
	}
	if latest(t, l) == before {
		t.Error("latest is what it was")
	}
}
