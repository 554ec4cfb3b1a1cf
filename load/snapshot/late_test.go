//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// computedQueries ask for what is computed, in the order in which it lies, and by views.
func computedQueries() []string {
	return []string{
		"from span_metrics", "from episodes",
		"from participant_metrics order by all", "from daily_metrics order by all", "from period_metrics order by all",
	}
}

// A snapshot whose folder is gone says what it said, in the same order: what it lacks is
// computed once, when somebody asks for it, and comes to lie nowhere.
func TestSnapshotComputesWhatItLacks(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	m := ofTwoMonths(t, l)
	stored := computer{}
	if _, err := Publish(t.Context(), l, m, stored.compute); err != nil {
		t.Fatal(err)
	}
	asked := func(db *sql.DB) (all [][]string) {
		for _, query := range computedQueries() {
			all = append(all, ask(t, db, query))
		}
		return all
	}
	db := opened(t, l, m, nil)
	want := asked(db)
	if len(want[0]) < 6 || len(want[1]) != 2 {
		t.Fatalf("span_metrics and episodes of two people in two months are %q", want[:2])
	}
	if err := Drop(l, m.Snapshot); err != nil {
		t.Fatal(err)
	}
	before := filesIn(t, l.Path())
	now := computer{}
	db = opened(t, l, m, now.compute)
	for _, query := range []string{"select count(*) from glucose", "describe daily_metrics", "show tables", "from sensor_sessions"} {
		if ask(t, db, query); now.calls != 0 {
			t.Fatalf("%q had something computed", query)
		}
	}
	for i, got := range asked(db) {
		if !slices.Equal(got, want[i]) {
			t.Errorf("%s = %q, want %q", computedQueries()[i], got, want[i])
		}
	}
	if now.calls != 1 {
		t.Errorf("it was computed %d times", now.calls)
	}
	if got := filesIn(t, l.Path()); !slices.Equal(got, before) {
		t.Errorf("files of the lake are %q, want %q", got, before)
	}
	if left := ask(t, db, "select table_name from duckdb_tables() order by all"); !slices.Equal(left, []string{"episodes", "span_metrics"}) {
		t.Errorf("tables of the session: %q", left)
	}
}

// So does one of statements that write.
func TestExportComputesWhatASnapshotLacks(t *testing.T) {
	t.Parallel()
	l, c := newLake(t), computer{}
	m := commit(t, l, "P001", 3)
	db, err := OpenToExport(t.Context(), l, m, c.compute, Limits{}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "create table kept as from glucose"); err != nil || c.calls != 0 {
		t.Errorf("a table of glucose: %v, computed %d times", err, c.calls)
	}
	if _, err := db.ExecContext(t.Context(), "create table exported as select mag_mgdl_h from participant_metrics"); err != nil || c.calls != 1 {
		t.Errorf("a table of participant_metrics: %v, computed %d times", err, c.calls)
	}
	if got := ask(t, db, "select mag_mgdl_h::integer from exported"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("it has %q", got)
	}
	prepared, err := db.PrepareContext(t.Context(), "select count(*) from episodes")
	if err != nil || c.calls != 1 {
		t.Fatalf("prepared: %v, computed %d times", err, c.calls)
	}
	row := prepared.QueryRowContext(t.Context())
	var n int
	if err := errors.Join(row.Scan(&n), prepared.Close()); err != nil || n != 1 {
		t.Errorf("%d episodes: %v", n, err)
	}
}

// Who could not compute it tells, and the next one who asks computes it anew.
func TestSnapshotComputesAgainWhatFailed(t *testing.T) {
	t.Parallel()
	l, c := newLake(t), computer{}
	m := commit(t, l, "P001", 3)
	broken := errors.New("broken")
	db := opened(t, l, m, func(ctx context.Context, db *sql.DB, due []Span, put func(Span, []float64, []Episode) error) error {
		if err := c.compute(ctx, db, due, put); err != nil || c.calls > 1 {
			return err
		}
		return broken
	})
	if err := tryQuery(t, db, "from episodes"); !errors.Is(err, broken) {
		t.Errorf("episodes, which could not be computed: %v", err)
	}
	if got := ask(t, db, "select count(*) from episodes"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("episodes, asked for again: %q", got)
	}
}

// Of damaged readings nothing is computed: who asks is told, and metric views do without.
func TestNothingIsComputedOfDamage(t *testing.T) {
	t.Parallel()
	l, c := newLake(t), computer{}
	m := commit(t, l, "P001", 3)
	if err := os.Truncate(filepath.Join(l.Path(), m.TableFiles("glucose")[0].Path), 100); err != nil {
		t.Fatal(err)
	}
	db := opened(t, l, m, c.compute)
	for _, table := range []string{"episodes", "span_metrics"} {
		if err := tryQuery(t, db, "select count(*) from "+table); err == nil || !strings.Contains(err.Error(), "a repair brings its rows back") {
			t.Errorf("%s of a damaged file: %v", table, err)
		}
	}
	if err := tryQuery(t, db, "select mage_mgdl from participant_metrics"); err != nil || c.calls != 0 {
		t.Errorf("participant_metrics: %v, computed %d times", err, c.calls)
	}
}

// ofTwoMonths is a snapshot of two people in March and April.
func ofTwoMonths(t *testing.T, l *lake.Lake) lake.Manifest {
	t.Helper()
	c := l.Begin(lake.Manifest{})
	for _, table := range []string{"glucose", "glucose_days"} {
		for i := range 2 {
			for _, participant := range []string{"P001", "P002"} {
				c.Add(writeMonth(t, c, table, participant, march.AddDate(0, i, 0), 3))
			}
		}
	}
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// opened is a session that the test closes.
func opened(t *testing.T, l *lake.Lake, m lake.Manifest, with Compute) *sql.DB {
	t.Helper()
	db, err := Open(t.Context(), l, m, with, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// filesIn are the files of a folder.
func filesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
