//go:build linux || darwin

package study

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
)

// What webhooks are not told yet, what somebody opened, and all of a lake whose newest
// snapshot is of an older format, stay.
func TestCollectionSpares(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	_, l := s.startLoading(t)
	for i := range 8 {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: fmt.Sprintf("Q%03d", i)}))
		check(t, l.load(t.Context()))
		clock = clock.Add(time.Hour)
	}
	check(t, l.publish(t.Context()))
	clock = clock.Add(25 * time.Hour)
	would, err := s.Collectable(t.Context(), retain.Policy{Last: 1})
	if err != nil || would.Left() != 2 || len(would.Snapshots) != 6 {
		t.Errorf("would collect %+v, %v; want 6", would, err)
	}
	_, m, err := s.Snapshot("3")
	check(t, err)
	if m.Snapshot != 3 {
		t.Fatalf("snapshot %d", m.Snapshot)
	}
	check(t, s.outbox().Begin(t.Context(), 6, nil))
	done, err := s.collect(t.Context(), l.lake, retain.Policy{Last: 1})
	check(t, err)
	if done.Kept[retain.Opened] != 1 || done.Kept[retain.Webhooks] != 1 || done.Left() != 4 || len(done.Snapshots) != 4 {
		t.Errorf("collected %+v; want 3 to stay as opened, and 6 for webhooks", done)
	}
	runs, err := s.Store.Runs(t.Context())
	check(t, err)
	if _, damage, err := s.Runs(t.Context(), "", 0); damage != nil || err != nil {
		t.Errorf("runs of snapshots that are gone: %v, %v (%d runs)", damage, err, len(runs))
	}
	if held, err := s.HoldSnapshots(t.Context()); err != nil || held.Unread > 0 {
		t.Errorf("the audit trail: %+v, %v", held, err)
	}
}

// A tag that is lost keeps its snapshot as long as the audit trail knows of it: nothing is
// collected until a repair has written it anew, or it is dropped.
func TestCollectionBesideLostTag(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	_, l := s.startLoading(t)
	for i := range 4 {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: fmt.Sprintf("Q%03d", i)}))
		check(t, l.load(t.Context()))
		clock = clock.Add(time.Hour)
	}
	check(t, errors.Join(l.publish(t.Context()), l.guard.Unlock()))
	l.guard = nil
	_, err := s.Tag(t.Context(), "paper-1", "1", "for the paper", 0)
	check(t, err)
	clock = clock.Add(25 * time.Hour)
	for name, lose := range map[string]func(string) error{"tags/paper-1.json": os.Remove, "tags": os.RemoveAll} {
		check(t, lose(filepath.Join(s.LakePath(), name)))
		if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*lake.DamageError](err) || !strings.Contains(err.Error(), "paper-1") {
			t.Errorf("without %s: %+v, %v", name, done, err)
		}
		if would, err := s.Collectable(t.Context(), retain.Policy{Last: 1}); !is[*lake.DamageError](err) {
			t.Errorf("without %s: would collect %+v, %v", name, would, err)
		}
		done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
		if err != nil || len(done.Mended) != 1 || len(done.Left) > 0 {
			t.Fatalf("repair without %s: %+v, %v", name, done, err)
		}
	}
	if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); err != nil || done.Kept[retain.Tagged] != 1 || len(done.Snapshots) != 1 {
		t.Errorf("after the repair: %+v, %v; want 2 to go", done, err)
	}
}

