package lake

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// grown makes snapshots of which each has a file of its own beside those that it takes
// over: runs are written anew every time, egvs every third time.
func grown(t testing.TB, l *Lake, n int) {
	t.Helper()
	chance := rand.New(rand.NewPCG(7, 7))
	for i := range n {
		m := current(t, l)
		c := l.Begin(m)
		c.Replace(m.TableFiles("runs"), write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 3, chance)))
		if i%3 == 0 {
			c.Replace(m.TableFiles("egvs"), write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 5, chance)))
		}
		finish(t, c)
	}
}

func numbers(from, to int64) (ids []ID) {
	for n := from; n <= to; n++ {
		ids = append(ids, ID{Number: n})
	}
	return ids
}

// whole fails the test unless every manifest up to the newest is there with all of its
// files, or accounted for as gone.
func whole(t testing.TB, l *Lake, newest int64) {
	t.Helper()
	all, err := l.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	gone, err := l.Gone()
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= newest; n++ {
		_, isGone := gone.Of(n)
		if slices.Contains(all, n) == isGone {
			t.Errorf("snapshot %d: there %v, gone %v", n, slices.Contains(all, n), isGone)
		}
	}
	for _, n := range all {
		m, err := l.Manifest(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range m.Files {
			if err := l.Check(f); err != nil {
				t.Errorf("snapshot %d: %v", n, err)
			}
		}
	}
}

// onDisk are the data files that there are.
func onDisk(t testing.TB, l *Lake) int {
	t.Helper()
	all, err := l.idleFiles(nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Snapshots go with the files that nobody else has, and are accounted for.
func TestRemove(t *testing.T) {
	l := locked(t)
	grown(t, l, 9)
	if err := os.MkdirAll(filepath.Join(l.Path(), "snapshots", "000002", "runs"), 0o750); err != nil {
		t.Fatal(err)
	}
	remove := numbers(1, 5)
	would, err := l.Freed(remove)
	if err != nil {
		t.Fatal(err)
	}
	freed, err := l.Remove(remove, GoneCollected, nil)
	if err != nil {
		t.Fatalf("Remove: %v", err)
	}
	// 5 files of runs, and those of egvs of snapshot 1: that of 4 is still that of 6.
	if freed.Files != 6 || freed.Bytes == 0 || freed.Bytes != would.Bytes || freed.Files != would.Files || !slices.Equal(freed.Snapshots, remove) {
		t.Errorf("freed %+v, would have %+v, want 6 files and snapshots 1 to 5", freed, would)
	}
	whole(t, l, 9)
	gone, _ := l.Gone()
	if len(gone.Ranges) != 1 || gone.Ranges[0].First != 1 || gone.Ranges[0].Last != 5 || len(gone.Removing) > 0 {
		t.Errorf("gone: %+v", gone)
	}
	if _, err := l.dir.Stat("snapshots/000002"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder of snapshot 2: %v", err)
	}
	if n := onDisk(t, l); n != 4+2 {
		t.Errorf("%d files left, want 6", n)
	}
}

// A process may die anywhere: who takes the lock next ends what was begun, or takes it
// back, and nothing that stays lacks a file.
func TestRemoveKilled(t *testing.T) {
	for _, why := range []string{GoneCollected, GoneErased} {
		t.Run(why, func(t *testing.T) { removeKilled(t, why) })
	}
}

func removeKilled(t *testing.T, why string) {
	died := errors.New("died")
	for nth := 1; ; nth++ {
		l := locked(t)
		grown(t, l, 6)
		at, point := 0, ""
		l.step = func(p string) error {
			if at++; at == nth {
				point = p
				return died
			}
			return nil
		}
		_, err := l.Remove([]ID{{1, 0}, {2, 0}, {4, 0}}, why, nil)
		if err == nil {
			if nth < 15 {
				t.Errorf("only %d points", nth)
			}
			return
		}
		if !errors.Is(err, died) {
			t.Fatalf("point %d, %s: %v", nth, point, err)
		}
		accounted, err := l.Gone()
		if err != nil {
			t.Fatalf("%s: %v", point, err)
		}
		again := reopen(t, l.Path())
		if err := (&Guard{l}).Unlock(); err != nil {
			t.Fatal(err)
		}
		lock(t, again)
		t.Run(fmt.Sprint(nth, " ", point), func(t *testing.T) {
			whole(t, again, 6)
			left, _ := again.Manifests()
			want := 6 - 3*min(1, len(accounted.Ranges))
			if why == GoneCollected && (point == "gone.accounted" || point == "gone.hidden") {
				want = 6 // nothing had gone yet
			}
			if len(left) != want {
				t.Errorf("%d snapshots left, want %d", len(left), want)
			}
			if gone, _ := again.Gone(); len(gone.Removing) > 0 {
				t.Errorf("not ended: %v", gone.Removing)
			}
			if idle, err := again.Freed(nil); err != nil || idle.Files > 0 {
				t.Errorf("%d files of nobody, %v", idle.Files, err)
			}
		})
	}
}

// What was issued again comes back as well, and its number stays gone; what is half gone
// by a power cut goes.
func TestAbandon(t *testing.T) {
	l := locked(t)
	grown(t, l, 5)
	c := l.Begin(current(t, l))
	if _, err := c.Reissue(t.Context(), []HeldAnswer{{RequestID: "R"}}); err != nil {
		t.Fatal(err)
	}
	grown(t, l, 2)
	if _, err := l.Remove(numbers(5, 5), GoneErased, nil); err != nil {
		t.Fatal(err)
	}
	died := errors.New("died")
	l.step = func(point string) error {
		if point == "gone.accounted" {
			return died
		}
		return nil
	}
	if _, err := l.Remove([]ID{{1, 0}, {2, 0}, {3, 0}, {5, 1}}, GoneCollected, nil); !errors.Is(err, died) {
		t.Fatal(err)
	}
	hide := func(id ID) error { return l.dir.Rename(id.path(), id.hidden()) }
	if err := errors.Join(hide(ID{1, 0}), hide(ID{5, 1}), os.Remove(filepath.Join(l.Path(), manifestPath(2)))); err != nil {
		t.Fatal(err)
	}
	l.step = nil
	if err := l.Sweep(); err != nil {
		t.Fatal(err)
	}
	whole(t, l, 7)
	ids, err := l.IDs()
	if want := []ID{{1, 0}, {3, 0}, {4, 0}, {5, 1}, {6, 0}, {7, 0}}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("%v, %v, want %v", ids, err, want)
	}
	gone, _ := l.Gone()
	if r, _ := gone.Of(5); r.Why != GoneErased || len(gone.Removing) > 0 {
		t.Errorf("gone: %+v", gone)
	}
	if idle, err := l.Freed(nil); err != nil || idle.Files > 0 {
		t.Errorf("%d files of nobody, %v", idle.Files, err)
	}
}

// Whoever opens a snapshot at the last moment keeps it.
func TestRemoveSpares(t *testing.T) {
	l := locked(t)
	grown(t, l, 6)
	freed, err := l.Remove(numbers(1, 4), GoneCollected, func() ([]ID, error) { return []ID{{3, 0}, {6, 0}}, nil })
	if err != nil || !slices.Equal(freed.Snapshots, []ID{{1, 0}, {2, 0}, {4, 0}}) {
		t.Errorf("freed %+v, %v", freed, err)
	}
	whole(t, l, 6)
	died := errors.New("died")
	if _, err := l.Remove(numbers(3, 3), GoneCollected, func() ([]ID, error) { return nil, died }); !errors.Is(err, died) {
		t.Errorf("where nobody knows what is open: %v", err)
	}
	whole(t, l, 6)
	if gone, _ := l.Gone(); len(gone.Removing) > 0 {
		t.Errorf("begun: %v", gone.Removing)
	}
}

// A manifest that cannot be read may name any file: nothing goes.
func TestRemoveBesideDamage(t *testing.T) {
	l := locked(t)
	grown(t, l, 5)
	name := filepath.Join(l.Path(), manifestPath(4))
	before := onDisk(t, l)
	if err := errors.Join(os.Remove(name), os.WriteFile(name, []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Remove(numbers(1, 2), GoneCollected, nil); !isA[*DamageError](err) {
		t.Errorf("Remove: %v", err)
	}
	if all, _ := l.Manifests(); len(all) != 5 || onDisk(t, l) != before {
		t.Errorf("%d snapshots, %d files of %d left", len(all), onDisk(t, l), before)
	}
	if err := l.putGone(Gone{Ranges: []GoneRange{{1, 1, GoneCollected, time.Time{}}}, Removing: []string{"1"}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Sweep(); err != nil {
		t.Errorf("Sweep beside damage: %v", err)
	}
	if onDisk(t, l) != before {
		t.Errorf("Sweep removed files")
	}
}

// A manifest that is lost may come back, and want its files: nothing is collected until it
// is set aside. What is erased goes nevertheless.
func TestRemoveBesideLost(t *testing.T) {
	l := locked(t)
	grown(t, l, 6)
	before := onDisk(t, l)
	if err := os.Remove(filepath.Join(l.Path(), manifestPath(3))); err != nil {
		t.Fatal(err)
	}
	_, lost := l.Freed(numbers(1, 1))
	if _, err := l.Remove(numbers(1, 1), GoneCollected, nil); !errors.Is(err, os.ErrNotExist) || !errors.Is(lost, os.ErrNotExist) || !isA[*DamageError](err) {
		t.Errorf("Remove: %v, Freed: %v", err, lost)
	}
	if all, _ := l.Manifests(); len(all) != 5 || onDisk(t, l) != before {
		t.Errorf("%d snapshots, %d files of %d left", len(all), onDisk(t, l), before)
	}
	if _, err := l.Remove(numbers(1, 1), GoneErased, nil); err != nil {
		t.Errorf("erased: %v", err)
	}
	if err := l.SetAside(3, "lost", "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Remove(numbers(2, 2), GoneCollected, nil); err != nil {
		t.Errorf("with the lost one set aside: %v", err)
	}
}

// What is beside the data files is not ours.
func TestRemoveLeavesOthers(t *testing.T) {
	l := locked(t)
	grown(t, l, 3)
	for _, name := range []string{"data/README", "data/egvs/month=2026-03/notes.parquet", "data/mine/0123456789abcdef.csv"} {
		full := filepath.Join(l.Path(), name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Remove(numbers(1, 1), GoneCollected, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/README", "data/egvs/month=2026-03/notes.parquet", "data/mine/0123456789abcdef.csv"} {
		if _, err := l.dir.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// A snapshot is marked when it is opened; old marks go.
func TestOpened(t *testing.T) {
	l := locked(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l.Now = func() time.Time { return now }
	grown(t, l, 3)
	for _, n := range []int64{1, 3} {
		if err := l.MarkOpened(ID{Number: n}); err != nil {
			t.Errorf("MarkOpened(%d): %v", n, err)
		}
	}
	if err := l.MarkOpened(ID{Number: 4}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("MarkOpened of one that is not there: %v", err)
	}
	now = now.Add(23 * time.Hour)
	if err := l.MarkOpened(ID{Number: 3}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Hour)
	if err := l.SweepOpened(); err != nil {
		t.Fatal(err)
	}
	open, err := l.Opened()
	if err != nil || !slices.Equal(open, []ID{{3, 0}}) {
		t.Errorf("opened: %v, %v, want 3", open, err)
	}
	if err := os.Chmod(filepath.Join(l.Path(), openedDir), 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(l.Path(), openedDir), 0o700)
	if err := l.MarkOpened(ID{Number: 2}); err != nil {
		t.Errorf("where nothing can be marked: %v", err)
	}
}
