package state

import (
	"context"
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

func newStore(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := newClock()
	return openIn(t, t.TempDir(), c), c
}

func addAll(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.AddParticipant(context.Background(), Participant{ID: id}); err != nil {
			t.Fatalf("AddParticipant(%q) = %v", id, err)
		}
	}
}

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
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
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

// A study that an older program began goes on.
func TestOlderSchema(t *testing.T) {
	ctx, dir, c := t.Context(), t.TempDir(), newClock()
	s := openIn(t, dir, c)
	addAll(t, s, "P001")
	for _, statement := range []string{
		`insert into connections (connection_id, participant_id, region, account_hash, status, created_at, last_error) values ('C1', 'P001', 'us', '', 'connected', 1773489600000000, '')`,
		`insert into connections (connection_id, participant_id, region, account_hash, status, created_at, last_error) values ('C2', 'P001', 'us', '', 'auth_suspect', 1773489600000000, 'invalid_grant')`,
		`insert into tokens (connection_id, current, refresh_hash, access_issued_at, failures, refusals, updated_at) values ('C2', x'00', 'y', 1773493200000000, 0, 2, 0)`,
		"insert into refresh_tries values ('C2', 1773490000000000, '503'), ('C2', 1773496800000000, 'invalid_grant'), ('C2', 1773504000000000, 'invalid_grant')",
		"alter table connections drop column refused_since",
		"alter table connections drop column refused_at",
		"alter table connections drop column refused_said",
		"alter table connections drop column renewed_at",
		"alter table connections drop column strayed_at",
		"alter table connections drop column granted_at",
		"alter table connections drop column seal",
		"alter table tokens drop column seal",
		"alter table tokens drop column previous_hash",
		"alter table token_answers drop column seal",
		"alter table oauth_states drop column seal",
		"alter table invitations drop column seal",
		"alter table runs drop column people",
		"insert into runs (run_id, holder, command, started_at, calls, answers, version) values ('R1', 'H', 'sync', 1773489600000000, 3, 2, '1')",
		"drop table fetch_refusals",
		"drop table unconfirmed",
		"alter table invitations drop column doubted_at",
		"drop index oauth_states_invitation",
		"alter table oauth_states drop column browser",
		"pragma user_version = 1",
	} {
		if _, err := s.db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	s.Close()
	s = openIn(t, dir, c)
	connections, err := s.Connections(ctx)
	if err != nil || len(connections) != 2 || !connections[0].GrantedAt.Equal(connections[0].CreatedAt) || connections[0].CreatedAt.IsZero() {
		t.Fatalf("connections %+v, %v; want the two there were, whose grants came when they were made", connections, err)
	}
	first := time.Date(2026, 3, 14, 14, 0, 0, 0, time.UTC)
	if c := connections[1]; !c.RefusedSince.Equal(first) || !c.RefusedAt.Equal(first.Add(2*time.Hour)) || c.RefusedSaid != "invalid_grant" || c.Unclear || !c.RenewedAt.Equal(first.Add(-time.Hour)) {
		t.Errorf("connection %+v; want that it was renewed at 13:00 and is refused since %s", c, first)
	}
	if c := connections[0]; !c.RefusedSince.IsZero() || c.RefusedSaid != "" || c.Unclear {
		t.Errorf("connection %+v; want that it was never refused", c)
	}
	runs, err := s.Runs(ctx)
	if err != nil || len(runs) != 1 || runs[0].Calls != 3 || runs[0].People != "" {
		t.Errorf("runs %+v, %v; want the one there was", runs, err)
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
	ctx, dir := context.Background(), t.TempDir()
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
