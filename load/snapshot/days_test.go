//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// days publishes a snapshot, holds what its readers say of every day against the view that
// computes them, and returns the days, those of which rows were marked with a star.
func days(t *testing.T, l *lake.Lake, m lake.Manifest) []string {
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
	found := listDays(t, db)
	database := filepath.Join(l.Path(), "latest", databaseName) + "?access_mode=read_only"
	if got := stranger(t, database, "select count(*) from daily_metrics")[0]; len(found) == 0 || got != strconv.Itoa(len(found)) {
		t.Errorf("days are %q; the database has %s", found, got)
	}
	_, computed, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(daysView().Body), ";"), " as\n")
	const unmarked = "(from daily_metrics where gri_zone is distinct from '*')"
	for _, question := range []string{
		"select participant_id, local_date from (from " + unmarked + " except all (" + computed + "))",
		"select participant_id, local_date from ((" + computed + ") except all from daily_metrics) semi join " + unmarked + " using (participant_id, local_date)",
	} {
		if wrong := ask(t, db, question); len(wrong) > 0 {
			t.Errorf("rows of %q are others than the view computes", wrong)
		}
	}
	return found
}

func listDays(t *testing.T, db *sql.DB) []string {
	t.Helper()
	return ask(t, db, "select participant_id || ' ' || local_date || if(gri_zone = '*', ' *', '') from daily_metrics order by all")
}

