package vital

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve/api"
)

// renewalRest is when to try again what a renewal of the access is in the way of.
const renewalRest = 10 * time.Second

type refreshInput struct {
	UserID  uuid.UUID `path:"user_id" format:"uuid"`
	Timeout float64   `query:"timeout" minimum:"0" maximum:"120" default:"10" doc:"Seconds to wait for the end"`
}

// A Refresh is what came of a refresh.
type Refresh struct {
	Success           bool     `json:"success"`
	UserID            string   `json:"user_id" format:"uuid"`
	RefreshedSources  []string `json:"refreshed_sources"`
	InProgressSources []string `json:"in_progress_sources" doc:"Still at it: it goes on"`
	FailedSources     []string `json:"failed_sources"`
}

// A FailedRefresh is a refresh that did not work.
type FailedRefresh struct {
	Success       bool     `json:"success"`
	UserID        string   `json:"user_id" format:"uuid"`
	Error         string   `json:"error"`
	FailedSources []string `json:"failed_sources"`
}

type refreshOutput struct {
	Status int
	Body   Refresh
}

// refresh waits for the end of a refresh, or says that it goes on.
func (u Users) refresh(ctx context.Context, in *refreshInput) (*refreshOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	out := &refreshOutput{http.StatusOK, Refresh{Success: true, UserID: in.UserID.String()}}
	if asked, err := u.asked(ctx, who); err != nil || !asked {
		return out, err // there is nothing to refresh
	}
	wait, err := access.Refreshes{Store: u.API.Study.Store}.Take(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return nil, &api.Problem{Status: http.StatusTooManyRequests, Detail: "this user was refreshed 8 times within an hour: wait", RetryAfter: wait}
	}
	ended, err := u.Refresh(ctx, who.ID, time.Duration(in.Timeout*float64(time.Second)))
	switch source := []string{providerSlug}; {
	case err != nil:
		return nil, refreshProblem(in.UserID, err)
	case ended:
		out.Body.RefreshedSources = source
	default:
		out.Status, out.Body.InProgressSources = http.StatusAccepted, source
	}
	return out, nil
}

// asked reports whether somebody is connected and data of theirs are asked for.
func (u Users) asked(ctx context.Context, who cohort.Participant) (bool, error) {
	p, err := u.API.Study.Known(ctx, who)
	return p.HasGrant() && p.Asked(), err
}

// refreshProblem says that a refresh did not work, and why as far as the caller may know.
func refreshProblem(user uuid.UUID, err error) *api.Problem {
	why := "it did not work; the log of the server says why"
	if is[*consent.NeedsReconsentError](err) || is[*consent.ExportedError](err) {
		why = "the person has to consent again"
	}
	return &api.Problem{Status: http.StatusBadRequest, Detail: why,
		Body: FailedRefresh{UserID: user.String(), Error: why, FailedSources: []string{providerSlug}}}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
