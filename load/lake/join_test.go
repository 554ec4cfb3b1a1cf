package lake

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/transform"
)

// staged writes a file of the rows of a table that becomes part of another one.
func staged(t *testing.T, c *Commit, table transform.Table, rows arrow.RecordBatch) File {
	t.Helper()
	w, err := c.Create(table, partitionOf(table), "")
	if err != nil {
		t.Fatal(err)
	}
	err = w.Write(rows)
	f, staged := w.Stage()
	if err := errors.Join(err, staged); err != nil {
		t.Fatal(err)
	}
	return f
}

// A file joined of others is one file with their rows, to us and to others, and no
// staged one stays.
func TestJoin(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 8))
	for _, table := range transform.Tables() {
		if table.Kind == transform.Study {
			continue
		}
		t.Run(table.Name, func(t *testing.T) {
			l := locked(t)
			l.GroupBytes = 1
			rows := some(table, 300, chance)
			defer rows.Release()
			c := l.Begin(Manifest{})
			parts := []File{
				write(t, c, table, rows.NewSlice(0, 100), rows.NewSlice(100, 152)),
				staged(t, c, table, rows.NewSlice(152, 200)), write(t, c, table, rows.NewSlice(200, 300)),
			}
			f, err := c.Join(t.Context(), parts...)
			if err != nil {
				t.Fatalf("Join: %v", err)
			}
			alone := write(t, c, table, rows.NewSlice(0, 300))
			described := f
			described.Path, described.SHA256, described.Bytes = alone.Path, alone.SHA256, alone.Bytes
			if described != alone {
				t.Errorf("Join of %s = %+v, want %+v", table.Name, described, alone)
			}
			if err := l.Check(f); err != nil {
				t.Errorf("Check of a joined file: %v", err)
			}
			got := readAll(t, reopen(t, l.Path()), f, ReadOptions{})
			if !array.RecordEqual(rows, got) {
				t.Errorf("rows of %s differ from those of the parts", table.Name)
			}
			if n := rowGroups(t, l, f); n != 4 {
				t.Errorf("%d row groups, want 4", n)
			}
			strangerAgrees(t, filepath.Join(l.Path(), f.Path), rows)
			if left, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(left) != 0 {
				t.Errorf("staged after Join: %v", left)
			}
		})
	}
}

// A part that is not what was written is damage, whatever of it is wrong; nothing
// stays of the file.
func TestJoinDamaged(t *testing.T) {
	l := locked(t)
	c := l.Begin(Manifest{})
	table := tableNamed(t, "egvs")
	rows := egvs(t, 2, 100)
	defer rows.Release()
	parts := []File{write(t, c, table, rows.NewSlice(0, 100)), write(t, c, table, rows.NewSlice(100, 200))}
	content, err := l.dir.ReadFile(parts[1].Path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	overwrite(t, l, parts[1].Path, content)
	l.sound.Delete(parts[1].Path)
	var damaged *DamageError
	if _, err := c.Join(t.Context(), parts...); !errors.As(err, &damaged) || damaged.Path != parts[1].Path {
		t.Errorf("Join of a damaged part: %v, want a DamageError of %s", err, parts[1].Path)
	}
	if left, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(left) != 0 {
		t.Errorf("staged after a Join that failed: %v", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Join(ctx, parts...); !errors.Is(err, context.Canceled) {
		t.Errorf("Join without time: %v, want %v", err, context.Canceled)
	}
}

// A file of a table that has got a column since then cannot be copied, nor one in whose
// pages nulls are told otherwise.
func TestJoins(t *testing.T) {
	l := locked(t)
	table := tableNamed(t, "egvs")
	older := table
	older.Columns = older.Columns[:len(older.Columns)-1]
	rows := egvs(t, 1, 10)
	defer rows.Release()
	now := write(t, l.Begin(Manifest{}), table, rows.NewSlice(0, 10))
	fields := rows.Columns()[:len(older.Columns)]
	then := write(t, l.Begin(Manifest{}), older, array.NewRecordBatch(older.Schema(), fields, 10))
	nullable := table
	nullable.Columns = slices.Clone(table.Columns)
	nullable.Columns[0].Nullable = true
	other := write(t, l.Begin(Manifest{}), nullable, rows.NewSlice(0, 10))
	for f, want := range map[File]bool{now: true, then: false, other: false} {
		if got, err := l.Joins(f); got != want || err != nil {
			t.Errorf("Joins(%s) = %t, %v; want %t", f.Path, got, err, want)
		}
	}
}
