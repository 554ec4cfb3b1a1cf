package vital

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
)

// Linking are the routes by which a program leads people to the consent pages.
type Linking struct {
	API    *api.API
	Linker *study.Linker
	Listen string // where this process has the consent pages, if links lead there
}

// How long a link works.
const (
	linkLife     = time.Hour
	longestLife  = 7 * 24 * time.Hour // of a code, which may be handed over
	shortestLife = time.Minute
)

// Register adds them.
func (l Linking) Register() {
	manage, byToken := api.Needs{Scope: access.Manage}, api.Needs{LinkToken: true}
	api.Register(l.API, operation("link_token", http.MethodPost, "/v2/link/token", "A link to the consent page for a participant who is in your program: 60 minutes, one success"), manage, l.token)
	api.Register(l.API, refusing(operation("link_code", http.MethodPost, "/v2/link/code/create", "A link to the consent page that may be handed over")), manage, l.code)
	api.Register(l.API, operation("link_providers", http.MethodGet, "/v2/link/providers", "What the participant of a link token can connect"), byToken, l.providers)
	api.Register(l.API, operation("link_oauth", http.MethodGet, "/v2/link/provider/oauth/{slug}", "The consent page for the participant of a link token"), byToken, l.oauth)
}

// LinkRequest asks for a link.
type LinkRequest struct {
	UserID            string    `json:"user_id" format:"uuid"`
	Provider          *string   `json:"provider,omitempty" nullable:"true" doc:"dexcom_v3 is all there is"`
	RedirectURL       *string   `json:"redirect_url,omitempty" nullable:"true" doc:"Where the browser goes in the end: one of serve.redirect_urls, with any query"`
	FilterOnProviders *[]string `json:"filter_on_providers,omitempty" nullable:"true" doc:"If any, dexcom_v3 among them: it is all there is"`
	OnError           *string   `json:"on_error,omitempty" nullable:"true" doc:"redirect, which happens in any case"`
	OnClose           *string   `json:"on_close,omitempty" nullable:"true" doc:"redirect; not looked at further"`
}

// checkChoices refuses what Vital refuses, and a choice of providers that leaves none.
func (r LinkRequest) checkChoices() error {
	for _, of := range []struct {
		name string
		sent *string
	}{{"on_error", r.OnError}, {"on_close", r.OnClose}} {
		if of.sent != nil && *of.sent != "redirect" {
			return api.Invalid("body."+of.name, "redirect is all there is")
		}
	}
	if only := r.FilterOnProviders; only != nil && len(*only) > 0 && !slices.Contains(*only, providerSlug) {
		return api.Invalid("body.filter_on_providers", "none of these is there: "+providerSlug+" is all there is")
	}
	return nil
}

type linkInput struct{ Body LinkRequest }

// A LinkToken is a link that was made.
type LinkToken struct {
	LinkToken  string `json:"link_token"`
	LinkWebURL string `json:"link_web_url" format:"uri" doc:"The consent page. Whoever has it can connect as this participant"`
}

type linkOutput struct{ Body LinkToken }

func (l Linking) token(ctx context.Context, in *linkInput) (*linkOutput, error) {
	user, err := uuid.Parse(in.Body.UserID)
	if err != nil {
		return nil, api.Invalid("body.user_id", "no UUID")
	}
	if in.Body.Provider != nil && *in.Body.Provider != "" && *in.Body.Provider != providerSlug {
		return nil, api.Invalid("body.provider", "there is no such provider: "+providerSlug+" is all there is")
	}
	if err := in.Body.checkChoices(); err != nil {
		return nil, err
	}
	back := ""
	if in.Body.RedirectURL != nil {
		back = *in.Body.RedirectURL
	}
	if back != "" && !l.API.Study.Rules().MayReturn(back) {
		return nil, api.Invalid("body.redirect_url", "not one of serve.redirect_urls of the study")
	}
	made, err := l.issue(ctx, "POST /v2/link/token", user, linkLife, back)
	if err != nil {
		return nil, err
	}
	return &linkOutput{LinkToken{string(made.Token), l.address(made)}}, nil
}

type codeInput struct {
	UserID    uuid.UUID `query:"user_id" required:"true" format:"uuid"`
	ExpiresAt string    `query:"expires_at" doc:"ISO date-time, at most 7 days from now; absent: in an hour"`
}

// A LinkCode is a link that may be handed over.
type LinkCode struct {
	Code        string `json:"code"`
	ExchangeURL string `json:"exchange_url" format:"uri" doc:"The consent page. Whoever has it can connect as this participant"`
	ExpiresAt   string `json:"expires_at" format:"date-time"`
}

type codeOutput struct{ Body LinkCode }

