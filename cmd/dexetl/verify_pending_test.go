package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
)

// What the study says and the lake does not have yet, because another process loaded
// meanwhile, is no damage of the lake.
func TestVerifyOfWhatIsNotLoadedYet(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 3, End: demoNow}, demoNow)
	b.must("backfill")
	rows := rosterRows(t, b.api)
	rows[0]["timezone"] = "Asia/Kathmandu"
	var people []*member
	for _, row := range rows {
		people = append(people, &member{row: row})
	}
	l, err := lake.Open(filepath.Join(b.dir, "lake"))
	check(t, err)
	defer l.Close()
	guard, err := l.Lock(t.Context(), 0, lake.Holder{Command: "test", Since: time.Now()})
	check(t, err)
	b.importPeople(people)
	b.must("exclusions", "import", "--yes", b.file("exclusions.csv", "participant_id,from,to,reason\nP002,2026-04-13 01:00,2026-04-13 03:30,drawn\n"))
	if code, _, stderr := b.run("withdraw", "P002", "--effective", "2026-04-14T00:00:00Z", "--reason", "drawn", "--yes", "--lock-wait", "1ms"); code != exitLocked {
		t.Fatalf("withdraw beside another process: exit %d, want %d\n%s", code, exitLocked, stderr)
	}
	check(t, guard.Unlock())
	b.must("verify", "--deep")
}
