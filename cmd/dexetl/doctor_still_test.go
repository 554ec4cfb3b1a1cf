package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// footprint is all that lies in a folder: content, mode and time of every name.
func footprint(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[name] = fmt.Sprint(info.Mode(), " ", info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			all[name] += fmt.Sprintf(" %x", sha256.Sum256(content))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The doctor changes nothing: not a byte and not a time of anything in the study
// folder, whatever state it is in and whoever uses it.
func TestDoctorChangesNothing(t *testing.T) {
	oneAfterTheOther(t)
	aside := t.TempDir()
	t.Setenv("TMPDIR", aside)
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2})
	fresh := openBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2, End: demoNow}, demoNow)
	b.must("backfill")
	in := func(parts ...string) string { return filepath.Join(append([]string{b.dir}, parts...)...) }
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("left by a crash"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name    string
		bench   *bench
		prepare func(t *testing.T)
		says    string
	}{
		{"a new study", fresh, func(*testing.T) {}, "nothing loaded yet"},
		{"a loaded one", b, func(*testing.T) {}, "load lock .* free"},
		{"leftovers of a crash", b, func(t *testing.T) {
			write(in("lake/data/.staging/7.parquet"))
			write(in("lake/manifests/.000000000009.json"))
			write(in("lake/data/egvs/orphan.parquet"))
			if err := os.Mkdir(in("lake/snapshots/.000009"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(in("lake/load.lock"))
		}, "load lock .* free"},
		{"another process loads", b, func(t *testing.T) {
			l, err := lake.Open(in("lake"))
			if err != nil {
				t.Fatal(err)
			}
			guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "dexetl sync", Since: b.now})
			if err != nil {
				t.Fatal(err)
			}
			write(in("lake/data/.staging/8.parquet"))
			t.Cleanup(func() { guard.Unlock(); l.Close() })
		}, `load lock .* process \d+ \(dexetl sync\)`},
		{"nothing in the way of a clean end", b, func(t *testing.T) {
			if err := os.RemoveAll(in("lake/data/.staging")); err != nil {
				t.Fatal(err)
			}
		}, "all [0-9]+ files are there"},
		{"a line of the audit trail that waits", b, func(t *testing.T) {
			s, err := state.Open(t.Context(), in("state"))
			if err != nil {
				t.Fatal(err)
			}
			trail := in("state", state.AuditFile)
			if err := os.Chmod(trail, 0o400); err != nil {
				t.Fatal(err)
			}
			_ = s.Audit(t.Context(), state.Act{Subject: "roster"}) // where root may write all the same, none waits
			if err := os.Chmod(trail, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}, "audit trail .* all as written"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.prepare(t)
			test.bench.t = t
			before := footprint(t, test.bench.dir)
			_, out, stderr := test.bench.run("doctor")
			if diff := cmp.Diff(before, footprint(t, test.bench.dir)); diff != "" {
				t.Errorf("doctor changed (-before +after):\n%s", diff)
			}
			if !regexp.MustCompile(test.says).MatchString(out) {
				t.Errorf("doctor does not say %q:\n%s%s", test.says, out, stderr)
			}
			if left, err := os.ReadDir(aside); err != nil || len(left) > 0 {
				t.Errorf("left aside: %v, %v; want nothing", left, err)
			}
		})
	}
}
