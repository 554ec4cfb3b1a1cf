package vital

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/serve/api"
)

// UserBounds are what a request may say of a participant. A null is as if it was not there.
type UserBounds struct {
	FallbackTimeZone  *string `json:"fallback_time_zone,omitempty" nullable:"true" doc:"IANA name"`
	FallbackBirthDate *string `json:"fallback_birth_date,omitempty" nullable:"true" doc:"Not kept: no birth dates are"`
	IngestionStart    *string `json:"ingestion_start,omitempty" nullable:"true" doc:"First date, as study_start of the roster"`
	IngestionEnd      *string `json:"ingestion_end,omitempty" nullable:"true" doc:"Last date, as study_end of the roster"`
}

// UserCreate is a new participant.
type UserCreate struct {
	ClientUserID string `json:"client_user_id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" doc:"Study pseudonym: letters, digits, - and _"`
	UserBounds
}

type createInput struct{ Body UserCreate }

// createRoute is the route of create, as the audit trail names it.
const createRoute = "POST /v2/user"

// create adds somebody to the roster, in the cohort of the key. Who has no first date gets
// one: the API asks for no days that nobody named.
func (u Users) create(ctx context.Context, in *createInput) (*userOutput, error) {
	ctx = acting(ctx, u.API, createRoute)
	who := cohort.Participant{ID: in.Body.ClientUserID, Cohort: api.KeyOf(ctx).Rights.Cohort}
	if err := in.Body.apply(&who); err != nil {
		return nil, err
	}
	assumed := who.StudyStart.IsZero()
	if assumed {
		who.StudyStart = daysBefore(u.API.Now(), time.Duration(u.API.Study.Config.Serve.DefaultHistory))
	}
	if err := u.API.Study.Cohort.AddParticipant(ctx, who); err != nil {
		return nil, u.notAdded(ctx, who, err)
	}
	if err := u.noteCreated(ctx, who, assumed); err != nil {
		return nil, err
	}
	user, err := u.user(ctx, who)
	return &userOutput{user}, err
}

// noteCreated keeps what the roster does not say of somebody who was added.
func (u Users) noteCreated(ctx context.Context, who cohort.Participant, assumed bool) error {
	if assumed {
		if err := u.API.Identities.StartAssumed(ctx, who.ID, who.StudyStart); err != nil {
			return err
		}
	}
	if who.Timezone == "" {
		return nil
	}
	return u.API.Identities.ZoneSet(ctx, who.ID)
}

// daysBefore is the date so long before now, in UTC.
func daysBefore(now time.Time, history time.Duration) time.Time {
	year, month, day := now.UTC().Add(-history).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Taken is the refusal of a client_user_id that is there already.
type Taken struct {
	ErrorType    string  `json:"error_type"`
	ErrorMessage string  `json:"error_message"`
	UserID       *string `json:"user_id,omitempty"`
	CreatedOn    *string `json:"created_on,omitempty"`
}

// notAdded says why somebody was not added. Of an id that is taken, a key learns whose it
// is if it may know of them.
func (u Users) notAdded(ctx context.Context, who cohort.Participant, err error) error {
	wrong, ok := errors.AsType[*cohort.LineError](err)
	if !ok {
		return err
	}
	all, other := u.API.Study.Cohort.Participants(ctx)
	if other != nil {
		return other
	}
	for _, held := range all {
		if !strings.EqualFold(held.ID, who.ID) {
			continue
		}
		taken := Taken{ErrorType: "INVALID_REQUEST", ErrorMessage: "client_user_id already exists."}
		if api.Sees(ctx, held) {
			user, err := u.user(ctx, held)
			if err != nil {
				return err
			}
			if user.UserID != uuid.Nil.String() { // else they were erased
				taken.UserID, taken.CreatedOn = &user.UserID, &user.CreatedOn
			}
		}
		return &api.Problem{Status: http.StatusBadRequest, Detail: taken.ErrorMessage, Body: map[string]any{"detail": taken}}
	}
	return invalidLine(wrong)
}

// invalidLine is what the roster would refuse, as Vital's clients know it.
func invalidLine(e *cohort.LineError) *api.Problem {
	names := map[string]string{
		"participant_id": "client_user_id", "timezone": "fallback_time_zone", "study_start": "ingestion_start", "study_end": "ingestion_end",
	}
	return api.Invalid("body."+names[e.Column], "%s", e.Reason)
}

// apply sets what a request says.
func (b UserBounds) apply(who *cohort.Participant) error {
	if b.FallbackTimeZone != nil {
		who.Timezone = *b.FallbackTimeZone
	}
	for _, date := range []struct {
		name string
		sent *string
		to   *time.Time
	}{{"ingestion_start", b.IngestionStart, &who.StudyStart}, {"ingestion_end", b.IngestionEnd, &who.StudyEnd}} {
		if date.sent == nil {
			continue
		}
		day, err := cohort.ParseDate(*date.sent)
		if err != nil {
			return api.Invalid("body."+date.name, "a date such as 2026-01-31")
		}
		*date.to = day
	}
	return nil
}
