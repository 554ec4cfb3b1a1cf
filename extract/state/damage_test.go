package state

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// damaged checks that err is a *DamageError that names path once.
func damaged(t *testing.T, call string, err error, path string) {
	t.Helper()
	if e, ok := asError[*DamageError](err); !ok || e.Path != path || e.Err == nil || strings.Count(err.Error(), path) != 1 {
		t.Errorf("%s = %v, want a *DamageError of %s", call, err, path)
	}
}

func TestOpenDamaged(t *testing.T) {
	good := t.TempDir()
	openIn(t, good, newClock()).Close()
	whole, err := os.ReadFile(filepath.Join(good, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	schema := bytes.Clone(whole)
	for i := 100; i < 200; i++ { // after the header: the root of the schema
		schema[i] = 0xff
	}
	for name, content := range map[string][]byte{
		"a text":           []byte(strings.Repeat("participant_id,refresh_token\n", 100)),
		"zeros":            make([]byte, 8192),
		"a broken schema":  schema,
		"its first page":   whole[:4096],
		"noise of 3 bytes": []byte("abc"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(context.Background(), dir)
			if err == nil {
				s.Close()
			}
			damaged(t, "Open", err, path)
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
				t.Errorf("Open changed the damaged file, %v", err)
			}
		})
	}
}

// What Open cannot see is found by whoever reads or writes it.
func TestDamagedLater(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openIn(t, dir, newClock())
	addAll(t, s, "P001")
	if _, err := s.StartRun(ctx, "sync", "", "1.0"); err != nil {
		t.Fatal(err)
	}
	roots, err := Collect(ctx, s, func(row func(...any) error) (int, error) {
		var page int
		err := row(&page)
		return page, err
	}, "select rootpage from sqlite_schema where tbl_name in ('participants', 'runs', 'meta')")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // which moves everything into the file
		t.Fatal(err)
	}
	path := filepath.Join(dir, "state.db")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range roots { // from 1
		for i := range 4096 {
			content[(page-1)*4096+i] = 0xff
		}
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir, newClock())
	_, err = people(s)
	damaged(t, "participants", err, path)
	_, err = s.Runs(ctx)
	damaged(t, "Runs", err, path)
	_, err = s.StartRun(ctx, "sync", "", "1.0")
	damaged(t, "StartRun", err, path)
	_, err = Collect(ctx, s, ScanText, "select value from meta")
	damaged(t, "meta", err, path)
	damaged(t, "a change", add(s, "P002"), path)
}

// What SQLite cannot open it does not give a reason for: the system does.
func TestOpenSaysWhyNot(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir, newClock()).Close()
	log := filepath.Join(dir, "state.db-wal")
	if err := os.Mkdir(log, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(context.Background(), dir)
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, syscall.EISDIR) || !strings.Contains(err.Error(), log) {
		t.Errorf("with a folder in the place of its log: %v, want what that is", err)
	}
}

// A state that another account wrote is neither damaged nor full: the error names
// the file that cannot be written.
func TestOpenDenied(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write every file")
	}
	dir := t.TempDir()
	openIn(t, dir, newClock()).Close()
	path := filepath.Join(dir, "state.db")
	for _, denied := range []struct {
		path string
		mode os.FileMode
	}{{path, 0o400}, {path, 0}, {dir, 0o500}} {
		before, err := os.Stat(denied.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(denied.path, denied.mode); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), dir)
		if err == nil {
			err = add(s, "P001")
			s.Close()
		}
		if e, ok := asError[*fs.PathError](err); !ok || !errors.Is(err, fs.ErrPermission) || e.Path != denied.path {
			t.Errorf("%s with mode %v: %v, want that it may not be written", denied.path, denied.mode, err)
		}
		if err := os.Chmod(denied.path, before.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
