package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
)

// readingsOf is what a lake has of every participant.
const readingsOf = `select participant_id, count(*), sum(glucose.glucose_mgdl), min(time_utc), max(time_utc), count(distinct record_id) from glucose
join egvs using (participant_id) where vanished_at is null and system_time = time_utc group by 1 order by 1`

// restored makes a study of the backup, which verifies it, and goes on with it.
func (b *bench) restored(from string) {
	b.t.Helper()
	dir := filepath.Join(b.t.TempDir(), "restored")
	b.must("restore", from, dir)
	b.dir = dir
}

// A study is backed up while it lives, its machine is lost, and the copy goes on as if
// nothing had been, in another place.
func TestRestoredStudyGoesOn(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := livedStudy(t)
	backup := filepath.Join(filepath.Dir(b.dir), "backups", "nightly")
	b.must("backup", backup)
	b.now = b.now.Add(26 * time.Hour)
	b.must("sync")
	b.must("backup", backup)

	b.now = b.now.Add(26 * time.Hour)
	b.must("sync")
	check(t, os.RemoveAll(b.dir)) // and with it the tokens that it spent

	b.restored(backup)
	check(t, os.RemoveAll(backup))
	b.manifest()
	if code, out, said := b.run("doctor"); code != exitDone {
		t.Errorf("doctor of what was restored: exit %d\n%s%s", code, out, said)
	}
	var done struct{ Totals []struct{ Table string } }
	b.decode(&done, "replay", "--json")
	for _, differs := range done.Totals {
		if differs.Table != "runs" && differs.Table != "audit" { // which are the state's
			t.Errorf("%s of the restored lake is not what its log makes", differs.Table)
		}
	}
	b.must("audit", "verify")
	b.now = b.now.Add(26 * time.Hour)
	b.reconnectAll()
	b.must("sync")
	got := b.query(readingsOf)

	b.dir = filepath.Join(t.TempDir(), "anew")
	b.must("init", b.dir, "--base-url", b.url)
	b.must("participants", "import", filepath.Join(filepath.Dir(backup), "..", "roster.csv"))
	b.signInAll()
	b.must("backfill")
	if diff := cmp.Diff(b.query(readingsOf), got); diff != "" {
		t.Errorf("readings (-of a study made anew +of the one restored):\n%s", diff)
	}
}

// reconnectAll has everybody sign in again who has to: tokens that were spent after the
// backup are lost, and Dexcom has revoked what belonged to them.
func (b *bench) reconnectAll() {
	b.t.Helper()
	b.expireTokens()
	code, _, said := b.run("sync")
	if code != exitLater && code != exitPartial && code != exitConsent {
		b.t.Fatalf("sync with tokens that were spent: exit %d\n%s", code, said)
	}
	b.now = b.now.Add(40 * time.Hour)
	code, _, said = b.run("sync")
	if code != exitConsent && code != exitPartial {
		b.t.Fatalf("sync with tokens that were spent, later: exit %d\n%s", code, said)
	}
	for _, id := range connected() {
		if !strings.Contains(said, id) {
			b.t.Errorf("sync does not say that %s has to sign in again:\n%s", id, said)
		}
	}
	b.signInAll()
}

func connected() []string { return []string{"P001", "P002", "P003"} }

func (b *bench) signInAll() {
	b.t.Helper()
	b.env["DEXETL_API_REDIRECT_URI"] = freeRedirect(b.t)
	for _, id := range connected() {
		if code, said := b.signIn(id, id); code != exitDone {
			b.t.Fatalf("connect: exit %d\n%s", code, said)
		}
	}
}

