package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// cuts say from when on records of participants who have withdrawn are left out.
func (s Study) cuts() map[string]time.Time {
	c := make(map[string]time.Time, len(s.Withdrawals))
	for _, w := range s.Withdrawals {
		c[w.ParticipantID] = w.EffectiveAt
	}
	return c
}

// leaveOut takes the rows from the cut on out of the answer: the fold never sees
// them. Of records it is their own time that counts, of devices that of the
// answer, and a reject without a legible time counts from when it was seen.
func (a *answer) leaveOut(mem memory.Allocator) {
	for name, batch := range a.batch.Tables {
		stays := a.stays(name, batch)
		picks := sources{batch}.picks(func(p pick) bool { return stays(int(p.row)) })
		if len(picks) == int(batch.NumRows()) {
			continue
		}
		if name == "events" {
			noted := make([]bool, len(picks))
			for i, p := range picks {
				noted[i] = a.batch.Noted[p.row]
			}
			a.batch.Noted = noted
		}
		a.effect = true // on the quarantine: its body is needed
		delete(a.batch.Tables, name)
		if len(picks) > 0 {
			a.batch.Tables[name] = sources{batch}.gather(mem, shapeNamed(name).schema, picks)
		}
		batch.Release()
	}
}

// stays returns which rows of a table are from before the cut.
func (a *answer) stays(table string, batch arrow.RecordBatch) func(row int) bool {
	seen := a.AskedAt.Before(a.cut)
	switch t := shapeNamed(table); t.Kind {
	case transform.Version:
		return func(int) bool { return seen }
	case transform.Appended: // rejects
		return func(row int) bool {
			if at := a.batch.RejectedAt[row]; !at.IsZero() {
				return at.Before(a.cut)
			}
			return seen
		}
	default:
		times, cut := t.times(batch, t.Time), instant(a.cut)
		return func(row int) bool { return times.Value(row) < cut }
	}
}

// covered is the part of the answer's window that counts as asked for.
func (a *answer) covered() (from, to time.Time) {
	from, to = a.WindowStart, a.WindowEnd
	if !a.cut.IsZero() && a.cut.Before(to) {
		to = a.cut
	}
	return from, to
}

// known is what a range of the API's records says of those before the cut:
// nothing if its newest record is not one of them.
func (a *answer) known(r *dexcom.Range) *dexcom.Range {
	if r == nil || !a.cut.IsZero() && !r.End.Before(a.cut) {
		return nil
	}
	return r
}

// A ForgottenWithdrawalError says that the lake has a withdrawal that the study
// does not know: its state is older than the lake. To load with it would bring back
// rows that were taken out.
type ForgottenWithdrawalError struct {
	ParticipantID string
	EffectiveAt   time.Time // UTC
	Known         time.Time // since when the study has it, UTC; zero: it has none
	Erased        bool      // by the lake's audit trail: another erasure records both again
}

func (e *ForgottenWithdrawalError) Error() string {
	return fmt.Sprintf("the lake knows that participant %s has withdrawn from %s, and the study's state does not: is state.db from an older backup? nothing was loaded",
		e.ParticipantID, e.EffectiveAt.Format(time.RFC3339))
}

// remembersWithdrawals returns the error of withdrawnAnew. Where the file that the
// lake has them in is damaged, which a replay mends, it can only count them, and look
// for those whom the manifest names.
func (l *Loader) remembersWithdrawals(ctx context.Context, study Study, m lake.Manifest) error {
	_, err := l.withdrawnAnew(ctx, study, m)
	var damage *lake.DamageError
	if !errors.As(err, &damage) || int64(len(study.Withdrawals)) < m.Rows("withdrawals") {
		return err
	}
	known := withdrawalsOf(study.Withdrawals)
	for _, f := range m.TableFiles("withdrawals") {
		for _, named := range []string{f.FirstParticipant, f.LastParticipant} {
			if _, ok := known[named]; !ok {
				return err
			}
		}
	}
	l.Logger.Warn("withdrawals are taken from the state alone", "error", damage)
	return nil
}

// withdrawnAnew returns the participants of whom the lake knows another
// withdrawal than the study does, or none. One that the study has forgotten, or has from a
// later instant and recorded earlier than the lake's, is a *ForgottenWithdrawalError: when it
// was recorded is what a clock said, so it brings nothing back.
func (l *Loader) withdrawnAnew(ctx context.Context, study Study, m lake.Manifest) ([]string, error) {
	held, err := l.heldWithdrawals(ctx, study, m)
	if err != nil {
		return nil, fmt.Errorf("withdrawals: %w", err)
	}
	var anew []string
	for _, w := range study.Withdrawals {
		before, known := held[w.ParticipantID]
		if !known || !before.EffectiveAt.Equal(w.EffectiveAt) {
			anew = append(anew, w.ParticipantID)
		}
		if !known || !w.RecordedAt.Before(before.RecordedAt) || !w.EffectiveAt.After(before.EffectiveAt) {
			delete(held, w.ParticipantID)
		}
	}
	if len(held) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(held)))
		known := withdrawalsOf(study.Withdrawals)[first]
		return nil, &ForgottenWithdrawalError{first, held[first].EffectiveAt, known.EffectiveAt, l.wasErased(ctx, m, first)}
	}
	slices.Sort(anew)
	return anew, nil
}

// heldWithdrawals returns the withdrawals that the lake has, by participant. Those
// of a damaged file are told by the hash that the manifest has of them: they are
// the study's, as far as it had recorded them when the snapshot was made. If they
// are not, the damage is the error: nobody may guess who has withdrawn.
func (l *Loader) heldWithdrawals(ctx context.Context, study Study, m lake.Manifest) (map[string]Withdrawal, error) {
	if harm := firstDamaged(m.TableFiles("withdrawals")); harm != nil {
		return l.recalledWithdrawals(study, m, harm)
	}
	held := make(map[string]Withdrawal)
	for r, err := range eachRow(ctx, l.Lake, "withdrawals", m.TableFiles("withdrawals")) {
		if err != nil {
			return nil, err
		}
		w := Withdrawal{r.str("participant_id"), r.time("effective_at"), r.time("recorded_at")}
		held[w.ParticipantID] = w
	}
	return held, nil
}

func (l *Loader) recalledWithdrawals(study Study, m lake.Manifest, harm *lake.DamageError) (map[string]Withdrawal, error) {
	for _, recorded := range []func(Withdrawal) bool{
		func(Withdrawal) bool { return true },
		func(w Withdrawal) bool { return !w.RecordedAt.After(m.CreatedAt) },
		func(w Withdrawal) bool { return w.RecordedAt.Before(m.CreatedAt) }, // of a clock that stood still
	} {
		before := slices.DeleteFunc(slices.Clone(study.Withdrawals), func(w Withdrawal) bool { return !recorded(w) })
		rows := Study{Withdrawals: before}.table(l.Mem, "withdrawals")
		same, err := hadRows(m.TableFiles("withdrawals"), rows)
		rows.Release()
		if err != nil {
			return nil, err
		}
		if same {
			return withdrawalsOf(before), nil
		}
	}
	return nil, harm
}

func withdrawalsOf(all []Withdrawal) map[string]Withdrawal {
	of := make(map[string]Withdrawal, len(all))
	for _, w := range all {
		of[w.ParticipantID] = w
	}
	return of
}
