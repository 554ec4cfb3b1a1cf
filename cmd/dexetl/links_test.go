package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A link at a name where the study keeps a file of its own makes nobody write into
// what it leads to, or make that: either the link gives way, or the command is refused.
func TestLinksAreNotFollowed(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 3, Participants: 1, Days: 8, End: demoNow.AddDate(0, 0, 5)}, demoNow.AddDate(0, 0, -2))
	b.env["DEXETL_LAKE_RAW"] = "compact"
	b.must("backfill")
	b.now = b.now.Add(25 * time.Hour)
	b.must("sync")
	segments, err := filepath.Glob(filepath.Join(b.dir, "lake/raw/*/*/*.seg"))
	check(t, err)
	refused := map[string]bool{
		"state/reserve": false, "state/holders/01KP": false, "state/audit.jsonl": true, "state/state.db": true,
		"lake/load.lock": true, "lake/raw/lock": true, "lake/raw/plan.index": false,
		inStudy(b.dir, segments[len(segments)-1]): true, inStudy(b.dir, segments[0]) + ".compacting": false,
	}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		for _, content := range []string{strings.Repeat("x", 5000), ""} { // "": there is no such file
			victim, path := filepath.Join(t.TempDir(), "victim"), filepath.Join(b.dir, name)
			if content != "" {
				check(t, os.WriteFile(victim, []byte(content), 0o600))
				check(t, os.Chmod(victim, 0o644))
			}
			aside := filepath.Join(t.TempDir(), "aside")
			moved := os.Rename(path, aside) == nil
			check(t, os.Symlink(victim, path))
			b.now = b.now.Add(time.Hour)
			b.expireTokens()
			code, _, _ := b.run("sync")
			paused, _, _ := b.run("participants", "pause", "P001")
			b.run("participants", "resume", "P001")
			if got := code != exitDone || paused != exitDone; got != refused[name] {
				t.Errorf("%s: sync: exit %d, pause: exit %d; want it refused: %t", name, code, paused, refused[name])
			}
			is, err := os.ReadFile(victim)
			if string(is) != content || (content == "") != os.IsNotExist(err) {
				t.Errorf("%s: what the link led to has %d bytes now, %v; it had %d", name, len(is), err, len(content))
			}
			if info, err := os.Stat(victim); err == nil && info.Mode().Perm() != 0o644 {
				t.Errorf("%s: the mode of what it led to is %v now", name, info.Mode())
			}
			if info, err := os.Lstat(path); moved && err == nil && info.Mode()&os.ModeSymlink != 0 {
				check(t, os.Rename(aside, path))
			}
		}
	}
}

// init writes the secret of the simulator into no file that it did not make.
func TestInitAtALink(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 3, Participants: 1, Days: 1})
	b.dir += "-new"
	check(t, os.Mkdir(b.dir, 0o700))
	victim := b.file("victim", "precious")
	check(t, os.Symlink(victim, filepath.Join(b.dir, "client-secret")))
	b.must("init", b.dir, "--base-url", b.url)
	if is, err := os.ReadFile(victim); err != nil || string(is) != "precious" {
		t.Errorf("what the link led to has %q now, %v", is, err)
	}
}

// expireTokens makes the next run renew every access token, which takes the reserve.
func (b *bench) expireTokens() {
	b.t.Helper()
	if info, err := os.Lstat(filepath.Join(b.dir, "state", "state.db")); err != nil || !info.Mode().IsRegular() {
		return
	}
	_, err := b.database().Exec("update tokens set access_expires_at = 0")
	check(b.t, err)
}
