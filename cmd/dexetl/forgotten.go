package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A forgottenError says what of the study state.db does not know any more, though the
// audit trail or the lake does. Whoever has withdrawn could be asked again for data.
type forgottenError struct{ list []cohort.Forgotten }

func (e *forgottenError) Error() string {
	const most = 3
	words := mapped(e.list[:min(most, len(e.list))], func(f cohort.Forgotten) string { return f.Words })
	more := ""
	if len(e.list) > most {
		more = fmt.Sprintf(" (and %d more)", len(e.list)-most)
	}
	return fmt.Sprintf("state.db does not know what the audit trail says: %s%s; %s", strings.Join(words, "; "), more, e.why())
}

func (e *forgottenError) why() string {
	if e.onlyRows() {
		return "these rows were edited, and nothing is asked for them"
	}
	return "is it from an older backup? nothing was asked for, and nobody was let in"
}

// onlyRows reports whether no more is wrong than that people's lines of the roster were
// edited: the others can go on.
func (e *forgottenError) onlyRows() bool {
	return !slices.ContainsFunc(e.list, func(f cohort.Forgotten) bool { return !f.Edited || f.Subject != "participant" })
}

// names reports whether e is about a participant.
func (e *forgottenError) names(id string) bool {
	return slices.ContainsFunc(e.list, func(f cohort.Forgotten) bool { return f.ParticipantID == id })
}

// editedRows is remembers where the others can go on: people whose rows were edited are
// no error, but returned.
func (p *program) editedRows(ctx context.Context, s *study) (*forgottenError, error) {
	err := p.remembers(ctx, s)
	if e, ok := errors.AsType[*forgottenError](err); ok && e.onlyRows() {
		return e, nil
	}
	return nil, err
}

// next is the command that gets the first of it right.
func (e *forgottenError) next() string {
	f := e.list[0]
	switch {
	case f.Subject == "withdrawal":
		return withdrawAgain(f.ParticipantID, f.EffectiveAt, f.Known)
	case f.Subject == "connection":
		return "dexetl participants close " + f.ParticipantID
	case f.Subject == "window":
		return "dexetl windows import windows.csv"
	case f.Subject == "exclusion":
		return "dexetl exclusions import exclusions.csv"
	case f.Paused:
		return "dexetl participants pause " + f.ParticipantID
	case f.Resumed:
		return "dexetl participants resume " + f.ParticipantID
	}
	return "dexetl participants import roster.csv"
}

// withdrawAgain is the command that records a withdrawal that the state has lost, or
// has from another instant.
func withdrawAgain(participantID string, effective, known time.Time) string {
	words := []string{"dexetl", "withdraw", participantID, "--effective", effective.UTC().Format(time.RFC3339Nano), "--reason", "TEXT"}
	if !known.IsZero() && effective.After(known) {
		words = append(words, "--bring-back")
	}
	return shellLine(words)
}

// remembers makes sure, before anybody is asked for anything or let in, that the state
// is the one that lake and audit trail go with: of this study, and not older than they
// are. A lake that is older is none of its business: the next load goes on with it.
func (p *program) remembers(ctx context.Context, s *study) error {
	if err := s.consents.Sealable(ctx); err != nil {
		return err
	}
	elsewhere, err := p.lakeRemembers(ctx, s)
	if err != nil {
		return err
	}
	list, err := s.consents.Forgotten(ctx, elsewhere)
	if err != nil || len(list) == 0 {
		return err
	}
	return &forgottenError{list}
}

