package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A grant that Dexcom refuses stops nobody else. It is no proof of withdrawal:
// it is tried again for a day and a half, and only then the person is asked.
func TestRefusedGrant(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 8, Participants: 3, Days: 10, End: demoNow}, demoNow.AddDate(0, 0, -5))
	b.must("backfill")
	held := b.query("select participant_id, count(*) from glucose group by 1 order by 1")
	b.api.Revoke("P002")
	b.now = b.now.Add(24 * time.Hour)

	code, _, stderr := b.run("sync")
	if code != exitConsent || !strings.Contains(stderr, "P002") || !strings.Contains(stderr, "tried again") {
		t.Errorf("sync with a refused grant: exit %d, want %d, P002 and that it is tried again\n%s", code, exitConsent, stderr)
	}
	now := b.query("select participant_id, count(*) from glucose group by 1 order by 1")
	if now[1][1] != held[1][1] || now[0][1] == held[0][1] {
		t.Errorf("readings by participant went from %v to %v: P002's stay, P001's grow", held, now)
	}
	if status := b.must("status", "P002"); !strings.Contains(status, "refused for now") {
		t.Errorf("status after one refusal:\n%s", status)
	}

	for range 4 {
		b.now = b.now.Add(18 * time.Hour)
		b.run("sync")
	}
	code, _, stderr = b.run("sync")
	if code != exitConsent || !strings.Contains(stderr, "next: dexetl connect P002") {
		t.Errorf("sync after days of refusals: exit %d, want %d and to connect P002\n%s", code, exitConsent, stderr)
	}
	if status := b.must("status", "P002"); !strings.Contains(status, "dexetl connect P002") {
		t.Errorf("status after days of refusals:\n%s", status)
	}
}
