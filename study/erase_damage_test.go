package study

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// Where nobody can tell whose damaged bytes of the raw log are, all else of somebody goes, and
// the segment is named; others are loaded, and keep their history. With the segment restored
// the next load ends the erasure.
func TestEraseBesideDamagedLog(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, log.Seal(now.AddDate(1, 0, 0)))
	appendReadings(t, log, 3, now, "P002")
	check(t, errors.Join(l.load(t.Context()), l.close(), log.Close()))
	segments, err := filepath.Glob(filepath.Join(s.RawPath(), "*/*/*.seg"))
	check(t, err)
	sound, err := os.ReadFile(segments[0])
	check(t, err)
	harmed := append([]byte(nil), sound...)
	harmed[60] ^= 4
	check(t, errors.Join(os.Chmod(segments[0], 0o600), os.WriteFile(segments[0], harmed, 0o600)))

	_, err = s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now, Reason: "asked to"}, 0)
	unfinished, ok := errors.AsType[*UnfinishedErasureError](err)
	if harm, named := errors.AsType[*raw.DamageError](err); !ok || unfinished.Stage != cohort.EraseLog || !named || harm.File != segments[0] {
		t.Fatalf("Erase beside a damaged log: %v", err)
	}
	if n := s.rowsOf(t, "egvs", "P001"); n != 0 {
		t.Errorf("egvs has %d rows of who is erased", n)
	}
	rows := s.rowsOf(t, "egvs", "P002")
	log, l = s.startLoading(t)
	appendReadings(t, log, 4, now.AddDate(0, 0, 1), "P002")
	check(t, l.load(t.Context()))
	if l.unerased == nil {
		t.Error("a load says nothing of the erasure")
	}
	check(t, errors.Join(l.publish(t.Context()), l.close(), log.Close()))
	if n := s.rowsOf(t, "egvs", "P002"); n <= rows {
		t.Errorf("egvs has %d rows of another, had %d", n, rows)
	}
	old, err := s.NewestCommit()
	check(t, err)
	_, l = s.startLoading(t)
	check(t, errors.Join(l.load(t.Context()), l.close()))
	if _, m, err := s.Snapshot("latest"); err != nil || m.Snapshot != old {
		t.Errorf("a load of nothing made snapshot %d of %d, %v", m.Snapshot, old, err)
	}

	check(t, os.WriteFile(segments[0], sound, 0o600))
	_, l = s.startLoading(t)
	check(t, errors.Join(l.load(t.Context()), l.unerased, l.close()))
	s.checkAbsent(t, "P001")
	e, err := s.Cohort.Erasure(t.Context(), "P001")
	check(t, err)
	r, err := s.receipt(e.Receipt)
	if err != nil || r.Counts.Answers != 1 || r.Counts.Rows == 0 {
		t.Errorf("receipt %+v, %v", r.Counts, err)
	}
}

// rowsOf counts the rows of a participant in a table of the newest snapshot, by its files.
func (s *Study) rowsOf(t *testing.T, table, participant string) (n int) {
	t.Helper()
	l, m, err := s.Newest()
	check(t, err)
	defer l.Close()
	for _, f := range m.TableFiles(table) {
		for batch, err := range l.Read(t.Context(), f, lake.ReadOptions{Columns: []string{"participant_id"}}) {
			check(t, err)
			ids := transform.TextOf(batch.Column(0))
			for row := range ids.Len() {
				if ids.Value(row) == participant {
					n++
				}
			}
			batch.Release()
		}
	}
	return n
}

// Once the segment is restored that has kept an erasure from its end, it is no damage that the
// log has what the tables say was erased: a replay can be tried, and a repair ends the erasure.
func TestRepairEndsErasureInRestoredLog(t *testing.T) {
	oneAfterTheOther(t)
	s, log, l := erasable(t, func() time.Time { return now })
	check(t, errors.Join(l.load(t.Context()), l.close(), log.Close()))
	segments, err := filepath.Glob(filepath.Join(s.RawPath(), "*/*/*.seg"))
	check(t, err)
	sound, err := os.ReadFile(segments[0])
	check(t, err)
	harmed := append([]byte(nil), sound...)
	harmed[60] ^= 4
	check(t, errors.Join(os.Chmod(segments[0], 0o600), os.WriteFile(segments[0], harmed, 0o600)))
	if _, err := s.Erase(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: now}, 0); !is[*raw.DamageError](err) {
		t.Fatalf("Erase beside a damaged log: %v", err)
	}
	check(t, os.WriteFile(segments[0], sound, 0o600))

	var found Verified
	check(t, errors.Join(s.verifyLake(t.Context(), Verify{}, &found), s.verifyLog(t.Context(), &found), s.heedErasures(t.Context(), &found)))
	if len(found.Damages) > 0 || len(found.Erasing) != 1 {
		t.Errorf("found %+v, erasing %v", found.Damages, found.Erasing)
	}
	if _, err := s.Replay(t.Context(), Replay{DryRun: true}); err != nil {
		t.Errorf("a replay that is tried: %v", err)
	}
	done, err := s.Repair(t.Context(), Repair{ExitCode: func(error) int { return 0 }})
	if err != nil || len(done.Left) > 0 {
		t.Errorf("repair: left %+v, %v", done.Left, err)
	}
	s.checkAbsent(t, "P001")
	found = Verified{}
	check(t, errors.Join(s.verifyLake(t.Context(), Verify{}, &found), s.verifyLog(t.Context(), &found), s.heedErasures(t.Context(), &found)))
	if len(found.Damages) > 0 || len(found.Erasing) > 0 {
		t.Errorf("afterwards found %+v, erasing %v", found.Damages, found.Erasing)
	}

	// Once the erasure has ended it is damage.
	check(t, errors.Join(os.Chmod(segments[0], 0o600), os.WriteFile(segments[0], sound, 0o600)))
	check(t, s.verifyLog(t.Context(), &found))
	if err := s.heedErasures(t.Context(), &found); err != nil || !found.Has(LogDamage) {
		t.Errorf("an older log: found %+v, %v", found.Damages, err)
	}
}
