package lake

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/raw"
)

func finish(t testing.TB, c *Commit) Manifest {
	t.Helper()
	m, err := c.Finish(t.Context(), Manifest{Run: "run", Program: "test", LogPosition: raw.Position{Segment: 1, Offset: 2}})
	if err != nil {
		t.Fatalf("Finish: %v", err)
	}
	return m
}

func current(t testing.TB, l *Lake) Manifest {
	t.Helper()
	m, err := l.Current()
	if err != nil {
		t.Fatalf("Current: %v", err)
	}
	return m
}

func TestCommit(t *testing.T) {
	l := locked(t)
	if m := current(t, l); m.Snapshot != 0 || len(m.Files) != 0 {
		t.Fatalf("Current of an empty lake = %+v, want the zero Manifest", m)
	}
	chance := rand.New(rand.NewPCG(1, 1))
	c := l.Begin(Manifest{})
	old := write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 10, chance))
	kept := write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 3, chance))
	c.Add(old, kept, File{})
	first := finish(t, c)
	c = l.Begin(first)
	replacement := write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 12, chance))
	c.Replace([]File{old}, replacement)
	second := finish(t, c)

	want := Manifest{
		Format: Format, Snapshot: 2, Parent: 1, ParentSHA256: second.ParentSHA256, Run: "run", Program: "test", CreatedAt: second.CreatedAt,
		LogPosition: raw.Position{Segment: 1, Offset: 2}, Tables: Manifest{}.VersionsOnTop(),
		Files: []File{replacement, kept},
	}
	if diff := cmp.Diff(want, current(t, l)); diff != "" {
		t.Errorf("Current (-want +got):\n%s", diff)
	}
	if sum, _, err := l.ManifestSHA256(ID{Number: 1}); err != nil || sum != second.ParentSHA256 {
		t.Errorf("snapshot 2 names a parent with SHA-256 %s, it is %s, %v", second.ParentSHA256, sum, err)
	}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("Finish (-want +got):\n%s", diff)
	}
	again, err := l.Manifest(1)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("Manifest(1): %v (-want +got):\n%s", err, diff)
	}
	if all, err := l.Manifests(); err != nil || !slices.Equal(all, []int64{1, 2}) {
		t.Errorf("Manifests() = %v, %v; want 1, 2", all, err)
	}
	if err := l.Check(old); err != nil {
		t.Errorf("file of snapshot 1 after it was replaced: %v", err)
	}
	if n := second.Rows("egvs"); n != 12 {
		t.Errorf("Rows(egvs) = %d, want 12", n)
	}
}

// The lock keeps commits apart; if it does not, the second one stops.
func TestConflict(t *testing.T) {
	l := locked(t)
	one, two := l.Begin(Manifest{}), l.Begin(Manifest{})
	first := finish(t, one)
	_, err := two.Finish(t.Context(), Manifest{Run: "two"})
	var conflict *ConflictError
	if !errors.As(err, &conflict) || conflict.Snapshot != 1 {
		t.Errorf("second Finish on the same parent = %v, want a ConflictError of snapshot 1", err)
	}
	if diff := cmp.Diff(first, current(t, l)); diff != "" {
		t.Errorf("Current after the conflict (-want +got):\n%s", diff)
	}
}

func TestCommitNeedsLock(t *testing.T) {
	l := open(t)
	c := l.Begin(Manifest{})
	if _, err := c.Create(tableNamed(t, "runs"), "", ""); !errors.Is(err, ErrNotLocked) {
		t.Errorf("Create without the lock = %v, want ErrNotLocked", err)
	}
	if _, err := c.Finish(t.Context(), Manifest{}); !errors.Is(err, ErrNotLocked) {
		t.Errorf("Finish without the lock = %v, want ErrNotLocked", err)
	}
}

func TestFinishCancelled(t *testing.T) {
	l := locked(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Begin(Manifest{}).Finish(ctx, Manifest{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Finish with a cancelled context = %v, want context.Canceled", err)
	}
	if m := current(t, l); m.Snapshot != 0 {
		t.Errorf("snapshot after a cancelled Finish = %d, want none", m.Snapshot)
	}
}

// steps are where a commit of two files may be interrupted, in order, and
// whether it counts if it is.
var steps = []struct {
	name    string
	nth     int
	commits bool
}{
	{"load.file_written", 1, false}, {"load.file_synced", 1, false}, {"load.file_written", 2, false}, {"load.file_synced", 2, false},
	{"load.files_renamed", 1, false}, {"load.folders_synced", 1, false}, {"load.manifest_written", 1, false}, {"load.manifest_linked", 1, true},
}

// Whoever dies between any two steps of a commit leaves the old snapshot or
// the new one, whole, and nothing else once the lock is taken again.
func TestKilled(t *testing.T) {
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			root := t.TempDir()
			first := firstSnapshot(t, reopen(t, root))
			killed(t, reopen(t, root), first, step.name, step.nth)

			l := reopen(t, root)
			m := current(t, l)
			if committed := m.Snapshot == 2; committed != step.commits {
				t.Fatalf("killed at %s %d: snapshot %d is current", step.name, step.nth, m.Snapshot)
			}
			if !step.commits {
				if diff := cmp.Diff(first, m); diff != "" {
					t.Errorf("Current (-want +got):\n%s", diff)
				}
			}
			checkLake(t, l)
			lock(t, l)
			checkSwept(t, l)
			checkLake(t, l)
			finish(t, l.Begin(current(t, l)))
		})
	}
}

