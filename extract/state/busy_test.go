package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// held is a second process's hold on the state: nobody else can write.
func held(t *testing.T, s *Store) *sql.Tx {
	t.Helper()
	other, err := Open(context.Background(), filepath.Dir(s.db.path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	tx, err := other.db.BeginTx(context.Background(), nil) // immediate
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

// hasty makes s ask SQLite again and again rather than wait in it.
func hasty(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.db.ExecContext(context.Background(), "pragma busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	s.db.patience.least = 0
}

// inRun are the writes of a run under way.
func inRun(s *Store) map[string]func() error {
	ctx := context.Background()
	return map[string]func() error{
		"Lease":     func() error { _, err := s.Lease("participant P001", "a").Take(ctx, time.Minute); return err },
		"TakeFree":  func() error { _, err := s.Lease("refresh c", "a").TakeFree(ctx, time.Minute); return err },
		"Release":   func() error { return s.Lease("participant P001", "a").Release(ctx) },
		"TakeCalls": func() error { _, _, err := s.TakeCalls(ctx, "us", 1, Share{PerHour: 100, AtOnce: 100}); return err },
		"StartRun":  func() error { _, err := s.StartRun(ctx, "sync", "", "test"); return err },
		"Audit":     func() error { return s.Audit(ctx, Act{Subject: "thing"}) },
		"Change":    func() error { return add(s, s.NewID()) },
		"FirstSeen": func() error { _, err := s.FirstSeen(ctx, "field", "value"); return err },
	}
}

// A state that another process holds is an error of its own that names the file.
func TestBusy(t *testing.T) {
	s, _ := newStore(t)
	addAll(t, s, "P001")
	if _, err := s.holder.id(s.NewID); err != nil {
		t.Fatal(err)
	}
	hasty(t, s)
	held(t, s)
	for name, use := range inRun(s) {
		var busy *BusyError
		if err := use(); !errors.As(err, &busy) || busy.Path != s.db.path || busy.Waited != busyTimeout || !strings.Contains(err.Error(), "another process has held it for 10 seconds") {
			t.Errorf("%s: %v, want a *BusyError of %s after %v", name, err, s.db.path, busyTimeout)
		}
	}
	if _, err := people(s); err != nil {
		t.Errorf("reading beside it: %v", err)
	}
}

// Who has patience waits until the other process lets go, and then does what it was
// to do, once.
func TestBusyIsWaitedOut(t *testing.T) {
	for name := range inRun(nil) {
		s, _ := newStore(t)
		addAll(t, s, "P001")
		hasty(t, s)
		other, tries := held(t, s), 0
		s.WaitUpTo(time.Hour, func() {
			if tries++; tries == 3 {
				other.Rollback()
			}
		})
		if err := inRun(s)[name](); err != nil || tries < 3 {
			t.Errorf("%s: %v after %d tries in vain, want nothing, and three at least", name, err, tries)
		}
	}
}

// A wait in vain is not repeated by everything that follows it; when the state is
// free, the next one is waited out again. A caller that is cancelled waits no more.
func TestBusyPatienceEnds(t *testing.T) {
	s, _ := newStore(t)
	hasty(t, s)
	other, tries := held(t, s), 0
	s.WaitUpTo(time.Hour, func() {
		if tries++; tries == 3 {
			s.db.patience.limit = 0 // whoever calls us has its lock
		}
	})
	lease := func(ctx context.Context) error {
		_, err := s.Lease("participant P001", "a").Take(ctx, time.Minute)
		return err
	}
	var busy *BusyError
	if err := lease(t.Context()); !errors.As(err, &busy) || tries == 0 {
		t.Fatalf("Lease: %v after %d tries in vain, want a *BusyError after some", err, tries)
	}
	s.WaitUpTo(time.Hour, func() { tries++ })
	tries = 0
	if err := lease(t.Context()); !errors.As(err, &busy) || tries > 0 {
		t.Errorf("the next Lease: %v after %d tries more, want a *BusyError at once", err, tries)
	}
	other.Rollback()
	if err := lease(t.Context()); err != nil {
		t.Fatalf("Lease when the state is free: %v", err)
	}
	held(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	s.WaitUpTo(time.Hour, cancel)
	if err := lease(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a lease that was cancelled: %v, want that", err)
	}
}

// Who is interrupted does not wait until the other process lets go, whether to write,
// to read or to open the state.
func TestBusyIsInterrupted(t *testing.T) {
	s, _ := newStore(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := openDatabase(s.db.path, fileURL(s.db.path, map[string][]string{"_pragma": {"locking_mode(exclusive)"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "insert into meta values ('a', 'b')"); err != nil {
		t.Fatal(err)
	}
	var files [2]database // one that cannot be opened is closed
	for i := range files {
		if files[i], err = openDatabase(s.db.path, dsn(s.db.path)); err != nil {
			t.Fatal(err)
		}
		defer files[i].Close()
	}
	waits := &Store{Now: time.Now, db: files[1]}
	for name, wait := range map[string]func(context.Context) error{
		"open":  files[0].ready,
		"read":  func(ctx context.Context) error { _, err := schemaVersion(ctx, waits); return err },
		"write": func(ctx context.Context) error { return waits.Write(ctx, func(*sql.Tx) error { return nil }) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > busyTimeout/2 {
			t.Errorf("%s: %v after %v, want the end of the context at once", name, err, time.Since(began))
		}
		cancel()
	}
}

// Opening a state that nobody else may read either is the same error.
func TestOpenBusy(t *testing.T) {
	s, _ := newStore(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := openDatabase(s.db.path, fileURL(s.db.path, map[string][]string{"_pragma": {"locking_mode(exclusive)"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.ExecContext(t.Context(), "insert into meta values ('a', 'b')"); err != nil {
		t.Fatal(err)
	}
	again, err := openDatabase(s.db.path, fileURL(s.db.path, nil))
	if err != nil {
		t.Fatal(err)
	}
	again.patience.least = 0
	var busy *BusyError
	if err := again.ready(t.Context()); !errors.As(err, &busy) {
		t.Errorf("opening the state: %v, want a *BusyError", err)
	}
}

// The trail can be read while another process holds the state, and is what belongs
// together also when lines come in while it is read.
func TestTrailIsReadWithoutTheLock(t *testing.T) {
	s, path := acted(t, 3)
	hasty(t, s)
	other := held(t, s)
	if lines, err := s.Trail(t.Context()); err != nil || len(lines) != 3 {
		t.Errorf("Trail beside a writer: %d lines, %v, want 3", len(lines), err)
	}
	other.Rollback()
	writer, err := Open(t.Context(), filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, when := range []string{"before", "after"} {
		more := 3
		s.readFile = func(path string) ([]byte, error) {
			text, err := os.ReadFile(path)
			if more > 0 {
				more--
				err = errors.Join(err, writer.Audit(t.Context(), Act{Subject: "thing", ParticipantID: fmt.Sprint(when, more)}))
				if when == "before" {
					text, _ = os.ReadFile(path)
				}
			}
			return text, err
		}
		lines, err := s.Trail(t.Context())
		if err != nil || !slices.ContainsFunc(lines, func(l AuditLine) bool { return l.ParticipantID == when+"0" }) {
			t.Errorf("Trail with lines that came %s the file was read: %d lines, %v", when, len(lines), err)
		}
	}
}