// lakeRemembers holds the state against the newest snapshot, and returns the audit
// trail as that has it. What it cannot read of that, the state must prove to know:
// else *lostMemoryError.
func (p *program) lakeRemembers(ctx context.Context, s *study) (trail []state.AuditLine, err error) {
	l, m, err := s.snapshot("")
	if as[*emptyLakeError](err) {
		return nil, nil
	}
	if err != nil {
		return nil, unlessManifest(err)
	}
	defer l.Close()
	if err := s.sameKey(ctx, l, m); unlessData(err) != nil {
		return nil, err
	}
	loader := &load.Loader{Lake: l, Logger: p.logger()}
	withdrawals, err := s.cohort.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	study := load.Study{Withdrawals: mapped(withdrawals, withdrawalRow)}
	err = loader.Remembers(ctx, study, m)
	if e, ok := errors.AsType[*load.ForgottenWithdrawalError](err); ok {
		return nil, s.unknownToRoster(ctx, e)
	}
	if err != nil {
		return nil, unreadable(err, unknownWithdrawn(study, m)...)
	}
	lines, err := loader.AuditLines(ctx, m)
	if isDataFile(err) {
		return nil, s.hadAudit(ctx, loader, m, err)
	}
	return mapped(lines, trailLine), err
}

// hadAudit is nil if the trail is known to go on where that of m ends, whose file is
// damaged.
func (s *study) hadAudit(ctx context.Context, loader *load.Loader, m lake.Manifest, damage error) error {
	trail, err := s.store.Trail(ctx)
	if err != nil && !as[*state.AuditError](err) {
		return err
	}
	if had, err := loader.HadAudit(load.Study{Audit: mapped(trail, auditRow)}, m); had || err != nil {
		return err
	}
	return unreadable(damage)
}

// unknownWithdrawn are those who have withdrawn by what the manifest says, and have not
// by the study.
func unknownWithdrawn(study load.Study, m lake.Manifest) (ids []string) {
	for _, f := range m.TableFiles("withdrawals") {
		for _, id := range []string{f.FirstParticipant, f.LastParticipant} {
			known := func(w load.Withdrawal) bool { return w.ParticipantID == id }
			if !slices.ContainsFunc(study.Withdrawals, known) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// unlessManifest is err, but nil for a damaged manifest: whoever loads says so.
func unlessManifest(err error) error {
	if as[*lake.DamageError](err) {
		return nil
	}
	return err
}

// unknownToRoster is err, or with it that its participant has to be in the roster first.
func (s *study) unknownToRoster(ctx context.Context, err *load.ForgottenWithdrawalError) error {
	_, missing := s.cohort.Participant(ctx, err.ParticipantID)
	if as[*cohort.UnknownParticipantError](missing) {
		return failure(exitDamage, "dexetl participants import roster.csv", "%w; the roster does not have them either", err)
	}
	return errors.Join(err, missing)
}

func trailLine(l load.AuditLine) state.AuditLine {
	return state.AuditLine{
		Seq: l.Seq, At: l.At, Who: l.Who, Command: l.Command, Subject: l.Subject, ParticipantID: l.ParticipantID,
		Before: l.Before, After: l.After, Reason: l.Reason, Hash: l.Hash,
	}
}

// endedBefore are people's grants that the audit trail says are used no more, though
// state.db still has them, and that are not due anyway.
func (p *program) endedBefore(ctx context.Context, s *study, people []cohort.Participant, due []closing) ([]closing, error) {
	err := p.remembers(ctx, s)
	forgotten, ok := errors.AsType[*forgottenError](err)
	if !ok {
		if as[*load.ForgottenWithdrawalError](err) || mistrusts(err) {
			err = nil // to destroy tokens is no harm
		}
		return nil, err
	}
	var out []closing
	for _, f := range forgotten.list {
		isPerson := func(who cohort.Participant) bool { return who.ID == f.ParticipantID }
		isDue := func(c closing) bool { return c.ID == f.ConnectionID }
		if f.Subject != "connection" || !slices.ContainsFunc(people, isPerson) || slices.ContainsFunc(due, isDue) {
			continue
		}
		c, err := s.consents.Connection(ctx, f.ConnectionID)
		if err != nil {
			return nil, err
		}
		out = append(out, closing{Connection: c, at: p.now(), because: "it is used no more by the audit trail"})
	}
	return out, nil
}

// leaveOutEdited returns those whose rows were not edited.
func (p *program) leaveOutEdited(people []cohort.Participant, edited *forgottenError) []cohort.Participant {
	if edited == nil {
		return people
	}
	p.say("left out: %v", edited)
	return slices.DeleteFunc(slices.Clone(people), func(who cohort.Participant) bool { return edited.names(who.ID) })
}
