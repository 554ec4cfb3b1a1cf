package vital

import (
	"context"
	"errors"
	"time"

	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/webhook"
)

// WebhookCreate is an endpoint that is to be added.
type WebhookCreate struct {
	WebhookPatch
	URL    string  `json:"url" maxLength:"2000"`
	Secret *string `json:"secret,omitempty" nullable:"true" doc:"whsec_ and 24 to 64 bytes in base64; null: a new one"`
}

// WebhookPatch is what is to be changed of an endpoint; what is not there stays.
type WebhookPatch struct {
	URL         *string   `json:"url,omitempty" nullable:"true" maxLength:"2000"`
	Description *string   `json:"description,omitempty" nullable:"true" maxLength:"500"`
	RateLimit   *int      `json:"rate_limit,omitempty" nullable:"true" minimum:"0" maximum:"10000" doc:"Events a second at most; 0: as many as it takes"`
	Disabled    *bool     `json:"disabled,omitempty" nullable:"true"`
	FilterTypes *[]string `json:"filter_types,omitempty" nullable:"true" maxItems:"50" doc:"Kinds of events, at least one; absent in a new endpoint: all that its rights allow"`
}

// check refuses a list of no kinds, which says that nothing is to be sent.
func (p WebhookPatch) check() error {
	if p.FilterTypes != nil && len(*p.FilterTypes) == 0 {
		return api.Invalid("body.filter_types", "it names no event: name some, leave it out for all, or say disabled for none")
	}
	return nil
}

func (p WebhookPatch) apply(e *webhook.Endpoint, now time.Time) {
	if p.URL != nil {
		e.URL = *p.URL
	}
	if p.Description != nil {
		e.Description = *p.Description
	}
	if p.RateLimit != nil {
		e.PerSecond = *p.RateLimit
	}
	if p.FilterTypes != nil {
		e.Events = *p.FilterTypes
	}
	switch {
	case p.Disabled == nil:
	case !*p.Disabled:
		e.DisabledAt, e.Why = time.Time{}, ""
	case e.Enabled():
		e.DisabledAt, e.Why = now, webhook.Asked
	}
}

type webhookCreateInput struct {
	StudyPath
	Body WebhookCreate
}

func (m Management) create(ctx context.Context, in *webhookCreateInput) (*webhookOutput, error) {
	if err := m.ours(ctx, in.StudyPath); err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	e := webhook.Endpoint{Rights: api.KeyOf(ctx).Rights, MadeBy: api.KeyOf(ctx).Name}
	in.Body.apply(&e, m.Endpoints.Store.Now().UTC())
	e.URL = in.Body.URL
	var secret webhook.Secret
	if in.Body.Secret != nil {
		secret = webhook.Secret(*in.Body.Secret)
	}
	ctx = acting(ctx, m.API, "POST /v1/org/…/webhook")
	e, _, err := m.Endpoints.Add(ctx, e, secret)
	if err != nil {
		return nil, refusal(err)
	}
	if err := m.Begin(ctx); err != nil {
		return nil, errors.Join(err, m.Endpoints.Remove(context.WithoutCancel(ctx), e.ID)) // nobody is told that it is there
	}
	return &webhookOutput{webhookOf(e)}, nil
}

type webhookPatchInput struct {
	WebhookPath
	Body WebhookPatch
}

func (m Management) patch(ctx context.Context, in *webhookPatchInput) (*webhookOutput, error) {
	e, err := m.find(ctx, in.WebhookPath)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	now := m.Endpoints.Store.Now().UTC()
	e, err = m.Endpoints.Edit(acting(ctx, m.API, "PATCH /v1/org/…/webhook"), e.ID, func(held *webhook.Endpoint) {
		before := held.URL
		if in.Body.apply(held, now); held.URL != before {
			held.MadeBy = api.KeyOf(ctx).Name
		}
	})
	if err != nil {
		return nil, refusal(err)
	}
	return &webhookOutput{webhookOf(e)}, nil
}

func (m Management) delete(ctx context.Context, in *WebhookPath) (*doneOutput, error) {
	e, err := m.find(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := m.Endpoints.Remove(acting(ctx, m.API, "DELETE /v1/org/…/webhook"), e.ID); err != nil {
		return nil, refusal(err)
	}
	return done(), nil
}
