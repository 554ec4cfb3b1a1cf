package vital

import (
	"context"

	"github.com/dexetl/dexetl/webhook"
)

// WebhookHeaders are headers that are sent along, by name.
type WebhookHeaders struct {
	Headers map[string]string `json:"headers"`
}

type headersOutput struct{ Body WebhookHeaders }

type webhookHeadersInput struct {
	WebhookPath
	Body WebhookHeaders
}

func (m Management) headers(ctx context.Context, in *WebhookPath) (*headersOutput, error) {
	e, err := m.find(ctx, *in)
	if err != nil {
		return nil, err
	}
	all, err := m.Endpoints.Headers(e)
	return &headersOutput{WebhookHeaders{all}}, err
}

func (m Management) setHeaders(ctx context.Context, in *webhookHeadersInput) (*headersOutput, error) {
	e, err := m.find(ctx, in.WebhookPath)
	if err != nil {
		return nil, err
	}
	if err := m.Endpoints.SetHeaders(acting(ctx, m.API, "PUT /v1/org/…/webhook/…/headers"), e.ID, in.Body.Headers); err != nil {
		return nil, refusal(err)
	}
	return &headersOutput{in.Body}, nil
}

// WebhookSecret is what events are signed with.
type WebhookSecret struct {
	Key string `json:"key" doc:"A secret"`
}

type secretOutput struct{ Body WebhookSecret }

func (m Management) secret(ctx context.Context, in *WebhookPath) (*secretOutput, error) {
	e, err := m.find(ctx, *in)
	if err != nil {
		return nil, err
	}
	s, err := m.Endpoints.Secret(e)
	return &secretOutput{WebhookSecret{string(s)}}, err
}

// WebhookRotate is a secret that is to follow.
type WebhookRotate struct {
	Key *string `json:"key,omitempty" nullable:"true" doc:"whsec_ and 24 to 64 bytes in base64; null: a new one"`
}

type webhookRotateInput struct {
	WebhookPath
	Body *WebhookRotate
}

func (m Management) rotate(ctx context.Context, in *webhookRotateInput) (*secretOutput, error) {
	e, err := m.find(ctx, in.WebhookPath)
	if err != nil {
		return nil, err
	}
	var next webhook.Secret
	if in.Body != nil && in.Body.Key != nil {
		next = webhook.Secret(*in.Body.Key)
	}
	_, next, err = m.Endpoints.Rotate(acting(ctx, m.API, "POST /v1/org/…/webhook/…/secret/rotate"), e.ID, next)
	if err != nil {
		return nil, refusal(err)
	}
	return &secretOutput{WebhookSecret{string(next)}}, nil
}
