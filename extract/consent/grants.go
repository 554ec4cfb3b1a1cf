package consent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/dexetl/dexetl/extract/cohort"
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

// Grants keeps the participants' consents for one run of a command. Its
// exported fields are set before use and then frozen; its clock is the
// register's. All methods may be called by many goroutines.
type Grants struct {
	Register *Register
	Key      *Key
	Apps     map[string]App // by region
	// Region is that of participants whose roster line names none.
	Region string
	// Wanted says who may be connected by a link. Nil: nobody.
	Wanted func(cohort.Participant) bool
	// Change confirms that a participant may come with another Dexcom account
	// than before, or with one that was another participant's: see
	// Settle. Its First is filled in here. Nil: nothing is confirmed.
	Change *Changeover
	// Keep takes the answers by which an account was looked at, once it is
	// certain whose they are. Nil: they are not kept.
	Keep func(ctx context.Context, c Connection, a dexcom.Answer) error
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

	calls    atomic.Int64
	tally    tally
	accounts sync.Map // owner by connection
	asked    sync.Map // ids of the answers of which this run asked whose they are
	arriving sync.Map // hashes of the states with which somebody is coming back
	// step, if set, is told of every point that a refresh or an exchange comes
	// to. Tests stop there for good.
	step func(point string)
}

// A Quota bounds how many requests are sent.
type Quota interface{ Take() error }

func (g *Grants) quota() error {
	if g.Quota == nil {
		return nil
	}
	if err := g.Quota.Take(); err != nil {
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
func (g *Grants) Reached(string) { g.tally.reached() }

// Calls returns how many requests were sent so far, to either endpoint.
func (g *Grants) Calls() int64 { return g.calls.Load() }

func (g *Grants) now() time.Time { return g.Register.Store.Now().UTC() }

// clock says why our clock cannot be trusted, by a server's Date; zero: it sent none.
func (g *Grants) clock(server time.Time) error {
	if g.Clock == nil || server.IsZero() {
		return nil
	}
	return g.Clock(server)
}

func (g *Grants) log() *slog.Logger {
	if g.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return g.Log
}

// reached marks a point at which the process may die.
func (g *Grants) reached(point string) {
	fault.Point(point)
	if g.step != nil {
		g.step(point)
	}
}

// app returns the app of a region, the default one for "".
func (g *Grants) app(region string) (App, error) {
	if region == "" {
		region = g.Region
	}
	a, ok := g.Apps[region]
	if !ok {
		return App{}, &NoAppError{region}
	}
	a.Region = region
	return a, nil
}

// secrets are what no word of a server's may show: tokens and codes, and the app's
// secret.
func (g *Grants) secrets(region string, tokens ...string) []string {
	app, err := g.app(region)
	if err != nil {
		return tokens
	}
	return append(tokens, string(app.ClientSecret))
}

func (g *Grants) client(a App) *dexcom.Client {
	return &dexcom.Client{BaseURL: a.BaseURL, HTTP: g.API}
}

// A pair is what a grant consists of. Unlike Secret it can be encoded: only
// ever to be sealed.
type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// grant seals p, received at the given instant, for the store.
func (g *Grants) grant(p pair, received time.Time, lifetime time.Duration) (Grant, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return Grant{}, err
	}
	sealed, err := g.Key.seal(plain)
	if err != nil {
		return Grant{}, fmt.Errorf("seal: %w", err)
	}
	out := Grant{Current: sealed, RefreshHash: g.Key.hash("refresh", p.Refresh)}
	if p.Access != "" {
		out.AccessIssuedAt, out.AccessExpiresAt = received, received.Add(lifetime)
	}
	return out, nil
}

// open opens the sealed pair of a connection. The key is the one that the store is
// bound to, so that one pair which it does not open is damaged: *SealError. One that is
// not this participant's is a *OwnerError; so is one before it, which nobody uses
// but for repair.
func (g *Grants) open(c Connection, t Tokens) (pair, error) {
	if err := g.Register.OwnTokens(c, t); err != nil {
		return pair{}, err
	}
	p, err := g.Key.pair(t.Current)
	if err != nil {
		return pair{}, &SealError{c.ParticipantID}
	}
	previous, opens := g.Key.refreshHash(t.Previous)
	if g.Key.hash("refresh", p.Refresh) != t.RefreshHash || opens && previous != t.PreviousHash {
		return pair{}, NotTheirs(c)
	}
	return p, nil
}
