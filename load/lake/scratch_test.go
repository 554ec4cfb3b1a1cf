package lake

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// built is a scratch lake of l with two snapshots, of which the second shares
// its first file with l's.
func built(t *testing.T, l *Lake) (*Scratch, Manifest) {
	t.Helper()
	s, err := l.Scratch(t.Context())
	if err != nil {
		t.Fatalf("Scratch: %v", err)
	}
	c := s.Begin(Manifest{})
	shared := write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 10, rand.New(rand.NewPCG(1, 1))))
	old := write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 2, rand.New(rand.NewPCG(3, 3))))
	c.Add(shared, old)
	first := finish(t, c)
	c = s.Begin(first)
	c.Replace([]File{old}, write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 3, rand.New(rand.NewPCG(4, 4)))))
	second := finish(t, c)
	if _, err := s.dir.Stat(old.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("scratch lake still has a file of its first snapshot: %v", err)
	}
	if all, err := s.Manifests(); err != nil || len(all) != 1 {
		t.Errorf("scratch lake has manifests %v, %v; want the newest only", all, err)
	}
	return s, second
}

// What the lake has already is shared; what is damaged becomes whole.
func TestAdopt(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		l := open(t)
		first := firstSnapshot(t, l)
		second := firstSnapshotReplaced(t, l, first)
		lock(t, l)
		shared := first.Files[0].Path
		if damaged {
			overwrite(t, l, shared, []byte("damaged"))
		}
		before, err := l.dir.Stat(shared)
		if err != nil {
			t.Fatal(err)
		}
		adoptBuilt(t, l, second)
		after, err := l.dir.Stat(shared)
		if err != nil || os.SameFile(before, after) == damaged {
			t.Errorf("damaged %v: the file both lakes have is the same one afterwards: %v, %v; want %v", damaged, damaged, err, !damaged)
		}
		checkLake(t, l)
		checkSwept(t, l)
	}
}

func adoptBuilt(t *testing.T, l *Lake, second Manifest) {
	t.Helper()
	s, m := built(t, l)
	if diff := cmp.Diff(second, current(t, l)); diff != "" {
		t.Errorf("Current beside a scratch lake (-want +got):\n%s", diff)
	}
	c := l.Begin(second)
	if err := c.Adopt(t.Context(), s, m); err != nil {
		t.Fatalf("Adopt: %v", err)
	}
	adopted := finish(t, c)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if diff := cmp.Diff(m.Files, adopted.Files); diff != "" || adopted.Parent != 2 || adopted.Snapshot != 3 {
		t.Errorf("snapshot %d of parent %d, want 3 of 2; files (-scratch +adopted):\n%s", adopted.Snapshot, adopted.Parent, diff)
	}
}

// firstSnapshotReplaced makes snapshot 2, which has nothing of the first.
func firstSnapshotReplaced(t *testing.T, l *Lake, first Manifest) Manifest {
	t.Helper()
	g := lock(t, l)
	defer g.Unlock()
	c := l.Begin(first)
	c.Replace(first.Files, write(t, c, tableNamed(t, "glucose"), some(tableNamed(t, "glucose"), 5, rand.New(rand.NewPCG(5, 5)))))
	return finish(t, c)
}

// Whoever dies while it builds or adopts a scratch lake leaves the old snapshot
// or the new one, whole, and nothing else once the lock is taken again.
func TestKilledAdopting(t *testing.T) {
	for _, step := range []struct {
		name    string
		commits bool
	}{{"scratch", false}, {"load.file_adopted", false}, {"load.folders_synced", false}, {"load.manifest_written", false}, {"load.manifest_linked", true}} {
		t.Run(step.name, func(t *testing.T) {
			root := t.TempDir()
			first := firstSnapshot(t, reopen(t, root))
			killedAdopting(t, reopen(t, root), first, step.name)

			l := reopen(t, root)
			m := current(t, l)
			if committed := m.Snapshot == 2; committed != step.commits {
				t.Fatalf("killed at %s: snapshot %d is current", step.name, m.Snapshot)
			}
			checkLake(t, l)
			lock(t, l)
			checkSwept(t, l)
			checkLake(t, l)
		})
	}
}

func killedAdopting(t *testing.T, l *Lake, parent Manifest, name string) {
	lock(t, l)
	type death struct{}
	defer func() {
		if r := recover(); r != (death{}) {
			t.Fatalf("step %s never came: %v", name, r)
		}
		l.held.Close() // as the kernel does
		l.held = nil
	}()
	s, m := built(t, l)
	defer s.held.Close()
	l.step = func(step string) error {
		if step == name {
			panic(death{})
		}
		return nil
	}
	if name == "scratch" {
		panic(death{})
	}
	c := l.Begin(parent)
	if err := c.Adopt(t.Context(), s, m); err != nil {
		t.Fatalf("Adopt: %v", err)
	}
	finish(t, c)
}

func TestScratchNeedsLock(t *testing.T) {
	if _, err := open(t).Scratch(t.Context()); !errors.Is(err, ErrNotLocked) {
		t.Errorf("Scratch without the lock = %v, want ErrNotLocked", err)
	}
}
