//go:build linux || darwin

package study

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A lake whose manifests are gone, folder and all, is damaged; one that nothing was loaded
// into is not.
func TestVerifyWithoutManifests(t *testing.T) {
	oneAfterTheOther(t)
	for trace, damaged := range map[string]bool{"raw/2026": false, "data/.staging": false, "data/egvs": true, "snapshots/000001": true, "latest": true} {
		s := open(t, nil)
		if err := os.MkdirAll(filepath.Join(s.LakePath(), trace), 0o700); err != nil {
			t.Fatal(err)
		}
		var done Verified
		if err := s.verifyLake(t.Context(), Verify{}, &done); err != nil || done.Has(ManifestDamage) != damaged {
			t.Errorf("with %s alone: %v, %v; want damage %v", trace, done.Damages, err, damaged)
		}
		if _, _, err := s.Newest(); IsDamage(err) != damaged || is[*EmptyLakeError](err) == damaged {
			t.Errorf("newest with %s alone: %v", trace, err)
		}
	}
}

// lookedAt verifies a study as a command does, which opens it for itself; or its state alone.
func (s *Study) lookedAt(t *testing.T, stateAlone bool) (found []string) {
	t.Helper()
	other, err := OpenFolder(s.Dir, s.Program)
	check(t, err)
	var done Verified
	if stateAlone {
		err = other.verifyState(t.Context(), Verify{}, &done)
	} else {
		done, err = other.Verify(t.Context(), Verify{})
	}
	check(t, err)
	for _, d := range done.Damages {
		found = append(found, d.Path)
	}
	return found
}

// documented is a study with all kinds of files beside tables, log and state.db: a tag that
// was issued again without somebody who was erased, one with a folder, a receipt, the
// quarantine, and keys of exports.
func documented(t *testing.T) *Study {
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	_, err := s.Tag(t.Context(), "first", "", "a paper", 0)
	check(t, err)
	_, err = s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now, Reason: "asked to"}, 0)
	check(t, err)
	_, err = s.Tag(t.Context(), "second", "", "another", 0)
	check(t, err)
	_, err = s.SealingKey(t.Context())
	check(t, err)
	check(t, s.quarantine().Keep(t.Context(), "P002", []load.LeftOut{{Table: "egvs", Rows: 2, Parquet: []byte("rows")}, {Table: "events", Rows: 1, Parquet: []byte("one")}}))
	keys, err := lake.Sealed(map[string]any{"format": 2, "keys": []map[string]any{{"key": 1, "secret": "ab"}}})
	check(t, err)
	check(t, os.WriteFile(filepath.Join(s.StatePath(), ExportKeyFile), keys, 0o600))
	check(t, s.Store.Audit(t.Context(), state.Act{Subject: "export", After: state.Fields{"key": 1}}))
	return s
}

// Whatever befalls a file beside the tables, the log and state.db, verify names it; repair
// mends what is known from elsewhere, and says what is not.
func TestVerifyPapers(t *testing.T) {
	oneAfterTheOther(t)
	s := documented(t)
	if found := s.lookedAt(t, false); len(found) > 0 {
		t.Fatalf("a sound study: %v", found)
	}
	one := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(s.Dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		below, err := filepath.Rel(s.Dir, found[0])
		check(t, err)
		return below
	}
	files := map[string]bool{ // whether a repair mends it
		one("lake/snapshots/*/CITATION.txt"): true, one("lake/snapshots/*/SHA256SUMS"): true, "lake/gone.json": true,
		"lake/tags/first.json": true, "lake/tags/second.json": true, one("lake/manifests/*e1.json"): false,
		one("state/receipts/*.json"): false, one("state/quarantine/P002/egvs.*"): false, "state/quarantine/sums.json": false, "state/export-keys.json": false, "state/sealing.key": false,
	}
	saved := filepath.Join(t.TempDir(), "saved")
	copied := func(from, to string) {
		if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("cp: %v: %s", err, out)
		}
	}
	for file, mended := range files {
		path := filepath.Join(s.Dir, file)
		copied(path, saved)
		for how, harm := range harms() {
			if how == "flipped" && file == "state/sealing.key" {
				continue // a comment opens nothing
			}
			sound, err := os.ReadFile(path)
			check(t, err)
			check(t, errors.Join(os.Remove(path), harm(path, sound)))
			if found := s.lookedAt(t, strings.HasPrefix(file, "state/")); !slices.ContainsFunc(found, func(one string) bool { return filepath.Base(one) == filepath.Base(file) }) {
				t.Errorf("%s %s: verify names %v", file, how, found)
			}
			if (how == "flipped" || file == "lake/gone.json") && strings.HasPrefix(file, "lake/") {
				s.mends(t, file, mended)
			}
			check(t, os.RemoveAll(path))
			copied(saved, path)
		}
		check(t, os.RemoveAll(saved))
	}
}

