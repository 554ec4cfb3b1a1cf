package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/load/lake"
)

// What the quarantine cannot keep does not leave the tables, and what comes
// later is not committed before it is kept.
func TestQuarantineComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	from, to := at(1, "00:00:00"), at(9, "00:00:00")
	w.answer("P1", "A", "egvs", from, to, egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110))
	cell := &cell{t: t, rows: map[string]map[string][]string{}}
	k := w.tank("lake", 0)
	defer k.unlock()
	k.Quarantine = cell
	k.load(Study{})
	study := Study{Withdrawals: []Withdrawal{{"P1", at(5, "00:00:00"), w.time}}}
	full := errors.New("disk full")
	refused := func(what string, ids ...string) {
		t.Helper()
		cell.err = full
		if _, err := k.Load(context.Background(), study, "RUN"); !errors.Is(err, full) {
			t.Errorf("%s: Load = %v, want %v", what, err, full)
		}
		cell.err = nil
		sameText(t, what+": egvs", k.rows("egvs", "record_id"), ids)
	}
	kept := func(what string, ids ...string) {
		t.Helper()
		k.load(study)
		var got []string
		for _, row := range cell.all("egvs") {
			_, id, _ := strings.Cut(row, "record_id=")
			got = append(got, id[:1])
		}
		if !slices.Equal(got, ids) {
			t.Errorf("%s: quarantine has %q, want %q", what, got, ids)
		}
	}
	refused("withdrawal", "record_id=a", "record_id=b")
	kept("withdrawal", "b")
	w.answer("P1", "A", "egvs", from, to, egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110), egv("c", at(8, "12:00:00"), 120))
	refused("a later answer", "record_id=a")
	kept("a later answer", "b", "c")
	w.answer("P1", "A", "egvs", from, to, egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110), egv("c", at(8, "12:00:00"), 120), egv("d", at(8, "13:00:00"), 120))
	replay, err := k.Replay(t.Context(), study, "REPLAY")
	if err != nil || len(cell.all("egvs")) != 2 {
		t.Errorf("a replay that is not adopted: %v, quarantine has %d rows, want 2", err, len(cell.all("egvs")))
	}
	if _, err := replay.Adopt(t.Context()); err != nil || len(cell.all("egvs")) != 3 {
		t.Errorf("Adopt: %v, quarantine has %d rows, want 3", err, len(cell.all("egvs")))
	}
	if err := replay.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err := k.Lake.Current(); err != nil || len(m.TableFiles("egvs")) != 1 {
		t.Fatalf("Current: %+v, %v", m, err)
	}
	staged, err := os.ReadDir(k.Lake.Path() + "/data/.staging")
	if err != nil || len(staged) > 0 {
		t.Errorf("staging holds %v, %v; want the scratch lakes gone", staged, err)
	}
	if _, err := (&lake.Lake{}).Scratch(context.Background()); !errors.Is(err, lake.ErrNotLocked) {
		t.Errorf("Scratch without the lock = %v, want %v", err, lake.ErrNotLocked)
	}
}

// A withdrawal judges by accounts, as the fold before it did: what vanished
// through a second connection to the same account does not come back.
func TestWithdrawalKnowsAccounts(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(2, "00:00:00"), at(3, "00:00:00")
	w.answer("P1", "A", "egvs", from, to, egv("a", at(2, "12:00:00"), 100), egv("b", at(2, "13:00:00"), 110))
	w.answer("P1", "A2", "egvs", from, to, egv("a", at(2, "12:00:00"), 100))
	k := w.tank("lake", 0)
	defer k.unlock()
	study := historyStudy()
	k.load(study)
	sameText(t, "glucose", k.rows("glucose", "glucose_mgdl"), []string{"glucose_mgdl=100"})
	study.Withdrawals = []Withdrawal{{"P1", at(20, "00:00:00"), w.time}}
	k.load(study)
	sameText(t, "glucose after the withdrawal", k.rows("glucose", "glucose_mgdl"), []string{"glucose_mgdl=100"})
}

// However many have withdrawn, what they left is made in one pass over the log:
// the quarantine of all of them is filled out of the same scratch lakes, when they
// withdraw, when they are answered later, and when a replay is adopted.
func TestWithdrawalsInOnePass(t *testing.T) {
	w := newWorld(t, t.TempDir())
	from, to := at(1, "00:00:00"), at(9, "00:00:00")
	study := Study{}
	ask := func() {
		for i := range 5 {
			w.answer(fmt.Sprint("P", i), fmt.Sprint("C", i), "egvs", from, to, egv("a", at(2, "12:00:00"), 100+w.n), egv("b", at(7, "12:00:00"), 110+w.n))
		}
	}
	ask()
	k := w.tank("lake", 0)
	defer k.unlock()
	k.load(study)
	for i := range 4 { // one stays
		study.Withdrawals = append(study.Withdrawals, Withdrawal{fmt.Sprint("P", i), at(5, "00:00:00"), w.time})
	}
	scratches := make(map[string]int)
	k.Quarantine = hook(func() error {
		found, err := filepath.Glob(filepath.Join(k.Lake.Path(), "data/.staging/*"))
		scratches[strings.Join(found, " ")]++
		return err
	})
	check := func(when string) {
		t.Helper()
		if len(scratches) != 1 || slices.Collect(maps.Values(scratches))[0] != 4 {
			t.Errorf("%s: the quarantine was filled out of %v; want four out of the same lakes", when, scratches)
		}
		clear(scratches)
	}
	k.load(study)
	check("withdrawn")
	ask()
	k.load(study)
	check("answered later")
	k.replay(study)
	check("replayed")
}

