package study

import (
	"context"
	"errors"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

// Remove takes a participant out of the roster for whom nothing was fetched, and of whose
// consent nothing is on record; else it is a *consent.NotRemovableError. What the state
// has forgotten of them counts too.
func (s *Study) Remove(ctx context.Context, who cohort.Participant) (done consent.Removal, err error) {
	if err := s.remembersAllOf(ctx, who.ID); err != nil {
		return done, err
	}
	held, err := s.held(ctx)
	if err != nil {
		return done, err
	}
	if !held[who.ID].LastAsked().IsZero() {
		return done, &consent.NotRemovableError{ParticipantID: who.ID, Bar: consent.BarFetched}
	}
	bar, err := s.consentOnRecord(ctx, who.ID)
	if err == nil && bar != "" {
		err = &consent.NotRemovableError{ParticipantID: who.ID, Bar: bar}
	}
	if err != nil {
		return done, err
	}
	return s.Consents.Remove(ctx, who.ID)
}

// remembersAllOf is Remembers, but that the participant was removed before may be
// forgotten: that is being mended.
func (s *Study) remembersAllOf(ctx context.Context, id string) error {
	err := s.Remembers(ctx)
	if e, ok := errors.AsType[*ForgottenError](err); ok {
		e.List = slices.DeleteFunc(e.List, func(f cohort.Forgotten) bool { return f.Removed && f.ParticipantID == id })
		if len(e.List) == 0 {
			return nil
		}
	}
	return err
}

// consentOnRecord is what the audit trail has of a consent of the participant; "": nothing.
func (s *Study) consentOnRecord(ctx context.Context, id string) (consent.RemovalBar, error) {
	lines, err := s.Store.Trail(ctx)
	if err != nil {
		return "", err
	}
	bars := map[string]consent.RemovalBar{
		"withdrawal": consent.BarWithdrawn, "connection": consent.BarConnected, "consent": consent.BarAnswered,
	}
	about := func(l state.AuditLine) bool { return l.ParticipantID == id && bars[l.Subject] != "" }
	if i := slices.IndexFunc(lines, about); i >= 0 {
		return bars[lines[i].Subject], nil
	}
	return "", nil
}
