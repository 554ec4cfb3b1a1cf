package vital

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
)

// UserPatch is what is to be changed of a participant.
type UserPatch struct {
	ClientUserID *string `json:"client_user_id,omitempty" nullable:"true" doc:"Cannot be changed: it stands with the data"`
	UserBounds
}

type patchInput struct {
	UserID uuid.UUID `path:"user_id" format:"uuid"`
	Body   UserPatch
}

func (u Users) patch(ctx context.Context, in *patchInput) (*struct{}, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	if in.Body.ClientUserID != nil && *in.Body.ClientUserID != who.ID {
		return nil, api.Invalid("body.client_user_id", "cannot be changed")
	}
	if err := in.Body.apply(&who); err != nil {
		return nil, err
	}
	ctx = acting(ctx, u.API, "PATCH /v2/user/{user_id}")
	err = u.API.Study.Cohort.Edit(ctx, who.ID, func(held *cohort.Participant) { _ = in.Body.apply(held) }) // it could be applied above
	if wrong, ok := errors.AsType[*cohort.LineError](err); ok {
		return nil, invalidLine(wrong)
	}
	if err == nil && in.Body.FallbackTimeZone != nil {
		err = u.API.Identities.ZoneSet(ctx, who.ID)
	}
	return nil, err
}

func (u Users) delete(ctx context.Context, in *userInput) (*doneOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	ctx = acting(ctx, u.API, "DELETE /v2/user/{user_id}")
	if err := u.API.Study.Cohort.Delete(ctx, who.ID); err != nil {
		return nil, err
	}
	_, err = u.API.Study.Consents.RevokeInvitations(ctx, who.ID)
	return done(), err
}

type undoInput struct {
	UserID       uuid.UUID `query:"user_id" format:"uuid" doc:"One of the two is needed"`
	ClientUserID string    `query:"client_user_id"`
}

func (u Users) undoDelete(ctx context.Context, in *undoInput) (*doneOutput, error) {
	id := in.ClientUserID
	switch {
	case in.UserID == uuid.Nil && id == "":
		return nil, api.Invalid("query.user_id", "user_id or client_user_id is required")
	case in.UserID != uuid.Nil:
		var err error
		if id, err = u.API.Identities.Participant(ctx, in.UserID); errors.Is(err, access.ErrNobody) {
			return nil, api.Nobody()
		} else if err != nil {
			return nil, err
		}
	}
	who, err := u.API.Study.Cohort.Participant(ctx, id)
	if _, unknown := errors.AsType[*cohort.UnknownParticipantError](err); unknown || err == nil && !api.MayKnow(ctx, who) {
		return nil, api.Nobody()
	}
	if err != nil {
		return nil, err
	}
	err = u.API.Study.Cohort.Undelete(acting(ctx, u.API, "POST /v2/user/undo_delete"), who.ID)
	if late, ok := errors.AsType[*cohort.DeletionError](err); ok && late.DeletedAt.IsZero() {
		return nil, api.Refusal(http.StatusBadRequest, "this user is not deleted")
	} else if ok {
		return nil, api.Refusal(http.StatusBadRequest, "this user was deleted more than 7 days ago, which cannot be undone")
	}
	return done(), err
}

type deregisterInput struct {
	UserID   uuid.UUID `path:"user_id" format:"uuid"`
	Provider string    `path:"provider"`
}

func (u Users) deregister(ctx context.Context, in *deregisterInput) (*doneOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	if in.Provider != providerSlug {
		return nil, api.Refusal(http.StatusNotFound, "there is no such provider")
	}
	ended, err := u.API.Study.Deregister(acting(ctx, u.API, "DELETE /v2/user/{user_id}/{provider}"), who.ID, "deregistered over the API")
	switch {
	case errors.Is(err, study.ErrBusyGrant):
		return nil, &api.Problem{Status: http.StatusServiceUnavailable, Detail: err.Error(), RetryAfter: renewalRest}
	case err == nil && ended == 0:
		return nil, api.Refusal(http.StatusNotFound, "this user is not connected to it")
	}
	return done(), err
}
