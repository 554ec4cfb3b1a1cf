package study

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
)

// A NoSubjectError says that no line of the audit trail can be about something.
type NoSubjectError struct {
	Subject     string
	Participant string // it is one, as the roster spells them; ""
	Near        string // the subject that was meant, perhaps; ""
	Known       []string
}

func (e *NoSubjectError) Error() string {
	if e.Participant != "" {
		return fmt.Sprintf("--subject %s: a participant, and not a kind of thing such as %s", e.Subject, strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("--subject %q: one of %s", e.Subject, strings.Join(e.Known, ", "))
}

// TrailAbout is the audit trail about whom is chosen, if that narrows, and about a subject,
// unless that is "". A subject that no line can be about is a *NoSubjectError, rather than
// to show that there is none. A damaged trail is a *state.AuditError, with the lines.
func (s *Study) TrailAbout(ctx context.Context, who Selection, subject string) ([]state.AuditLine, error) {
	lines, damage := s.Store.Trail(ctx)
	if damage != nil && !is[*state.AuditError](damage) {
		return nil, damage
	}
	if err := s.knownSubject(ctx, lines, subject); err != nil {
		return nil, err
	}
	ids, err := s.trailIDs(ctx, lines, who)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(lines, func(l state.AuditLine) bool {
		return who.Narrows() && !slices.Contains(ids, l.ParticipantID) || subject != "" && l.Subject != subject
	}), damage
}

// trailIDs are those whom who means, with those named who were removed from the roster.
func (s *Study) trailIDs(ctx context.Context, lines []state.AuditLine, who Selection) (ids []string, err error) {
	who.IDs = slices.DeleteFunc(slices.Clone(who.IDs), func(id string) bool {
		_, err := s.Cohort.Participant(ctx, id)
		gone := is[*cohort.UnknownParticipantError](err) && slices.ContainsFunc(lines, func(l state.AuditLine) bool { return l.ParticipantID == id })
		if gone {
			ids = append(ids, id)
		}
		return gone
	})
	if !who.Narrows() {
		return ids, nil
	}
	people, err := who.Pick(ctx, s.Cohort)
	return append(ids, mapped(people, func(p cohort.Participant) string { return p.ID })...), err
}

func (s *Study) knownSubject(ctx context.Context, lines []state.AuditLine, subject string) error {
	known := state.Subjects()
	for _, l := range lines {
		known = append(known, l.Subject)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if subject == "" || slices.Contains(known, subject) {
		return nil
	}
	unknown := &NoSubjectError{Subject: subject, Known: known}
	if who, err := s.Cohort.Participant(ctx, subject); err == nil {
		unknown.Participant = who.ID
	} else {
		unknown.Near = plain.Nearest(subject, known)
	}
	return unknown
}
