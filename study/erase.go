package study

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// Erase ends a participant's part, as Withdraw does, and then takes all that is held of
// them out of the study but their name. What it does is on record first: interrupted
// anywhere, the next command that loads goes on with it, or another Erase. The receipt
// says what went. The error is consent.ErrTraces, with all else done, where another
// process keeps bytes of the state from being wiped.
func (s *Study) Erase(ctx context.Context, w cohort.Withdrawal, lockWait time.Duration) (done Receipt, err error) {
	w.Reason, err = "", s.beginErasure(ctx, w)
	if err != nil {
		return done, err
	}
	err = s.withLoading("", func(l *loading) error {
		if m, err := l.lake.Current(); err == nil {
			l.runID = m.Run // on behalf of the run that loaded last
		}
		err := l.lock(ctx, lockWait)
		if err != nil && !is[*UnfinishedErasureError](err) {
			err = &UnfinishedErasureError{w.ParticipantID, "", err}
		}
		return errors.Join(err, l.unerased)
	})
	if err != nil {
		return done, err
	}
	e, err := s.Cohort.Erasure(ctx, w.ParticipantID)
	if err != nil {
		return done, err
	}
	if e.Stage != cohort.Erased {
		return done, consent.ErrTraces
	}
	return s.receipt(e.Receipt)
}

// beginErasure puts on record that a participant withdraws and is to be erased.
func (s *Study) beginErasure(ctx context.Context, w cohort.Withdrawal) error {
	if err := s.writtenByNewer(); err != nil {
		return err
	}
	was, err := s.Cohort.Erasure(ctx, w.ParticipantID)
	if err != nil {
		return err
	}
	reason := w.Reason
	w.Reason = ""        // it is for the receipt alone
	if was.Stage == "" { // else they have withdrawn, and another line would say when
		if w.EffectiveAt, err = s.withdrawnFrom(ctx, w); err != nil {
			return err
		}
		if _, err := s.Consents.Withdraw(ctx, w); err != nil && !errors.Is(err, consent.ErrTraces) {
			return err
		}
	}
	fault.Point("erase.withdrawn")
	if err := s.Cohort.BeginErasure(ctx, w.ParticipantID, reason); err != nil {
		return err
	}
	fault.Point("erase.begun")
	return nil
}

// writtenByNewer is a *lake.VersionError where a newer program wrote a tag, or the list of
// snapshots that are gone: an erasure has to change them, and would meet them halfway.
func (s *Study) writtenByNewer() error {
	l, _, err := s.Newest()
	if err != nil {
		if is[*lake.VersionError](err) {
			return err
		}
		return nil // whoever loads says so
	}
	defer l.Close()
	_, tags := l.Tags()
	_, gone := l.Gone()
	if newer, ok := errors.AsType[*lake.VersionError](errors.Join(tags, gone)); ok {
		return newer
	}
	return nil
}

// withdrawnFrom is since when somebody who is to be erased has withdrawn: from when the
// lake says, if the state was lost and does not know it. A state that had it later would
// be taken for one from a backup, and nothing would be loaded.
func (s *Study) withdrawnFrom(ctx context.Context, w cohort.Withdrawal) (time.Time, error) {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) || IsDamage(err) {
		return w.EffectiveAt, nil // whoever loads says so
	}
	if err != nil {
		return w.EffectiveAt, err
	}
	defer l.Close()
	held, ok, err := (&load.Loader{Lake: l, Logger: s.Logger}).Withdrawn(ctx, m, w.ParticipantID)
	if IsDataFile(err) {
		return w.EffectiveAt, nil
	}
	if ok && held.EffectiveAt.Before(w.EffectiveAt) {
		return held.EffectiveAt, nil
	}
	return w.EffectiveAt, err
}

// An UnfinishedErasureError says that somebody is to be erased, and is not yet.
type UnfinishedErasureError struct {
	ParticipantID string
	Stage         cohort.ErasureStage // what could not be done; "": nothing was tried
	Err           error
}

func (e *UnfinishedErasureError) Error() string {
	where := map[cohort.ErasureStage]string{
		"":                  "nothing is erased yet",
		cohort.EraseLog:     "the raw log has answers of theirs, or may have",
		cohort.EraseState:   "the state has rows of theirs",
		cohort.EraseLake:    "the tables have rows of theirs",
		cohort.EraseHistory: "older snapshots have rows of theirs",
		cohort.EraseTraces:  "deleted bytes of the state are not wiped",
		cohort.EraseReceipt: "there is no receipt yet",
	}[e.Stage]
	return fmt.Sprintf("the erasure of %s is on record and not finished, %s: %v", e.ParticipantID, where, e.Err)
}

