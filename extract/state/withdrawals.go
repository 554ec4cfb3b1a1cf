package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
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

// ErrTraces says that tokens are deleted, and used by nobody, but that readers
// kept their bytes from being wiped off the write-ahead log.
var ErrTraces = errors.New("the tokens are destroyed, but other processes keep the state open: their sealed bytes are still in its write-ahead log")

// Withdraw records w, ends the participant's connections now and destroys all
// that could bring tokens: sealed pairs, answers, intents and begun consents.
// It does so in one transaction and then wipes their bytes off the disk, as far
// as the files of the store go; else it is ErrTraces. It returns how many
// connections it ended. A withdrawal from the same instant is not recorded
// twice, so that an interrupted Withdraw can be repeated; one from another
// instant takes the place of the one before.
func (s *Store) Withdraw(ctx context.Context, w Withdrawal) (ended int, err error) {
	w.RecordedAt, w.EffectiveAt = s.now(), w.EffectiveAt.UTC()
	err = s.change(ctx, func(tx *sql.Tx) ([]Act, error) {
		_, err := tx.ExecContext(ctx, `insert into withdrawals (participant_id, effective_at, recorded_at, reason, who)
			select ?1, ?2, ?3, ?4, ?5 where ?2 is not (
				select effective_at from withdrawals where participant_id = ?1 order by withdrawal_id desc limit 1)`,
			w.ParticipantID, micros(w.EffectiveAt), micros(w.RecordedAt), w.Reason, w.Who)
		if err != nil {
			return nil, err
		}
		ended, err = destroyGrants(ctx, tx, w.ParticipantID, w.RecordedAt)
		return []Act{w.act(ended)}, err
	})
	if err != nil {
		return 0, fmt.Errorf("withdrawal of %s: %w", w.ParticipantID, err)
	}
	// Before it is done, deleted tokens are in the write-ahead log still.
	if wiped, err := s.Scrub(ctx); err != nil || !wiped {
		return ended, cmp.Or(err, ErrTraces)
	}
	return ended, nil
}

// act is the withdrawal for the audit trail.
func (w Withdrawal) act(ended int) Act {
	return Act{
		Subject: "withdrawal", ParticipantID: w.ParticipantID, Reason: w.Reason,
		After: Fields{"effective_at": w.EffectiveAt.Format(time.RFC3339Nano), "connections_ended": ended},
	}
}

// destroyGrants ends what connects a participant to any account.
func destroyGrants(ctx context.Context, tx *sql.Tx, participant string, at time.Time) (ended int, err error) {
	live, err := collect(ctx, tx, scanConnection, selectConnections+" where participant_id = ? and status <> ?", participant, Ended)
	if err != nil {
		return 0, err
	}
	for _, c := range live {
		if err := endConnection(ctx, tx, c, at, "withdrawn"); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, "update invitations set revoked_at = ? where participant_id = ? and connected_at is null and revoked_at is null",
		micros(at), participant)
	if err != nil {
		return 0, err
	}
	for _, q := range []string{
		"delete from token_answers where participant_id = ?", // those to a code have no connection yet
		"delete from oauth_states where participant_id = ?",
	} {
		if _, err := tx.ExecContext(ctx, q, participant); err != nil {
			return 0, err
		}
	}
	return len(live), markScrub(ctx, tx)
}

// Withdrawals lists the withdrawals that count, one per participant who has
// withdrawn, in order of participant.
func (s *Store) Withdrawals(ctx context.Context) ([]Withdrawal, error) {
	return collect(ctx, s.db, scanWithdrawal, selectWithdrawals+" order by participant_id")
}

// Withdrawal returns the withdrawal of a participant that counts; false: none.
func (s *Store) Withdrawal(ctx context.Context, participantID string) (Withdrawal, bool, error) {
	return withdrawalIn(ctx, s.db, participantID)
}

// Standing is nil unless the participant has withdrawn: *WithdrawnError.
func (s *Store) Standing(ctx context.Context, participantID string) error {
	return standing(ctx, s.db, participantID)
}

func standing(ctx context.Context, q querier, participant string) error {
	w, withdrawn, err := withdrawalIn(ctx, q, participant)
	if withdrawn {
		err = &WithdrawnError{w.ParticipantID, w.EffectiveAt}
	}
	return err
}

const selectWithdrawals = `select participant_id, effective_at, recorded_at, reason, who from withdrawals
	where withdrawal_id in (select max(withdrawal_id) from withdrawals group by participant_id)`

func withdrawalIn(ctx context.Context, q querier, participant string) (Withdrawal, bool, error) {
	w, err := one(ctx, q, scanWithdrawal, selectWithdrawals+" and participant_id = ?", participant)
	if errors.Is(err, sql.ErrNoRows) {
		return w, false, nil
	}
	return w, err == nil, err
}

func scanWithdrawal(row func(...any) error) (Withdrawal, error) {
	var w Withdrawal
	err := row(&w.ParticipantID, instant{&w.EffectiveAt}, instant{&w.RecordedAt}, &w.Reason, &w.Who)
	return w, err
}
