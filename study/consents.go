package study

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/raw"
)

// Connecting readies the consents around work, and keeps the run with the exit code of
// its error.
func (s *Study) Connecting(ctx context.Context, exitCode func(error) int, work func(*consent.Grants) error) error {
	if _, err := s.EditedRows(ctx); err != nil {
		return err
	}
	log, err := raw.Open(s.RawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	run, err := s.Store.StartRun(ctx, "connect", "", s.Version)
	if err != nil {
		return err
	}
	g, err := s.grants(ctx, log, run.ID, nil)
	var answers atomic.Int64
	if err == nil {
		keep := g.Accounts.Keep
		g.Accounts.Keep = func(ctx context.Context, c consent.Connection, a dexcom.Answer) error {
			answers.Add(1)
			return keep(ctx, c, a)
		}
		err = work(g)
	}
	var calls int64
	if g != nil {
		calls = g.Client.Calls()
	}
	return errors.Join(err, s.Store.EndRun(context.WithoutCancel(ctx), run.ID, exitCode(err), calls, answers.Load()))
}

// A NotAskedError says that the roster ends the part of somebody who is to sign in.
type NotAskedError struct{ ParticipantID, Status string }

func (e *NotAskedError) Error() string {
	return e.ParticipantID + " is " + e.Status + " in the roster: nothing would be fetched"
}

// MayConnect finds the participant. Who is no longer asked for anything need
// not sign in.
func (s *Study) MayConnect(ctx context.Context, id string) (cohort.Participant, error) {
	who, err := s.Cohort.Participant(ctx, id)
	if err != nil {
		return who, err
	}
	if err := s.Cohort.Standing(ctx, who.ID); err != nil {
		return who, err
	}
	edited, err := s.EditedRows(ctx)
	switch {
	case err != nil:
		return who, err
	case edited != nil && edited.Names(who.ID):
		return who, edited
	}
	course, err := s.course(who, time.Time{})
	if err == nil && !course.Asked {
		err = &NotAskedError{who.ID, who.Status}
	}
	return who, err
}

// NewestHeld is the newest record in the lake of each connection; empty for a
// lake that nothing was loaded into.
func (s *Study) NewestHeld(ctx context.Context) (map[string]time.Time, error) {
	held := make(map[string]time.Time)
	t, err := s.QueryOnly(ctx, []string{"egvs", "events", "calibrations", "alerts"}, "", `
		select connection_id, max(system_time) from (
			select connection_id, system_time from egvs union all
			select connection_id, system_time from events union all
			select connection_id, system_time from calibrations union all
			select connection_id, system_time from alerts
		) group by 1`)
	if is[*EmptyLakeError](err) {
		return held, nil
	}
	for _, row := range t.Rows {
		held[fmt.Sprint(row[0])], _ = row[1].(time.Time)
	}
	return held, err
}

// Ended are the connections that have ended among those of before, which leave no trace
// of their tokens.
func (s *Study) Ended(ctx context.Context, before []consent.Connection) (ended []consent.Connection, err error) {
	live := make(map[string]bool)
	for _, c := range before {
		live[c.ID] = c.Status != consent.Ended
	}
	now, err := s.Consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range now {
		if live[c.ID] && c.Status == consent.Ended {
			ended = append(ended, c)
		}
	}
	_, err = s.Store.Scrub(ctx)
	return ended, err
}
