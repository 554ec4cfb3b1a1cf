//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// A computer computes a number for each span, and one episode for each participant.
type computer struct {
	calls int
	due   []string // participant and scope of the latest call
	read  map[string]int
}

func (c *computer) compute(ctx context.Context, db *sql.DB, due []Span, put func(Span, []float64, []Episode) error) error {
	c.calls++
	c.due, c.read = nil, map[string]int{}
	var participants []string
	for _, s := range due {
		c.due = append(c.due, s.ParticipantID+" "+s.Scope)
		values := slices.Repeat([]float64{math.NaN()}, len(views.SpanCatalogue()))
		values[0] = float64(c.calls)
		var episodes []Episode
		if s.Scope == "participant" {
			participants = append(participants, s.ParticipantID)
			episodes = append(episodes, Episode{ParticipantID: s.ParticipantID, Kind: "hypo1", Preset: "p", Start: time.Unix(int64(c.calls), 0), End: time.Unix(100, 0), LocalStart: time.Date(2026, 3, 1, 8-3*c.calls, 59, 0, 0, time.UTC)})
		}
		if err := put(s, values, episodes); err != nil {
			return err
		}
	}
	for s, err := range Sequences(ctx, db, participants, views.Selection{}.Readings) {
		if err != nil {
			return err
		}
		c.read[s.ParticipantID] = len(s.Readings)
	}
	return nil
}

// What a snapshot shares with the one before is not computed again, and what changed
// takes the place of what was.
func TestPublishComputesWhatChanged(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	var c computer
	at := func(m lake.Manifest) *sql.DB {
		if harm, err := Publish(t.Context(), l, m, c.compute); err != nil || len(harm) > 0 {
			t.Fatalf("Publish: %v, %v", harm, err)
		}
		db, err := Open(t.Context(), l, m, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	const all = "select participant_id || ' ' || scope || ' ' || mag_mgdl_h::integer from span_metrics order by all"
	db := at(commit(t, l, "P001", 3))
	if got, want := ask(t, db, all), []string{"P001 day 1", "P001 participant 1", "P001 period 1"}; !slices.Equal(got, want) {
		t.Errorf("span_metrics of the first snapshot = %q, want %q", got, want)
	}
	if c.read["P001"] != 3 {
		t.Errorf("it read %v readings, want the 3 of P001", c.read)
	}
	second := commit(t, l, "P002", 3)
	db = at(second)
	if want := []string{"P002 day", "P002 participant", "P002 period"}; !slices.Equal(c.due, want) {
		t.Errorf("due for the second snapshot is %q, want %q", c.due, want)
	}
	if got, want := ask(t, db, all), []string{"P001 day 1", "P001 participant 1", "P001 period 1", "P002 day 2", "P002 participant 2", "P002 period 2"}; !slices.Equal(got, want) {
		t.Errorf("span_metrics of the second snapshot = %q, want %q", got, want)
	}
	if got, want := ask(t, db, "select participant_id || ' ' || epoch(start_utc)::integer || if(night, ' by night', '') from episodes"), []string{"P001 1 by night", "P002 2 by night"}; !slices.Equal(got, want) {
		t.Errorf("episodes = %q, want %q", got, want)
	}
	if got := ask(t, db, "select participant_id || ' ' || mag_mgdl_h::integer from participant_metrics order by all"); !slices.Equal(got, []string{"P001 1", "P002 2"}) {
		t.Errorf("participant_metrics shows %q", got)
	}
	if at(second); c.calls != 2 {
		t.Errorf("a snapshot that is published already was computed again")
	}
}

// What another program computed, with other columns, is computed anew where it is
// published again, and where it is asked for.
func TestComputedTablesOfAnotherProgram(t *testing.T) {
	t.Parallel()
	l := newLakeIn(t, "lake")
	m := commit(t, l, "P001", 3)
	var c computer
	if _, err := Publish(t.Context(), l, m, c.compute); err != nil {
		t.Fatal(err)
	}
	folder, err := Folder(l, m.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	withoutColumns(t, filepath.Join(folder, spansTable), "episode_preset, pgs")
	if HasComputed(l, m) {
		t.Error("tables with other columns count as computed")
	}
	db := opened(t, l, m, c.compute)
	for i, query := range []string{"select mag_mgdl_h::integer from participant_metrics", "select count(pgs) + 2 from span_metrics"} {
		if got := ask(t, db, query); !slices.Equal(got, []string{"2"}) || c.calls != 2 {
			t.Errorf("query %d: %q, computed %d times", i, got, c.calls)
		}
	}
	if _, err := Publish(t.Context(), l, m, c.compute); err != nil || c.calls != 3 || !HasComputed(l, m) {
		t.Errorf("published again: %v, computed %d times", err, c.calls)
	}
}

// Rows of a snapshot that did not say yet by whose rules they are stay readable, and say null.
func TestComputedTablesThatSayLess(t *testing.T) {
	t.Parallel()
	l := newLakeIn(t, "lake")
	m := commit(t, l, "P001", 3)
	var c computer
	if _, err := Publish(t.Context(), l, m, c.compute); err != nil {
		t.Fatal(err)
	}
	folder, err := Folder(l, m.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for table, column := range toldSince {
		withoutColumns(t, filepath.Join(folder, table), column)
	}
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var spans, said, versions int
	row := db.QueryRowContext(t.Context(), "select count(*), count(preset), count(metrics_version) from span_metrics")
	if err := row.Scan(&spans, &said, &versions); err != nil || spans == 0 || said != 0 || versions != spans {
		t.Errorf("%d rows, %d with a preset, %d with a version: %v", spans, said, versions, err)
	}
	if err := tryQuery(t, db, "select metrics_version from episodes"); err != nil {
		t.Error(err)
	}
	if _, err := Publish(t.Context(), l, m, c.compute); err != nil || c.calls != 2 {
		t.Errorf("published again: %v, computed %d times", err, c.calls)
	}
}

// withoutColumns writes the files of a folder anew without some of their columns.
func withoutColumns(t *testing.T, folder, columns string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files of %s: %v, %v", folder, files, err)
	}
	for _, name := range files {
		statement := "copy (select * exclude (" + columns + ") from read_parquet(" + text(name) + ")) to " + text(name+".new") + " (format parquet)"
		if err := execute(t.Context(), filepath.Join(t.TempDir(), "any.duckdb"), []string{statement}); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
}
