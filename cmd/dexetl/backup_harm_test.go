package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// contentsOf are the files below a folder, by their SHA-256.
func contentsOf(t *testing.T, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	check(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		files[rel] = fmt.Sprintf("%x", sha256.Sum256(text))
		return err
	}))
	return files
}

// oneOf is the last file that a pattern in the study's folder finds.
func (b *bench) oneOf(pattern string) string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, pattern))
	if err != nil || len(found) == 0 {
		b.t.Fatalf("no file %s: %v", pattern, err)
	}
	return found[len(found)-1]
}

// keptStudy has a file of every kind that a backup copies.
func keptStudy(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 3, Days: 3})
	b.must("backfill")
	b.must("snapshots", "tag", "paper", "--reason", "for the paper")
	b.must("--yes", "withdraw", "P002", "--effective", demoNow.AddDate(0, 0, -2).Format(time.RFC3339), "--reason", "test")
	b.must("--yes", "withdraw", "P003", "--erase", "--reason", "asked to")
	b.must("export", "parquet", "-o", filepath.Join(t.TempDir(), "shared"), "--deid", "--tables", "devices")
	return b
}

// keptKinds are the files of a study that nobody but the program changes, and that a
// backup has.
func keptKinds() map[string]string {
	return map[string]string{
		"segment": "lake/raw/2*/*/*.seg", "first segment": "lake/raw/2*/*/0000000001.seg", "data": "lake/data/egvs/*/*.parquet", "manifest": "lake/manifests/*.json", "tag": "lake/tags/*",
		"state": "state/state.db", "trail": "state/audit.jsonl", "key": "state/sealing.key", "quarantine": "state/quarantine/P002/egvs*",
		"receipt": "state/receipts/*", "export keys": "state/export-keys.json",
	}
}

// Whatever is harmed in the study, and however, the backup stays as it is, and what is
// restored from it is whole.
func TestBackupOutlivesDamage(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := keptStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	want, s := contentsOf(t, backup), b.save()
	harmed := map[string]func() error{"raw log/gone": func() error { return os.RemoveAll(filepath.Join(b.dir, "lake", "raw")) }}
	for kind, pattern := range keptKinds() {
		for _, how := range []string{"gone", "cut", "rows"} {
			harmed[kind+"/"+how] = func() error { return harms()[how](b.oneOf(pattern)) }
		}
	}
	harmed["state/page"] = func() error { return zeroPages(b.oneOf("state/state.db")) }
	delete(harmed, "state/rows") // SQLite has no checksums
	delete(harmed, "key/rows")   // it may meet a comment
	for _, name := range slices.Sorted(maps.Keys(harmed)) {
		t.Run(name, func(t *testing.T) {
			s.back(t)
			check(t, harmed[name]())
			code, _, said := b.run("backup", backup)
			if !slices.Contains([]int{exitDamage, exitKey}, code) {
				t.Errorf("backup: exit %d\n%s", code, said)
			}
			if strings.Count(said, "is damaged or not a state") > 1 {
				t.Errorf("it says the same again and again:\n%s", said)
			}
			if diff := cmp.Diff(want, contentsOf(t, backup)); diff != "" {
				t.Errorf("the backup (-before +after):\n%s", diff)
			}
		})
	}
	s.back(t)
	b.t = t
	b.restored(backup)
	b.must("audit", "verify")
}

// Whoever has ruled on what was left out deletes the folder of the participant: that is no
// loss to a backup, which has it no more, either.
func TestBackupAfterTheRuling(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := keptStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	check(t, os.RemoveAll(filepath.Join(b.dir, "state", "quarantine", "P002")))
	b.must("verify")
	b.must("backup", backup)
	if left, err := filepath.Glob(filepath.Join(backup, "state", "quarantine", "P002", "*")); err != nil || len(left) > 0 {
		t.Errorf("the backup has still %v, %v", left, err)
	}
	b.restored(backup)
}