func (e *UnfinishedErasureError) Unwrap() error { return e.Err }

// Erasing lists the participants whose erasure has begun and is not done. Whoever loads next
// goes on with it.
func (s *Study) Erasing(ctx context.Context) (ids []string, err error) {
	all, err := s.Cohort.Erasures(ctx)
	for _, e := range all {
		if e.Stage != cohort.Erased {
			ids = append(ids, e.ParticipantID)
		}
	}
	return ids, err
}

// finishErasures goes on with the erasures that are not done, until nothing more came of
// these people. The load lock is held. What damage keeps from being erased is unerased
// afterwards: nobody else has to wait for it.
func (l *loading) finishErasures(ctx context.Context) error {
	l.late, l.unerased = false, nil
	if err := l.eachErasure(ctx); err != nil || !l.late {
		return err
	}
	return l.finishErasures(ctx)
}

func (l *loading) eachErasure(ctx context.Context) error {
	all, err := l.study.Cohort.Erasures(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Stage == cohort.Erased {
			continue
		}
		err := (&erasing{loading: l, Erasure: e}).run(ctx)
		if IsDamage(err) || is[*raw.DamageError](err) {
			l.unerased = errors.Join(l.unerased, err)
		} else if err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err = l.study.Store.Scrub(ctx) // one that died after the receipt left that to do
	return err
}

// lateAnswers makes erasures begin anew: the log has got answers of these people that
// were on their way.
func (l *loading) lateAnswers(ctx context.Context, participants []string) error {
	l.late = true
	for _, id := range participants {
		if err := l.study.Cohort.RepeatErasure(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// An erasing is an erasure under way.
type erasing struct {
	*loading
	cohort.Erasure

	logDone bool // the raw log has nothing of theirs any more
}

// errNotYet says that a stage has to wait for other processes.
var errNotYet = errors.New("another process uses the state")

// run does what is left to do, stage after stage, unless it is to begin anew meanwhile.
func (e *erasing) run(ctx context.Context) error {
	e.study.Tell(Fact{Kind: ErasesFirst, Participants: []string{e.ParticipantID}})
	defer e.study.Busy(ErasingWork)()
	stages := []struct {
		name cohort.ErasureStage
		do   func(context.Context) error
	}{
		{cohort.EraseLog, e.logAsFar}, {cohort.EraseState, e.state}, {cohort.EraseLake, e.tables},
		{cohort.EraseHistory, e.history}, {cohort.EraseTraces, e.traces}, {cohort.EraseReceipt, e.end},
	}
	begun := false
	for i, stage := range stages {
		if begun = begun || stage.name == e.Stage; !begun {
			continue
		}
		err := stage.do(ctx)
		if errors.Is(err, errNotYet) {
			e.study.Tell(Fact{Kind: TracesLeft})
			return nil
		}
		ahead := true
		if err == nil && i+1 < len(stages) {
			ahead, err = e.study.Cohort.NextErasure(ctx, e.ParticipantID, stage.name, stages[i+1].name)
		}
		if err != nil && !is[*UnfinishedErasureError](err) {
			err = &UnfinishedErasureError{e.ParticipantID, stage.name, err}
		}
		if err != nil {
			return err
		}
		fault.Point("erase." + string(stage.name))
		if !ahead { // it is to begin anew: see lateAnswers
			return nil
		}
	}
	return nil
}

// logAsFar is log, but goes on past damage: while nobody can tell whose it is there is no
// receipt, and all else can go.
func (e *erasing) logAsFar(ctx context.Context) error {
	err := e.log(ctx)
	if is[*raw.DamageError](err) {
		return nil
	}
	return err
}

// end writes the receipt, once nothing is left in the log.
func (e *erasing) end(ctx context.Context) error {
	if !e.logDone {
		if err := e.log(ctx); err != nil {
			return &UnfinishedErasureError{e.ParticipantID, cohort.EraseLog, err}
		}
	}
	return e.write(ctx)
}

// note adds lines to the receipt.
func (e *erasing) note(ctx context.Context, notes ...cohort.ErasureNote) error {
	return e.study.Cohort.NoteErasure(ctx, e.ParticipantID, notes...)
}
