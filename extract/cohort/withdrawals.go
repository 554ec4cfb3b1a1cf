package cohort

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Withdrawal says that a participant takes no further part: nothing is asked
// for any more, and what was recorded from EffectiveAt on is not the study's.
type Withdrawal struct {
	ParticipantID string
	EffectiveAt   time.Time // UTC
	RecordedAt    time.Time // UTC; set by Withdraw
	Reason        string
	Who           string // recorded it
}

// A WithdrawnError says that a participant has withdrawn, so that no grant, claim
// or answer of theirs is taken.
type WithdrawnError struct {
	ParticipantID string
	EffectiveAt   time.Time // UTC
}

func (e *WithdrawnError) Error() string {
	return fmt.Sprintf("participant %s has withdrawn (from %s): nothing more is asked for", e.ParticipantID, e.EffectiveAt.Format(time.RFC3339))
}

// Lasting marks an error that asking again does not change.
func (e *WithdrawnError) Lasting() {}

// Record records w in a transaction that ends what it ends, and returns w as
// recorded. A withdrawal from the same instant is not recorded twice; one from another
// instant takes the place of the one before, and is recorded later, whatever the clock says.
func (c *Cohort) Record(ctx context.Context, tx *sql.Tx, w Withdrawal) (Withdrawal, error) {
	w.RecordedAt, w.EffectiveAt = c.now(), w.EffectiveAt.UTC()
	before, again, err := withdrawalIn(ctx, tx, w.ParticipantID)
	if err != nil {
		return w, err
	}
	if again && !w.RecordedAt.After(before.RecordedAt) {
		w.RecordedAt = before.RecordedAt.Add(time.Microsecond)
	}
	_, err = tx.ExecContext(ctx, `insert into withdrawals (participant_id, effective_at, recorded_at, reason, who)
		select ?1, ?2, ?3, ?4, ?5 where ?2 is not (
			select effective_at from withdrawals where participant_id = ?1 order by withdrawal_id desc limit 1)`,
		w.ParticipantID, state.Micros(w.EffectiveAt), state.Micros(w.RecordedAt), w.Reason, w.Who)
	return w, err
}

// Act is the withdrawal for the audit trail.
func (w Withdrawal) Act(ended int) state.Act {
	return state.Act{
		Subject: "withdrawal", ParticipantID: w.ParticipantID, Reason: w.Reason,
		After: state.Fields{"effective_at": w.EffectiveAt.Format(time.RFC3339Nano), "connections_ended": ended},
	}
}

// Withdrawals lists the withdrawals that count, one per participant who has
// withdrawn, in order of participant.
func (c *Cohort) Withdrawals(ctx context.Context) ([]Withdrawal, error) {
	return state.Collect(ctx, c.Store, scanWithdrawal, selectWithdrawals+" order by participant_id")
}

// Withdrawn lists those who have withdrawn.
func (c *Cohort) Withdrawn(ctx context.Context) ([]string, error) {
	return state.Collect(ctx, c.Store, state.ScanText, "select distinct participant_id from withdrawals")
}

// Withdrawal returns the withdrawal of a participant that counts; false: none.
func (c *Cohort) Withdrawal(ctx context.Context, participantID string) (Withdrawal, bool, error) {
	return withdrawalIn(ctx, c.Store, participantID)
}

// Standing is nil unless the participant has withdrawn: *WithdrawnError.
func (c *Cohort) Standing(ctx context.Context, participantID string) error {
	return StandingIn(ctx, c.Store, participantID)
}

// StandingIn is Standing in a transaction.
func StandingIn(ctx context.Context, q state.Querier, participant string) error {
	w, withdrawn, err := withdrawalIn(ctx, q, participant)
	if withdrawn {
		err = &WithdrawnError{w.ParticipantID, w.EffectiveAt}
	}
	return err
}

const selectWithdrawals = `select participant_id, effective_at, recorded_at, reason, who from withdrawals
	where withdrawal_id in (select max(withdrawal_id) from withdrawals group by participant_id)`

func withdrawalIn(ctx context.Context, q state.Querier, participant string) (Withdrawal, bool, error) {
	w, err := state.One(ctx, q, scanWithdrawal, selectWithdrawals+" and participant_id = ?", participant)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	return w, err == nil, err
}

func scanWithdrawal(row func(...any) error) (Withdrawal, error) {
	var w Withdrawal
	err := row(&w.ParticipantID, state.Instant(&w.EffectiveAt), state.Instant(&w.RecordedAt), &w.Reason, &w.Who)
	return w, err
}
