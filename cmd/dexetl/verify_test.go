package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// damages are harms to a file among others of its kind.
func damages() map[string]func(path, other string) error {
	change := func(path string, to func([]byte) []byte) error {
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.Remove(path) // links to it stay whole
		}
		if err == nil {
			err = os.WriteFile(path, to(content), 0o600)
		}
		return err
	}
	return map[string]func(path, other string) error{
		"gone":    func(path, _ string) error { return os.Remove(path) },
		"cut":     func(path, _ string) error { return change(path, func(b []byte) []byte { return b[:len(b)/2] }) },
		"flipped": func(path, _ string) error { return change(path, func(b []byte) []byte { b[len(b)/3] ^= 4; return b }) },
		"rotten": func(path, _ string) error { // with all its links
			content, err := os.ReadFile(path)
			if err == nil {
				err = os.Chmod(path, 0o600)
			}
			if err == nil {
				content[len(content)/3] ^= 4
				err = os.WriteFile(path, content, 0o600)
			}
			return err
		},
		"swapped": func(path, other string) error {
			content, err := os.ReadFile(other)
			if err != nil {
				return err
			}
			return change(path, func([]byte) []byte { return content })
		},
	}
}

// A verified is what verify --json says.
type verified struct {
	Sound   bool
	Damaged []struct{ Kind, File, Reason string }
}

// verdict runs verify.
func (b *bench) verdict() (v verified, code int) {
	b.t.Helper()
	code, out, stderr := b.run("verify", "--json")
	text, _, _ := strings.Cut(out, "\n}\n") // the error comes behind it
	if err := json.Unmarshal([]byte(text+"\n}"), &v); err != nil {
		b.t.Fatalf("verify --json: exit %d, %v\n%s%s", code, err, out, stderr)
	}
	if v.Sound != (code == exitDone) || !v.Sound && code != exitDamage {
		b.t.Errorf("verify: sound %v with exit %d", v.Sound, code)
	}
	return v, code
}

// verifiedFiles are the files of a study, one of each sort, and whether a repair mends them.
func (b *bench) verifiedFiles() map[string]bool {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	files := map[string]bool{
		fmt.Sprintf("manifests/%012d.json", m.Snapshot): true, "manifests/000000000001.json": true,
		"latest/dexetl.duckdb": true, "latest/views.sql": true, "latest/codebook.csv": true, "latest/derived.sha256": true,
		"latest/windows/empty.parquet": true, "raw/2026/04/0000000001.seg": false,
	}
	for _, f := range m.Files {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(p string) bool { return strings.HasPrefix(p, "data/"+f.Table+"/") }) {
			files[f.Path] = true
		}
	}
	for _, pattern := range []string{"latest/span_metrics/*", "latest/episodes/*", "latest/.hashes/*", "latest/egvs/*/*"} {
		found, err := filepath.Glob(filepath.Join(b.dir, "lake", pattern))
		if err != nil || len(found) == 0 {
			b.t.Fatalf("no %s: %v", pattern, err)
		}
		below, _ := filepath.Rel(filepath.Join(b.dir, "lake"), found[0])
		files[below] = true
	}
	return files
}

// Whatever befalls whichever file, verify names it; the study goes on being fed as far as
// the file lets it, and repair mends it or says that it does not.
func TestVerifyEveryFile(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{
		Seed: 29, Participants: 2, Days: 3, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.1},
	}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	if v, code := b.verdict(); code != exitDone || len(v.Damaged) > 0 {
		t.Fatalf("a sound study: exit %d, %+v", code, v)
	}
	want := b.contentOf()
	s := b.save()
	files, kinds := b.verifiedFiles(), slices.Sorted(maps.Keys(damages()))
	for i, file := range slices.Sorted(maps.Keys(files)) {
		kind := kinds[i%len(kinds)] // each sort of file meets one of them
		t.Run(strings.ReplaceAll(file, "/", ":")+" "+kind, func(t *testing.T) {
			s.back(t)
			path := filepath.Join(b.dir, "lake", file)
			others, _ := filepath.Glob(filepath.Join(b.dir, "lake/data/egvs/*/*"))
			if err := damages()[kind](path, others[len(others)-1]); err != nil {
				t.Fatal(err)
			}
			v, code := b.verdict()
			name := filepath.Base(file)
			if file == "raw/2026/04/0000000001.seg" && kind == "gone" {
				name = "raw" // there is no other segment whose number tells
			}
			if code != exitDamage || !slices.ContainsFunc(v.Damaged, func(d struct{ Kind, File, Reason string }) bool {
				return strings.HasSuffix(d.File, name)
			}) {
				t.Fatalf("verify: exit %d, %+v; want exit 7 for %s", code, v.Damaged, file)
			}
			if !files[file] {
				if code, out, stderr := b.run("repair"); code != exitDamage || !strings.Contains(out+stderr, name) {
					t.Errorf("repair: exit %d, want 7\n%s%s", code, out, stderr)
				}
				return
			}
			if i%4 > 0 && !slices.Contains([]string{"manifest", "egvs", "participants", "requests"}, sortOf(file)) {
				return // others of its sort are mended in the same way
			}
			b.must("repair")
			if v, code := b.verdict(); code != exitDone {
				t.Errorf("after the repair: exit %d, %+v", code, v.Damaged)
			}
			if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("after the repair:\n got  %v\n want %v", got, want)
			}
			b.must("query", "select count(*), max(hash(x)) from egvs x")
		})
	}
}

