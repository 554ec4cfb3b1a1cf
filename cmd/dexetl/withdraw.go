package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
)

// withdrawOptions are the flags of `dexetl withdraw`.
type withdrawOptions struct {
	effective string
	reason    string
	bringBack bool
	erase     bool
	lockWait  time.Duration
}

func (p *program) withdrawCommand() *cli.Command {
	var o withdrawOptions
	return &cli.Command{
		Name: "withdraw", Usage: "end a participant's part: no access any more, data from then on out of the tables", ArgsUsage: "P001",
		Description: "What was recorded before --effective stays, as it does in a trial under FDA rules. What was recorded " +
			"from then on leaves the tables and is kept sealed in state/quarantine. " +
			"With --erase nothing stays but the name. See docs/withdrawal.md.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "stop", Usage: "fetch nothing more, keep what was recorded before: the default"},
			&cli.StringFlag{Name: "effective", Usage: "since when: `DATETIME` such as 2026-03-01 or 2026-03-01T14:30, in the participant's time zone (default: now)", Destination: &o.effective},
			&cli.StringFlag{Name: "reason", Usage: "why, for the record: `TEXT`; asked for unless given", Destination: &o.reason},
			&cli.BoolFlag{Name: "bring-back", Usage: "with a later --effective than before: bring the rows between back", Destination: &o.bringBack},
			&cli.BoolFlag{Name: "erase", Usage: "take out everything that is held, also from the raw log and all snapshots, for good", Destination: &o.erase},
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &o.lockWait},
		},
		Action: p.withParticipant(func(ctx context.Context, s *study.Study, who cohort.Participant) error {
			return p.withdraw(ctx, s, who, o)
		}),
	}
}

// withdraw asks, and then does it.
func (p *program) withdraw(ctx context.Context, s *study.Study, who cohort.Participant, o withdrawOptions) error {
	if o.erase {
		return p.erase(ctx, s, who, o)
	}
	w, err := p.withdrawal(ctx, s, who, o)
	if err != nil {
		return err
	}
	command := again()
	if o.effective == "" { // the instant that is shown, not that of the next try
		command = again("--effective", w.EffectiveAt.Format(time.RFC3339Nano))
	}
	what := fmt.Sprintf("%s withdraws from %s: the access to the account ends for good, nothing more is fetched, and what was recorded from then on leaves the tables.",
		who.ID, localInstant(w.EffectiveAt, who))
	if err := p.confirm(what, who.ID, command); err != nil {
		return err
	}
	done, err := s.Withdraw(ctx, w, o.lockWait)
	if err != nil && !errors.Is(err, consent.ErrTraces) || as[*study.StillInTablesError](err) {
		return err
	}
	return errors.Join(p.printWithdrawn(s, withdrawn{who, w.EffectiveAt, done}), damageFound(done.Loaded.Damaged), err)
}

// withdrawal reads what is to be recorded, and refuses what cannot be meant.
func (p *program) withdrawal(ctx context.Context, s *study.Study, who cohort.Participant, o withdrawOptions) (cohort.Withdrawal, error) {
	w := cohort.Withdrawal{ParticipantID: who.ID, Who: operator()}
	before, already, err := s.Cohort.Withdrawal(ctx, who.ID)
	if err != nil {
		return w, err
	}
	now := p.now().UTC().Truncate(time.Microsecond)
	switch {
	case o.effective != "":
		if w.EffectiveAt, err = study.LocalTime(o.effective, who); err != nil {
			return w, usage("--effective %w", err)
		}
	case already:
		w.EffectiveAt = before.EffectiveAt
	default:
		w.EffectiveAt = now
	}
	switch {
	case w.EffectiveAt.After(now):
		return w, &exitError{exitUsage, "until the time has come, fetch nothing", dexetl("participants", "pause", who.ID),
			fmt.Errorf("--effective %s is in the future", localInstant(w.EffectiveAt, who))}
	case already && w.EffectiveAt.After(before.EffectiveAt) && !o.bringBack:
		return w, &exitError{exitUsage, "if that is meant, say so with --bring-back", again("--bring-back"),
			fmt.Errorf("%s has withdrawn from %s; a later instant brings what was recorded in between back into the tables",
				who.ID, localInstant(before.EffectiveAt, who))}
	}
	w.Reason, err = p.reason(o.reason, "withdraw")
	return w, err
}

// withdrawn is what a withdrawal did.
type withdrawn struct {
	who cohort.Participant
	at  time.Time
	study.WithdrawalDone
}
