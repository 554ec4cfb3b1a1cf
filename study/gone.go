package study

import (
	"context"
	"time"
)

// Gone are those of whom a snapshot may not be shown any more: those whose withdrawal it
// does not have, or from another instant, and those who were deleted. Withdrawn is from
// when on somebody has withdrawn, as the snapshot has it.
func (s *Study) Gone(ctx context.Context, withdrawn map[string]time.Time) (ids []string, err error) {
	recorded, err := s.Cohort.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range recorded {
		if at, taken := withdrawn[r.ParticipantID]; !taken || !at.Equal(r.EffectiveAt) {
			ids = append(ids, r.ParticipantID)
		}
	}
	everybody, err := s.Cohort.Participants(ctx)
	for _, who := range everybody {
		if who.Deleted() {
			ids = append(ids, who.ID)
		}
	}
	return ids, err
}
