package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// pagesOptions are the flags of `dexetl connect` about the pages behind links.
type pagesOptions struct {
	serve      string
	printTexts bool
}

func (o *pagesOptions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "serve", Usage: "serve the pages behind the links of dexetl invite at `ADDR`, until Ctrl-C", Destination: &o.serve},
		&cli.BoolFlag{Name: "print-texts", Usage: "print the pages' texts, for connect.texts in " + config.File, Destination: &o.printTexts},
	}
}

// pagesOr does what the options ask for, or else connectOne.
func (p *program) pagesOr(o *pagesOptions, connectOne func(context.Context, *cli.Command, *study.Study) error) cli.ActionFunc {
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
		return p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			return p.servePages(ctx, s, o.serve)
		})(ctx, c)
	}
}

// servePages serves the consent pages at addr until ctx ends.
func (p *program) servePages(ctx context.Context, s *study.Study, addr string) error {
	if err := p.needsDexcom(s); err != nil {
		return err
	}
	texts, err := s.Texts()
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage("--serve %q: host:port such as 127.0.0.1:8085", addr)
	}
	if err := s.CheckServing(addr, host); err != nil {
		return err
	}
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	return s.Connecting(ctx, codeOf, func(g *consent.Grants) error {
		if err := s.CheckRedirects(g.Client.Apps); err != nil {
			return err
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return advised(exitUsage, "end what listens there, or serve at another address", "consent pages: %w", err)
		}
		s.LookAgain(func(c config.Change) {
			if c.Err != nil {
				p.say("%s has changed and cannot be used, so browsers are sent to no more addresses than before: %v", config.File, c.Err)
			}
		})
		server := s.Pages(g, texts)
		server.Events, server.Log = p.showEvent, p.logger()
		p.sayUnset(s, people)
		p.sayListening(s, listener.Addr().String())
		p.warnOfLostRedirects(g.Client.Apps, listener.Addr())
		return server.Serve(ctx, listener)
	})
}

func (p *program) sayListening(s *study.Study, addr string) {
	publicURL := s.Config.Connect.PublicURL
	if !config.IsLoopback("http://" + addr) {
		p.say("%s", plainWords(addr))
	}
	if p.flags.json {
		p.line(schemas.ConsentPages(), "http://"+addr, publicURL)
		return
	}
	p.tell("http://%s", addr)
	invite := dexetl("invite", "--all-missing")
	if publicURL != "" {
		p.say("links begin with %s", page.LinkURL(publicURL, ""))
	} else if at, err := url.Parse(s.Config.API.RedirectURI); err == nil {
		// The host to which Dexcom sends the browser back: a cookie is one host's.
		invite = append(invite, "--base-url", at.Scheme+"://"+at.Host)
	}
	p.say("Ctrl-C stops")
	p.say("next: %s", p.spell(invite))
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

// showEvent tells the operator of one event, in one line.
func (p *program) showEvent(e page.Event) {
	at := p.now().UTC()
	if p.flags.json {
		why, untold := any(nil), any(nil)
		if e.Err != nil {
			why = e.Err.Error()
		}
		if e.Untold > 0 {
			untold = e.Untold
		}
		p.line(schemas.ConsentEvent(), at.Format(time.RFC3339), e.Kind, orNull(e.ParticipantID), why, untold)
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
