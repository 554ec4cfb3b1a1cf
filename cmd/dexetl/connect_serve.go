package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
)

// pagesOptions are the flags of `dexetl connect` about the pages behind links.
type pagesOptions struct {
	serve      string
	printTexts bool
}

func (o *pagesOptions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "serve", Usage: "serve the pages behind the links of dexetl invite at `ADDR`, until Ctrl-C", Destination: &o.serve},
		&cli.BoolFlag{Name: "print-texts", Usage: "print the pages' texts, for connect.texts in " + configFile, Destination: &o.printTexts},
	}
}

// pagesOr does what the options ask for, or else connectOne.
func (p *program) pagesOr(o *pagesOptions, connectOne func(context.Context, *cli.Command, *study) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		if o.serve == "" && !o.printTexts {
			return p.withStudy(connectOne)(ctx, c)
		}
		for _, other := range []string{"print-url", "manual", "listen", "import", "export", "recipient", "public-key", "confirm", "since"} {
			if c.IsSet(other) {
				return usage("--%s has no place beside --serve and --print-texts", other)
			}
		}
		if err := noArguments(c); err != nil {
			return err
		}
		if o.printTexts {
			fmt.Fprint(p.stdout, page.DefaultTexts)
			return nil
		}
		return p.withStudy(func(ctx context.Context, _ *cli.Command, s *study) error {
			return p.servePages(ctx, s, o.serve)
		})(ctx, c)
	}
}

// servePages serves the consent pages at addr until ctx ends.
func (p *program) servePages(ctx context.Context, s *study, addr string) error {
	texts, err := s.texts()
	if err != nil {
		return err
	}
	if err := s.checkServing(addr); err != nil {
		return err
	}
	return p.connecting(ctx, s, func(g *consent.Grants) error {
		if err := s.checkRedirects(g.Client.Apps); err != nil {
			return err
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return advised(exitUsage, "end what listens there, or serve at another address", "consent pages: %w", err)
		}
		server := s.pages(g, texts)
		server.Events, server.Log = p.showEvent, p.logger()
		p.sayListening(s, listener.Addr().String())
		p.warnOfLostRedirects(g.Client.Apps, listener.Addr())
		return server.Serve(ctx, listener)
	})
}

// pages are the study's consent pages.
func (s *study) pages(g *consent.Grants, texts *page.Texts) *page.Server {
	return &page.Server{Grants: g, Texts: texts, BaseURL: s.config.Connect.PublicURL, ClientHeader: s.config.Connect.ClientHeader,
		Study: page.Study{Name: s.studyName(), Contact: s.config.Study.Contact, AllHistory: s.config.Study.History == "all"}}
}

func (p *program) sayListening(s *study, addr string) {
	publicURL := s.config.Connect.PublicURL
	if !isLoopback("http://" + addr) {
		p.say("%s", plainWords(addr))
	}
	if p.flags.json {
		p.line(map[string]any{"schema": "dexetl.consent_pages/1", "listening": "http://" + addr, "public_url": publicURL})
		return
	}
	p.tell("http://%s", addr)
	invite := []string{"dexetl", "invite", "--all-missing"}
	if publicURL != "" {
		p.say("links begin with %s", page.LinkURL(publicURL, ""))
	} else if at, err := url.Parse(s.config.API.RedirectURI); err == nil {
		// The host to which Dexcom sends the browser back: a cookie is one host's.
		invite = append(invite, "--base-url", at.Scheme+"://"+at.Host)
	}
	p.say("Ctrl-C stops")
	p.say("next: %s", shellLine(invite))
}

// plainWords say what it means to listen beyond this machine.
func plainWords(addr string) string {
	where := "at " + addr
	if host, port, err := net.SplitHostPort(addr); err == nil && net.ParseIP(host).IsUnspecified() {
		where = "at port " + port + " of every network of this machine, or of its container"
	}
	return "plain http, no TLS, " + where + ": TLS has to end at a proxy in front, and nothing but the proxy should reach it"
}

// warnOfLostRedirects says when browsers come back from Dexcom to another port
// of this machine than the one that is served.
func (p *program) warnOfLostRedirects(apps map[string]consent.App, served net.Addr) {
	_, port, _ := net.SplitHostPort(served.String()) // of a listener: always there
	lost := map[string]bool{}
	for _, app := range apps {
		back, err := url.Parse(app.RedirectURI)
		if err == nil && back.Scheme == "http" && cmp.Or(back.Port(), "80") != port && !lost[app.RedirectURI] {
			lost[app.RedirectURI] = true
			p.say("redirect URI %s is another port: unless something passes it on, nobody who comes back from Dexcom arrives here", app.RedirectURI)
		}
	}
}