// sortOf is what a file of the lake is for: its table, or that it is a manifest.
func sortOf(file string) string {
	parts := strings.Split(file, "/")
	if parts[0] == "data" {
		return parts[1]
	}
	return strings.TrimSuffix(parts[0], "s")
}

// A segment that was cut, and one that is gone, are named; so are a state.db that lacks its
// last bytes, and the list of sums of the folder that latest shows.
func TestVerifyNamesWhatWasCut(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 29, Participants: 1, Days: 1, End: demoNow, Reusable: true}, demoNow)
	b.must("backfill")
	s := b.save()
	segments, err := filepath.Glob(filepath.Join(b.dir, "lake/raw/*/*/*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments: %q, %v", segments, err)
	}
	segment, err := filepath.Rel(b.dir, segments[0])
	check(t, err)
	shorter := func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		return errors.Join(os.Chmod(name, 0o600), os.Truncate(name, info.Size()-7))
	}
	for name, c := range map[string]struct {
		harm       func(string) error
		file, says string
	}{
		segment:                                {shorter, strings.TrimPrefix(segment, "lake/"), "it ends at 1:"},
		"./" + segment:                         {os.Remove, "raw", "segment 0000000001.seg is gone"},
		"state/state.db":                       {shorter, "state.db", "no whole number of pages"},
		"lake/snapshots/000001/derived.sha256": {os.Remove, "snapshots/000001/derived.sha256", "gone"},
	} {
		s.back(t)
		for _, log := range []string{"-wal", "-shm"} {
			os.Remove(filepath.Join(b.dir, "state", "state.db"+log))
		}
		check(t, c.harm(filepath.Join(b.dir, name)))
		v, code := b.verdict()
		if code != exitDamage || len(v.Damaged) != 1 || v.Damaged[0].File != c.file || !strings.Contains(v.Damaged[0].Reason, c.says) {
			t.Errorf("%s: exit %d, %+v; want exit 7 for %s: %q", name, code, v.Damaged, c.file, c.says)
		}
	}
}

// The state and the audit trail are looked at, too, and nothing here mends them.
func TestVerifyState(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 29, Participants: 1, Days: 1, End: demoNow, Reusable: true}, demoNow)
	b.must("backfill")
	s := b.save()
	for file, kinds := range map[string][]string{"state.db": {"gone", "cut", "swapped"}, "audit.jsonl": {"gone", "cut", "flipped", "swapped"}} {
		for _, kind := range kinds {
			t.Run(file+" "+kind, func(t *testing.T) {
				s.back(t)
				for _, log := range []string{"-wal", "-shm"} {
					os.Remove(filepath.Join(b.dir, "state", "state.db"+log))
				}
				if err := damages()[kind](filepath.Join(b.dir, "state", file), filepath.Join(b.dir, "dexetl.yaml")); err != nil {
					t.Fatal(err)
				}
				v, code := b.verdict()
				if code != exitDamage || len(v.Damaged) == 0 || v.Damaged[0].Kind != "state" || v.Damaged[0].File != file {
					t.Errorf("verify: exit %d, %+v; want exit 7 for %s", code, v.Damaged, file)
				}
			})
		}
	}
}
