package consent

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/fault"
)

// An App is what Dexcom registered for the study in one region.
type App struct {
	Region       string // us, eu, jp, sandbox
	BaseURL      string // such as https://api.dexcom.com
	OAuthPrefix  string // v2 or v3
	ClientID     string
	ClientSecret Secret
	RedirectURI  string // exactly as registered
}

// oauth is the app for golang.org/x/oauth2, which here only writes URLs: its
// own exchange would parse an answer before it is durable.
func (a App) oauth() *oauth2.Config {
	base := strings.TrimSuffix(a.BaseURL, "/") + "/" + a.OAuthPrefix + "/oauth2/"
	return &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: string(a.ClientSecret), RedirectURL: a.RedirectURI,
		Endpoint: oauth2.Endpoint{AuthURL: base + "login", TokenURL: base + "token", AuthStyle: oauth2.AuthStyleInParams},
		Scopes:   []string{"offline_access"},
	}
}

// A Client asks Dexcom, at the token endpoint and for data.
type Client struct {
	Apps map[string]App // by region
	// Region is that of participants whose roster line names none.
	Region string
	// Post carries requests to the token endpoint, nil: a transport that
	// repeats nothing. API carries those for data, nil: dexcom's own.
	Post http.RoundTripper
	API  *http.Client
	// Quota is asked before every request; its error keeps it from being sent.
	// Nil: none.
	Quota Quota
	// Pace waits for a place among the calls for data that the app of a region
	// may make in an hour. Requests for tokens do not wait: a lease is held. Nil:
	// there is no limit.
	Pace func(ctx context.Context, region string) error
	// Clock compares our clock with a server's Date; its error keeps what was
	// answered from being used where its time matters. Nil: it is not compared.
	Clock func(server time.Time) error
	Log   *slog.Logger // nil: none

	now   func() time.Time
	calls atomic.Int64
	// step, if set, is told of every point that a refresh or an exchange comes
	// to. Tests stop there for good.
	step func(point string)
}

// A Quota bounds how many requests are sent.
type Quota interface{ Take() error }

func (cl *Client) quota() error {
	if cl.Quota == nil {
		return nil
	}
	if err := cl.Quota.Take(); err != nil {
		return &quotaError{err}
	}
	return nil
}

// A quotaError is a Quota's no.
type quotaError struct{ error }

func (e *quotaError) Unwrap() error { return e.error }

// Reached says that a region's app answers again after an outage: refreshes that
// brought no answer meanwhile count no longer as ones that failed, so that the
// others are not given up for them.
func (ts *Tokens) Reached(string) { ts.tally.reached() }

// Calls returns how many requests were sent so far, to either endpoint.
func (cl *Client) Calls() int64 { return cl.calls.Load() }

// clock says why our clock cannot be trusted, by a server's Date; zero: it sent none.
func (cl *Client) clock(server time.Time) error {
	if cl.Clock == nil || server.IsZero() {
		return nil
	}
	return cl.Clock(server)
}

func (cl *Client) log() *slog.Logger {
	if cl.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return cl.Log
}

// reached marks a point at which the process may die.
func (cl *Client) reached(point string) {
	fault.Point(point)
	if cl.step != nil {
		cl.step(point)
	}
}

// app returns the app of a region, the default one for "".
func (cl *Client) app(region string) (App, error) {
	if region == "" {
		region = cl.Region
	}
	a, ok := cl.Apps[region]
	if !ok {
		return App{}, &NoAppError{region}
	}
	a.Region = region
	return a, nil
}

// secrets are what no word of a server's may show: tokens and codes, and the app's
// secret.
func (cl *Client) secrets(region string, tokens ...string) []string {
	app, err := cl.app(region)
	if err != nil {
		return tokens
	}
	return append(tokens, string(app.ClientSecret))
}

func (cl *Client) client(a App) *dexcom.Client {
	return &dexcom.Client{BaseURL: a.BaseURL, HTTP: cl.API}
}
