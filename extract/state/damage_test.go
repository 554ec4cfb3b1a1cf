package state

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
	roots, err := collect(ctx, s.db, func(row func(...any) error) (int, error) {
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
	_, err = s.Participants(ctx)
	damaged(t, "Participants", err, path)
	_, err = s.Runs(ctx)
	damaged(t, "Runs", err, path)
	_, err = s.StartRun(ctx, "sync", "", "1.0")
	damaged(t, "StartRun", err, path)
	_, err = s.BoundKey(ctx)
	damaged(t, "BoundKey", err, path)
	damaged(t, "AddParticipant", s.AddParticipant(ctx, Participant{ID: "P002"}), path)
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
			err = s.AddParticipant(context.Background(), Participant{ID: "P001"})
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

// A row that cannot be read names whose it is.
func TestDamagedRowIsNamed(t *testing.T) {
	ctx := context.Background()
	for _, change := range []string{
		"update participants set study_start = '2026-13-01' where participant_id = 'P002'",
		"update participants set status_date = 'x' where participant_id = 'P002'",
		"insert into windows values ('P002', 'run-in', '2026-02-30', '', 0, 0)",
		"insert into exclusions values ('P002', '2026-02-01T00:00', '2026-02-02T00:00:00', 'why')",
	} {
		s, _ := newStore(t)
		addAll(t, s, "P001", "P002", "P003")
		if _, err := s.db.ExecContext(ctx, change); err != nil {
			t.Fatal(err)
		}
		var err error
		for _, list := range []func() error{
			func() error { _, err := s.Participants(ctx); return err },
			func() error { _, err := s.Windows(ctx); return err },
			func() error { _, err := s.Exclusions(ctx); return err },
		} {
			err = errors.Join(err, list())
		}
		var row *RowError
		if !errors.As(err, &row) || row.ParticipantID != "P002" || !strings.Contains(change, row.Table) {
			t.Errorf("after %s: %v, want a *RowError of P002", change, err)
		}
	}
}
