package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A ForgottenError says what of the study state.db does not know any more, though the
// audit trail or the lake does. Whoever has withdrawn could be asked again for data.
type ForgottenError struct{ List []cohort.Forgotten }

func (e *ForgottenError) Error() string {
	const most = 3
	words := mapped(e.List[:min(most, len(e.List))], func(f cohort.Forgotten) string { return f.Words })
	more := ""
	if len(e.List) > most {
		more = fmt.Sprintf(" (and %d more)", len(e.List)-most)
	}
	return fmt.Sprintf("state.db does not know what the audit trail says: %s%s; %s", strings.Join(words, "; "), more, e.why())
}

func (e *ForgottenError) why() string {
	if e.onlyRows() {
		return "these rows were edited, and nothing is asked for them"
	}
	return "is it from an older backup? nothing was asked for, and nobody was let in"
}

// onlyRows reports whether no more is wrong than that people's lines of the roster were
// edited: the others can go on. That somebody was deleted is no such line: until it is said
// again, their data would be handed out.
func (e *ForgottenError) onlyRows() bool {
	return !slices.ContainsFunc(e.List, func(f cohort.Forgotten) bool { return !f.Edited || f.Subject != "participant" || f.Deleted })
}

// Names reports whether e is about a participant.
func (e *ForgottenError) Names(id string) bool {
	return slices.ContainsFunc(e.List, func(f cohort.Forgotten) bool { return f.ParticipantID == id })
}

// EditedRows is Remembers where the others can go on: people whose rows were edited are
// no error, but returned.
func (s *Study) EditedRows(ctx context.Context) (*ForgottenError, error) {
	err := s.Remembers(ctx)
	if e, ok := errors.AsType[*ForgottenError](err); ok && e.onlyRows() {
		return e, nil
	}
	return nil, err
}

// Remembers makes sure, before anybody is asked for anything or let in, that the state
// is the one that lake and audit trail go with: of this study, and not older than they
// are. A lake that is older is none of its business: the next load goes on with it.
func (s *Study) Remembers(ctx context.Context) error {
	if err := s.Consents.Sealable(ctx); err != nil {
		return err
	}
	return unlessManifest(s.recalls(ctx))
}

// recalls is nil if the state knows all that trail and lake do. What it has forgotten comes
// before what of the lake cannot be read.
func (s *Study) recalls(ctx context.Context) error {
	list, unread := s.recalled(ctx)
	if e := (&ForgottenError{list}); len(list) > 0 && (unread == nil || cannotTell(unread) && !e.onlyRows()) {
		return e
	}
	return unread
}

// recalled is what the state has forgotten, and what is wrong with the lake: then the list
// is of what can be read all the same.
func (s *Study) recalled(ctx context.Context) (list []cohort.Forgotten, unread error) {
	elsewhere, unread := s.lakeRemembers(ctx)
	if unread != nil && !cannotTell(unread) && !is[*load.ForgottenWithdrawalError](unread) {
		return nil, unread
	}
	list, err := s.Consents.Forgotten(ctx, elsewhere)
	return list, cmp.Or(err, unread)
}

// cannotTell reports whether err says that the lake cannot be read.
func cannotTell(err error) bool { return IsDamage(err) || is[*LostMemoryError](err) }

// lakeRemembers holds the state against the newest snapshot, and returns the audit
// trail as that has it. What it cannot read of that, the state must prove to know:
// else *LostMemoryError. Where the newest manifest cannot be read, which is the error, the
// trail is all that data files have of it.
func (s *Study) lakeRemembers(ctx context.Context) (trail []state.AuditLine, err error) {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return nil, nil
	}
	if IsDamage(err) {
		trail, _ := s.trailOnDisk(ctx) // the damage says more than why no file of it can be read
		return trail, err
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if err := s.sameKey(ctx, l, m); UnlessData(err) != nil {
		return nil, err
	}
	loader := &load.Loader{Lake: l, Logger: s.Logger}
	withdrawals, err := s.Cohort.Withdrawals(ctx)
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
	if IsDataFile(err) {
		return nil, s.hadAudit(ctx, loader, m, err)
	}
	return mapped(lines, trailLine), err
}

// trailOnDisk is the audit trail as the data files of the lake have it, by whichever manifest.
func (s *Study) trailOnDisk(ctx context.Context) ([]state.AuditLine, error) {
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return nil, err
	}
	defer l.Close()
	lines, err := (&load.Loader{Lake: l}).AuditOnDisk(ctx)
	return mapped(lines, trailLine), err
}

// hadAudit is nil if the trail is known to go on where that of m ends, whose file is
// damaged.
func (s *Study) hadAudit(ctx context.Context, loader *load.Loader, m lake.Manifest, damage error) error {
	trail, err := s.Store.Trail(ctx)
	if err != nil && !is[*state.AuditError](err) {
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
	if is[*lake.DamageError](err) {
		return nil
	}
	return err
}

// unknownToRoster is err, or with it that its participant has to be in the roster first.
func (s *Study) unknownToRoster(ctx context.Context, err *load.ForgottenWithdrawalError) error {
	_, missing := s.Cohort.Participant(ctx, err.ParticipantID)
	if is[*cohort.UnknownParticipantError](missing) {
		return &UnknownWithdrawnError{err}
	}
	return errors.Join(err, missing)
}

// An UnknownWithdrawnError is a *load.ForgottenWithdrawalError about somebody whom the
// roster does not have either.
type UnknownWithdrawnError struct {
	Err *load.ForgottenWithdrawalError
}

func (e *UnknownWithdrawnError) Error() string {
	return e.Err.Error() + "; the roster does not have them either"
}

func (e *UnknownWithdrawnError) Unwrap() error { return e.Err }

func trailLine(l load.AuditLine) state.AuditLine {
	return state.AuditLine{
		Seq: l.Seq, At: l.At, Who: l.Who, Command: l.Command, Subject: l.Subject, ParticipantID: l.ParticipantID,
		Before: l.Before, After: l.After, Reason: l.Reason, Hash: l.Hash,
	}
}

// endedBefore are people's grants that the audit trail says are used no more, though
// state.db still has them, and that are not due anyway.
func (s *Study) endedBefore(ctx context.Context, people []cohort.Participant, due []Closing) ([]Closing, error) {
	err := s.Remembers(ctx)
	forgotten, ok := errors.AsType[*ForgottenError](err)
	if !ok {
		if is[*load.ForgottenWithdrawalError](err) || mistrusts(err) {
			err = nil // to destroy tokens is no harm
		}
		return nil, err
	}
	var out []Closing
	for _, f := range forgotten.List {
		isPerson := func(who cohort.Participant) bool { return who.ID == f.ParticipantID }
		isDue := func(c Closing) bool { return c.Connection.ID == f.ConnectionID }
		if f.Subject != "connection" || !slices.ContainsFunc(people, isPerson) || slices.ContainsFunc(due, isDue) {
			continue
		}
		c, err := s.Consents.Connection(ctx, f.ConnectionID)
		if err != nil {
			return nil, err
		}
		out = append(out, Closing{Connection: c, At: s.Now(), Because: "it is used no more by the audit trail"})
	}
	return out, nil
}

// leaveOutEdited returns those whose rows were not edited.
func (s *Study) leaveOutEdited(people []cohort.Participant, edited *ForgottenError) []cohort.Participant {
	if edited == nil {
		return people
	}
	s.Tell(Fact{Kind: LeftOutEdited, Err: edited})
	return slices.DeleteFunc(slices.Clone(people), func(who cohort.Participant) bool { return edited.Names(who.ID) })
}