// While lines of the audit trail are gone nobody knows which tags are: nothing is collected, and
// a run that loads only says so. Once the trail is whole, or the loss is accepted, a lost tag is
// missed, as ever.
func TestCollectionBesideDamagedTrail(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	_, l := s.startLoading(t)
	for i := range 4 {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: fmt.Sprintf("Q%03d", i)}))
		check(t, l.load(t.Context()))
		clock = clock.Add(time.Hour)
	}
	check(t, errors.Join(l.publish(t.Context()), l.guard.Unlock()))
	_, err := s.Tag(t.Context(), "paper-1", "1", "for the paper", 0)
	check(t, err)
	clock = clock.Add(25 * time.Hour)
	check(t, os.Remove(filepath.Join(s.LakePath(), "tags/paper-1.json")))
	path := filepath.Join(s.StatePath(), state.AuditFile)
	text, err := os.ReadFile(path)
	check(t, err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, damaged := range map[string][]byte{
		"lost": nil, "empty": {}, "cut": text[:len(text)/2], "without the last line": bytes.Join(lines[:len(lines)-2], nil),
		"altered": bytes.Replace(text, []byte("paper-1"), []byte("paper-2"), 1),
	} {
		check(t, os.Remove(path))
		if damaged != nil {
			check(t, os.WriteFile(path, damaged, 0o600))
		}
		if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*state.AuditError](err) || len(done.Snapshots) > 0 {
			t.Errorf("trail %s: %+v, %v", name, done, err)
		}
		if would, err := s.Collectable(t.Context(), retain.Policy{Last: 1}); !is[*state.AuditError](err) {
			t.Errorf("trail %s: would collect %+v, %v", name, would, err)
		}
		l.guard, err = l.lake.Lock(t.Context(), 0, lake.Holder{})
		check(t, err)
		if done, err := l.collect(t.Context()); err != nil || len(done.Snapshots) > 0 {
			t.Errorf("trail %s: a run: %+v, %v", name, done, err)
		}
		check(t, l.guard.Unlock())
		check(t, os.WriteFile(path, text, 0o600))
	}
	if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*lake.DamageError](err) {
		t.Errorf("with the trail: %+v, %v", done, err)
	}
	l.guard, err = l.lake.Lock(t.Context(), 0, lake.Holder{})
	check(t, errors.Join(err, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: "Q004"}), l.load(t.Context()), l.guard.Unlock()))
	text, err = os.ReadFile(path)
	check(t, err)
	lines = bytes.SplitAfter(text, []byte("\n"))
	check(t, os.WriteFile(path, bytes.Join(lines[len(lines)-2:], nil), 0o600)) // the tag's line is in the lake alone
	if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*state.AuditError](err) {
		t.Errorf("with a gap: %+v, %v", done, err)
	}
	if lost, err := s.AcceptLoss(t.Context(), 0); err != nil || len(lost) != 1 {
		t.Errorf("AcceptLoss: %+v, %v", lost, err)
	}
	if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); !is[*lake.DamageError](err) {
		t.Errorf("with a gap that was accepted, and a lost tag that the lake knew: %+v, %v", done, err)
	}
	_, err = s.DropTag(t.Context(), "paper-1", 0)
	check(t, err)
	if done, err := s.Collect(t.Context(), retain.Policy{Last: 1}, 0); err != nil || len(done.Snapshots) == 0 {
		t.Errorf("without the tag: %+v, %v", done, err)
	}
}

// While nobody knows what a tag keeps nothing is collected; one of a snapshot that is
// accounted for as gone keeps nothing. Verify names the tag.
func TestCollectionBesideWrongTag(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s := open(t, func() time.Time { return clock })
	_, l := s.startLoading(t)
	for i := range 5 {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: fmt.Sprintf("Q%03d", i)}))
		check(t, l.load(t.Context()))
		clock = clock.Add(time.Hour)
	}
	check(t, l.publish(t.Context()))
	clock = clock.Add(25 * time.Hour)
	sum, _, err := l.lake.ManifestSHA256(lake.ID{Number: 2})
	check(t, err)
	tag := lake.Tag{Name: "paper", Snapshot: "1", ManifestSHA256: sum}
	check(t, l.lake.PutTag(tag, false))
	if done, err := s.collect(t.Context(), l.lake, retain.Policy{Last: 1}); !is[*lake.DamageError](err) || len(done.Snapshots) > 0 {
		t.Errorf("with a tag of another manifest: %+v, %v", done.Snapshots, err)
	}
	tag.Snapshot = "9"
	check(t, l.lake.PutTag(tag, true))
	if _, err := s.Collectable(t.Context(), retain.Policy{Last: 1}); !is[*lake.DamageError](err) {
		t.Errorf("with a tag of a manifest that is not there: %v", err)
	}
	tag.Snapshot = "2"
	check(t, l.lake.PutTag(tag, true))
	if done, err := s.collect(t.Context(), l.lake, retain.Policy{Last: 1}); err != nil || len(done.Snapshots) != 2 {
		t.Errorf("with a tag that is right: %+v, %v; want 1 and 3 to go", done.Snapshots, err)
	}
	tag.Snapshot = "1"
	check(t, l.lake.PutTag(tag, true))
	if done, err := s.collect(t.Context(), l.lake, retain.Policy{Last: 1}); err != nil || len(done.Snapshots) != 1 {
		t.Errorf("with a tag of what is gone: %+v, %v; want 2 to go", done.Snapshots, err)
	}
	for n, want := range map[int64]bool{0: false, 2: true, 5: true, 6: false} { // 2 is gone
		if got := s.HasCommit(n); got != want {
			t.Errorf("HasCommit(%d) = %v", n, got)
		}
	}
	tag.Snapshot = "4"
	check(t, l.lake.PutTag(tag, true))
	found, err := s.Verify(t.Context(), Verify{})
	// Nothing in the folder of the snapshot cites it by that tag, either.
	want := []string{"tags/paper.json", "snapshots/000004/SHA256SUMS", "snapshots/000004/CITATION.txt"}
	if got := mapped(found.Damages, func(d Damage) string { return d.Path }); err != nil || !slices.Equal(got, want) || found.Damages[0].Kind != ManifestDamage {
		t.Errorf("verify: %+v, %v", found.Damages, err)
	}
}
