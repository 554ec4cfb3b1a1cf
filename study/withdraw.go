package study

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/load"
)

// A WithdrawalDone is what a withdrawal did.
type WithdrawalDone struct {
	Ended      int // connections
	Loaded     load.Result
	Older      int            // snapshots that have a manifest
	Quarantine string         // folder of what left the tables
	Held       map[string]int // rows in there, by table
}

// A StillInTablesError says that a withdrawal is recorded, and not yet in the lake.
type StillInTablesError struct {
	ParticipantID string
	Err           error
}

func (e *StillInTablesError) Error() string {
	return e.ParticipantID + " has withdrawn and nothing more is fetched, but what was recorded since is still in the tables: " + e.Err.Error()
}

func (e *StillInTablesError) Unwrap() error { return e.Err }

// Withdraw records a withdrawal first, which ends all fetching and destroys the tokens,
// and then takes it into the tables. Interrupted anywhere, it can be repeated. The error
// is consent.ErrTraces, with all else done, where traces of tokens stay for now.
func (s *Study) Withdraw(ctx context.Context, w cohort.Withdrawal, lockWait time.Duration) (done WithdrawalDone, err error) {
	ended, traces := s.Consents.Withdraw(ctx, w)
	if traces != nil && !errors.Is(traces, consent.ErrTraces) {
		return done, traces
	}
	done.Ended = ended
	err = s.reloading(ctx, func(l *loading) (err error) {
		if done.Loaded, err = l.finish(ctx, lockWait); err != nil {
			return err
		}
		all, err := l.lake.Manifests()
		done.Older = max(0, len(all)-1)
		return err
	})
	if err != nil {
		return done, errors.Join(traces, &StillInTablesError{w.ParticipantID, err})
	}
	done.Quarantine = s.quarantine().folder(w.ParticipantID)
	if done.Held, err = s.quarantine().held(w.ParticipantID); err != nil {
		return done, err
	}
	return done, traces
}
