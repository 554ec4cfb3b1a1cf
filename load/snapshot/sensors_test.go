//go:build linux || darwin

package snapshot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// wornRecords are three records of a sensor, and the readings that they are.
type wornRecords struct {
	at   time.Time
	none bool // no transmitter is sent
}

func commitWorn(t *testing.T, l *lake.Lake, w wornRecords) lake.Manifest {
	t.Helper()
	parent, err := l.Current()
	if err != nil {
		t.Fatal(err)
	}
	c := l.Begin(parent)
	for _, name := range []string{"egvs", "glucose", "glucose_days"} {
		table, _ := transform.TableNamed(name)
		to, err := c.Create(table, w.at.Format("2006-01"), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Write(w.rows(table)); err != nil {
			t.Fatal(err)
		}
		f, err := to.Close()
		if err != nil {
			t.Fatal(err)
		}
		c.Add(f)
	}
	m, err := c.Finish(t.Context(), lake.Manifest{Run: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rows are those of a table.
func (w wornRecords) rows(table transform.Table) arrow.RecordBatch {
	made := readings(table, "P001", w.at, 3)
	columns := slices.Clone(made.Columns())
	for i, c := range table.Columns {
		if c.Name == "vanished_at" || c.Name == "transmitter_ticks" || c.Name == "transmitter_id" && w.none {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, made.Schema().Field(i).Type, 3)
		}
	}
	return array.NewRecordBatch(made.Schema(), columns, 3)
}

// sensorRows publishes a snapshot, and returns its sensors.
func sensorRows(t *testing.T, l *lake.Lake, m lake.Manifest) []string {
	t.Helper()
	computedRows(t, l, m)
	db, err := Open(t.Context(), l, m, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return ask(t, db, "select label || ' ' || first_date || ' ' || last_date || ' ' || n_values || ' ' || readings_hash from span_metrics where scope = 'sensor' order by all")
}

// Sensors that are found and added up part by part, commit by commit, are those of all
// readings at once, whatever a record says of other months.
func TestPublishAddsUpSensors(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 3, 31, 23, 40, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		worn    []wornRecords
		sensors int
	}{
		"into the next month":               {[]wornRecords{{at: last}, {at: last.Add(20 * time.Minute)}, {at: last.Add(40 * time.Minute)}}, 1},
		"from the month before":             {[]wornRecords{{at: last.Add(20 * time.Minute)}, {at: last}}, 1},
		"with a month between":              {[]wornRecords{{at: last}, {at: last.AddDate(0, 2, -1)}, {at: last.AddDate(0, 1, -1)}}, 3},
		"over records without transmitter":  {[]wornRecords{{at: last.AddDate(0, 0, -2)}, {last, true}, {at: last.AddDate(0, 0, 3)}}, 2},
		"records without transmitter alone": {[]wornRecords{{last, true}, {last.Add(20 * time.Minute), true}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			grown, whole := newLake(t), newLake(t)
			var got []string
			var m lake.Manifest
			for _, w := range c.worn {
				got = sensorRows(t, grown, commitWorn(t, grown, w))
				m = commitWorn(t, whole, w)
			}
			if want := sensorRows(t, whole, m); !slices.Equal(got, want) || len(got) != c.sensors {
				t.Errorf("sensors, commit by commit, are %q, want %d, and as at once %q", got, c.sensors, want)
			}
		})
	}
}

// A sensor that goes on leaves the months before as they were; one that began earlier
// than was known does not.
func TestPublishLinksHashesOfSensors(t *testing.T) {
	t.Parallel()
	l, april := newLake(t), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	sums := func(m lake.Manifest) (names []string) {
		computedRows(t, l, m)
		for _, s := range []sum{readingHashes, sensorWorn, sensorMarks, sensorScopes} {
			found, err := filepath.Glob(escape(inFolderOf(t, l, m, hashesFolder)) + "/" + s.name + "-*")
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, found...)
		}
		return names
	}
	linked := func(before, after []string) (n int) {
		for _, a := range before {
			for _, b := range after {
				if filepath.Base(a) == filepath.Base(b) && sameFile(t, a, b) {
					n++
				}
			}
		}
		return n
	}
	first := sums(commitWorn(t, l, wornRecords{at: april.Add(-20 * time.Minute)}))
	second := sums(commitWorn(t, l, wornRecords{at: april}))
	third := sums(commitAlerts(t, l))
	fourth := sums(commitWorn(t, l, wornRecords{at: april.Add(-time.Hour)}))
	got := []int{len(first), linked(first, second), len(second), linked(second, third), len(third), linked(third, fourth)}
	if want := []int{4, 4, 8, 8, 8, 3}; !slices.Equal(got, want) {
		t.Errorf("hashes made, linked with April, then all, linked without news, then all, linked with an earlier start: %v, want %v", got, want)
	}
}

// A session reads the sensors that a publish has found, as the view finds them, and finds
// them itself where there are none.
func TestSessionReadsSensors(t *testing.T) {
	t.Parallel()
	l := newLake(t)
	commitWorn(t, l, wornRecords{at: march})
	m := commitWorn(t, l, wornRecords{at: march.AddDate(0, 1, 0)})
	computedRows(t, l, m)
	all := views.Views()
	view := all[slices.IndexFunc(all, func(v views.View) bool { return v.Name == sensorSessions.name })]
	_, found, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(view.Body), ";"), " as\n")
	for _, stored := range []bool{true, false} {
		db, err := Open(t.Context(), l, m, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if got := ask(t, db, "select count(*) from duckdb_views() where view_name = 'sensor_sessions' and contains(sql, '"+hashesFolder+"')"); (got[0] == "1") != stored {
			t.Errorf("views that read files: %s; there is one: %t", got, stored)
		}
		want := ask(t, db, "select * from ("+found+") order by all")
		if got := ask(t, db, "from sensor_sessions order by all"); len(got) != 2 || !slices.Equal(got, want) {
			t.Errorf("sensors are %q, want %q", got, want)
		}
		if err := os.RemoveAll(inFolderOf(t, l, m, hashesFolder)); err != nil {
			t.Fatal(err)
		}
	}
}
