package study

import (
	"cmp"
	"context"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/study/config"
)

// customRegion names the app of a base_url that is not one of Dexcom's.
const customRegion = "custom"

// grants opens the sealing key and readies the participants' consents, after
// completing what a crash interrupted. Answers by which accounts are looked at
// go to log under runID. A quota, nil for none, counts every request.
func (s *Study) grants(ctx context.Context, log *raw.Log, runID string, quota *call.Quota) (*consent.Grants, error) {
	apps, err := s.apps(ctx)
	if err != nil {
		return nil, err
	}
	// Last, because it may make the key that the study is then bound to.
	key, err := s.SealingKey(ctx)
	if err != nil {
		return nil, err
	}
	recorder := &call.Recorder{Log: log, RunID: runID, Now: s.Now, Logger: s.Logger}
	g := consent.New(s.Consents, key, &consent.Client{Apps: apps, Region: s.DefaultRegion(), Log: s.Logger})
	g.Links.Wanted = Wanted
	g.Accounts.Keep = func(ctx context.Context, c consent.Connection, a dexcom.Answer) error {
		_, err := recorder.Record(ctx, c.ParticipantID, c.ID, plan.BeatConnect, a)
		return err
	}
	g.Client.Pace = func(ctx context.Context, region string) error {
		return call.WaitForCall(ctx, s.Store, region, s.Config.Limits.CallsPerHour, func() { s.Tell(Fact{Kind: WaitsForCalls}) })
	}
	g.Client.Clock = recorder.CheckClock
	if quota != nil {
		g.Client.Quota = quota
	}
	return g, g.Connecting.Recover(ctx)
}

// DefaultRegion is that of the study's own app.
func (s *Study) DefaultRegion() string { return cmp.Or(s.Config.API.Region, customRegion) }

// apps returns the configured apps by region. A base_url of the study's own
// serves every region: it is a simulator or a proxy.
func (s *Study) apps(ctx context.Context) (map[string]consent.App, error) {
	own, err := s.App(ctx, s.DefaultRegion())
	if err != nil {
		return nil, err
	}
	apps := map[string]consent.App{own.Region: own}
	if s.Config.API.BaseURL != "" {
		for region := range config.Hosts() {
			app := own
			app.Region = region
			apps[region] = app
		}
	}
	for region := range s.Config.Apps {
		if apps[region], err = s.App(ctx, region); err != nil {
			return nil, err
		}
	}
	return apps, nil
}

// App reads the app that is configured for a region, with its secret.
func (s *Study) App(ctx context.Context, region string) (consent.App, error) {
	key, of := "api", s.Config.API
	if own, ok := s.Config.Apps[region]; ok {
		key, of = "apps."+region, own
	}
	if of.ClientID == "" {
		return consent.App{}, &NoClientError{key}
	}
	secret, err := s.clientSecret(ctx, key, of)
	if err != nil {
		return consent.App{}, err
	}
	if of.BaseURL == "" && of.Region == "" {
		of.Region = region
	}
	return consent.App{
		Region: region, BaseURL: of.URL(), OAuthPrefix: cmp.Or(of.OAuth, s.Config.API.OAuth, "v2"),
		ClientID: of.ClientID, ClientSecret: secret,
		RedirectURI: cmp.Or(of.RedirectURI, s.Config.API.RedirectURI),
	}, nil
}

// A NoClientError says that an app has no client id.
type NoClientError struct{ App string } // api, or apps.eu

func (e *NoClientError) Error() string { return e.App + ".client_id is missing" }

// regions are those for which an app is configured.
func (s *Study) regions() map[string]bool {
	known := map[string]bool{s.DefaultRegion(): true}
	for region := range config.Hosts() {
		_, own := s.Config.Apps[region]
		known[region] = known[region] || own || s.Config.API.BaseURL != ""
	}
	return known
}
