package study

import (
	"context"
	"errors"
	"fmt"

	"github.com/dexetl/dexetl/extract/cohort"
)

// SyncThese carries a job out for these participants, whoever of them it can be done for,
// and returns what went wrong, by participant. Of whom nothing is asked the error is a
// *LeftOutError; of an unknown one a *cohort.UnknownParticipantError.
func (s *Study) SyncThese(ctx context.Context, ids []string, job Job) map[string]error {
	failed := make(map[string]error)
	var asked []string
	for _, id := range ids {
		if err := s.mayAsk(ctx, id); err != nil {
			failed[id] = err
		} else {
			asked = append(asked, id)
		}
	}
	if len(asked) == 0 {
		return failed
	}
	job.Who = Selection{IDs: asked}
	done, err := s.Run(ctx, job)
	for _, id := range asked {
		failed[id] = err
		if done.Edited != nil && done.Edited.Names(id) {
			failed[id] = errors.Join(err, done.Edited)
		}
	}
	for _, p := range done.Report.Participants {
		failed[p.ParticipantID] = errors.Join(failed[p.ParticipantID], p.Err)
		if !p.Ended && failed[p.ParticipantID] == nil {
			failed[p.ParticipantID] = ErrBrokenOff
		}
	}
	return failed
}

// ErrBrokenOff says that a run ended before a participant was asked about to the end; the
// next one goes on.
var ErrBrokenOff = errors.New("the run ended before all was asked for")

// mayAsk says why nothing is asked of a participant.
func (s *Study) mayAsk(ctx context.Context, id string) error {
	who, err := s.Cohort.Participant(ctx, id)
	if err != nil {
		return err
	}
	if _, err := s.LeaveOut(ctx, []cohort.Participant{who}, true); err != nil {
		return fmt.Errorf("participant %s: %w", id, err)
	}
	return nil
}