// studyName is what participants know the study by.
func (s *study) studyName() string {
	return cmp.Or(s.config.Study.Name, s.config.Study.ID)
}

// texts are the study's own texts, nil for the English ones.
func (s *study) texts() (*page.Texts, error) {
	if s.config.Connect.Texts == "" {
		return nil, nil
	}
	path := s.path(s.config.Connect.Texts)
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, failure(exitUsage, "dexetl connect --print-texts > "+path, "connect.texts: %w", err)
	}
	texts, err := page.ParseTexts(file)
	if err != nil {
		return nil, failure(exitUsage, "dexetl connect --print-texts  # to compare with", "connect.texts %s: %w", path, err)
	}
	return texts, nil
}

// checkServing refuses to speak plain http to other machines unless links are
// https, that is, unless a proxy stands in front.
func (s *study) checkServing(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--serve %q: host:port such as 127.0.0.1:8085", addr)
	}
	if isLoopback("http://"+net.JoinHostPort(host, "0")) || strings.HasPrefix(s.config.Connect.PublicURL, "https://") {
		return nil
	}
	return advised(exitUsage, "set connect.public_url in "+configFile+" to the https address of the proxy in front, or serve at 127.0.0.1",
		"--serve %s: plain http is for this machine only", addr)
}

// checkRedirects makes sure that browsers come back from Dexcom to the place
// the links lead to, which on a participant's phone localhost is not.
func (s *study) checkRedirects(apps map[string]consent.App) error {
	if s.config.Connect.PublicURL == "" {
		return nil
	}
	public, err := url.Parse(s.config.Connect.PublicURL)
	if err != nil {
		return err // checked with the configuration
	}
	for region, app := range apps {
		back, err := url.Parse(app.RedirectURI)
		if err != nil || back.Scheme != public.Scheme || back.Host != public.Host {
			return advised(exitUsage, fmt.Sprintf("register %s://%s/callback with the app at Dexcom and set it as redirect_uri", public.Scheme, public.Host),
				"region %s: redirect URI %s: participants who follow a link to %s do not come back there", region, app.RedirectURI, s.config.Connect.PublicURL)
		}
	}
	return nil
}

// checkPublicURL says what keeps links from beginning with address.
func checkPublicURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q: not an address such as https://consent.example.org", address)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q: scheme, host and path only", address)
	case u.Scheme == "http" && !isLoopback(address):
		return fmt.Errorf("%q: https is required, except on this machine", address)
	}
	return nil
}

// showEvent tells the operator of one event, in one line.
func (p *program) showEvent(e page.Event) {
	at := p.now().UTC()
	if p.flags.json {
		fields := map[string]any{"schema": "dexetl.consent_event/1", "at": at.Format("2006-01-02T15:04:05Z"), "event": e.Kind, "participant_id": orNull(e.ParticipantID)}
		if e.Err != nil {
			fields["error"] = e.Err.Error()
		}
		if e.Untold > 0 {
			fields["untold"] = e.Untold
		}
		p.line(fields)
		return
	}
	words := map[page.Kind]string{
		page.Opened: "opened the link", page.SentToDexcom: "went on to Dexcom", page.Connected: "is connected",
		page.Denied: "chose not to share", page.Asked: "came back with another browser than the link was opened in, and is asked whose account it is",
		page.NotConfirmed: "did not confirm the account, so what Dexcom sent is destroyed", page.WrongAccount: "needs you: the account is not certain",
		page.Refused: "was turned away", page.Failed: "could not connect",
	}
	line := words[e.Kind]
	if e.Kind == page.Connected && len(e.Found.Devices) > 0 {
		line += ": " + deviceWords(e.Found.Devices[0]) + "; is that the right person's device?"
	}
	if e.Err != nil {
		line += ": " + e.Err.Error()
	}
	if e.Untold > 0 {
		line += fmt.Sprintf(" (and %d more before)", e.Untold)
	}
	who := e.ParticipantID
	if who == "" {
		who = "somebody"
	}
	p.say("%s  %s %s", at.Format("2006-01-02 15:04 UTC"), who, line)
}
