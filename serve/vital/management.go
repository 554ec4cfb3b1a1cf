package vital

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/webhook"
)

// Management are the routes about webhooks. Organisation and team are the study's id, and
// the environment is any.
type Management struct {
	API       *api.API
	Endpoints webhook.Endpoints
	Begin     func(ctx context.Context) error // see News.Begin
}

// Register adds them.
func (m Management) Register() {
	const all = "/v1/org/{org_id}/team/{team_id}/{environment}/webhook"
	const one = all + "/{webhook_id}"
	manage := api.Needs{Scope: access.Manage}
	api.Register(m.API, operation("webhook_list", http.MethodGet, all, "All endpoints that the key may see"), manage, m.list)
	api.Register(m.API, operation("webhook_create", http.MethodPost, all, "Add an endpoint, with the rights of the key"), manage, m.create)
	api.Register(m.API, operation("webhook_get", http.MethodGet, one, "One endpoint"), manage, m.get)
	api.Register(m.API, operation("webhook_patch", http.MethodPatch, one, "Change an endpoint"), manage, m.patch)
	api.Register(m.API, operation("webhook_delete", http.MethodDelete, one, "Forget an endpoint and what waits for it"), manage, m.delete)
	api.Register(m.API, operation("webhook_headers", http.MethodGet, one+"/headers", "The headers that are sent along"), manage, m.headers)
	api.Register(m.API, operation("webhook_set_headers", http.MethodPut, one+"/headers", "Replace them"), manage, m.setHeaders)
	api.Register(m.API, operation("webhook_secret", http.MethodGet, one+"/secret", "What events are signed with"), manage, m.secret)
	api.Register(m.API, operation("webhook_rotate", http.MethodPost, one+"/secret/rotate",
		"Sign with another secret, and with each one before for 24 hours from when it was replaced"), manage, m.rotate)
}

// A Webhook is an endpoint as Vital's clients know it.
type Webhook struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Description string    `json:"description"`
	RateLimit   *int      `json:"rate_limit" nullable:"true" doc:"Events a second at most; null: as many as it takes"`
	Disabled    bool      `json:"disabled"`
	FilterTypes *[]string `json:"filter_types" nullable:"true" doc:"Kinds of events; null: all that its rights allow"`
	CreatedAt   string    `json:"created_at" format:"date-time"`
	UpdatedAt   string    `json:"updated_at" format:"date-time"`
}

func webhookOf(e webhook.Endpoint) Webhook {
	w := Webhook{ID: e.Name(), URL: e.URL, Description: e.Description, Disabled: !e.Enabled(),
		CreatedAt: utc(e.CreatedAt), UpdatedAt: utc(e.UpdatedAt)}
	if e.PerSecond > 0 {
		w.RateLimit = &e.PerSecond
	}
	if len(e.Events) > 0 {
		w.FilterTypes = &e.Events
	}
	return w
}

// A StudyPath is in the path of all routes.
type StudyPath struct {
	OrgID       uuid.UUID `path:"org_id" format:"uuid"`
	TeamID      uuid.UUID `path:"team_id" format:"uuid"`
	Environment string    `path:"environment" maxLength:"64"`
}

// A WebhookPath is in the path of the routes about one endpoint.
type WebhookPath struct {
	StudyPath
	WebhookID string `path:"webhook_id" maxLength:"64"`
}

// noWebhook is the answer about an endpoint that is not there, or not for the key.
func noWebhook() error {
	return &api.Problem{Status: http.StatusNotFound, Detail: "there is no such webhook"}
}

// ours makes sure that a request is about this study.
func (m Management) ours(ctx context.Context, in StudyPath) error {
	id, err := m.API.Identities.Study(ctx)
	if err == nil && (in.OrgID != id || in.TeamID != id) {
		err = &api.Problem{Status: http.StatusNotFound, Detail: "there is no such team"}
	}
	return err
}

// mayManage reports whether a key may see and change an endpoint: one that gets no more
// than the key may read.
func mayManage(k access.Rights, e access.Rights) bool {
	return (k.Unblinded || !e.Unblinded) && (k.Notes || !e.Notes) && (k.Cohort == "" || k.Cohort == e.Cohort)
}

func (m Management) find(ctx context.Context, in WebhookPath) (webhook.Endpoint, error) {
	if err := m.ours(ctx, in.StudyPath); err != nil {
		return webhook.Endpoint{}, err
	}
	all, err := m.Endpoints.List(ctx)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	for _, e := range all {
		if e.Name() == in.WebhookID && mayManage(api.KeyOf(ctx).Rights, e.Rights) {
			return e, nil
		}
	}
	return webhook.Endpoint{}, noWebhook()
}

// refusal says in the form of the routes what is wrong with an endpoint.
func refusal(err error) error {
	if _, ok := errors.AsType[*webhook.UnknownError](err); ok {
		return noWebhook()
	}
	if e, ok := errors.AsType[*webhook.URLError](err); ok {
		return api.Invalid("body.url", "%s", e.Error())
	}
	if e, ok := errors.AsType[*webhook.KindError](err); ok {
		return api.Invalid("body.filter_types", "%s", e.Error())
	}
	if e, ok := errors.AsType[*webhook.NeverError](err); ok {
		return api.Invalid("body.filter_types", "%s: leave it out, or add the endpoint with a key that has the right", e.Error())
	}
	if e, ok := errors.AsType[*webhook.SecretError](err); ok {
		return api.Invalid("body", "%s", e.Error())
	}
	if e, ok := errors.AsType[*webhook.HeaderError](err); ok {
		return api.Invalid("body.headers", "%s", e.Error())
	}
	if e, ok := errors.AsType[*webhook.RotatedError](err); ok {
		return &api.Problem{Status: http.StatusBadRequest, Detail: e.Error()}
	}
	if errors.Is(err, webhook.ErrTooMany) {
		return &api.Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	return err
}

type webhookOutput struct{ Body Webhook }

type webhookList struct {
	Data       []Webhook `json:"data"`
	NextCursor *string   `json:"next_cursor" nullable:"true" doc:"Always null: all are in one answer"`
}

type webhookListOutput struct{ Body webhookList }

func (m Management) list(ctx context.Context, in *StudyPath) (*webhookListOutput, error) {
	if err := m.ours(ctx, *in); err != nil {
		return nil, err
	}
	all, err := m.Endpoints.List(ctx)
	out := &webhookListOutput{webhookList{Data: []Webhook{}}}
	for _, e := range all {
		if mayManage(api.KeyOf(ctx).Rights, e.Rights) {
			out.Body.Data = append(out.Body.Data, webhookOf(e))
		}
	}
	return out, err
}

func (m Management) get(ctx context.Context, in *WebhookPath) (*webhookOutput, error) {
	e, err := m.find(ctx, *in)
	return &webhookOutput{webhookOf(e)}, err
}
