package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
)

// Nobody is the answer for a participant who does not exist, and for one whom the key may
// not see.
func Nobody() *Problem { return Refusal(http.StatusNotFound, "there is no such user") }

// Withdrawing is the answer about one whose withdrawal is recorded, while the data do not
// show it yet.
func Withdrawing() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Detail: "a withdrawal is being carried out: try again", RetryAfter: withdrawnWithin}
}

// withdrawnWithin is how long a withdrawal takes that nothing is in the way of.
const withdrawnWithin = 30 * time.Second

// Person is the participant whose user id a caller gave; Nobody for one whom the key of
// the request may not see.
func (a *API) Person(ctx context.Context, user uuid.UUID) (cohort.Participant, error) {
	id, err := a.Identities.Participant(ctx, user)
	if errors.Is(err, access.ErrNobody) {
		return cohort.Participant{}, Nobody()
	}
	if err != nil {
		return cohort.Participant{}, err
	}
	return a.Participant(ctx, id)
}

// Participant is Person by the id of the roster.
func (a *API) Participant(ctx context.Context, id string) (cohort.Participant, error) {
	who, err := a.Study.Cohort.Participant(ctx, id)
	if _, unknown := errors.AsType[*cohort.UnknownParticipantError](err); unknown {
		return cohort.Participant{}, Nobody()
	}
	if err == nil && !Sees(ctx, who) {
		return cohort.Participant{}, Nobody()
	}
	if err != nil {
		return who, err
	}
	gone, err := a.erased(ctx)
	if slices.Contains(gone, id) {
		return cohort.Participant{}, Nobody()
	}
	return who, err
}

// erased are those who were erased, also if the state has forgotten that.
func (a *API) erased(ctx context.Context) ([]string, error) {
	forgotten, err := a.Study.Unremembered(ctx)
	if err != nil {
		return nil, err
	}
	ids := slices.Clone(forgotten.Erased)
	erasures, err := a.Study.Cohort.Erasures(ctx)
	for _, e := range erasures {
		ids = append(ids, e.ParticipantID)
	}
	return ids, err
}

// Users are People but for those who were erased: they have no user id.
func (a *API) Users(ctx context.Context) ([]cohort.Participant, error) {
	people, err := a.People(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := a.erased(ctx)
	return slices.DeleteFunc(people, func(who cohort.Participant) bool { return slices.Contains(gone, who.ID) }), err
}

// People are the participants whom the key of the request may see, in the order of the
// roster.
func (a *API) People(ctx context.Context) (people []cohort.Participant, err error) {
	all, err := a.Study.Cohort.Participants(ctx)
	for _, who := range all {
		if Sees(ctx, who) {
			people = append(people, who)
		}
	}
	return people, err
}

// Sees reports whether a participant exists for the key of the request: they were not
// deleted, and it may know of them.
func Sees(ctx context.Context, who cohort.Participant) bool {
	return !who.Deleted() && MayKnow(ctx, who)
}

// MayKnow reports whether the key of the request may know of a participant.
func MayKnow(ctx context.Context, who cohort.Participant) bool {
	only := KeyOf(ctx).Rights.Cohort
	return only == "" || only == who.Cohort
}
