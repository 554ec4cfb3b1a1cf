package lake

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/transform"
)

// A file that another version of the program wrote is read as far as its
// columns are known: what it lacks is null, if it may be, whatever the order.
func TestReadFilesOfOtherVersions(t *testing.T) {
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int16
	alerts := tableNamed(t, "alerts")
	lacking := func(names ...string) []transform.Column {
		return slices.DeleteFunc(slices.Clone(alerts.Columns), func(c transform.Column) bool { return slices.Contains(names, c.Name) })
	}
	turned := slices.Clone(alerts.Columns)
	slices.Reverse(turned)
	tests := []struct {
		name    string
		columns []transform.Column
		null    []string
		damage  string
	}{
		{"as today", alerts.Columns, nil, ""},
		{"in another order", turned, nil, ""},
		{"a column more", append(lacking(), transform.Column{Name: "mood", Type: text, Nullable: true}), nil, ""},
		{"the last column not there yet", lacking("vanished_at"), []string{"vanished_at"}, ""},
		{"several not there yet", lacking("alert_name", "extra", "transmitter_id"), []string{"alert_name", "extra", "transmitter_id"}, ""},
		{"one is gone that cannot be null", lacking("record_id"), nil, "no column record_id"},
		{"one of another type", append(lacking("alert_name"), transform.Column{Name: "alert_name", Type: number, Nullable: true}), nil, "column alert_name is int16"},
	}
	value := func(c transform.Column) any {
		switch {
		case c.Name == "participant_id":
			return "P001"
		case c.Type.ID() == arrow.STRING:
			return c.Name
		case c.Type.ID() == arrow.TIMESTAMP:
			return micros(march)
		}
		return 7
	}
	for _, tt := range tests {
		l := locked(t)
		other := alerts
		other.Columns = tt.columns
		f := write(t, l.Begin(Manifest{}), other, build(other, 3, func(_ int, column string) any {
			return value(other.Columns[slices.IndexFunc(other.Columns, func(c transform.Column) bool { return c.Name == column })])
		}))
		for batch, err := range l.Read(t.Context(), f, ReadOptions{From: "P001", To: "P001"}) {
			var damage *DamageError
			if tt.damage != "" {
				if !errors.As(err, &damage) || !strings.Contains(err.Error(), tt.damage) {
					t.Errorf("%s: Read = %v, want a DamageError with %q", tt.name, err, tt.damage)
				}
				break
			}
			if err != nil {
				t.Fatalf("%s: Read: %v", tt.name, err)
			}
			checkOlder(t, tt.name, alerts, batch, tt.null)
			batch.Release()
		}
	}
}

func checkOlder(t *testing.T, name string, table transform.Table, batch arrow.RecordBatch, null []string) {
	t.Helper()
	if batch.NumRows() != 3 {
		t.Errorf("%s: %d rows, want 3", name, batch.NumRows())
	}
	for i, c := range table.Columns {
		wantNulls := 0
		if slices.Contains(null, c.Name) {
			wantNulls = 3
		}
		if got := batch.Column(i); batch.ColumnName(i) != c.Name || got.NullN() != wantNulls {
			t.Errorf("%s: column %d is %s with %d nulls, want %s with %d", name, i, batch.ColumnName(i), got.NullN(), c.Name, wantNulls)
		}
		if c.Type.ID() == arrow.STRING && wantNulls == 0 && c.Name != "participant_id" && transform.TextAt(batch.Column(i), 2) != c.Name {
			t.Errorf("%s: column %s has %q", name, c.Name, transform.TextAt(batch.Column(i), 2))
		}
	}
}

// A snapshot is as old as the oldest rows in it, until all of them are made anew.
func TestVersions(t *testing.T) {
	l := locked(t)
	glucose := tableNamed(t, "glucose")
	if glucose.Sound < 2 {
		t.Fatalf("glucose is sound from version %d on; this test wants 2", glucose.Sound)
	}
	rows := func(c *Commit) File {
		return write(t, c, glucose, build(glucose, 1, func(_ int, column string) any {
			switch column {
			case "time_utc":
				return micros(march)
			case "n_sources":
				return 1
			case "overlap", "clock_suspect":
				return false
			case "participant_id", "local_time_source":
				return "P001"
			}
			return nil
		}))
	}
	finish := func(c *Commit, m Manifest) Manifest {
		t.Helper()
		done, err := c.Finish(t.Context(), m)
		if err != nil {
			t.Fatalf("Finish: %v", err)
		}
		return done
	}
	check := func(what string, m Manifest, version int, outdated ...string) {
		t.Helper()
		if got := m.Version("glucose"); got != version || !slices.Equal(m.Outdated(), outdated) {
			t.Errorf("%s: version %d, outdated %q; want %d, %q", what, got, m.Outdated(), version, outdated)
		}
	}

	first := l.Begin(Manifest{})
	f := rows(first)
	first.Add(f)
	fresh := finish(first, Manifest{})
	check("a new lake", fresh, glucose.Version)

	older := fresh
	older.Tables = nil // as a program of format 1 left it
	check("an older lake", older, 1, "glucose")
	onTop := finish(l.Begin(older), Manifest{})
	check("a commit on top of it", onTop, 1, "glucose")

	anew := l.Begin(onTop)
	anew.Replace(anew.Files(), f)
	check("a replay", finish(anew, Manifest{Tables: fresh.Tables}), glucose.Version)

	empty := Manifest{Snapshot: 1}
	check("an older lake without the table", empty, 1)
	if v := empty.VersionsOnTop()["glucose"]; v != glucose.Version {
		t.Errorf("the first rows on top of a lake without the table have version %d, want %d", v, glucose.Version)
	}
}

// What a newer program made of a table is read and not built upon.
func TestNewerTable(t *testing.T) {
	m := Manifest{Snapshot: 3, Program: "v9", Tables: map[string]int{"alerts": 9}}
	var newer *VersionError
	if err := m.Writable(); !errors.As(err, &newer) || newer.Table != "alerts" || newer.Found != 9 || newer.Knows != 1 {
		t.Errorf("Writable with alerts of version 9 = %v, want a VersionError", err)
	}
	if err := (Manifest{Tables: map[string]int{"glucose": 2}}).Writable(); err != nil {
		t.Errorf("Writable of today's versions: %v", err)
	}
}