func firstSnapshot(t *testing.T, l *Lake) Manifest {
	g := lock(t, l)
	defer g.Unlock()
	c := l.Begin(Manifest{})
	c.Add(write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 10, rand.New(rand.NewPCG(1, 1)))))
	return finish(t, c)
}

// killed starts a commit that replaces the only file by two and dies at a step:
// nothing after it happens, neither the rest of the commit nor any clean-up.
func killed(t *testing.T, l *Lake, parent Manifest, name string, nth int) {
	lock(t, l)
	type death struct{}
	defer func() {
		if r := recover(); r != (death{}) {
			t.Fatalf("step %s %d never came: %v", name, nth, r)
		}
		l.held.Close() // as the kernel does
		l.held = nil
	}()
	l.step = func(step string) error {
		if step == name {
			nth--
		}
		if nth == 0 {
			panic(death{})
		}
		return nil
	}
	chance := rand.New(rand.NewPCG(2, 2))
	c := l.Begin(parent)
	one := write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 20, chance))
	two := write(t, c, tableNamed(t, "glucose"), some(tableNamed(t, "glucose"), 20, chance))
	c.Replace(parent.Files, one, two)
	finish(t, c)
}

// checkLake checks every file of every snapshot.
func checkLake(t *testing.T, l *Lake) {
	t.Helper()
	for _, f := range slices.Collect(maps.Values(referred(t, l))) {
		if err := l.Check(f); err != nil {
			t.Errorf("Check: %v", err)
		}
		readAll(t, l, f, ReadOptions{})
	}
}

func referred(t *testing.T, l *Lake) map[string]File {
	t.Helper()
	all, err := l.Manifests()
	if err != nil {
		t.Fatalf("Manifests: %v", err)
	}
	files := map[string]File{}
	for _, n := range all {
		m, err := l.Manifest(n)
		if err != nil {
			t.Fatalf("Manifest(%d): %v", n, err)
		}
		for _, f := range m.Files {
			files[f.Path] = f
		}
	}
	return files
}

// An error at any step, such as a full disk, leaves the old snapshot too, and
// no staged file.
func TestStepFails(t *testing.T) {
	full := errors.New("disk full")
	for _, step := range steps[:len(steps)-1] {
		t.Run(step.name, func(t *testing.T) {
			l := locked(t)
			l.step = func(name string) error {
				if name == step.name {
					return full
				}
				return nil
			}
			c := l.Begin(Manifest{})
			w, err := c.Create(tableNamed(t, "runs"), "", "")
			if err != nil {
				t.Fatalf("Create: %v", err)
			}
			rows := some(tableNamed(t, "runs"), 3, rand.New(rand.NewPCG(1, 1)))
			defer rows.Release()
			if err := w.Write(rows); err != nil {
				t.Fatalf("Write: %v", err)
			}
			f, err := w.Close()
			if err == nil {
				c.Add(f)
				_, err = c.Finish(t.Context(), Manifest{})
			}
			if !errors.Is(err, full) {
				t.Errorf("commit with a failing %s = %v, want its error", step.name, err)
			}
			if m := current(t, l); m.Snapshot != 0 {
				t.Errorf("snapshot afterwards = %d, want none", m.Snapshot)
			}
			if staged, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(staged) != 0 {
				t.Errorf("staged files afterwards: %v", staged)
			}
			l.step = nil
			if m := finish(t, c); m.Snapshot != 1 {
				t.Errorf("Finish once there is room = snapshot %d, want 1", m.Snapshot)
			}
		})
	}
}

// What a manifest refers to is durable before the manifest is, and that before
// Finish returns: content first, then every folder on the way to a new name.
func TestDurableInOrder(t *testing.T) {
	root := t.TempDir()
	l := reopen(t, root)
	var synced []string
	l.sync = func(f *os.File) error {
		name, err := filepath.Rel(root, f.Name())
		synced = append(synced, filepath.ToSlash(name))
		return err
	}
	l.step = func(step string) error {
		synced = append(synced, "("+step+")")
		return nil
	}
	lock(t, l)
	c := l.Begin(Manifest{})
	c.Add(write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 3, rand.New(rand.NewPCG(1, 1)))))
	finish(t, c)
	slices.Sort(synced[4:8]) // in any order
	want := []string{
		"(load.file_written)", "data/.staging/1.parquet", "(load.file_synced)",
		"(load.files_renamed)", ".", "data", "data/egvs", "data/egvs/month=2026-03",
		"(load.folders_synced)", "manifests/.000000000001.json", "(load.manifest_written)", "(load.manifest_linked)", "manifests",
	}
	slices.Sort(want[4:8])
	if diff := cmp.Diff(want, synced); diff != "" {
		t.Errorf("durable, in order (-want +got):\n%s", diff)
	}
}
