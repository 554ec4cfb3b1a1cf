package access

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/state"
)

// About is what is kept of a participant for the API beside the roster.
type About struct {
	User      uuid.UUID
	CreatedAt time.Time // since when the API knows them
	ZoneAt    time.Time // when it set their time zone; zero: it did not
}

// AboutAll is what is kept of participants, who are in the roster.
func (i Identities) AboutAll(ctx context.Context, participantIDs []string) (map[string]About, error) {
	if _, err := i.Users(ctx, participantIDs); err != nil {
		return nil, err
	}
	all := make(map[string]About, len(participantIDs))
	_, err := state.Collect(ctx, i.Store, func(row func(...any) error) (_ struct{}, err error) {
		var who string
		var a About
		err = row(&who, &a.User, state.Instant(&a.CreatedAt), state.Instant(&a.ZoneAt))
		all[who] = a
		return struct{}{}, err
	}, "select participant_id, user_id, created_at, zone_at from api_users")
	return all, err
}

// ZoneSet notes that the API set a participant's time zone.
func (i Identities) ZoneSet(ctx context.Context, participantID string) error {
	return i.note(ctx, participantID, "zone_at", state.Micros(i.Store.Now()))
}

// StartAssumed notes which study_start the API gave a participant because nobody named
// one.
func (i Identities) StartAssumed(ctx context.Context, participantID string, day time.Time) error {
	return i.note(ctx, participantID, "assumed_start", day.Format(time.DateOnly))
}

func (i Identities) note(ctx context.Context, participantID, column string, value any) error {
	if _, err := i.User(ctx, participantID); err != nil {
		return err
	}
	_, err := i.Store.Exec(ctx, "update api_users set "+column+" = ? where participant_id = ?", value, participantID)
	return err
}

// Assumed are the days that StartAssumed noted, by participant.
func (i Identities) Assumed(ctx context.Context) (map[string]string, error) {
	all := make(map[string]string)
	_, err := state.Collect(ctx, i.Store, func(row func(...any) error) (_ struct{}, err error) {
		var who, day string
		err = row(&who, &day)
		all[who] = day
		return struct{}{}, err
	}, "select participant_id, assumed_start from api_users where assumed_start <> ''")
	return all, err
}
