package consent

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// A Register keeps the rows of the study's consents in its state: connections with
// their sealed tokens, answers of the token endpoint, consents begun and links. Its
// exported fields are set before use.
type Register struct {
	Store  *state.Store
	Cohort *cohort.Cohort
	// MaySeal, where it is not nil, is asked before rows are sealed as they stand: an
	// error of it says that somebody else remembers them otherwise, or sealed.
	MaySeal func(context.Context) error
}

func (r *Register) now() time.Time { return r.Store.Now().UTC() }

// refreshing is the lease with which an owner alone refreshes a connection's tokens. With
// a token on its way nobody else may present it, so it is not taken over from a process
// that lives, but by who has waited for as long as it lasts.
func (r *Register) refreshing(connectionID, owner string) state.Lease {
	return r.Store.Lease("refresh "+connectionID, owner)
}

// CloseIdle is CloseConnection while nobody refreshes the connection; false: somebody
// does.
func (r *Register) CloseIdle(ctx context.Context, id string, at time.Time, because string) (bool, error) {
	lease := r.refreshing(id, r.Store.NewID())
	free, err := lease.TakeFree(ctx, time.Minute)
	if err != nil || !free {
		return false, err
	}
	err = r.CloseConnection(ctx, id, at, because)
	return err == nil, errors.Join(err, lease.Release(context.WithoutCancel(ctx)))
}

// Forgotten is what the audit trail says of the study and state.db does not: see
// cohort.Cohort.Forgotten.
func (r *Register) Forgotten(ctx context.Context, elsewhere []state.AuditLine) ([]cohort.Forgotten, error) {
	return r.Cohort.Forgotten(ctx, elsewhere, func(ctx context.Context) ([]cohort.Grant, error) {
		connections, err := r.Connections(ctx)
		grants := make([]cohort.Grant, len(connections))
		for i, c := range connections {
			grants[i] = cohort.Grant{ConnectionID: c.ID, ParticipantID: c.ParticipantID, Status: string(c.Status)}
		}
		return grants, err
	})
}
