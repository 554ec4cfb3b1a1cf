package study

import (
	"context"
	"errors"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/consent"
)

// disowned are the rows that decide whose data an answer becomes and are not as they
// were written, one of each participant. For who only looks: where the sealing key is
// kept from this account, or a command would have to be run for it, nobody can tell, and
// there are none.
func (s *Study) disowned(ctx context.Context) (map[string]*consent.OwnerError, error) {
	bound, err := s.Consents.BoundKey(ctx)
	if err != nil || bound == "" || !s.keyAtHand() {
		return nil, err
	}
	key, err := s.SealingKey(ctx)
	if mistrusts(err) {
		return nil, err
	}
	if err != nil {
		return nil, nil // doctor and the next sync say what is wrong with the key
	}
	_, err = consent.New(s.Consents, key, &consent.Client{}).Tokens.CheckSealed(ctx)
	found := OwnerErrors(err)
	if err != nil && len(found) == 0 && !is[*consent.SealError](err) {
		return nil, err
	}
	of := make(map[string]*consent.OwnerError)
	for _, e := range found {
		of[e.ParticipantID] = e
	}
	return of, nil
}

// OwnerErrors are those that err is made of.
func OwnerErrors(err error) []*consent.OwnerError {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var found []*consent.OwnerError
		for _, e := range many.Unwrap() {
			found = append(found, OwnerErrors(e)...)
		}
		return found
	}
	if e, ok := errors.AsType[*consent.OwnerError](err); ok {
		return []*consent.OwnerError{e}
	}
	return nil
}

// disownedIn are the rows that a run met, or that are still there.
func (s *Study) disownedIn(ctx context.Context, report extract.Report) ([]*consent.OwnerError, error) {
	var found []*consent.OwnerError
	for _, p := range report.Participants {
		if e, ok := errors.AsType[*consent.OwnerError](p.Err); ok {
			found = append(found, e)
		}
	}
	rest, err := s.Consents.Disowned(ctx)
	return append(found, rest...), err
}
