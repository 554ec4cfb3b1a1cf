package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"syscall"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/study/config"
)

// limitedAccess is how many people Dexcom lets an app connect before it has
// granted the app full access.
const limitedAccess = 5

// checkApps looks at every configured app: its secret, its redirect URI, and
// whether its two endpoints answer.
func (d *doctor) checkApps(ctx context.Context) {
	regions := append(slices.Collect(maps.Keys(d.study.Config.Apps)), d.study.DefaultRegion())
	slices.Sort(regions)
	people, err := d.connected(ctx)
	if err != nil {
		d.fail("connections", err)
		return
	}
	for _, region := range slices.Compact(regions) {
		app, err := d.study.App(ctx, region)
		if err != nil {
			d.fail("app "+region, err)
			continue
		}
		d.ok("app "+region, "client id and secret are there")
		d.checkRedirect(region, app.RedirectURI)
		d.checkAPI(ctx, app)
		d.checkEndpoint(ctx, app)
		if d.p.inDemo == nil {
			d.checkAccess(region, people[region])
		}
	}
}

// connected counts the connections that count, by region.
func (d *doctor) connected(ctx context.Context) (map[string]int, error) {
	all, err := d.study.Consents.Connections(ctx)
	people := make(map[string]int)
	for _, c := range all {
		if c.Status != consent.Ended {
			people[c.Region]++
		}
	}
	return people, err
}

func (d *doctor) checkRedirect(region, uri string) {
	check := "redirect URI " + region
	advice := "register the same address, letter by letter, with the app in Dexcom's developer portal and as redirect_uri in " + config.File
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "":
		d.fail(check, advised(exitUsage, advice, "%q is no address", uri))
		return
	case u.Scheme != "https" && !config.IsLoopback(uri):
		d.fail(check, advised(exitUsage, advice, "%s: only https is allowed (plain http to this machine only)", uri))
		return
	case u.Scheme == "https":
		d.ok(check, "%s; a proxy must pass it on to connect --listen", uri)
		return
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(u.Hostname(), portOf(u)))
	if errors.Is(err, syscall.EADDRINUSE) {
		d.warn(check, "end the program that uses the port before somebody connects", "%s: the port is in use", uri)
		return
	}
	if err != nil {
		d.fail(check, advised(exitUsage, advice, "%s: %w", uri, err))
		return
	}
	listener.Close()
	d.ok(check, "%s: connect can wait there", uri)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return "80"
}

// checkAPI looks whether the API answers, and compares the clocks.
func (d *doctor) checkAPI(ctx context.Context, app consent.App) {
	asked := d.p.now()
	date, err := (&dexcom.Client{BaseURL: app.BaseURL}).Probe(ctx)
	if err != nil {
		d.fail("API "+app.Region, advised(exitLater, "look at the network, the proxy and base_url", "%s: %w", app.BaseURL, err))
		return
	}
	d.ok("API "+app.Region, "%s answers", app.BaseURL)
	check := "clock"
	if date.IsZero() {
		d.warn(check, "", "%s does not say what time it is", app.BaseURL)
		return
	}
	off := asked.Sub(date).Round(time.Second)
	text := fmt.Sprintf("this machine is %s off the server's clock", off.Abs())
	switch advice := "set this machine's clock (NTP)"; {
	case off.Abs() > 24*time.Hour:
		d.fail(check, advised(exitCheck, advice, "%s: nothing would be fetched", text))
	case off.Abs() > 2*time.Minute:
		d.warn(check, advice, "%s", text)
	default:
		d.ok(check, "%s", text)
	}
}

// checkEndpoint looks whether the token endpoint answers and takes the app's
// credentials.
func (d *doctor) checkEndpoint(ctx context.Context, app consent.App) {
	check := "token endpoint " + app.Region
	grants := consent.New(d.study.Consents, nil, &consent.Client{Apps: map[string]consent.App{app.Region: app}})
	accepted, said, err := grants.Tokens.Probe(ctx, app.Region)
	switch {
	case as[*consent.WrongClientError](err):
		d.fail(check, err)
	case err != nil:
		d.fail(check, advised(exitLater, "look at the network, base_url and api.oauth (v2 or v3)", "%w", err))
	case accepted:
		d.ok(check, "answers and takes client id and secret")
	default:
		d.warn(check, "", "answers, but does not say whether client id and secret are right: %s", said)
	}
}

func (d *doctor) checkAccess(region string, people int) {
	check := "people " + region
	if people >= limitedAccess {
		d.warn(check, "ask Dexcom for full access unless the app has it",
			"%d connected: an app with Limited Access can connect %d people, no more", people, limitedAccess)
		return
	}
	d.ok(check, "%d connected; an app with Limited Access can connect %d", people, limitedAccess)
}