// What is no backup, or half of one, makes no study; and a backup is put nowhere where it
// would be in the way.
func TestBackupIsRefused(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	mine, other := filepath.Join(beside, "mine"), filepath.Join(beside, "other")
	b.must("backup", mine)
	check(t, os.MkdirAll(filepath.Join(other, "thesis"), 0o700))
	broken := filepath.Join(beside, "broken")
	b.copyFolder(mine, broken)
	unseal(t, filepath.Join(broken, "backup.json"))
	change(t, filepath.Join(broken, "backup.json"), `"finished_at"`, `"x"`)
	newer := filepath.Join(beside, "newer")
	b.copyFolder(mine, newer)
	change(t, filepath.Join(newer, "backup.json"), `"format": 2`, `"format": 3`)
	full := filepath.Join(beside, "new")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"backup", other}, exitUsage, "is no backup"},
		{[]string{"backup", filepath.Join(b.dir, "lake", "backup")}, exitUsage, "which is copied"},
		{[]string{"backup", filepath.Join(b.dir, "state")}, exitUsage, "which is copied"},
		{[]string{"backup", newer}, exitUsage, "format 3"},
		{[]string{"restore", other, full}, exitUsage, "is no backup"},
		{[]string{"restore", broken, full}, exitDamage, "was broken off"},
		{[]string{"restore", newer, full}, exitUsage, "format 3"},
		{[]string{"restore", mine, other}, exitUsage, "has files"},
		{[]string{"restore", mine}, exitUsage, "BACKUP DIR"},
	} {
		code, _, said := b.run(c.args...)
		if code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%q: exit %d, want %d and %q\n%s", c.args, code, c.code, c.says, said)
		}
	}
	half := filepath.Join(beside, "half")
	check(t, os.MkdirAll(half, 0o700))
	check(t, os.WriteFile(filepath.Join(half, ".restoring"), []byte("2026-01-01T00:00:00Z\n"), 0o600))
	if code, _, said := b.run("restore", mine, half); code != exitUsage {
		t.Errorf("restore over that of another backup: exit %d\n%s", code, said)
	}
	names, err := os.ReadDir(other)
	if _, there := os.Stat(full); err != nil || len(names) != 1 || there == nil {
		t.Errorf("refused commands have left %v in %s, and %s: %v", names, other, full, there)
	}
	b.must("backup", broken) // made anew, it is whole
	b.must("restore", broken, full)
	elsewhere := newBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 2})
	if code, _, said := elsewhere.run("backup", mine); code != exitUsage || !strings.Contains(said, "another study") {
		t.Errorf("backup over that of another study: exit %d\n%s", code, said)
	}
}

// What the lake has lost stays in the backup, and state and lake are copied also where
// they are links to another disk.
func TestBackupOfWhatIsLost(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	for _, name := range []string{"state", "lake/raw"} {
		path, disk := filepath.Join(b.dir, name), filepath.Join(t.TempDir(), "disk")
		check(t, os.Rename(path, disk))
		check(t, os.Symlink(disk, path))
	}
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	b.restored(backup)
	b.must("replay", "--dry-run")
	manifests, err := filepath.Glob(filepath.Join(b.dir, "lake", "manifests", "*.json"))
	check(t, err)
	check(t, os.WriteFile(manifests[len(manifests)-1], []byte("{}"), 0o600))
	if code, _, said := b.run("backup", backup); code != exitDamage {
		t.Errorf("backup of a lake whose manifest is damaged: exit %d\n%s", code, said)
	}
	kept, err := os.ReadFile(filepath.Join(backup, "lake", "manifests", filepath.Base(manifests[len(manifests)-1])))
	if err != nil || len(kept) < 100 {
		t.Errorf("the backup's manifest is gone, too: %q, %v", kept, err)
	}
}

func change(t *testing.T, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600))
}

// What the study has no more leaves the next backup, and no state is in it that is
// older or newer than itself.
func TestBackupFollowsTheStudy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 2})
	b.must("backfill")
	backup := filepath.Join(filepath.Dir(b.dir), "backup")
	b.must("backup", backup)
	for _, gone := range []string{"state/quarantine/P001/egvs.age", "lake/data/egvs/month=2026-01/old.parquet", "lake/data/.copying-1", "old-roster.csv"} {
		path := filepath.Join(backup, gone)
		check(t, os.MkdirAll(filepath.Dir(path), 0o700))
		check(t, os.WriteFile(path, nil, 0o600))
	}
	b.must("participants", "pause", "P001", "--reason", "on holiday")
	var done struct {
		Files, Kept int
		LeftOut     []string `json:"left_out"`
	}
	b.env["DEXETL_API_CLIENT_SECRET_FILE"] = b.file("secret", dexsim.DefaultClientSecret)
	b.decode(&done, "backup", backup, "--json")
	if done.Kept == 0 || !slices.Equal(done.LeftOut, []string{b.env["DEXETL_API_CLIENT_SECRET_FILE"]}) {
		t.Errorf("the second backup kept %d files and left out %q", done.Kept, done.LeftOut)
	}
	for _, gone := range []string{"state/quarantine", "lake/data/egvs/month=2026-01", "lake/data/.copying-1", "old-roster.csv", "state/holders", "lake/latest"} {
		if _, err := os.Lstat(filepath.Join(backup, gone)); err == nil {
			t.Errorf("%s is in the backup", gone)
		}
	}
	trail, err := os.ReadFile(filepath.Join(backup, "state", state.AuditFile))
	if err != nil || !strings.Contains(string(trail), "on holiday") {
		t.Errorf("the pause is not in the backup's trail: %v", err)
	}
	b.restored(backup)
	b.must("audit", "verify")
	if list := b.must("participants", "list"); !strings.Contains(list, "paused") {
		t.Errorf("P001 is not paused in what was restored:\n%s", list)
	}
}
