package lake

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

// checkSwept checks that there are no files but manifests, their data files
// and the lock.
func checkSwept(t *testing.T, l *Lake) {
	t.Helper()
	files := referred(t, l)
	err := fs.WalkDir(l.dir.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == lockFile || filepath.Ext(name) == ".json" && e.Name()[0] != '.' {
			return err
		}
		if _, ok := files[name]; !ok {
			t.Errorf("left over: %s", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A manifest that cannot be read may refer to any file: none is swept but
// those that are only staged.
func TestSweepSparesFilesOfDamagedManifests(t *testing.T) {
	root := t.TempDir()
	l := reopen(t, root)
	f := firstSnapshot(t, l).Files[0]
	overwrite(t, l, manifestPath(1), []byte("{}"))
	if err := l.dir.WriteFile(stagingDir+"/1.parquet", nil, 0o444); err != nil {
		t.Fatal(err)
	}
	lock(t, l)
	if staged, _ := fs.ReadDir(l.dir.FS(), stagingDir); len(staged) != 0 {
		t.Errorf("staged files after a sweep: %v", staged)
	}
	if err := l.Check(f); err != nil {
		t.Errorf("data file after a sweep with a damaged manifest: %v", err)
	}
}

func overwrite(t *testing.T, l *Lake, name string, content []byte) {
	t.Helper()
	if err := l.dir.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := l.dir.WriteFile(name, content, 0o444); err != nil {
		t.Fatal(err)
	}
}

// Half-made snapshots go, made ones stay.
func TestSweepHalfMadeSnapshots(t *testing.T) {
	l := open(t)
	for _, name := range []string{"snapshots/000001/glucose", "snapshots/.000002/glucose"} {
		if err := l.dir.MkdirAll(name, dirMode); err != nil {
			t.Fatal(err)
		}
	}
	lock(t, l)
	left, err := fs.ReadDir(l.dir.FS(), snapshotDir)
	if err != nil || len(left) != 1 || left[0].Name() != "000001" {
		t.Errorf("snapshots after a sweep = %v, %v; want 000001", left, err)
	}
}

// Where a manifest is gone or set aside, its data files are no orphans: it may come back.
func TestSweepSparesFilesOfLostManifests(t *testing.T) {
	drop := func(t *testing.T, l *Lake, n int64) {
		if err := l.dir.Remove(manifestPath(n)); err != nil {
			t.Fatal(err)
		}
	}
	for name, lose := range map[string]func(t *testing.T, l *Lake){
		"all, with folders":      func(t *testing.T, l *Lake) { drop(t, l, 1); drop(t, l, 2); l.dir.MkdirAll("snapshots/000002", dirMode) },
		"the newest, folder":     func(t *testing.T, l *Lake) { drop(t, l, 2); l.dir.MkdirAll("snapshots/000002", dirMode) },
		"the newest, latest":     func(t *testing.T, l *Lake) { drop(t, l, 2); l.dir.Symlink("snapshots/000002", "latest") },
		"the newest, set aside":  func(t *testing.T, l *Lake) { l.SetAside(2, "it is odd", "test") },
		"set aside and followed": func(t *testing.T, l *Lake) { l.SetAside(2, "it is odd", "test"); finish(t, l.Begin(current(t, l))) },
		"all, long ago": func(t *testing.T, l *Lake) {
			drop(t, l, 1)
			drop(t, l, 2)
			l.dir.RemoveAll(damagedDir)
			for name := range files(t, l) {
				old := time.Now().Add(-2 * sweepSlack)
				if err := l.dir.Chtimes(name, old, old); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := locked(t)
			c := l.Begin(Manifest{})
			c.Add(write(t, c, tableNamed(t, "egvs"), some(tableNamed(t, "egvs"), 10, rand.New(rand.NewPCG(1, 1)))))
			c = l.Begin(finish(t, c))
			c.Add(write(t, c, tableNamed(t, "runs"), some(tableNamed(t, "runs"), 3, rand.New(rand.NewPCG(2, 2)))))
			finish(t, c)
			before := files(t, l)
			lose(t, l)
			if err := l.Sweep(); err != nil {
				t.Fatal(err)
			}
			if after := files(t, l); len(before) != 2 || !maps.Equal(before, after) {
				t.Errorf("data files after a sweep: %v, before %v", after, before)
			}
		})
	}
}

func files(t *testing.T, l *Lake) map[string]bool {
	t.Helper()
	found, err := l.dataFiles(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A first commit that was killed leaves nothing, though there is no manifest yet.
func TestSweepFirstCommit(t *testing.T) {
	l := locked(t)
	write(t, l.Begin(Manifest{}), tableNamed(t, "runs"), some(tableNamed(t, "runs"), 3, rand.New(rand.NewPCG(2, 2))))
	if err := l.Sweep(); err != nil || len(files(t, l)) > 0 {
		t.Errorf("data files after a sweep: %v, %v; want none", files(t, l), err)
	}
}
