package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
)

// disowned are the rows that decide whose data an answer becomes and are not as they
// were written, one of each participant. For who only looks: where the sealing key is kept from this account,
// or a command would have to be run for it, nobody can tell, and there are none.
func (p *program) disowned(ctx context.Context, s *study) (map[string]*consent.OwnerError, error) {
	bound, err := s.consents.BoundKey(ctx)
	if err != nil || bound == "" || !p.keyAtHand(s) {
		return nil, err
	}
	key, err := p.sealingKey(ctx, s)
	if mistrusts(err) {
		return nil, err
	}
	if err != nil {
		return nil, nil // doctor and the next sync say what is wrong with the key
	}
	_, err = consent.New(s.consents, key, &consent.Client{}).Tokens.CheckSealed(ctx)
	found := ownerErrors(err)
	if err != nil && len(found) == 0 && !as[*consent.SealError](err) {
		return nil, err
	}
	of := make(map[string]*consent.OwnerError)
	for _, e := range found {
		of[e.ParticipantID] = e
	}
	return of, nil
}

// keyAtHand reports whether the sealing key can be read without running a command.
func (p *program) keyAtHand(s *study) bool {
	if _, ok, err := p.credential("dexetl-sealing-key"); ok || err != nil {
		return ok
	}
	_, err := os.Stat(s.keyPath())
	return s.config.State.KeyCommand == "" && err == nil
}

// ownerErrors are those that err is made of.
func ownerErrors(err error) []*consent.OwnerError {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var found []*consent.OwnerError
		for _, e := range many.Unwrap() {
			found = append(found, ownerErrors(e)...)
		}
		return found
	}
	if e, ok := errors.AsType[*consent.OwnerError](err); ok {
		return []*consent.OwnerError{e}
	}
	return nil
}

// disownedFound is the error of such rows that a command went around; nil for none.
func disownedFound(found []*consent.OwnerError, done string) error {
	if len(found) == 0 {
		return nil
	}
	names := mapped(found, func(e *consent.OwnerError) string { return e.ParticipantID })
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 1 {
		return failureAs(found[0], "%w%s", found[0], done)
	}
	return failureAs(found[0], "%w; so it is with %d participants%s: %s", found[0], len(names), done, shortList(names))
}

// failureAs makes an exitError with code and advice of a known one.
func failureAs(known error, format string, args ...any) error {
	e := *classifyByType(known)
	e.err = failure(e.code, "", format, args...).(*exitError).err
	return &e
}

// disownedIn are the rows that a run met, or that are still there.
func (f *fetching) disownedIn(ctx context.Context, report extract.Report) ([]*consent.OwnerError, error) {
	var found []*consent.OwnerError
	for _, p := range report.Participants {
		if e, ok := errors.AsType[*consent.OwnerError](p.Err); ok {
			found = append(found, e)
		}
	}
	rest, err := f.study.consents.Disowned(ctx)
	return append(found, rest...), err
}

// disownedNext is what brings the participant of e in again, where no backup does.
func disownedNext(e *consent.OwnerError) string {
	switch {
	case e.Aside:
		return "dexetl connect " + e.ParticipantID + " --confirm --reason TEXT"
	case e.Kind == "link":
		return "dexetl invite " + e.ParticipantID + " --revoke"
	}
	return "dexetl connect " + e.ParticipantID
}
