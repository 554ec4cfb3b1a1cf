package main

import (
	"cmp"
	"context"

	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// customRegion names the app of a base_url that is not one of Dexcom's.
const customRegion = "custom"

// grants opens the sealing key and readies the participants' consents, after
// completing what a crash interrupted. Answers by which accounts are looked at
// go to log under runID. A quota, nil for none, counts every request.
func (p *program) grants(ctx context.Context, s *study, log *raw.Log, runID string, quota *call.Quota) (*consent.Grants, error) {
	apps, err := p.apps(ctx, s)
	if err != nil {
		return nil, err
	}
	// Last, because it may make the key that the study is then bound to.
	key, err := p.sealingKey(ctx, s)
	if err != nil {
		return nil, err
	}
	recorder := &call.Recorder{Log: log, RunID: runID, Now: p.now, Logger: p.logger()}
	g := &consent.Grants{
		Store: s.store, Key: key, Apps: apps, Region: s.defaultRegion(), Wanted: wanted, Log: p.logger(),
		Clock: recorder.CheckClock,
		Keep: func(ctx context.Context, c state.Connection, a dexcom.Answer) error {
			_, err := recorder.Record(ctx, c.ParticipantID, c.ID, plan.BeatConnect, a)
			return err
		},
	}
	g.Pace = func(ctx context.Context, region string) error {
		return call.WaitForCall(ctx, s.store, region, s.config.Limits.CallsPerHour, func() {
			p.say("waiting: the calls of this hour are used up (limits.calls_per_hour)")
		})
	}
	if quota != nil {
		g.Quota = quota
	}
	return g, g.Recover(ctx)
}

func (s *study) defaultRegion() string { return cmp.Or(s.config.API.Region, customRegion) }

// apps returns the configured apps by region. A base_url of the study's own
// serves every region: it is a simulator or a proxy.
func (p *program) apps(ctx context.Context, s *study) (map[string]consent.App, error) {
	own, err := p.app(ctx, s, "api", s.defaultRegion(), s.config.API)
	if err != nil {
		return nil, err
	}
	apps := map[string]consent.App{own.Region: own}
	if s.config.API.BaseURL != "" {
		for region := range hosts() {
			app := own
			app.Region = region
			apps[region] = app
		}
	}
	for region, config := range s.config.Apps {
		if apps[region], err = p.app(ctx, s, "apps."+region, region, config); err != nil {
			return nil, err
		}
	}
	return apps, nil
}

// app reads one app, configured under key.
func (p *program) app(ctx context.Context, s *study, key, region string, config APIConfig) (consent.App, error) {
	if config.ClientID == "" {
		return consent.App{}, advised(exitUsage, "put the app's client id into "+configFile, "%s.client_id is missing", key)
	}
	secret, err := p.clientSecret(ctx, s, key, config)
	if err != nil {
		return consent.App{}, err
	}
	if config.BaseURL == "" && config.Region == "" {
		config.Region = region
	}
	return consent.App{
		Region: region, BaseURL: config.baseURL(), OAuthPrefix: cmp.Or(config.OAuth, s.config.API.OAuth, "v2"),
		ClientID: config.ClientID, ClientSecret: secret,
		RedirectURI: cmp.Or(config.RedirectURI, s.config.API.RedirectURI),
	}, nil
}
