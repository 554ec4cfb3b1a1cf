package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// While the raw log is damaged too, a repair changes nothing that a backup could bring
// back: with either of the files restored, the same command goes on.
func TestRepairWithoutLog(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 29, Participants: 2, Days: 3, End: demoNow, Reusable: true}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	want, newest := b.contentOf(), b.manifest()
	s := b.save()
	in := func(name string) string { return filepath.Join(b.dir, "lake", name) }
	flip := func(t *testing.T, name string, at int) (restore func()) {
		t.Helper()
		sound, err := os.ReadFile(in(name))
		if err != nil {
			t.Fatal(err)
		}
		put := func(content []byte) { // with all its links
			if err := os.Chmod(in(name), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(in(name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		harmed := append([]byte(nil), sound...)
		harmed[at] ^= 4
		put(harmed)
		return func() { put(sound) }
	}
	const segment = "raw/2026/04/0000000001.seg"
	first := manifestOf(t, in(""), 1)
	fails := func(t *testing.T, file string) {
		t.Helper()
		if code, out, stderr := b.run("repair"); code != exitDamage || !strings.Contains(out, file) || !strings.Contains(stderr, "restore lake/raw") {
			t.Errorf("repair: exit %d, want 7 for %s\n%s%s", code, file, out, stderr)
		}
	}
	whole := func(t *testing.T) {
		t.Helper()
		if v, code := b.verdict(); code != exitDone {
			t.Errorf("verify: exit %d, %+v", code, v.Damaged)
		}
		if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in the end:\n got  %v\n want %v", got, want)
		}
	}
	t.Run("manifest", func(t *testing.T) {
		s.back(t)
		for n := int64(2); n < newest.Snapshot; n++ { // of those between it could go on
			if err := os.Remove(in(lake.ManifestPath(n))); err != nil {
				t.Fatal(err)
			}
		}
		name := lake.ManifestPath(newest.Snapshot)
		manifest := flip(t, name, 100)
		log := flip(t, segment, offsetAfter(t, in(segment), first.LogPosition))
		fails(t, name)
		if _, err := os.Stat(in(name)); err != nil {
			t.Errorf("the manifest after a repair: %v", err)
		}
		manifest()
		if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("with the manifest restored:\n got  %v\n want %v", got, want)
		}
		flip(t, name, 100)
		log()
		b.must("repair")
		whole(t)
	})
	t.Run("data", func(t *testing.T) {
		s.back(t)
		name := newest.TableFiles("egvs")[0].Path
		file, log := flip(t, name, 100), flip(t, segment, 1000)
		fails(t, name)
		if m, err := os.Stat(in(lake.ManifestPath(newest.Snapshot + 1))); err == nil {
			t.Errorf("a repair committed %s", m.Name())
		}
		file()
		log()
		whole(t)
	})
	t.Run("killed when the manifest was aside", func(t *testing.T) {
		s.back(t)
		l, err := lake.Open(in(""))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test"})
		if err != nil {
			t.Fatal(err)
		}
		for n := newest.Snapshot; n > 1; n-- {
			if err := l.SetAside(n, "it is odd", "test"); err != nil {
				t.Fatal(err)
			}
		}
		if err := guard.Unlock(); err != nil {
			t.Fatal(err)
		}
		b.must("repair")
		whole(t)
	})
}

func manifestOf(t testing.TB, dir string, n int64) lake.Manifest {
	t.Helper()
	l, err := lake.OpenToRead(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := l.Manifest(n)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// offsetAfter is an offset in the only segment of a log, after a position.
func offsetAfter(t *testing.T, segment string, from raw.Position) int {
	t.Helper()
	info, err := os.Stat(segment)
	if err != nil || from.Segment > 1 || info.Size() < from.Offset+1000 {
		t.Fatalf("nothing in the log behind %v: %v, %v", from, info, err)
	}
	return int(from.Offset) + 500
}
