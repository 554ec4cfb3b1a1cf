package vital

import (
	"context"
	"errors"
	"math"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
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

// registerRefresh adds the route.
func (u Users) registerRefresh(needs api.Needs) {
	answer := func(what string, kind reflect.Type) *huma.Response {
		schema := u.API.OpenAPI().Components.Schemas.Schema(kind, true, kind.Name())
		return &huma.Response{Description: what, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
	}
	op := operation("user_refresh", http.MethodPost, "/v2/user/refresh/{user_id}", "Fetch what is new of a participant now")
	op.Responses = map[string]*huma.Response{
		"202": answer("It is not done within timeout, and goes on", reflect.TypeFor[Refresh]()),
		"400": answer("There is nothing to fetch, or it did not work", reflect.TypeFor[FailedRefresh]()),
	}
	api.Register(u.API, op, needs, u.refresh)
}

// refresh waits for the end of a refresh, or says that it goes on.
func (u Users) refresh(ctx context.Context, in *refreshInput) (*refreshOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	if math.IsNaN(in.Timeout) { // which is neither below nor above a limit
		return nil, api.Invalid("query.timeout", "a number of seconds from 0 to 120")
	}
	if err := u.nothingToRefresh(ctx, in.UserID, who); err != nil {
		return nil, err
	}
	out := &refreshOutput{http.StatusOK, Refresh{Success: true, UserID: in.UserID.String()}}
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

// nothingToRefresh refuses to refresh somebody who is not connected, or of whom nothing is
// asked.
func (u Users) nothingToRefresh(ctx context.Context, user uuid.UUID, who cohort.Participant) error {
	p, err := u.API.Study.Known(ctx, who)
	switch {
	case err != nil:
		return err
	case p.Phase == study.Withdrawn, p.Phase == study.Unrecorded:
		return notRefreshed(user, "the person has withdrawn")
	case p.Connection().ID == "":
		return notRefreshed(user, "the person is not connected")
	case !p.HasGrant():
		return notRefreshed(user, "the connection has ended: the person may connect again")
	case who.Paused:
		return notRefreshed(user, "the study team has paused the person", providerSlug)
	case !isAsked(p):
		return notRefreshed(user, "by the dates and the status in the roster nothing is asked of the person at present", providerSlug)
	}
	return nil
}

// isAsked reports whether data of somebody are asked for at present.
func isAsked(p study.Person) bool {
	return p.Asked() && p.Phase != study.Upcoming && p.Phase != study.Unscheduled
}

// notRefreshed says why a refresh did not work, and of which sources.
func notRefreshed(user uuid.UUID, why string, sources ...string) *api.Problem {
	return &api.Problem{Status: http.StatusBadRequest, Detail: why, Body: FailedRefresh{UserID: user.String(), Error: why, FailedSources: sources}}
}

// refreshProblem says that a refresh did not work, and why as far as the caller may know.
func refreshProblem(user uuid.UUID, err error) *api.Problem {
	why := "it did not work; the log of the server says why"
	if is[*consent.NeedsReconsentError](err) || is[*consent.ExportedError](err) {
		why = "the person has to consent again"
	}
	return notRefreshed(user, why, providerSlug)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
