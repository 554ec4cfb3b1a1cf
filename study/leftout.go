package study

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Asked reports whether data of the participant are asked for. Of somebody who is
// connected that is so until the late window is over, and then once more: only after
// that their tokens are gone.
func (p Person) Asked() bool {
	return p.Course.Asked && !p.Who.Paused && (p.Phase == LastLook || p.Phase.InStudy())
}

// whyOver says why nothing is asked for any more, with the field that the roster lacks.
func (p Person) whyOver() string {
	switch {
	case p.Course.Missing != "":
		return p.Who.Status + ": give " + p.Course.Missing + " in the roster"
	case !p.Course.Asked:
		return p.Who.Status
	}
	return "completed"
}

// Wanted reports whether a participant is to be connected.
func Wanted(who cohort.Participant) bool {
	return !who.Paused && cohort.Part{Status: who.Status}.Going()
}

// A LeftOutError says that nothing is asked for participants who were named.
type LeftOutError struct {
	Kind         FactKind // LeftOutPaused, LeftOutOver or LeftOutWithdrawn
	Participants []string
}

func (e *LeftOutError) Error() string {
	names := ShortList(e.Participants)
	switch e.Kind {
	case LeftOutPaused:
		return names + " is paused"
	case LeftOutWithdrawn:
		return names + " has withdrawn: nothing more is asked for"
	}
	return "nothing is asked for any more: " + names
}

// LeaveOut returns those who have not withdrawn, and tells whom of these nothing is asked
// either. To have named one of whom nothing is asked is a *LeftOutError.
func (s *Study) LeaveOut(ctx context.Context, chosen []cohort.Participant, byName bool) ([]cohort.Participant, error) {
	stay, err := s.LeaveOutWithdrawn(ctx, chosen, byName)
	if err != nil {
		return nil, err
	}
	return stay, s.tellLeftOut(ctx, stay, byName)
}

// LeaveOutWithdrawn returns those who have not withdrawn. To have named one who has is a
// *LeftOutError.
func (s *Study) LeaveOutWithdrawn(ctx context.Context, chosen []cohort.Participant, byName bool) ([]cohort.Participant, error) {
	withdrawals, err := s.Cohort.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	var left []string
	stay := slices.DeleteFunc(slices.Clone(chosen), func(who cohort.Participant) bool {
		gone := slices.ContainsFunc(withdrawals, func(w cohort.Withdrawal) bool { return w.ParticipantID == who.ID })
		if gone {
			left = append(left, who.ID)
		}
		return gone
	})
	if len(left) > 0 && byName {
		return nil, &LeftOutError{LeftOutWithdrawn, left}
	}
	s.tellOf(LeftOutWithdrawn, left)
	return stay, nil
}

// tellLeftOut tells of paused participants, of those whose part in the study is over,
// and that dates without a time zone are taken as UTC.
func (s *Study) tellLeftOut(ctx context.Context, chosen []cohort.Participant, byName bool) error {
	people, err := s.people(ctx, chosen)
	if err != nil {
		return err
	}
	var paused, over, zoneless []string
	for _, p := range people {
		switch id := p.Who.ID; {
		case p.Who.Paused:
			paused = append(paused, id)
		case !p.Asked():
			over = append(over, fmt.Sprintf("%s (%s)", id, p.whyOver()))
		case p.Who.Timezone == "" && !(p.Who.StudyStart.IsZero() && p.Who.StudyEnd.IsZero()):
			zoneless = append(zoneless, id)
		}
	}
	switch {
	case len(paused) > 0 && byName:
		return &LeftOutError{LeftOutPaused, paused}
	case len(over) > 0 && byName:
		return &LeftOutError{LeftOutOver, over}
	}
	s.tellOf(LeftOutPaused, paused)
	s.tellOf(LeftOutOver, over)
	s.tellOf(DatesInUTC, zoneless)
	return nil
}

// tellOf tells of participants, if there are any.
func (s *Study) tellOf(kind FactKind, participants []string) {
	if len(participants) > 0 {
		s.Tell(Fact{Kind: kind, Participants: participants})
	}
}

// ShortList names the first few.
func ShortList(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
