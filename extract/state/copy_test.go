package state

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// footprint is what lies in a folder: content, mode and time of every name.
func footprint(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		all[path] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			all[path] += fmt.Sprintf(" %x", sha256.Sum256(content))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A copy has what was committed, whoever uses the state or left it in the middle,
// and the state stays as it is to the last byte.
func TestOpenCopy(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"closed": func(t *testing.T, dir string) {
			s, err := Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			addAll(t, s, "P001", "P002")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"in use": func(t *testing.T, dir string) { openFor(t, dir) },
		"in the middle of a change": func(t *testing.T, dir string) {
			s := openFor(t, dir)
			tx, err := s.db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { tx.Rollback() })
			if _, err := tx.Exec("delete from participants"); err != nil {
				t.Fatal(err)
			}
		},
		"left by a crash": func(t *testing.T, dir string) {
			live := filepath.Join(t.TempDir(), "live")
			openFor(t, live)
			if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
				t.Fatal(err)
			}
		},
		"left without its index": func(t *testing.T, dir string) {
			live := filepath.Join(t.TempDir(), "live")
			openFor(t, live)
			if err := errors.Join(os.CopyFS(dir, os.DirFS(live)), os.Remove(filepath.Join(dir, "state.db-shm"))); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, into := filepath.Join(t.TempDir(), "state"), t.TempDir()
			prepare(t, dir)
			before := footprint(t, dir)
			if name == "in use" { // by this process, which has one index for all, and may write to it
				delete(before, filepath.Join(dir, "state.db-shm"))
			}
			copied, err := OpenCopy(t.Context(), dir, into)
			if err != nil {
				t.Fatalf("OpenCopy: %v", err)
			}
			ids, err := people(copied)
			if err != nil || len(ids) != 2 {
				t.Errorf("the copy has %d participants, %v; want 2", len(ids), err)
			}
			if lines, err := copied.Trail(t.Context()); err != nil || len(lines) != 2 {
				t.Errorf("the copy's trail has %d lines, %v; want 2", len(lines), err)
			}
			addAll(t, copied, "P003")
			if err := copied.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			after := footprint(t, dir)
			maps.DeleteFunc(after, func(path, _ string) bool { return before[path] == "" && path == filepath.Join(dir, "state.db-shm") })
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the state changed:\n%s", diff)
			}
		})
	}
}

// openFor opens a state with two participants until the test ends.
func openFor(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	addAll(t, s, "P001", "P002")
	return s
}

func TestOpenCopyOfNothing(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	copied, err := OpenCopy(t.Context(), filepath.Join(dir, "state"), into)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if ids, err := people(copied); err != nil || len(ids) != 0 {
		t.Errorf("participants of nothing: %v, %v", ids, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("made beside it: %v, %v", entries, err)
	}
}

func TestOpenCopyDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.db")
	for _, shm := range []bool{false, true} {
		if err := os.WriteFile(path, []byte("this is no database, but it is long enough to be one, it seems: 0123456789012345678901234567890123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
		if shm {
			if err := os.WriteFile(path+"-shm", nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var damage *DamageError
		if _, err := OpenCopy(t.Context(), dir, t.TempDir()); !errors.As(err, &damage) || damage.Path != path {
			t.Errorf("OpenCopy of no database (index there: %t): %v, want a *DamageError of %s", shm, err, path)
		}
	}
}
