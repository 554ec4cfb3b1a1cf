package main

import (
	"context"
	"errors"
	"io"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// connectOptions are the flags of `dexetl connect`.
type connectOptions struct {
	printURL bool
	manual   bool
	listen   string
	tokens   string
	pages    pagesOptions
	confirm  bool
	since    string

	export, recipient string
	publicKey         bool
}

func (p *program) connectCommand() *cli.Command {
	var o connectOptions
	return &cli.Command{
		Name:      "connect",
		Usage:     "a participant's consent: open the address printed and sign in",
		ArgsUsage: "P001 | --import FILE | --export FILE [P001…]",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "print-url", Usage: "print the address alone on standard output", Destination: &o.printURL},
			&cli.BoolFlag{Name: "manual", Usage: "paste the address at which the browser arrives", Destination: &o.manual},
			&cli.StringFlag{Name: "listen", Usage: "`ADDR` to wait at, where a proxy stands before the redirect URI", Destination: &o.listen},
			&cli.BoolFlag{Name: "confirm", Usage: "the other account is meant: it takes over, with --reason", Destination: &o.confirm},
			&cli.StringFlag{Name: "since", Usage: "with --confirm: `DATETIME` of the change, in the participant's time zone", Destination: &o.since},
			&cli.StringFlag{Name: "import", Usage: "take over the grants in this participant_id,refresh_token `FILE`, or in one of --export", Destination: &o.tokens},
			&cli.StringFlag{Name: "export", Usage: "seal the grants into this `FILE` for another machine; they are not used here any more", Destination: &o.export},
			&cli.StringFlag{Name: "recipient", Usage: "seal them for the study with this `KEY` (age1…, from its --public-key); default: this study's own", Destination: &o.recipient},
			&cli.BoolFlag{Name: "public-key", Usage: "print the key for which others seal with --recipient", Destination: &o.publicKey},
			p.reasonFlag(),
		}, o.pages.flags()...),
		Action: p.pagesOr(&o.pages, func(ctx context.Context, c *cli.Command, s *study.Study) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.publicKey || o.tokens != "" {
				if err := noArguments(c); err != nil {
					return err
				}
			}
			if o.publicKey {
				return p.printPublicKey(ctx, s)
			}
			if o.export != "" {
				return s.Connecting(ctx, codeOf, func(g *consent.Grants) error { return p.exportGrants(ctx, g, o, c.Args().Slice()) })
			}
			if o.tokens != "" {
				return p.importTokens(ctx, s, o.tokens)
			}
			id, err := one(c, "participant")
			if err != nil {
				return err
			}
			who, err := s.MayConnect(ctx, id)
			if err != nil {
				return err
			}
			if err := p.needsDexcom(s); err != nil {
				return err
			}
			change, err := p.changeover(ctx, s, who, o)
			if err != nil {
				return err
			}
			return s.Connecting(ctx, codeOf, func(g *consent.Grants) error {
				g.Accounts.Change = change
				return p.connectOne(ctx, s, g, who.ID, o)
			})
		}),
	}
}

func (p *program) connectOne(ctx context.Context, s *study.Study, g *consent.Grants, id string, o connectOptions) error {
	before, err := s.Consents.Connections(ctx)
	if err != nil {
		return err
	}
	found, err := p.confirmOrObtain(ctx, s, g, id, o)
	if err != nil {
		return p.explainChange(ctx, s, found, err)
	}
	if o.confirm && found.Connection.BegunBecause == "" {
		p.say("it is the account that was connected before, or the first one: there was nothing to confirm")
	}
	if err := p.sayWhatEnded(ctx, s, before); err != nil {
		return err
	}
	to := p.stdout
	if o.printURL {
		to = p.stderr
	}
	return p.showFound(to, found)
}

func (p *program) obtainConsent(ctx context.Context, s *study.Study, g *consent.Grants, id string, o connectOptions) (consent.Found, error) {
	if o.manual {
		url, err := g.Connecting.Begin(ctx, id)
		if err != nil {
			return consent.Found{}, err
		}
		p.showURL(url, o)
		p.say("then paste the address at which the browser arrived:")
		pasted, err := readLine(p.stdin)
		if err == nil && pasted == "" {
			err = advised(exitUsage, "run it again and paste the address that stands in the browser at the end", "nothing was pasted")
		}
		if err != nil {
			return consent.Found{}, err
		}
		found, err := g.Connecting.Finish(ctx, pasted)
		if e, ok := errors.AsType[*consent.StateError](err); ok && e.Reason == consent.StateMissing {
			return found, &exitError{exitConsent, "paste the whole of the browser's address bar", again(), errors.New(
				"what was pasted is no address at which Dexcom sends a browser back: it has no state")}
		}
		return found, err
	}
	pages, err := s.CallbackPages(g)
	if err != nil {
		return consent.Found{}, err
	}
	callback, err := g.Connecting.Listen(ctx, id, o.listen, pages)
	if err != nil {
		return consent.Found{}, err
	}
	if o.listen != "" && !config.IsLoopback("http://"+o.listen) {
		p.say("%s", plainWords(o.listen))
	}
	p.showURL(callback.URL, o)
	if !o.printURL {
		p.openBrowser(callback.URL)
	}
	p.say("waiting for the browser to come back (Ctrl-C ends it)")
	found, err := callback.Wait(ctx)
	if errors.Is(err, context.Canceled) {
		return found, failure(exitInterrupted, again(), "stopped before the browser came back; nothing has changed")
	}
	return found, err
}

func (p *program) showURL(url string, o connectOptions) {
	if o.printURL {
		p.tell("%s", url)
		return
	}
	p.note("open this address and sign in with the participant's Dexcom account:\n\n  %s\n", url)
}

// showFound shows what a connection leads to, so that a wrong account is noticed.
func (p *program) showFound(to io.Writer, found consent.Found) error {
	t := tableOf(schemas.Connected())
	device, upload := any(nil), any(nil)
	if len(found.Devices) > 0 {
		device, upload = deviceWords(found.Devices[0]), instantOrNull(found.Devices[0].LastUpload)
	}
	readings := found.Ranges.EGVs
	if readings == nil {
		readings = &dexcom.Range{}
	}
	t.Rows = [][]any{{found.Connection.ParticipantID, device, instantOrNull(readings.Start), instantOrNull(readings.End), upload}}
	if err := p.printTo(to, t); err != nil {
		return err
	}
	p.say("%s is connected; is that the right person's device?", found.Connection.ParticipantID)
	p.sayNext("backfill", found.Connection.ParticipantID)
	return nil
}