func (l Linking) code(ctx context.Context, in *codeInput) (*codeOutput, error) {
	life := linkLife
	if in.ExpiresAt != "" {
		at, _, err := instant("expires_at", in.ExpiresAt)
		if err != nil {
			return nil, err
		}
		if life = at.Sub(l.API.Now()); life < shortestLife || life > longestLife {
			return nil, api.Invalid("query.expires_at", "from a minute to 7 days from now")
		}
	}
	made, err := l.issue(ctx, "POST /v2/link/code/create", in.UserID, life, "")
	if err != nil {
		return nil, err
	}
	return &codeOutput{LinkCode{string(made.Token), l.address(made), utc(made.ExpiresAt)}}, nil
}

// issue makes a link.
func (l Linking) issue(ctx context.Context, route string, user uuid.UUID, life time.Duration, back string) (consent.Link, error) {
	who, err := l.API.Person(ctx, user)
	if err != nil {
		return consent.Link{}, err
	}
	if err := l.API.Study.CheckLinks(l.Listen); err != nil {
		return consent.Link{}, api.Refusal(http.StatusBadRequest, err.Error()+": set connect.public_url of the study, or serve.listen")
	}
	made, err := l.Linker.Issue(acting(ctx, l.API, route), who.ID, life, back)
	switch {
	case is[*study.NotWantedError](err), is[*cohort.WithdrawnError](err):
		return made, api.Refusal(http.StatusBadRequest, "this user is not to be connected")
	case is[*study.ForgottenError](err):
		l.API.Log.Error("no link is made", "error", err)
		return made, api.Refusal(http.StatusServiceUnavailable, "no link can be made at the moment; the log of the server says why")
	}
	return made, err
}

func (l Linking) address(made consent.Link) string { return l.API.Study.LinkURL(string(made.Token)) }

type byTokenInput struct {
	Token string `header:"x-vital-link-token"`
}

// A LinkProvider is what can be connected by a link.
type LinkProvider struct {
	ID             int            `json:"id"`
	Name           string         `json:"name"`
	Slug           string         `json:"slug"`
	Description    string         `json:"description"`
	Logo           string         `json:"logo"`
	Group          *string        `json:"group"`
	OAuthURL       string         `json:"oauth_url" format:"uri" doc:"The consent page, whose button leads to Dexcom's login"`
	AuthType       string         `json:"auth_type" enum:"oauth"`
	SourceType     string         `json:"source_type"`
	IsActive       bool           `json:"is_active"`
	BackfillDays   *int           `json:"backfill_num_days"`
	FormComponents map[string]any `json:"form_components"`
}

type linkProvidersOutput struct{ Body []LinkProvider }

func (l Linking) providers(ctx context.Context, in *byTokenInput) (*linkProvidersOutput, error) {
	one, err := l.provider(ctx, in.Token)
	if err != nil {
		return nil, err
	}
	return &linkProvidersOutput{[]LinkProvider{one}}, nil
}

type oauthInput struct {
	Token string `header:"x-vital-link-token"`
	Slug  string `path:"slug"`
}

type oauthOutput struct{ Body LinkProvider }

func (l Linking) oauth(ctx context.Context, in *oauthInput) (*oauthOutput, error) {
	one, err := l.provider(ctx, in.Token)
	if err != nil {
		return nil, err
	}
	if in.Slug != providerSlug {
		return nil, api.Refusal(http.StatusNotFound, "there is no such provider")
	}
	return &oauthOutput{one}, nil
}

// provider is what the participant of a link token can connect. Nothing is used up: that
// they are led to our own page first is what protects them.
func (l Linking) provider(ctx context.Context, token string) (LinkProvider, error) {
	if token == "" {
		return LinkProvider{}, api.Refusal(http.StatusUnauthorized, "a link token is missing: send one in "+api.LinkTokenHeader)
	}
	_, err := l.Linker.Check(ctx, token)
	if link, ok := errors.AsType[*consent.LinkError](err); ok {
		return LinkProvider{}, api.Refusal(http.StatusUnauthorized, reasonOf(link))
	}
	if err != nil {
		return LinkProvider{}, err
	}
	return LinkProvider{
		ID: 1, Name: providerName, Slug: providerSlug, Description: providerDescription, AuthType: "oauth", SourceType: "device", IsActive: true,
		OAuthURL: l.API.Study.LinkURL(token), FormComponents: map[string]any{},
	}, nil
}

func reasonOf(err *consent.LinkError) string {
	switch err.Reason {
	case consent.LinkUsed:
		return "token_consumed"
	case consent.LinkExpired:
		return "token_expired"
	}
	return "invalid_token"
}
