package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/load"
)

// withdrawOptions are the flags of `dexetl withdraw`.
type withdrawOptions struct {
	effective string
	reason    string
	bringBack bool
	lockWait  time.Duration
}

func (p *program) withdrawCommand() *cli.Command {
	var o withdrawOptions
	return &cli.Command{
		Name: "withdraw", Usage: "end a participant's part: tokens destroyed, data from then on out of the tables", ArgsUsage: "P001",
		Description: "What was recorded before --effective stays, as it does in a trial under FDA rules. What was recorded\n" +
			"from then on leaves the tables and is kept sealed in state/quarantine. See docs/withdrawal.md.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "stop", Usage: "fetch nothing more, keep what was recorded before: the default"},
			&cli.StringFlag{Name: "effective", Usage: "since when: `DATETIME` such as 2026-03-01 or 2026-03-01T14:30, in the participant's time zone (default: now)", Destination: &o.effective},
			&cli.StringFlag{Name: "reason", Usage: "why, for the record: `TEXT`; must be given", Destination: &o.reason},
			&cli.BoolFlag{Name: "bring-back", Usage: "with a later --effective than before: bring the rows between back", Destination: &o.bringBack},
			&durationFlag{Name: "lock-wait", Usage: "how long to wait for another process that loads", Value: defaultLockWait, Destination: &o.lockWait},
		},
		Action: p.withParticipant(func(ctx context.Context, s *study, who cohort.Participant) error {
			return p.withdraw(ctx, s, who, o)
		}),
	}
}

// withdraw records the withdrawal first, which ends all fetching and destroys
// the tokens, and then takes it into the tables. Interrupted anywhere, it can be
// repeated.
func (p *program) withdraw(ctx context.Context, s *study, who cohort.Participant, o withdrawOptions) error {
	w, err := p.withdrawal(ctx, s, who, o)
	if err != nil {
		return err
	}
	command := p.commandLine("withdraw", who.ID, "--effective", w.EffectiveAt.Format(time.RFC3339Nano), "--reason", w.Reason)
	what := fmt.Sprintf("%s withdraws from %s: the tokens are destroyed, nothing more is fetched, and what was recorded from then on leaves the tables.",
		who.ID, localInstant(w.EffectiveAt, who))
	if err := p.confirm(what, who.ID, command); err != nil {
		return err
	}
	ended, traces := s.consents.Withdraw(ctx, w)
	if traces != nil && !errors.Is(traces, consent.ErrTraces) {
		return traces
	}
	done := withdrawn{who: who, at: w.EffectiveAt, ended: ended}
	if err := p.takeOut(ctx, s, o.lockWait, &done); err != nil {
		return errors.Join(traces, fmt.Errorf("%s has withdrawn and nothing more is fetched, but what was recorded since is still in the tables: %w", who.ID, err))
	}
	if done.held, err = s.quarantine().held(who.ID); err != nil {
		return err
	}
	done.folder = s.quarantine().folder(who.ID)
	return errors.Join(p.printWithdrawn(s, done), damageFound(done.loaded.Damaged), traces)
}

// withdrawal reads what is to be recorded, and refuses what cannot be meant.
func (p *program) withdrawal(ctx context.Context, s *study, who cohort.Participant, o withdrawOptions) (cohort.Withdrawal, error) {
	w := cohort.Withdrawal{ParticipantID: who.ID, Reason: strings.TrimSpace(o.reason), Who: operator()}
	if w.Reason == "" {
		return w, failure(exitUsage, p.commandLine("withdraw", who.ID, "--reason", "why"), "withdraw needs a --reason for the record")
	}
	before, again, err := s.cohort.Withdrawal(ctx, who.ID)
	if err != nil {
		return w, err
	}
	now := p.now().UTC().Truncate(time.Microsecond)
	switch {
	case o.effective != "":
		if w.EffectiveAt, err = localTime("--effective", o.effective, who); err != nil {
			return w, err
		}
	case again:
		w.EffectiveAt = before.EffectiveAt
	default:
		w.EffectiveAt = now
	}
	switch {
	case w.EffectiveAt.After(now):
		return w, failure(exitUsage, p.commandLine("participants", "pause", who.ID)+"  # until the time has come",
			"--effective %s is in the future", localInstant(w.EffectiveAt, who))
	case again && w.EffectiveAt.After(before.EffectiveAt) && !o.bringBack:
		return w, failure(exitUsage, p.typed("--bring-back")+"  # if that is meant",
			"%s has withdrawn from %s; a later instant brings what was recorded in between back into the tables",
			who.ID, localInstant(before.EffectiveAt, who))
	}
	return w, nil
}

// localInstant is an instant as the participant's clock showed it.
func localInstant(t time.Time, who cohort.Participant) string {
	zone, err := time.LoadLocation(who.Timezone)
	if err != nil || who.Timezone == "" {
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return t.In(zone).Format("2006-01-02 15:04:05 -07:00") + " (" + who.Timezone + ")"
}

// operator is who types.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// takeOut folds the withdrawal into the lake, if there is one yet.
func (p *program) takeOut(ctx context.Context, s *study, lockWait time.Duration, done *withdrawn) error {
	return p.reloading(ctx, s, func(l *loading) (err error) {
		if done.loaded, err = l.finish(ctx, lockWait); err != nil {
			return err
		}
		all, err := l.lake.Manifests()
		done.older = max(0, len(all)-1)
		return err
	})
}

// leaveOutWithdrawn returns those who have not withdrawn. To name one who has is
// an error.
func (p *program) leaveOutWithdrawn(ctx context.Context, s *study, people []cohort.Participant, byName bool) ([]cohort.Participant, error) {
	withdrawals, err := s.cohort.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	var left []string
	stay := slices.DeleteFunc(slices.Clone(people), func(who cohort.Participant) bool {
		gone := slices.ContainsFunc(withdrawals, func(w cohort.Withdrawal) bool { return w.ParticipantID == who.ID })
		if gone {
			left = append(left, who.ID)
		}
		return gone
	})
	switch {
	case len(left) > 0 && byName:
		return nil, advised(exitUsage, "leave the participant out", "%s has withdrawn: nothing more is asked for", shortList(left))
	case len(left) > 0:
		p.say("withdrawn, so left out: %s", shortList(left))
	}
	return stay, nil
}

// withdrawn is what a withdrawal did.
type withdrawn struct {
	who    cohort.Participant
	at     time.Time
	ended  int // connections
	loaded load.Result
	older  int // snapshots that have a manifest
	held   map[string]int
	folder string // of the quarantine
}
