package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Run is one execution of a command that fetched or loaded.
type Run struct {
	ID        string // ULID
	Command   string
	People    string    // a digest of who was selected, of runs that may be gone on with; else ""
	StartedAt time.Time // UTC
	EndedAt   time.Time // UTC; zero while it runs, or if it was killed
	ExitCode  int       // says something only when EndedAt is set
	Calls     int64     // requests sent, tokens included; as ExitCode
	Answers   int64     // answers kept in the raw log; as ExitCode
	Version   string    // of dexetl

	holder string // the process
}

// ErrNoRun says that no run has this id.
var ErrNoRun = errors.New("no such run")

// StartRun records that a command began now. See Run for people.
func (s *Store) StartRun(ctx context.Context, command, people, version string) (Run, error) {
	// Truncated to what is stored, so that what comes back is what was given.
	r := Run{ID: s.NewID(), Command: command, People: people, StartedAt: s.now().Truncate(time.Microsecond), Version: version}
	var err error
	if r.holder, err = s.holder.id(s.NewID); err != nil {
		return r, fmt.Errorf("run %s: %w", r.ID, err)
	}
	_, err = s.db.ExecContext(ctx, "insert into runs (run_id, holder, command, people, started_at, calls, answers, version) values (?, ?, ?, ?, ?, 0, 0, ?)",
		r.ID, r.holder, r.Command, r.People, Micros(r.StartedAt), r.Version)
	return r, err
}

// Alive reports whether a run that has not ended is under way; false: its
// process died. It is for a Run that the store returned.
func (s *Store) Alive(r Run) (bool, error) {
	if !r.EndedAt.IsZero() {
		return false, nil
	}
	dead, err := s.holder.dead(r.holder)
	if err != nil {
		return false, fmt.Errorf("run %s: %w", r.ID, err)
	}
	return !dead, nil
}

// EndRun records that a run ended now, and how. A later call replaces what an
// earlier one said.
func (s *Store) EndRun(ctx context.Context, id string, exitCode int, calls, answers int64) error {
	res, err := s.db.ExecContext(ctx, "update runs set ended_at = ?, exit_code = ?, calls = ?, answers = ? where run_id = ?",
		Micros(s.now()), exitCode, calls, answers, id)
	if err := Affected(res, err, ErrNoRun); err != nil {
		return fmt.Errorf("run %s: %w", id, err)
	}
	return nil
}

// Runs lists all runs, oldest first.
func (s *Store) Runs(ctx context.Context) ([]Run, error) {
	return Collect(ctx, s, func(row func(...any) error) (Run, error) {
		var r Run
		var exit sql.NullInt64
		err := row(&r.ID, &r.holder, &r.Command, &r.People, Instant(&r.StartedAt), Instant(&r.EndedAt), &exit, &r.Calls, &r.Answers, &r.Version)
		r.ExitCode = int(exit.Int64)
		return r, err
	}, "select run_id, holder, command, people, started_at, ended_at, exit_code, calls, answers, version from runs order by started_at, run_id")
}