// A file that became a folder, or a folder that became a file, is taken like any other: the
// backup goes on, and what is restored is the study as it is now.
func TestBackupTakesOtherKinds(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	backup, config := filepath.Join(filepath.Dir(b.dir), "backup"), filepath.Join(b.dir, "dexetl.yaml")
	check(t, os.MkdirAll(filepath.Join(b.dir, "secret"), 0o700))
	check(t, os.WriteFile(filepath.Join(b.dir, "ours"), []byte("a\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(b.dir, "secret", "eu"), []byte("b\n"), 0o600))
	check(t, os.MkdirAll(filepath.Join(b.dir, "lake", "opened"), 0o700))
	text, err := os.ReadFile(config)
	check(t, err)
	named := func(ours, secret string) {
		apps := fmt.Sprintf("apps:\n  eu: {region: eu, client_id: x, client_secret_file: %s}\n  jp: {region: jp, client_id: x, client_secret_file: %s}\n", ours, secret)
		check(t, os.WriteFile(config, append(slices.Clone(text), apps...), 0o600))
	}
	named("ours", "secret/eu")
	b.must("backup", backup)
	check(t, errors.Join(os.Remove(filepath.Join(b.dir, "ours")), os.RemoveAll(filepath.Join(b.dir, "secret")), os.RemoveAll(filepath.Join(b.dir, "lake", "opened"))))
	check(t, os.MkdirAll(filepath.Join(b.dir, "ours"), 0o700))
	check(t, os.WriteFile(filepath.Join(b.dir, "ours", "us"), []byte("a\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(b.dir, "secret"), []byte("b\n"), 0o600))
	check(t, os.WriteFile(filepath.Join(b.dir, "lake", "opened"), nil, 0o600))
	named("ours/us", "secret")
	b.must("backup", backup)
	b.must("--study", backup, "verify")
	check(t, os.Remove(filepath.Join(b.dir, "lake", "opened")))
	b.must("backup", backup)
	b.restored(backup)
	for name, want := range map[string]string{"ours/us": "a\n", "secret": "b\n"} {
		if got, err := os.ReadFile(filepath.Join(b.dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// What lies beside the configuration nothing but the backup's marker knows of: verify of the
// backup misses it, and finds what rotted.
func TestVerifyOfABackupBesideTheStudy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	check(t, os.WriteFile(filepath.Join(b.dir, "roster.csv"), []byte("participant_id\nP001\n"), 0o600))
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	b.must("--study", backup, "verify")
	for _, name := range []string{"roster.csv", "dexetl.yaml"} {
		path := filepath.Join(backup, name)
		info, err := os.Stat(path)
		check(t, err)
		sound, err := os.ReadFile(path)
		check(t, err)
		check(t, os.WriteFile(path, append(slices.Clone(sound), "\n"...), 0o600))
		if code, _, said := b.run("--study", backup, "verify"); code != exitDamage || !strings.Contains(said, name) {
			t.Errorf("verify with another %s: exit %d\n%s", name, code, said)
		}
		check(t, errors.Join(os.WriteFile(path, sound, 0o600), os.Chtimes(path, time.Time{}, info.ModTime())))
		b.must("--study", backup, "verify")
	}
	check(t, os.Remove(filepath.Join(backup, "roster.csv")))
	if code, _, said := b.run("--study", backup, "verify"); code != exitDamage || !strings.Contains(said, "roster.csv") {
		t.Errorf("verify without roster.csv: exit %d\n%s", code, said)
	}
	b.must("backup", backup)
	b.must("--study", backup, "verify")
}

// zeroPages writes zeros over some pages of a database, from its third one on.
func zeroPages(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, 8*4096), 2*4096)
	return errors.Join(err, f.Close())
}

// A damaged study of which there is no backup yet is copied as it is, and said to be
// damaged; what is restored from that can be repaired as the study could.
func TestFirstBackupOfADamagedStudy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	lost := b.harmTable("egvs", "rows")
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	if code, _, said := b.run("backup", backup); code != exitDamage || !strings.Contains(said, lost) {
		t.Errorf("backup: exit %d\n%s", code, said)
	}
	if code, _, said := b.run("--study", backup, "verify"); code != exitDamage || !strings.Contains(said, lost) || strings.Contains(said, "next: ") {
		t.Errorf("verify of the backup: exit %d\n%s", code, said)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	code, out, said := b.run("restore", backup, dir)
	if code != exitDamage || !strings.Contains(said, "repair") || !strings.Contains(out, lost) || strings.Contains(said, "ZSTD") {
		t.Errorf("restore: exit %d\n%s%s", code, out, said)
	}
	b.dir = dir
	b.must("repair")
	b.must("verify")
	b.must("backup", filepath.Join(t.TempDir(), "whole"))
}

// What a repair could not bring back stays in the backup, which goes on.
func TestBackupGoesOnAfterARepair(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := livedStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	old := manifestOf(t, filepath.Join(b.dir, "lake"), 1).TableFiles("runs")[0].Path
	for _, link := range []string{"lake", "lake/snapshots/*"} {
		found, err := filepath.Glob(filepath.Join(b.dir, link, filepath.Dir(old), "*"))
		check(t, err)
		for _, path := range found {
			if filepath.Base(path) == filepath.Base(old) || link == "lake" && strings.HasSuffix(path, filepath.Base(old)) {
				check(t, os.Remove(path))
			}
		}
	}
	_ = os.RemoveAll(filepath.Join(b.dir, "lake", "snapshots"))
	if code, _, said := b.run("backup", backup); code != exitDamage {
		t.Fatalf("backup before the repair: exit %d\n%s", code, said)
	}
	b.run("repair")
	b.must("backup", backup)
	if _, err := os.Stat(filepath.Join(backup, "lake", old)); err != nil {
		t.Errorf("the only good copy of a file that snapshot 1 names is gone: %v", err)
	}
}

// What rotted in the backup, with its size and time, is copied anew when contents are compared,
// as verify advises.
func TestBackupMendsItself(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := keptStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	rotten := contentsOf(t, backup)
	for kind, pattern := range keptKinds() {
		found, err := filepath.Glob(filepath.Join(backup, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no %s in the backup: %v", kind, err)
		}
		path := found[len(found)-1]
		info, err := os.Stat(path)
		check(t, err)
		check(t, harms()["rows"](path))
		check(t, os.Chtimes(path, time.Time{}, info.ModTime()))
	}
	code, _, said := b.run("--study", backup, "verify")
	if code != exitDamage || !strings.Contains(said, "backup "+backup+" --compare") {
		t.Errorf("verify of a rotten backup: exit %d\n%s", code, said)
	}
	b.must("backup", backup)
	if code, _, _ := b.run("--study", backup, "verify"); code != exitDamage {
		t.Errorf("verify of a rotten backup, after another one: exit %d", code)
	}
	b.must("backup", backup, "--compare")
	b.must("--study", backup, "verify")
	mended := contentsOf(t, backup)
	for _, changes := range []string{"backup.json", "state/state.db", "state/audit.jsonl"} {
		delete(mended, changes)
		delete(rotten, changes)
	}
	if diff := cmp.Diff(rotten, mended); diff != "" {
		t.Errorf("the backup (-before it rotted +mended):\n%s", diff)
	}
}

// A backup can be looked at where it is, by verify alone, and stays as it is.
func TestVerifyOfABackup(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := keptStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	if _, _, said := b.run("backup", backup); !strings.Contains(said, " 0 there already") {
		t.Errorf("a first backup says %s", said)
	}
	want := contentsOf(t, backup)
	code, out, said := b.run("--study", backup, "verify")
	if code != exitDone || !strings.Contains(said, "restore "+backup) {
		t.Errorf("verify: exit %d\n%s%s", code, out, said)
	}
	for _, command := range []string{"sync", "status", "repair", "doctor", "gc", "replay", "query --snapshot latest"} {
		if code, _, said := b.run(append([]string{"--study", backup}, strings.Fields(command)...)...); code != exitUsage {
			t.Errorf("%s in a backup: exit %d\n%s", command, code, said)
		}
	}
	if diff := cmp.Diff(want, contentsOf(t, backup)); diff != "" {
		t.Errorf("the backup (-before +after):\n%s", diff)
	}
	if code, _, said := b.run("backup", filepath.Join(b.dir, "backup")); code != exitUsage {
		t.Errorf("a backup in the study: exit %d\n%s", code, said)
	}
}
