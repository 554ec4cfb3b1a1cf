package cohort

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A FetchOutcome says how a participant's last fetch that came to its end went.
// A fetch that was interrupted or stopped before leaves the one before.
type FetchOutcome struct {
	ParticipantID string
	RunID         string
	EndedAt       time.Time // UTC
	Error         string    // why something that was due is not held; "" if all is
	Resource      string    // that the error is about; "" if none in particular
	DoneAt        time.Time // UTC; when last everything that was due was held; zero: never
	Refused       []Refusal // by resource
}

// A Refusal says that a resource, or a part of it, could not be had, and that
// asking again does not help.
type Refusal struct {
	Resource string
	Status   int    // HTTP
	Words    string // what the server said, fit to be shown; "" if nothing
}

// PutFetchOutcomes records what a run that ends now did. DoneAt is not read: it
// is now where Error is empty, else as it was. Who has left the roster or was
// erased meanwhile is left out.
func (c *Cohort) PutFetchOutcomes(ctx context.Context, outcomes []FetchOutcome) error {
	err := c.Store.Write(ctx, func(tx *sql.Tx) error {
		now := state.Micros(c.now())
		put, err := tx.PrepareContext(ctx, `insert into fetch_outcomes (participant_id, run_id, ended_at, error, resource, done_at)
			select ?1, ?2, ?3, ?4, ?5, iif(?4 = '', ?3, null) where `+stillThere+`
			on conflict (participant_id) do update set run_id = excluded.run_id, ended_at = excluded.ended_at,
				error = excluded.error, resource = excluded.resource, done_at = coalesce(excluded.done_at, done_at)`)
		if err != nil {
			return err
		}
		known, err := c.refusedIn(ctx, tx)
		if err != nil {
			return err
		}
		for _, o := range outcomes {
			if _, err := put.ExecContext(ctx, o.ParticipantID, o.RunID, now, o.Error, o.Resource); err != nil {
				return fmt.Errorf("participant %s: %w", o.ParticipantID, err)
			}
			if len(o.Refused) == 0 && !known[o.ParticipantID] {
				continue
			}
			if err := putRefusals(ctx, tx, o); err != nil {
				return fmt.Errorf("participant %s: %w", o.ParticipantID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("fetch outcomes: %w", err)
	}
	return nil
}

// stillThere says of participant ?1 that rows about them may be made.
const stillThere = `exists (select 1 from participants where participant_id = ?1)
	and not exists (select 1 from erasures where participant_id = ?1)`

// refusedIn are the participants of whom a refusal is known.
func (c *Cohort) refusedIn(ctx context.Context, tx *sql.Tx) (map[string]bool, error) {
	ids, err := state.Collect(ctx, tx, state.ScanText, "select distinct participant_id from fetch_refusals")
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		known[id] = true
	}
	return known, err
}

// putRefusals replaces what is known to be refused of o's participant.
func putRefusals(ctx context.Context, tx *sql.Tx, o FetchOutcome) error {
	if _, err := tx.ExecContext(ctx, "delete from fetch_refusals where participant_id = ?", o.ParticipantID); err != nil {
		return err
	}
	for _, r := range o.Refused {
		_, err := tx.ExecContext(ctx, `insert into fetch_refusals (participant_id, resource, status, words)
			select ?1, ?2, ?3, ?4 where `+stillThere,
			o.ParticipantID, r.Resource, r.Status, r.Words)
		if err != nil {
			return err
		}
	}
	return nil
}

// FetchOutcomes returns the outcomes by participant. Who was never fetched has
// none.
func (c *Cohort) FetchOutcomes(ctx context.Context) (map[string]FetchOutcome, error) {
	all, err := state.Collect(ctx, c.Store, func(row func(...any) error) (FetchOutcome, error) {
		var o FetchOutcome
		err := row(&o.ParticipantID, &o.RunID, state.Instant(&o.EndedAt), &o.Error, &o.Resource, state.Instant(&o.DoneAt))
		return o, err
	}, "select participant_id, run_id, ended_at, error, resource, done_at from fetch_outcomes")
	if err != nil {
		return nil, err
	}
	byParticipant := make(map[string]FetchOutcome, len(all))
	for _, o := range all {
		byParticipant[o.ParticipantID] = o
	}
	_, err = state.Collect(ctx, c.Store, func(row func(...any) error) (r Refusal, err error) {
		var id string
		if err = row(&id, &r.Resource, &r.Status, &r.Words); err != nil {
			return r, err
		}
		o := byParticipant[id]
		o.Refused = append(o.Refused, r)
		byParticipant[id] = o
		return r, nil
	}, "select participant_id, resource, status, words from fetch_refusals order by participant_id, resource")
	return byParticipant, err
}
