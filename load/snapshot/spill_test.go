package snapshot

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dexetl/dexetl/load/lake"
)

// sessions are the folders of sessions in parent.
func sessions(t *testing.T, parent string) []string {
	t.Helper()
	found, err := os.ReadDir(parent)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Name())
	}
	return names
}

func TestSpillIsOfTheLake(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l := newLake(t)
	parent := filepath.Join(l.Path(), spillName)
	db, err := Open(t.Context(), l, lake.Manifest{}, nil, Limits{})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	made := sessions(t, parent)
	if len(made) != 1 || len(sessions(t, temporarySpill())) != 0 {
		t.Errorf("folders of an open session = %v, %v in the machine's; want one in the lake", made, sessions(t, temporarySpill()))
	}
	got := ask(t, db, `select current_setting('temp_directory') = $1, current_setting('temp_file_encryption')`, filepath.Join(parent, made[0]))
	if got[0] != "true true" {
		t.Errorf("temp_directory is that folder, temp_file_encryption = %s, want true true", got[0])
	}
	info, err := os.Stat(parent)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: mode %v, %v; want 0700", parent, info.Mode(), err)
	}
	if err := db.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if left := sessions(t, parent); len(left) != 0 {
		t.Errorf("folders of a closed session = %v, want none", left)
	}
}

// What the dead have left the next session removes; the living keep theirs.
func TestSpillsOfTheDeadAreSwept(t *testing.T) {
	l := newLake(t)
	alive, dead := NewSpill(l.Path()), NewSpill(l.Path())
	if err := os.WriteFile(filepath.Join(dead.path, "duckdb_temp_storage_DEFAULT-0.tmp"), []byte("readings"), 0o600); err != nil {
		t.Fatal(err)
	}
	dead.dir.Close() // as the kernel does when its process is killed
	SweepSpills(l.Path())
	if left := sessions(t, filepath.Join(l.Path(), spillName)); len(left) != 1 || left[0] != filepath.Base(alive.path) {
		t.Errorf("left: %v, want that of the living, %s", left, filepath.Base(alive.path))
	}
	if err := alive.Close(); err != nil {
		t.Fatal(err)
	}
	third := NewSpill(l.Path())
	third.dir.Close()
	fourth := NewSpill(l.Path())
	defer fourth.Close()
	if left := sessions(t, filepath.Join(l.Path(), spillName)); len(left) != 1 || left[0] != filepath.Base(fourth.path) {
		t.Errorf("left: %v, want that of the newest session alone", left)
	}
}

// Who may only read the lake spills into the machine's temporary folder, but into
// none that somebody else could look into; else everything must fit into memory.
func TestSpillElsewhere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l := newLake(t)
	if err := os.WriteFile(filepath.Join(l.Path(), spillName), nil, 0o600); err != nil { // no folder can be made there
		t.Fatal(err)
	}
	s := NewSpill(l.Path())
	if filepath.Dir(s.path) != temporarySpill() {
		t.Errorf("it spills into %q, want %s", s.path, temporarySpill())
	}
	s.dir.Close()
	SweepSpills(l.Path())
	if left := sessions(t, temporarySpill()); len(left) != 0 {
		t.Errorf("left: %v, want nothing", left)
	}
	if err := os.Chmod(temporarySpill(), 0o777); err != nil {
		t.Fatal(err)
	}
	if s = NewSpill(l.Path()); s.path != "" {
		t.Errorf("it spills into %q, which everybody can change", s.path)
	}
	if err := os.RemoveAll(temporarySpill()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), temporarySpill()); err != nil {
		t.Fatal(err)
	}
	if s = NewSpill(l.Path()); s.path != "" {
		t.Errorf("it spills into %q, which a link leads to", s.path)
	}
	db, err := Open(t.Context(), l, lake.Manifest{}, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got := ask(t, db, `select current_setting('temp_directory') = ''`); got[0] != "true" {
		t.Errorf("temp_directory is empty: %s, want true", got[0])
	}
}

// What lies in the folder while a session works tells nothing.
func TestSpillIsEncrypted(t *testing.T) {
	const word = "P001-was-at-47-mgdl"
	for _, encrypted := range []bool{true, false} { // false: the test sees what is not encrypted
		s, err := newSession(Limits{}, filepath.Join(t.TempDir(), spillName))
		if err != nil {
			t.Fatal(err)
		}
		statements := append(Limits{Memory: "60MB", Threads: 1}.statements(), s.spill.statements()...)
		if !encrypted {
			statements = append(statements, "set temp_file_encryption = false")
		}
		statements = append(statements, "create temp table big as select '"+word+"' || md5(i::varchar) || md5((i+1)::varchar) as a from range(1000000) t(i)")
		conn, err := s.Connector.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if _, err := conn.(driver.ExecerContext).ExecContext(context.Background(), statement, nil); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		bytesLeft, readable := 0, false
		for _, name := range sessions(t, s.spill.path) {
			content, err := os.ReadFile(filepath.Join(s.spill.path, name))
			if err != nil {
				t.Fatal(err)
			}
			bytesLeft += len(content)
			readable = readable || bytes.Contains(content, []byte(word))
		}
		if bytesLeft == 0 || readable == encrypted {
			t.Errorf("encrypted %v: %d bytes on disk, readable %v", encrypted, bytesLeft, readable)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A session must not fill the disk.
func TestSpillHasALimit(t *testing.T) {
	s := NewSpill(t.TempDir())
	defer s.Close()
	if room := spillRoom(s.path); room <= 0 || room > spillLimit {
		t.Errorf("room to spill: %d, want more than nothing and at most %d", room, spillLimit)
	}
	want := fmt.Sprintf("set max_temp_directory_size = '%dB'", spillRoom(s.path))
	if got := s.statements()[2]; len(got) != len(want) {
		t.Errorf("limit of the folder: %s, want such as %s", got, want)
	}
}

// The folder of spills becomes a link to another one while it is swept: nothing of
// that is removed.
func TestSweepFollowsNoExchange(t *testing.T) {
	lake, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	spills, kept := filepath.Join(lake, spillName), filepath.Join(victim, "session-notes")
	for _, dir := range []string{filepath.Join(spills, "session-dead"), kept} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	root, err := openSpills(spills)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := errors.Join(os.Rename(spills, spills+".was"), os.Symlink(victim, spills)); err != nil {
		t.Fatal(err)
	}
	if err := sweeping(root, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what the link leads to: %v", err)
	}
	if left, err := os.ReadDir(spills + ".was"); len(left) != 0 || err != nil {
		t.Errorf("left of the dead: %v, %v", left, err)
	}
	if root, err := openSpills(spills); err == nil {
		root.Close()
		t.Error("a link was opened")
	}
	SweepSpills(lake)
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("what the link leads to, swept again: %v", err)
	}
}

// In the lake of another account nothing is spilled and nothing swept: its owner
// could lead either elsewhere.
func TestNoSpillInForeignLake(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another account")
	}
	t.Setenv("TMPDIR", t.TempDir())
	lake := t.TempDir()
	if err := os.Chown(lake, 54321, -1); err != nil {
		t.Fatal(err)
	}
	s := NewSpill(lake)
	defer s.Close()
	if filepath.Dir(s.path) != temporarySpill() {
		t.Errorf("it spills into %q, want %s", s.path, temporarySpill())
	}
	if _, err := os.Lstat(filepath.Join(lake, spillName)); err == nil {
		t.Error("a folder was made in a foreign lake")
	}
}
