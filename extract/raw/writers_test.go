package raw

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Readers wait for a group that is being written: they see it whole.
func TestReadersWaitForWriters(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	mustAppend(t, l, header("a"), nil)
	mustAppend(t, l, header("b"), nil)
	path := lastSegment(t, dir)
	whole, err := os.ReadFile(path)
	must(t, err)
	writer, err := openLock(dir)
	must(t, err)
	must(t, flock(writer, syscall.LOCK_EX))
	must(t, os.Truncate(path, int64(len(whole)-1)))
	started, got := make(chan bool), make(chan string)
	go func() {
		close(started)
		ids, _, err := read(l, Position{})
		got <- fmt.Sprint(ids, err)
	}()
	<-started
	for range 1000 {
		runtime.Gosched()
	}
	overwrite(t, path, whole)
	must(t, writer.Close())
	if s := <-got; s != "[a b] <nil>" {
		t.Errorf("Entries while a group was being written: %s, want both entries", s)
	}
}

// A group of appends goes to as many segments as it needs.
func TestGroupSpansSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.maxSegment = 3000
	var group []*pending
	for i := range 30 {
		p, err := l.encode(header(fmt.Sprint(i)), nil)
		must(t, err)
		group = append(group, p)
	}
	l.writeGroup(group)
	n := 0
	for e, err := range l.Entries(Position{}) {
		must(t, err)
		if p := group[n]; p.err != nil || p.entry.Position != e.Position || p.entry.RequestID != e.RequestID {
			t.Errorf("entry %s at %s; append %d says %s at %s, %v", e.RequestID, e.Position, n, p.entry.RequestID, p.entry.Position, p.err)
		}
		n++
	}
	list, err := segments(dir)
	must(t, err)
	for _, s := range list {
		if info, err := os.Stat(s.path); err != nil || info.Size() > l.maxSegment {
			t.Errorf("%s: %v, %v; want at most %d bytes", s.path, info, err, l.maxSegment)
		}
	}
	if n != len(group) || len(list) < 5 {
		t.Errorf("%d entries in %d segments, want %d in several", n, len(list), len(group))
	}
}

// What was not made durable is not acknowledged, not left behind, and does not
// keep the log from going on.
func TestFailedSync(t *testing.T) {
	l := open(t, t.TempDir())
	mustAppend(t, l, header("a"), nil)
	broken := errors.New("no space left on device")
	l.Fsync = func(*os.File) error { return broken }
	if _, err := l.Append(t.Context(), header("b"), nil); !errors.Is(err, broken) {
		t.Errorf("Append while fsync fails: %v, want %v", err, broken)
	}
	l.maxSegment = 1
	if _, err := l.Append(t.Context(), header("c"), nil); !errors.Is(err, broken) {
		t.Errorf("Append to a new segment while fsync fails: %v, want %v", err, broken)
	}
	l.Fsync = (*os.File).Sync
	mustAppend(t, l, header("d"), nil)
	if ids, _, err := read(l, Position{}); err != nil || strings.Join(ids, " ") != "a d" {
		t.Errorf("Entries = %v, %v; want a d", ids, err)
	}
}

// What a process wrote that was killed before its fsync can be read, so whoever
// builds upon it makes it durable.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	killed, l := open(t, dir), open(t, dir)
	if err := l.Sync(); err != nil {
		t.Errorf("Sync of an empty log: %v", err)
	}
	e := mustAppend(t, killed, header("a"), nil)
	var synced []string
	l.Fsync = func(f *os.File) error { synced = append(synced, f.Name()); return nil }
	if err := l.Sync(); err != nil || len(synced) != 1 || synced[0] != e.path {
		t.Errorf("Sync = %v, of %q; want %s durable", err, synced, e.path)
	}
	broken := errors.New("input/output error")
	l.Fsync = func(*os.File) error { return broken }
	if err := l.Sync(); !errors.Is(err, broken) {
		t.Errorf("Sync while fsync fails: %v, want %v", err, broken)
	}
}

// Who goes on with a segment that somebody else began makes its name durable, and
// those of its folders: a kill may have come before that, and a power cut after it
// would take what was appended since.
func TestNamesOfAKilledAppender(t *testing.T) {
	for name, begun := range map[string]bool{"folders": false, "segment": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			month := filepath.Join(dir, asked.Format("2006"), asked.Format("01"))
			must(t, os.MkdirAll(month, 0o700))
			if begun {
				must(t, os.WriteFile(filepath.Join(month, "0000000001.seg"), segmentHeader(1), 0o600))
			}
			l := open(t, dir)
			synced := map[string]bool{}
			l.Fsync = func(f *os.File) error { synced[f.Name()] = true; return nil }
			mustAppend(t, l, header("a"), nil)
			for _, folder := range []string{month, filepath.Dir(month), dir} {
				if !synced[folder] {
					t.Errorf("the names in %s are not durable; synced are %v", folder, synced)
				}
			}
		})
	}
}

// Appends at the same time are all there, once each, and share fsyncs without
// leaving anybody behind.
func TestConcurrentAppends(t *testing.T) {
	dir := t.TempDir()
	logs := []*Log{open(t, dir), open(t, dir)}
	for _, l := range logs {
		l.maxSegment = 20_000
	}
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := logs[i%2].Append(t.Context(), header(fmt.Sprint(i)), []byte(fmt.Sprint("body ", i))); err != nil {
				t.Errorf("Append(%d): %v", i, err)
			}
		})
	}
	wg.Wait()
	ids, bodies, err := read(logs[0], Position{})
	if err != nil || len(ids) != n {
		t.Fatalf("Entries: %d entries, %v; want %d", len(ids), err, n)
	}
	seen := map[string]bool{}
	for i, id := range ids {
		if seen[id] || bodies[i] != "body "+id {
			t.Errorf("entry %s: seen before %t, body %q", id, seen[id], bodies[i])
		}
		seen[id] = true
	}
}

// A caller that gives up is answered with its context's error only if nothing
// was written for it.
func TestCancelledAppendsAreWrittenOrNot(t *testing.T) {
	l := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(3, 4))
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	refused := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 300 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(8000))*time.Microsecond)
		wg.Go(func() {
			defer cancel()
			id := fmt.Sprint(i)
			_, err := l.Append(ctx, header(id), []byte(id))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acknowledged[id] = true
			} else if errors.Is(err, context.DeadlineExceeded) {
				refused[id] = true
			} else {
				t.Errorf("Append(%s): %v", id, err)
			}
		})
	}
	wg.Wait()
	ids, _, err := read(l, Position{})
	if err != nil || len(ids) != len(acknowledged) {
		t.Errorf("Entries: %d entries, %v; %d were acknowledged", len(ids), err, len(acknowledged))
	}
	for _, id := range ids {
		if !acknowledged[id] || refused[id] {
			t.Errorf("entry %s: acknowledged %t, refused %t", id, acknowledged[id], refused[id])
		}
	}
}

func TestCloseWaitsAndRefuses(t *testing.T) {
	l, err := Open(t.TempDir())
	must(t, err)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := l.Append(t.Context(), header(fmt.Sprint(i)), nil); err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("Append(%d): %v; want success or ErrClosed", i, err)
			}
		})
	}
	must(t, l.Close())
	must(t, l.Close())
	wg.Wait()
	if _, err := l.Append(t.Context(), header("late"), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v, want ErrClosed", err)
	}
}
