package study

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
)

// checkAbsent checks that nothing is left of a participant but the name.
func (s *Study) checkAbsent(t *testing.T, participant string) {
	t.Helper()
	a, err := s.Absent(t.Context(), participant)
	check(t, err)
	for _, f := range a.Found {
		t.Errorf("%s is in %s (%s)", participant, f.Path, f.Where)
	}
}

// erasable is a study of two whose answers are loaded, and its log. Nobody has its load
// lock.
func erasable(t *testing.T, clock func() time.Time) (*Study, *raw.Log, *loading) {
	s := open(t, clock)
	for _, id := range []string{"P001", "P002"} {
		check(t, s.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: id}))
	}
	log, l := s.startLoading(t)
	appendReadings(t, log, 1, now.AddDate(0, 0, -1), "P001")
	appendReadings(t, log, 2, now.AddDate(0, 0, -1), "P002")
	check(t, l.load(t.Context()))
	return s, log, l
}

// An answer that comes while the erasure is at work on the tables is erased with the
// others.
func TestAnswerDuringErasure(t *testing.T) {
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, s.beginErasure(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}))
	e, err := s.Cohort.Erasure(t.Context(), "P001")
	check(t, err)
	check(t, (&erasing{loading: l, Erasure: e}).log(t.Context()))
	if _, err := s.Cohort.NextErasure(t.Context(), "P001", cohort.EraseLog, cohort.EraseState); err != nil {
		t.Fatal(err)
	}
	appendReadings(t, log, 3, now, "P001")
	check(t, l.finishErasures(t.Context()))
	s.checkAbsent(t, "P001")
}

// An answer that comes after the erasure gets a receipt of its own.
func TestAnswerAfterErasure(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, s.beginErasure(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now, Reason: "asked to"}))
	check(t, l.finishErasures(t.Context()))
	appendReadings(t, log, 3, now, "P001")
	check(t, l.load(t.Context()))
	s.checkAbsent(t, "P001")
	receipts, err := filepath.Glob(filepath.Join(s.StatePath(), "receipts", "*.json"))
	check(t, err)
	if len(receipts) != 2 {
		t.Fatalf("receipts %v, want two", receipts)
	}
	first, err := os.ReadFile(receipts[0])
	check(t, err)
	if !strings.Contains(string(first), "asked to") {
		t.Errorf("the first receipt is %s", first)
	}
}

// A lake from before the erasure, with a state from after it, brings nobody back: neither
// into the tables nor into the quarantine.
func TestOlderLakeAfterErasure(t *testing.T) {
	oneAfterTheOther(t)
	for name, again := range map[string]func(*Study) error{
		"load": func(s *Study) error {
			_, l := s.startLoading(t)
			return errors.Join(l.load(t.Context()), l.close())
		},
		"replay": func(s *Study) error {
			_, err := s.Replay(t.Context(), Replay{ExitCode: func(error) int { return 0 }})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, log, l := erasable(t, func() time.Time { return now })
			before := t.TempDir()
			check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
			check(t, os.CopyFS(before, os.DirFS(s.LakePath())))
			_, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}, 0)
			check(t, err)
			s.checkAbsent(t, "P001")
			check(t, os.Rename(s.LakePath(), filepath.Join(t.TempDir(), "lake")))
			check(t, os.CopyFS(s.LakePath(), os.DirFS(before)))
			check(t, again(s))
			s.checkAbsent(t, "P001")
			if _, err := os.Stat(s.quarantine().folder("P001")); err == nil {
				t.Error("the quarantine has rows of P001")
			}
		})
	}
}

// Nobody is absent while something of theirs may be where no text can be found: before the
// erasure is done, and before what it deleted is wiped.
func TestAbsentOnlyWhenDone(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, errors.Join(l.close(), log.Close()))
	_, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}, 0)
	check(t, err)
	s.checkAbsent(t, "P001")
	check(t, s.Cohort.RepeatErasure(t.Context(), "P001"))
	check(t, s.Store.Write(t.Context(), func(tx *sql.Tx) error { return state.MarkScrub(t.Context(), tx) }))
	check(t, os.WriteFile(filepath.Join(s.StatePath(), "state.db.old"), []byte("of P001"), 0o600))
	a, err := s.Absent(t.Context(), "P001")
	check(t, err)
	var where []string
	for _, f := range a.Found {
		where = append(where, filepath.Base(f.Path)+": "+f.Where)
	}
	want := []string{"state.db: an erasure that is not finished", "state.db-wal: deleted rows that are not wiped yet", "state.db.old: its text"}
	if !slices.Equal(where, want) {
		t.Errorf("found %q, want %q", where, want)
	}
}

// A tagged snapshot that has nothing but the name of somebody stays as it is when they are
// erased again.
func TestErasedAgainKeepsTags(t *testing.T) {
	oneAfterTheOther(t)
	clock := now
	s, log, l := erasable(t, func() time.Time { return clock })
	check(t, errors.Join(l.close(), log.Close()))
	erase := func() {
		t.Helper()
		clock = clock.Add(time.Minute)
		_, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: clock}, 0)
		check(t, err)
	}
	erase()
	tagged, err := s.Tag(t.Context(), "paper", "", "for the paper", 0)
	check(t, err)
	erase()
	s.checkAbsent(t, "P001")
	opened, err := lake.OpenToRead(s.LakePath())
	check(t, err)
	defer opened.Close()
	tags, err := opened.Tags()
	check(t, err)
	if len(tags) != 1 || tags[0].Snapshot != tagged.Tag.Snapshot {
		t.Errorf("tags %+v, want that of snapshot %s", tags, tagged.Tag.Snapshot)
	}
}

// A manifest that was set aside as damaged names people, too: it goes.
func TestEraseManifestsAside(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	newest, err := os.ReadFile(filepath.Join(s.LakePath(), "manifests", "000000000001.json"))
	check(t, err)
	check(t, os.Mkdir(filepath.Join(s.LakePath(), "damaged"), 0o755))
	aside := filepath.Join(s.LakePath(), "damaged", "000000000009.manifest")
	check(t, os.WriteFile(aside, newest[:len(newest)-1], 0o600))
	_, err = s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}, 0)
	check(t, err)
	if _, err := os.Stat(aside); err == nil {
		t.Error("the manifest that was set aside is still there")
	}
	s.checkAbsent(t, "P001")
}

// What a newer program wrote, and an erasure has to change, keeps it from being begun.
func TestNoErasureOfNewerFiles(t *testing.T) {
	for name, written := range map[string]map[string]any{
		"tags/first.json": {"format": lake.TagFormat + 1, "tag": "first", "snapshot": "1", "program": "9.9.9"},
		lake.GoneFile:     {"format": 9, "gone": []any{}},
	} {
		s, log, l := erasable(t, func() time.Time { return now })
		content, err := lake.Sealed(written)
		check(t, err)
		path := filepath.Join(s.LakePath(), name)
		check(t, errors.Join(l.close(), log.Close(), os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)))
		_, err = s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}, 0)
		if !is[*lake.VersionError](err) {
			t.Errorf("%s: Erase: %v, want a *lake.VersionError", name, err)
		}
		e, err := s.Cohort.Erasure(t.Context(), "P001")
		check(t, err)
		if withdrawn, err := s.Cohort.Withdrawals(t.Context()); err != nil || len(withdrawn) > 0 || e.Stage != "" {
			t.Errorf("%s: on record are %v and %q, %v", name, withdrawn, e.Stage, err)
		}
	}
}