// Whatever befalls the quarantine, what is left out of the tables once more makes it whole,
// as a replay does for everybody: also where the list is lost and a file damaged.
func TestQuarantineIsMadeAnew(t *testing.T) {
	oneAfterTheOther(t)
	s := documented(t)
	left := []load.LeftOut{{Table: "egvs", Rows: 2, Parquet: []byte("rows")}, {Table: "events", Rows: 1, Parquet: []byte("one")}}
	check(t, s.quarantine().Keep(t.Context(), "P003", left[:1]))
	for _, pattern := range []string{"quarantine/sums.json", "quarantine/P002/egvs.*"} {
		found, err := filepath.Glob(filepath.Join(s.StatePath(), pattern))
		check(t, err)
		sound, err := os.ReadFile(found[0])
		check(t, err)
		for how, harm := range harms() {
			check(t, errors.Join(os.Remove(found[0]), harm(found[0], sound)))
			if damaged := s.lookedAt(t, true); len(damaged) == 0 {
				t.Errorf("%s %s: verify names nothing", pattern, how)
			}
			check(t, s.quarantine().Keep(t.Context(), "P003", left[:1]))
			check(t, s.quarantine().Keep(t.Context(), "P002", left))
			if damaged := s.lookedAt(t, true); len(damaged) > 0 {
				t.Errorf("%s %s, made anew: verify names %v", pattern, how, damaged)
			}
			sound, err = os.ReadFile(found[0])
			check(t, err)
		}
	}
	one, err := filepath.Glob(filepath.Join(s.StatePath(), "quarantine/P002/events.*"))
	check(t, err)
	check(t, errors.Join(os.Remove(filepath.Join(s.StatePath(), "quarantine/sums.json")), os.Truncate(one[0], 9)))
	check(t, s.quarantine().Keep(t.Context(), "P003", left[:1]))
	if damaged := s.lookedAt(t, true); len(damaged) == 0 {
		t.Error("with a list that has not all, verify names nothing")
	}
	check(t, s.quarantine().Keep(t.Context(), "P002", left))
	if damaged := s.lookedAt(t, true); len(damaged) > 0 {
		t.Errorf("without the list, and all made anew: verify names %v", damaged)
	}
	gone, err := filepath.Glob(filepath.Join(s.StatePath(), "quarantine/P003/*"))
	check(t, errors.Join(err, os.Remove(gone[0])))
	if damaged := s.lookedAt(t, true); len(damaged) != 1 {
		t.Errorf("without %s, verify names %v", gone[0], damaged)
	}
}

// mends repairs a study in which one file is damaged, and checks what is left of it.
func (s *Study) mends(t *testing.T, file string, mended bool) {
	t.Helper()
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || (len(done.Left) == 0) != mended {
		t.Errorf("repair of %s: %v, left %v; want mended %v", file, err, done.Left, mended)
	}
	if !mended {
		if words := done.Left[0].Words(); !strings.Contains(words, "tagged first") {
			t.Errorf("repair of %s says %q", file, words)
		}
		return
	}
	if found := s.lookedAt(t, false); len(found) > 0 {
		t.Errorf("after the repair of %s: %v", file, found)
	}
}

// harms are what may befall a file that was removed, of its content.
func harms() map[string]func(path string, sound []byte) error {
	flip := func(at func(n int) int) func(string, []byte) error {
		return func(path string, sound []byte) error {
			harmed := slices.Clone(sound)
			harmed[at(len(harmed))] ^= 1
			return os.WriteFile(path, harmed, 0o600)
		}
	}
	return map[string]func(string, []byte) error{
		"gone":        func(string, []byte) error { return nil },
		"cut":         func(path string, sound []byte) error { return os.WriteFile(path, sound[:len(sound)/2], 0o600) },
		"flipped":     flip(func(n int) int { return n / 3 }),
		"flipped end": flip(func(n int) int { return n - 9 }),
	}
}

// A snapshot that an erasure issued again is called so: its number alone names one that is
// gone.
func TestNotComputedNamesTheIssue(t *testing.T) {
	s := documented(t)
	l, m, err := s.Snapshot("first")
	check(t, err)
	check(t, l.Close())
	if got := s.NotComputed("first"); m.Reissue != 1 || got != m.ID().String() {
		t.Errorf("%q of manifest %s, want a snapshot that was issued again", got, m.ID())
	}
}

// After a second erasure a tag stands for what both replaced: a paper may have either, and the
// audit trail has the first.
func TestTagOfSecondIssue(t *testing.T) {
	s := documented(t)
	var first lake.Manifest
	check(t, s.Locked(t.Context(), 0, func(l *lake.Lake) (err error) {
		tag, err := l.Tag("first")
		check(t, err)
		first, err = l.Tagged(tag)
		check(t, err)
		second, err := l.Begin(first).Reissue(t.Context(), nil)
		check(t, err)
		check(t, os.Remove(filepath.Join(l.Path(), "manifests", fmt.Sprintf("%012de1.json", first.Snapshot))))
		if got, want := replaces(second), first.Replaces+" "+tag.ManifestSHA256; got != want {
			t.Errorf("replaces %q, want %q", got, want)
		}
		id, sum, err := standsFor(l, taggedAct{Snapshot: "1", ManifestSHA256: first.Replaces})
		if id != second.ID() || sum == "" {
			t.Errorf("the tag that the trail has stands for %s (%q)", id, sum)
		}
		return err
	}))
}

// Two tags that stand in each other's place, and a third that is gone, are found at once, and
// one repair writes them anew.
func TestTagsSwapped(t *testing.T) {
	s := documented(t)
	for _, name := range []string{"second", "third"} {
		_, err := s.Tag(t.Context(), name, "latest", "too", 0)
		check(t, err)
	}
	path := func(name string) string { return filepath.Join(s.LakePath(), "tags", name+".json") }
	check(t, errors.Join(os.Rename(path("first"), path("x")), os.Rename(path("second"), path("first")), os.Rename(path("x"), path("second")), os.Remove(path("third"))))
	want := []string{"tags/first.json", "tags/second.json", "tags/third.json"}
	got := slices.DeleteFunc(s.lookedAt(t, false), func(path string) bool { return !strings.HasPrefix(path, "tags/") })
	if !slices.Equal(got, want) {
		t.Errorf("verify finds %v; want %v", got, want)
	}
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) > 0 {
		t.Errorf("one repair leaves %+v, %v", done.Left, err)
	}
	if found := s.lookedAt(t, false); len(found) > 0 {
		t.Errorf("after the repair: %v", found)
	}
}