// A hook is a Quarantine that does something else.
type hook func() error

func (h hook) Keep(context.Context, string, []LeftOut) error { return h() }

// Answers are durable before what is made of them is published: where the log
// cannot be synced, nothing is. The log goes away after it was read, when the
// quarantine is filled.
func TestNothingIsPublishedOfALogThatIsNotDurable(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.answer("P1", "A", "egvs", at(1, "00:00:00"), at(9, "00:00:00"), egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110))
	k := w.tank("lake", 0)
	defer k.unlock()
	segments, err := filepath.Glob(filepath.Join(w.dir, "raw/*/*/*.seg"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	last := segments[len(segments)-1]
	k.Quarantine = hook(func() error { return errors.Join(os.Remove(last), os.Symlink("nowhere", last)) })
	study := Study{Withdrawals: []Withdrawal{{"P1", at(5, "00:00:00"), w.time}}}
	if _, err := k.Load(t.Context(), study, "RUN"); err == nil {
		t.Error("Load of a log that cannot be synced succeeded")
	}
	if m, err := k.Lake.Current(); err != nil || m.Snapshot != 0 {
		t.Errorf("snapshot %d, %v; want none", m.Snapshot, err)
	}
}

// A study whose state is older than the lake, as one from a backup is, brings
// nothing back that a withdrawal took out.
func TestForgottenWithdrawal(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.answer("P1", "A", "egvs", at(1, "00:00:00"), at(9, "00:00:00"), egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110))
	k := w.tank("lake", 0)
	defer k.unlock()
	recorded := w.time
	withdrawn := func(day int, at time.Time) Study {
		return Study{Withdrawals: []Withdrawal{{"P1", time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC), at}}}
	}
	k.load(withdrawn(5, recorded))
	for what, older := range map[string]Study{
		"without it": {}, "with an earlier one from a later instant": withdrawn(8, recorded.Add(-time.Hour)),
	} {
		var forgotten *ForgottenWithdrawalError
		if _, err := k.Load(t.Context(), older, "RUN"); !errors.As(err, &forgotten) || forgotten.ParticipantID != "P1" || !forgotten.EffectiveAt.Equal(at(5, "00:00:00")) {
			t.Errorf("Load of a study %s = %v, want P1's withdrawal told", what, err)
		}
		if _, err := k.Replay(t.Context(), older, "RUN"); !errors.As(err, &forgotten) {
			t.Errorf("Replay of a study %s = %v, want P1's withdrawal told", what, err)
		}
		sameText(t, "egvs", k.rows("egvs", "record_id"), []string{"record_id=a"})
	}
	k.load(withdrawn(4, recorded.Add(-time.Hour))) // by a clock that was put back
	sameText(t, "egvs, from an earlier instant", k.rows("egvs", "record_id"), []string{"record_id=a"})
	k.load(withdrawn(8, recorded.Add(time.Hour)))
	sameText(t, "egvs, the withdrawal corrected", k.rows("egvs", "record_id"), []string{"record_id=a", "record_id=b"})
}

// A withdrawal finds in a compacted log what it would find in the whole one:
// how far was asked, and which records are gone that it leaves out.
func TestWithdrawalOfCompacted(t *testing.T) {
	t.Parallel()
	from, to := at(1, "00:00:00"), at(9, "00:00:00")
	stays, left := egv("a", at(2, "12:00:00"), 100), egv("b", at(7, "12:00:00"), 110)
	withdrawn := func(day int) Study { return Study{Withdrawals: []Withdrawal{{"P1", at(day, "00:00:00"), now}}} }
	tests := []struct {
		name   string
		second []string // records of the second answer
		before Study    // when it is folded and compacted
		after  Study
	}{
		{"stated afterwards", []string{stays, left}, Study{}, withdrawn(5)},
		{"stated before and corrected", []string{stays}, withdrawn(5), withdrawn(8)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			w.answer("P1", "A", "egvs", from, to, stays, left)
			w.answer("P1", "A", "egvs", from, to, tt.second...)
			whole := w.tank("whole", 0)
			defer whole.unlock()
			whole.load(tt.after)
			k := w.tank("lake", 0)
			defer k.unlock()
			w.compact(k, tt.before, func() { w.answer("P9", "A", "egvs", from, to) })
			k.load(tt.after)
			whole.load(tt.after)
			got, want := k.all(), whole.all()
			for of, all := range map[*tank]map[string][]string{k: got, whole: want} { // whose body is gone needs none: confirms
				all["requests"] = of.rows("requests", "request_id", "records", "new", "changed", "vanished", "rejected", "outcome")
			}
			sameLakes(t, "compacted", got, want)
		})
	}
}