// mark changes the stored rows of a snapshot, so that it shows which ones are taken over,
// and their rules, unless these are "".
func mark(t *testing.T, l *lake.Lake, m lake.Manifest, rules string) {
	t.Helper()
	if rules == "" {
		rules = views.DayRules()
	}
	folder := inFolderOf(t, l, m, storedDays)
	names, err := filepath.Glob(escape(folder) + "/*.parquet")
	if err != nil || len(names) < 2 {
		t.Fatalf("files of days: %q, %v", names, err)
	}
	for _, name := range names {
		changed := filepath.Join(t.TempDir(), "changed.parquet")
		stranger(t, "", "copy (select * replace ('*' as gri_zone) from read_parquet("+text(noPattern(name))+")) to "+text(changed)+
			" (format parquet, kv_metadata {"+rulesKey+": "+text(rules)+"})")
		if err := errors.Join(os.Chmod(changed, 0o400), os.Rename(changed, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(inFolderOf(t, l, m, derivedName)); err != nil {
		t.Fatal(err)
	}
}

// hasStored reports whether the folder of a snapshot has days that hold.
func hasStored(l *lake.Lake, m lake.Manifest) bool { return hasDays(l.Root(), folderOf(m.Snapshot)) }

// commitSetting sets metrics.min_active_pct.
func commitSetting(t *testing.T, l *lake.Lake, value string) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatal(err)
	}
	table, _ := transform.TableNamed("settings")
	c := l.Begin(parent)
	to, err := c.Create(table, "", "")
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i, column := range table.Columns {
		if err := b.Field(i).AppendValueFromString(map[string]string{"key": "metrics.min_active_pct", "value": value}[column.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	f, err := to.Close()
	if err != nil {
		t.Fatal(err)
	}
	c.Add(f)
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Days that follow from what they followed from are those of the snapshot before, months
// of which all are so are its files, and all others are computed.
func TestPublishTakesOverDays(t *testing.T) {
	t.Parallel()
	const p1, p2 = "P001 2026-03-01", "P002 2026-03-01"
	for name, c := range map[string]struct {
		rules  string
		commit func(t *testing.T, l *lake.Lake) lake.Manifest
		want   []string
		linked bool
	}{
		"nothing new":   {commit: commitAlerts, want: []string{p1 + " *", p2 + " *"}, linked: true},
		"a changed day": {commit: func(t *testing.T, l *lake.Lake) lake.Manifest { return commit(t, l, "P002", 2) }, want: []string{p1 + " *", p2}},
		"a new month": {commit: func(t *testing.T, l *lake.Lake) lake.Manifest {
			return commitMonth(t, l, "P003", march.AddDate(0, 2, 0))
		}, want: []string{p1 + " *", p2 + " *", "P003 2026-05-01"}, linked: true},
		"another setting":  {commit: func(t *testing.T, l *lake.Lake) lake.Manifest { return commitSetting(t, l, "50") }, want: []string{p1, p2}},
		"other rules":      {rules: "others", commit: commitAlerts, want: []string{p1, p2}},
		"somebody is gone": {commit: commitFirst, want: []string{p1 + " *"}},
		"damaged pages": {commit: func(t *testing.T, l *lake.Lake) lake.Manifest {
			if err := spoil(filepath.Join(l.Path(), "latest", storedDays)); err != nil {
				t.Fatal(err)
			}
			return commit(t, l, "P002", 2)
		}, want: []string{p1, p2}},
		"a file is gone": {commit: func(t *testing.T, l *lake.Lake) lake.Manifest {
			if err := os.Remove(filepath.Join(l.Path(), "latest", storedDays, "2026-03.parquet")); err != nil {
				t.Fatal(err)
			}
			return commitAlerts(t, l)
		}, want: []string{p1, p2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLakeIn(t, "lake")
			commit(t, l, "P001", 3)
			first := commit(t, l, "P002", 3)
			if got, want := days(t, l, first), []string{p1, p2}; !slices.Equal(got, want) {
				t.Fatalf("days of the first snapshot are %q, want %q", got, want)
			}
			mark(t, l, first, c.rules)
			second := c.commit(t, l)
			if got := days(t, l, second); !slices.Equal(got, c.want) {
				t.Errorf("days are %q, want %q", got, c.want)
			}
			const month = storedDays + "/2026-03.parquet"
			if got := name != "a file is gone" && sameFile(t, inFolderOf(t, l, first, month), inFolderOf(t, l, second, month)); got != c.linked {
				t.Errorf("March is the file of the snapshot before: %t, want %t", got, c.linked)
			}
		})
	}
}

// commitFirst commits the readings of the first snapshot again, and no others.
func commitFirst(t *testing.T, l *lake.Lake) lake.Manifest {
	t.Helper()
	first, err := l.Manifest(1)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := l.Current()
	if err != nil {
		t.Fatal(err)
	}
	c := l.Begin(parent)
	c.Replace(slices.DeleteFunc(slices.Clone(parent.Files), func(f lake.File) bool {
		return f.Table == "event_notes" || slices.ContainsFunc(first.Files, func(other lake.File) bool { return other.Path == f.Path })
	}))
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A snapshot without days that hold has them computed when they are asked for, and the
// next publish stores them.
func TestDaysThatDoNotHold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, l *lake.Lake, m lake.Manifest) error{
		"an older program had none": func(t *testing.T, l *lake.Lake, m lake.Manifest) error {
			return os.RemoveAll(inFolderOf(t, l, m, storedDays))
		},
		"another program's": func(t *testing.T, l *lake.Lake, m lake.Manifest) error {
			mark(t, l, m, "others")
			return nil
		},
		"the file that tells is cut": func(t *testing.T, l *lake.Lake, m lake.Manifest) error {
			return cutLink(inFolderOf(t, l, m, storedDays+"/"+wholeName+".parquet"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLakeIn(t, "lake")
			m := commit(t, l, "P001", 3)
			want := days(t, l, m)
			if err := change(t, l, m); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), l, m, nil, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if got := listDays(t, db); !slices.Equal(got, want) || hasStored(l, m) {
				t.Errorf("days are %q, want %q; they hold: %t", got, want, hasStored(l, m))
			}
			if got := days(t, l, m); !slices.Equal(got, want) || !hasStored(l, m) {
				t.Errorf("published again, days are %q, want %q; they hold: %t", got, want, hasStored(l, m))
			}
		})
	}
}

// What depends on the order of readings is not computed again where only days are missing.
func TestDaysAloneAreStored(t *testing.T) {
	t.Parallel()
	l := newLakeIn(t, "lake")
	m := commit(t, l, "P001", 3)
	days(t, l, m)
	if err := os.RemoveAll(inFolderOf(t, l, m, storedDays)); err != nil {
		t.Fatal(err)
	}
	var c computer
	if _, err := Publish(t.Context(), l, m, c.compute); err != nil || c.calls != 0 || !hasStored(l, m) {
		t.Errorf("published again: %v, %d spans computed, days are stored: %t", err, c.calls, hasStored(l, m))
	}
}

// Days of more participants than are computed at once are all stored.
func TestDaysInBatches(t *testing.T) {
	t.Parallel()
	l, n := newLakeIn(t, "lake"), batchDays+500
	c := l.Begin(lake.Manifest{})
	table, _ := transform.TableNamed(daysTable)
	to, err := c.Create(table, "2026-03", "")
	if err != nil {
		t.Fatal(err)
	}
	rows := readings(table, "", march, n)
	ids := array.NewBuilder(memory.DefaultAllocator, rows.Schema().Field(0).Type)
	for i := range n {
		if err := ids.AppendValueFromString(fmt.Sprintf("P%05d", i)); err != nil {
			t.Fatal(err)
		}
	}
	columns := slices.Clone(rows.Columns())
	columns[0] = ids.NewArray()
	if err := to.Write(array.NewRecordBatch(rows.Schema(), columns, int64(n))); err != nil {
		t.Fatal(err)
	}
	f, err := to.Close()
	if err != nil {
		t.Fatal(err)
	}
	c.Add(f)
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	if got := days(t, l, m); len(got) != n {
		t.Errorf("%d days are stored, want %d", len(got), n)
	}
}

// A batch is bounded, and has all due days of a participant in a month.
func TestBatchesOfDays(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		`create table day_inputs as
select 'P' || p as participant_id, (date '2026-03-01' + d::integer) as local_date, local_date as first_day, local_date as last_day, 1 as inputs_hash,
from range(9) people(p), range(20) days(d)`,
		fmt.Sprintf(comparedDays, "(from day_inputs where false)", 50),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"P0 P1", "P2 P3 P4", "P5 P6", "P7 P8"}
	if got := ask(t, db, "select string_agg(distinct participant_id, ' ' order by participant_id) as people from compared_days group by batch order by people"); !slices.Equal(got, want) {
		t.Errorf("batches are of %q, want %q", got, want)
	}
}

// Where glucose_days is damaged nobody stores days, and views say so.
func TestDaysOfADamagedTable(t *testing.T) {
	t.Parallel()
	l := newLakeIn(t, "lake")
	m := commit(t, l, "P001", 3)
	f := m.TableFiles(daysTable)[0]
	if err := os.Remove(filepath.Join(l.Path(), f.Path)); err != nil {
		t.Fatal(err)
	}
	none := func(context.Context, *sql.DB, []Span, func(Span, []float64, []Episode) error) error { return nil }
	if harm, err := Publish(t.Context(), l, m, none); err != nil || len(harm) != 1 || hasStored(l, m) {
		t.Fatalf("Publish: %v, %v, days are stored: %t", harm, err, hasStored(l, m))
	}
	db, err := sql.Open("duckdb", filepath.Join(l.Path(), "latest", databaseName)+"?access_mode=read_only")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	named(t, l, m, f, tryQuery(t, db, "from daily_metrics"))
}
