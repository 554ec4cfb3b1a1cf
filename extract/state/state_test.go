package state

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func openIn(t *testing.T, dir string, c *clock) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir)
	if err != nil {
		t.Fatalf("Open(%q) = %v", dir, err)
	}
	s.Now = c.now
	t.Cleanup(func() { s.Close() })
	return s
}

// beside are the tests that run beside others.
var beside sync.Map

// newStore is a state of its own, so its test runs beside others.
func newStore(t *testing.T) (*Store, *clock) {
	t.Helper()
	if _, again := beside.LoadOrStore(t, true); !again {
		t.Parallel()
	}
	c := newClock()
	return openIn(t, newFolder(t), c), c
}

// newFolder is a folder with a state without rows.
func newFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	file, err := blank()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "state.db"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// blank is the file of a state without rows, made once: migrations take their time.
var blank = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "blank")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := Open(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "state.db"))
})

// addAll adds participants, each with a line in the trail.
func addAll(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := add(s, id); err != nil {
			t.Fatalf("adding %q: %v", id, err)
		}
	}
}

func add(s *Store, id string) error {
	return s.Change(context.Background(), func(tx *sql.Tx) ([]Act, error) {
		_, err := tx.Exec(`insert into participants values (?, '', '', '', '', '', '', '', '', '', '', '', 0)`, id)
		return []Act{{Subject: "participant", ParticipantID: id}}, err
	})
}

// people are the ids of all participants.
func people(s *Store) ([]string, error) {
	return Collect(context.Background(), s, ScanText, "select participant_id from participants")
}

func asError[E error](err error) (E, bool) {
	var e E
	ok := errors.As(err, &e)
	return e, ok
}

func isError(err, target error) bool { return errors.Is(err, target) }

func TestOpenModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openIn(t, dir, newClock())
	addAll(t, s, "P001")
	for path, want := range map[string]os.FileMode{dir: 0o700, "state.db": 0o600, "state.db-wal": 0o600} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %#o, want %#o", path, got, want)
		}
	}
}

func TestOpenTightensMode(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir, newClock()).Close()
	path := filepath.Join(dir, "state.db")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	openIn(t, dir, newClock())
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode after Open = %#o, want 0600", st.Mode().Perm())
	}
}

func TestPragmas(t *testing.T) {
	s, _ := newStore(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "200"} {
		var got string
		if err := s.db.QueryRow("pragma " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("pragma %s = %q, %v, want %q", pragma, got, err, want)
		}
	}
}

// A state folder may lie anywhere a file system lets it.
func TestOpenOddPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Étude 100% #1?x=y")
	addAll(t, openIn(t, dir, newClock()), "P001")
	if _, err := os.Stat(filepath.Join(dir, "state.db")); err != nil {
		t.Fatal(err)
	}
}

func TestNewerSchema(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openIn(t, dir, newClock())
	if _, err := s.db.Exec("pragma user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	path := filepath.Join(dir, "state.db")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(ctx, dir)
	known, err2 := migrations.ReadDir("migrations")
	if err2 != nil {
		t.Fatal(err2)
	}
	want := SchemaError{Found: 99, Known: len(known)}
	if e, ok := asError[*SchemaError](err); !ok || *e != want {
		t.Fatalf("Open of schema 99 = %v, want %v", err, &want)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("Open of schema 99 changed the file")
	}
}

// Many processes may meet an empty folder at once.
func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			s, err := Open(context.Background(), dir)
			if err != nil {
				t.Errorf("Open = %v", err)
				return
			}
			defer s.Close()
			if _, err := s.StartRun(context.Background(), "sync", "", "test"); err != nil {
				t.Errorf("StartRun = %v", err)
			}
		})
	}
	wg.Wait()
	runs, err := openIn(t, dir, newClock()).Runs(context.Background())
	if err != nil || len(runs) != 10 {
		t.Errorf("Runs = %d, %v, want 10", len(runs), err)
	}
}

func TestRuns(t *testing.T) {
	ctx := context.Background()
	s, c := newStore(t)
	first, err := s.StartRun(ctx, "backfill", "", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	second, err := s.StartRun(ctx, "sync", "digest", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	if err := s.EndRun(ctx, first.ID, 3, 40, 30); err != nil {
		t.Fatal(err)
	}
	first.EndedAt, first.ExitCode, first.Calls, first.Answers = c.now(), 3, 40, 30
	got, err := s.Runs(ctx)
	if err != nil || len(got) != 2 || got[0] != first || got[1] != second {
		t.Errorf("Runs = %+v, %v, want %+v", got, err, []Run{first, second})
	}
	if err := s.EndRun(ctx, "nobody", 0, 0, 0); !isError(err, ErrNoRun) {
		t.Errorf("EndRun(nobody) = %v, want ErrNoRun", err)
	}
}

// A run that has no end lives as long as its process does.
func TestRunAlive(t *testing.T) {
	ctx, dir := context.Background(), newFolder(t)
	worker, watcher := openIn(t, dir, newClock()), openIn(t, dir, newClock())
	for range 2 {
		if _, err := worker.StartRun(ctx, "sync", "", "1.0"); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := watcher.Runs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.EndRun(ctx, runs[0].ID, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if runs, err = watcher.Runs(ctx); err != nil {
		t.Fatal(err)
	}
	alive := func() (is [2]bool) {
		t.Helper()
		for i, r := range runs {
			if is[i], err = watcher.Alive(r); err != nil {
				t.Fatalf("Alive(%s): %v", r.ID, err)
			}
		}
		return is
	}
	if got := alive(); got != [2]bool{false, true} {
		t.Errorf("Alive of an ended run and one under way = %v, want false, true", got)
	}
	worker.holder.file.Close() // as the kernel does when a process dies
	if got := alive(); got != [2]bool{} {
		t.Errorf("Alive after the process died = %v, want false, false", got)
	}
	worker.holder.file = nil
}

// A sync is under way from its beginning to its end, or to that of its process.
func TestSyncUnderWay(t *testing.T) {
	ctx := context.Background()
	s, _ := newStore(t)
	check := func(step string, want bool) {
		t.Helper()
		if got, err := s.SyncUnderWay(ctx); got != want || err != nil {
			t.Errorf("%s: SyncUnderWay = %t, %v, want %t", step, got, err, want)
		}
	}
	check("nobody", false)
	for _, id := range []string{"1", "2"} {
		if err := s.BeginSync(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Lease("participant P001", "3").Take(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	check("two", true)
	for _, id := range []string{"1", "2"} {
		if err := s.EndSync(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	check("both ended, one participant still claimed", false)
}
