package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A folder of the quarantine that has another's name is told as that, by verify and repair: no
// replay would mend it. What the advice says does.
func TestQuarantineUnderAnotherName(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 31, Participants: 2, Days: 3, End: demoNow, Reusable: true}, demoNow)
	b.must("backfill")
	b.must("--yes", "withdraw", "P002", "--effective", demoNow.AddDate(0, 0, -2).Format(time.RFC3339), "--reason", "test")
	b.must("verify")
	own, other := filepath.Join(b.dir, "state/quarantine/P002"), filepath.Join(b.dir, "state/quarantine/P001")
	check(t, os.Rename(own, other))
	for _, command := range []string{"verify", "repair"} {
		b.tells(exitDamage, "mv quarantine/P001 quarantine/P002", command)
	}
	check(t, os.Rename(other, own))
	b.must("verify")
	check(t, os.Rename(own, other))
	b.must("replay")
	b.tells(exitDamage, "move state/quarantine/P001 away", "verify")
	if _, _, said := b.run("verify"); strings.Contains(said, "next: ") {
		t.Errorf("verify names a next command:\n%s", said)
	}
	check(t, os.RemoveAll(other))
	b.must("verify")
}
