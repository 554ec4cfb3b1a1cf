package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// A manifest that is damaged cannot say which withdrawals its folder knew, so the
// folder goes. One that cannot be read at the moment says nothing of it.
func TestFolderOfAnUnreadableManifest(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(path string) error
		kept  bool
	}{
		"damaged":        {func(path string) error { return os.WriteFile(path, []byte("{}"), 0o600) }, false},
		"gone":           {func(string) error { return nil }, false},
		"a folder":       {func(path string) error { return os.Mkdir(path, 0o700) }, false},
		"cannot be read": {func(path string) error { return os.Symlink(filepath.Base(path), path) }, true}, // it leads to itself
	} {
		l := newLake(t)
		first := commit(t, l, "P1", 1)
		publish(t, l, first)
		second := commit(t, l, "P2", 1)
		path := filepath.Join(l.Path(), "manifests", fmt.Sprintf("%012d.json", first.Snapshot))
		if err := errors.Join(os.Remove(path), c.spoil(path)); err != nil {
			t.Fatal(err)
		}
		_, err := Publish(t.Context(), l, second, nil)
		folder, _ := Folder(l, first.Snapshot)
		_, gone := os.Stat(folder)
		if kept := gone == nil; kept != c.kept || (err != nil) != c.kept {
			t.Errorf("manifest %s: the folder is kept: %t, Publish says %v; want %t, and an error only then", name, kept, err, c.kept)
		}
	}
}

// repair publishes what is newest once more.
func repair(t *testing.T, l *lake.Lake) ([]*lake.DamageError, error) {
	t.Helper()
	m, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	return Publish(t.Context(), l, m, nil)
}

// Whatever an interrupted Publish left, or somebody removed, the next one puts right.
func TestRepair(t *testing.T) {
	t.Parallel()
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		harm func(t *testing.T, root string)
	}{
		{"nothing", func(*testing.T, string) {}},
		{"no latest", func(t *testing.T, root string) { must(t, os.Remove(root+"/latest")) }},
		{"latest behind", func(t *testing.T, root string) {
			must(t, os.Remove(root+"/latest"))
			must(t, os.Symlink("snapshots/000001", root+"/latest"))
		}},
		{"half a latest", func(t *testing.T, root string) { must(t, os.Symlink("nowhere", root+"/.latest")) }},
		{"no folder", func(t *testing.T, root string) { must(t, os.RemoveAll(root+"/snapshots/000002")) }},
		{"half a folder", func(t *testing.T, root string) {
			must(t, os.RemoveAll(root+"/snapshots/000002/glucose"))
			must(t, os.Rename(root+"/snapshots/000002", root+"/snapshots/.000002"))
		}},
		{"half an empty table", func(t *testing.T, root string) {
			must(t, os.Truncate(root+"/snapshots/000002/egvs/month=none/empty.parquet", 10))
		}},
		{"half a codebook", func(t *testing.T, root string) {
			must(t, os.Truncate(root+"/snapshots/000002/codebook.csv", 10))
		}},
		{"half a database", func(t *testing.T, root string) {
			must(t, os.Rename(root+"/snapshots/000002/dexetl.duckdb", root+"/snapshots/000002/.dexetl.duckdb"))
			must(t, os.WriteFile(root+"/snapshots/000002/.dexetl.duckdb.wal", []byte("x"), 0o600))
			must(t, os.Remove(root+"/snapshots/000002/views.sql"))
		}},
		{"views of an older program", func(t *testing.T, root string) {
			must(t, os.Chmod(root+"/snapshots/000002/views.sql", 0o600))
			must(t, os.WriteFile(root+"/snapshots/000002/views.sql", []byte("select 1"), 0o600))
			must(t, os.Remove(root+"/snapshots/000002/dexetl.duckdb"))
		}},
		{"tables of an older program", func(t *testing.T, root string) {
			must(t, os.RemoveAll(root+"/snapshots/000002/withdrawals"))
			must(t, os.Remove(root+"/snapshots/000002/views.sql"))
			must(t, os.Remove(root+"/snapshots/000002/dexetl.duckdb"))
		}},
	}
	l := newLake(t)
	publish(t, l, commit(t, l, "P001", 1))
	publish(t, l, commit(t, l, "P002", 1))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.harm(t, l.Path())
			if harm, err := repair(t, l); err != nil || len(harm) > 0 {
				t.Fatalf("Publish: %v, %v", harm, err)
			}
			if got := latest(t, l); got != "2" {
				t.Errorf("rows of glucose in latest = %s, want 2", got)
			}
			if got := stranger(t, filepath.Join(l.Path(), "latest", "dexetl.duckdb")+"?access_mode=read_only", "select count(*) from egvs")[0]; got != "0" {
				t.Errorf("rows of egvs in latest = %s, want 0", got)
			}
			if !holds(l.Root(), "latest/codebook.csv", WholeCodebook()) {
				t.Error("codebook.csv is not the program's")
			}
			left, _ := filepath.Glob(filepath.Join(escape(l.Path()), "snapshots", "000002", ".*"))
			if len(left) != 0 {
				t.Errorf("left in the folder: %q", left)
			}
		})
	}
}

func TestRepairEmptyLake(t *testing.T) {
	l := newLake(t)
	if harm, err := repair(t, l); err != nil || len(harm) > 0 {
		t.Errorf("Publish(empty lake): %v, %v", harm, err)
	}
	if _, err := os.Lstat(filepath.Join(l.Path(), "latest")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("latest of an empty lake: %v, want none", err)
	}
}

// A table that a folder lacks, and a file of one that it has, is put right, also
// when the data file has to come back first.
func TestRepairFolder(t *testing.T) {
	t.Parallel()
	for what, remove := range map[string]func(folder, file string) error{
		"table": func(folder, _ string) error { return os.RemoveAll(filepath.Join(folder, "glucose")) },
		"file":  func(folder, file string) error { return os.Remove(filepath.Join(folder, "glucose", file)) },
		"half":  func(folder, file string) error { return cutLink(filepath.Join(folder, "glucose", file)) },
	} {
		t.Run(what, func(t *testing.T) {
			l := newLake(t)
			m := commit(t, l, "P001", 1)
			publish(t, l, m)
			f := m.TableFiles("glucose")[0]
			file := filepath.Join(l.Path(), f.Path)
			shown := filepath.Join("month=2026-03", filepath.Base(f.Path))
			if err := errors.Join(remove(filepath.Join(l.Path(), "snapshots", "000001"), shown), os.Rename(file, file+".lost")); err != nil {
				t.Fatal(err)
			}
			if harm, err := repair(t, l); err != nil || len(harm) != 1 || harm[0].Path != f.Path {
				t.Errorf("Publish without %s = %v, %v; want its damage", f.Path, harm, err)
			}
			if err := os.Rename(file+".lost", file); err != nil {
				t.Fatal(err)
			}
			if harm, err := repair(t, l); err != nil || len(harm) > 0 {
				t.Fatalf("Publish with the file back: %v, %v", harm, err)
			}
			if got := latest(t, l); got != "1" {
				t.Errorf("rows of glucose in latest = %s, want 1", got)
			}
		})
	}
}

// cutLink puts half of a file in its place; other links to it stay whole.
func cutLink(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(name), os.WriteFile(name, content[:len(content)/2], 0o600))
}
