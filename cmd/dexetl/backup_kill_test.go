//go:build faults

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// Wherever a backup dies, what is restored from its folder is the study as it was then or
// as it was at the backup before, and the next backup goes on. A restore verifies what it
// made.
func TestBackupIsKilled(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{
		Seed: 29, Participants: 3, Days: 3, End: demoNow, Reusable: true, Chaos: dexsim.Chaos{Kinds: dexsim.AllData},
	}, demoNow.AddDate(0, 0, -1))
	b.must("backfill")
	beside := filepath.Dir(b.dir)
	older := filepath.Join(beside, "older")
	b.must("backup", older)
	before := b.contentOf()
	b.now = b.now.Add(24 * time.Hour)
	b.must("sync")
	b.must("--yes", "withdraw", "P003", "--erase", "--reason", "asked to")
	after, dir := b.contentOf(), b.dir
	for i, tt := range []struct {
		point string
		want  map[string]string
	}{
		{"backup.begun", before}, {"backup.staged", before}, {"backup.turned", after}, {"backup.unmarked", after}, {"backup.removed", after},
		{"backup.placed", after}, {"backup.placed:2", after}, {"backup.placed:5", after}, {"backup.marked", after},
	} {
		t.Run(tt.point, func(t *testing.T) {
			b.t, b.dir = t, dir
			backup := filepath.Join(beside, fmt.Sprint("backup", i))
			b.copyFolder(older, backup)
			b.die(tt.point, "backup", backup)
			broken := backup + "-broken"
			b.copyFolder(backup, broken)
			b.restored(broken)
			if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("restored:\n got  %v\n want %v", got, tt.want)
			}
			b.dir = dir
			b.must("backup", backup)
			if _, _, said := b.run("--study", backup, "verify"); !strings.Contains(said, "this is a backup") {
				t.Errorf("verify of the next backup:\n%s", said)
			}
			b.restored(backup)
			if got := b.contentOf(); fmt.Sprint(got) != fmt.Sprint(after) {
				t.Errorf("restored from the next backup:\n got  %v\n want %v", got, after)
			}
		})
	}
	b.dir = dir
}
