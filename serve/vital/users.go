package vital

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study/frozen"
)

// Users are the routes about people: who takes part, and how it stands with their account.
type Users struct {
	API    *api.API
	Reader *frozen.Reader
	// Refresh has what is new of a participant fetched and loaded. It waits so long for
	// that, and lets it go on if it is not done then.
	Refresh func(ctx context.Context, participantID string, wait time.Duration) (done bool, err error)
}

// Register adds them.
func (u Users) Register() {
	read, manage := api.Needs{Scope: access.Read}, api.Needs{Scope: access.Manage}
	api.Register(u.API, operation("user_create", http.MethodPost, "/v2/user", "Add a participant to the roster"), manage, u.create)
	api.Register(u.API, operation("user_list", http.MethodGet, "/v2/user", "All participants, in the order of their ids"), read, u.list)
	api.Register(u.API, operation("user_get", http.MethodGet, "/v2/user/{user_id}", "One participant"), read, u.get)
	api.Register(u.API, operation("user_resolve", http.MethodGet, "/v2/user/resolve/{client_user_id}", "One participant, by the id of the roster"), read, u.resolve)
	api.Register(u.API, operation("user_patch", http.MethodPatch, "/v2/user/{user_id}", "Set a participant's time zone and dates"), manage, u.patch)
	api.Register(u.API, operation("user_delete", http.MethodDelete, "/v2/user/{user_id}",
		"Forget a participant: nothing is asked of them, and after 7 days their tokens are destroyed; their data stay"), manage, u.delete)
	api.Register(u.API, refusing(operation("user_undo_delete", http.MethodPost, "/v2/user/undo_delete", "Undo that, within the 7 days")), manage, u.undoDelete)
	api.Register(u.API, operation("user_deregister", http.MethodDelete, "/v2/user/{user_id}/{provider}",
		"End a participant's connection: its tokens are destroyed; the data stay"), manage, u.deregister)
	api.Register(u.API, operation("user_providers", http.MethodGet, "/v2/user/providers/{user_id}", "How it stands with a participant's account"), read, u.providers)
	u.registerRefresh(manage)
	api.Register(u.API, operation("user_devices", http.MethodGet, "/v2/user/{user_id}/device", "What a participant's readings come by"), read, u.devices)
	api.Register(u.API, operation("user_device", http.MethodGet, "/v2/user/{user_id}/device/{device_id}", "One of these devices"), read, u.device)
	registerProviders(u.API)
}

// operation is a route, with the tag that its id begins with.
func operation(id, method, path, summary string) huma.Operation {
	tag, _, _ := strings.Cut(id, "_")
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Tags: []string{tag}}
}

// refusing is an operation that may be refused as things stand (400).
func refusing(op huma.Operation) huma.Operation {
	op.Errors = append(op.Errors, http.StatusBadRequest)
	return op
}

// acting is ctx for changes that the key of a request makes by a route: the audit trail
// names it, and whoever runs the server.
func acting(ctx context.Context, a *api.API, route string) context.Context {
	by := a.Study.Store.By
	return state.ByAuthor(ctx, state.Author{Who: fmt.Sprintf("key %s (%s)", api.KeyOf(ctx).Name, by.Who), Command: route})
}

type userInput struct {
	UserID uuid.UUID `path:"user_id" format:"uuid"`
}

type userOutput struct{ Body User }

// Done is that something was done.
type Done struct {
	Success bool `json:"success"`
}

type doneOutput struct{ Body Done }

func done() *doneOutput { return &doneOutput{Done{true}} }

func (u Users) get(ctx context.Context, in *userInput) (*userOutput, error) {
	who, err := u.API.Person(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	user, err := u.user(ctx, who)
	return &userOutput{user}, err
}

type resolveInput struct {
	ClientUserID string `path:"client_user_id"`
}

func (u Users) resolve(ctx context.Context, in *resolveInput) (*userOutput, error) {
	who, err := u.API.Participant(ctx, in.ClientUserID)
	if err != nil {
		return nil, err
	}
	user, err := u.user(ctx, who)
	return &userOutput{user}, err
}

type listInput struct {
	Offset int `query:"offset" minimum:"0" default:"0"`
	Limit  int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// A UserList is a page of participants.
type UserList struct {
	Users  []User `json:"users"`
	Total  int    `json:"total"`
	Offset int    `json:"offset"`
	Limit  int    `json:"limit"`
}

type listOutput struct{ Body UserList }

func (u Users) list(ctx context.Context, in *listInput) (*listOutput, error) {
	people, err := u.API.Users(ctx)
	if err != nil {
		return nil, err
	}
	from := min(in.Offset, len(people))
	users, err := u.users(ctx, people[from:min(from+in.Limit, len(people))])
	return &listOutput{UserList{Users: users, Total: len(people), Offset: in.Offset, Limit: in.Limit}}, err
}
