package cohort

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// Undoable is how long a deletion can be undone. Until then the tokens of whoever was
// deleted are kept, sealed and used by nobody; after that the next run destroys them.
const Undoable = 7 * 24 * time.Hour

// A DeletionError says why a deletion cannot be undone: there is none, or it is too late.
type DeletionError struct {
	ParticipantID string
	DeletedAt     time.Time // zero: was not deleted
}

func (e *DeletionError) Error() string {
	if e.DeletedAt.IsZero() {
		return e.ParticipantID + " was not deleted"
	}
	return fmt.Sprintf("%s was deleted on %s, more than %d days ago", e.ParticipantID, e.DeletedAt.Format(time.DateOnly), Undoable/(24*time.Hour))
}

// Deleted reports whether p was deleted, and nobody has resumed them since.
func (p Participant) Deleted() bool { return !p.DeletedAt.IsZero() }

// Delete pauses a participant as somebody whom the program that asks knows no more. Their
// line of the roster and their data stay. Who was deleted before stays as they are.
func (c *Cohort) Delete(ctx context.Context, id string) error {
	return c.edit(ctx, id, func(tx *sql.Tx, p *Participant) error {
		if p.Deleted() {
			return nil
		}
		was := p.Paused
		p.Paused, p.DeletedAt = true, c.now().Truncate(time.Microsecond)
		_, err := tx.ExecContext(ctx, "insert into deletions (participant_id, deleted_at, was_paused) values (?, ?, ?)", id, state.Micros(p.DeletedAt), was)
		return err
	})
}

// Undelete undoes Delete. If there is nothing to undo, or it is too late, *DeletionError.
func (c *Cohort) Undelete(ctx context.Context, id string) error {
	return c.edit(ctx, id, func(tx *sql.Tx, p *Participant) error {
		if !p.Deleted() || c.now().Sub(p.DeletedAt) >= Undoable {
			return &DeletionError{id, p.DeletedAt}
		}
		err := tx.QueryRowContext(ctx, "select was_paused from deletions where participant_id = ?", id).Scan(&p.Paused)
		return errors.Join(err, endDeletion(ctx, tx, p))
	})
}

func endDeletion(ctx context.Context, tx *sql.Tx, p *Participant) error {
	p.DeletedAt = time.Time{}
	_, err := tx.ExecContext(ctx, "delete from deletions where participant_id = ?", p.ID)
	return err
}
