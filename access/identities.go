package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/state"
)

// Identities are the ids by which the API knows the study and its people: random, made
// at their first use, and kept. A participant who is removed from the roster takes
// theirs along.
type Identities struct{ Store *state.Store }

// ErrNobody says that a user id is nobody's.
var ErrNobody = errors.New("no participant has this user id")

// Study returns the id of the study.
func (i Identities) Study(ctx context.Context) (uuid.UUID, error) {
	return i.kept(ctx, "select value from meta where key = 'study_id'",
		"insert into meta (key, value) values ('study_id', ?1) on conflict do nothing")
}

// User returns the id of a participant, who is in the roster; ErrNobody if they were
// erased: they have none.
func (i Identities) User(ctx context.Context, participantID string) (uuid.UUID, error) {
	id, err := i.kept(ctx, "select user_id from api_users where participant_id = ?1",
		`insert into api_users (user_id, participant_id, created_at) select ?1, ?2, ?3
			where not exists (select 1 from erasures where participant_id = ?2) on conflict do nothing`, participantID, state.Micros(i.Store.Now()))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNobody
	}
	if err != nil {
		err = fmt.Errorf("participant %s: user id: %w", participantID, err)
	}
	return id, err
}

// Users returns the ids of participants, who are in the roster, but for those who were
// erased.
func (i Identities) Users(ctx context.Context, participantIDs []string) (map[string]uuid.UUID, error) {
	all := make(map[string]uuid.UUID, len(participantIDs))
	_, err := state.Collect(ctx, i.Store, func(row func(...any) error) (_ struct{}, err error) {
		var who string
		var id uuid.UUID
		err = row(&who, &id)
		all[who] = id
		return struct{}{}, err
	}, "select participant_id, user_id from api_users")
	if err != nil {
		return nil, err
	}
	erased, err := state.Collect(ctx, i.Store, state.ScanText, "select participant_id from erasures")
	if err != nil {
		return nil, err
	}
	ids := make(map[string]uuid.UUID, len(participantIDs))
	for _, who := range participantIDs {
		if slices.Contains(erased, who) {
			continue
		}
		id, there := all[who]
		if !there {
			if id, err = i.User(ctx, who); err != nil {
				return nil, err
			}
		}
		ids[who] = id
	}
	return ids, nil
}

// Participant returns whose a user id is; ErrNobody if it is nobody's.
func (i Identities) Participant(ctx context.Context, user uuid.UUID) (string, error) {
	who, err := state.One(ctx, i.Store, state.ScanText, "select participant_id from api_users where user_id = ?", user.String())
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNobody
	}
	return who, err
}

// kept is the id that a query finds, or else a new one, which insert keeps unless
// another process was faster. The arguments of both are args, those of insert behind the
// id.
func (i Identities) kept(ctx context.Context, read, insert string, args ...any) (id uuid.UUID, err error) {
	scan := func(row func(...any) error) (id uuid.UUID, err error) {
		err = row(&id)
		return id, err
	}
	id, err = state.One(ctx, i.Store, scan, read, args...)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = i.Store.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, insert, append([]any{uuid.NewString()}, args...)...); err != nil {
			return err
		}
		id, err = state.One(ctx, tx, scan, read, args...)
		return err
	})
	return id, err
}
