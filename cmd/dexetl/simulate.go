package main

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/study"
)

// simulateOptions are the flags of `dexetl simulate`.
type simulateOptions struct {
	listen       string
	participants int
	days         int
	seed         uint64
	replay       string
	chaos        string
	now          string
	file         fileFlags
}

func (p *program) simulateCommand() *cli.Command {
	var o simulateOptions
	return &cli.Command{
		Name:  "simulate",
		Usage: "the Dexcom API on a port of its own, to develop and test against",
		Description: "Serves OAuth and all six endpoints for simulated people, or with --replay for the " +
			"people of an id,time,gl file (docs/cgm-files.md). /sim/ on the same port explains the back doors for tests. " +
			"With --study DEMO, or within a demo, it serves the Dexcom of that demo again.",
		Flags: append(o.file.flags("replay"),
			&cli.StringFlag{Name: "listen", Usage: "`ADDR` to listen at", Value: "127.0.0.1:8099", Destination: &o.listen},
			&cli.IntFlag{Name: "participants", Usage: "number of people (default: 20, none with --replay)", HideDefault: true, Destination: &o.participants},
			&cli.IntFlag{Name: "days", Usage: "days of data up to now", Value: 90, Destination: &o.days},
			&cli.Uint64Flag{Name: "seed", Usage: "same seed, same people", Value: 1, Destination: &o.seed},
			&cli.StringFlag{Name: "replay", Usage: "serve the people of this id,time,gl `FILE`", Destination: &o.replay},
			&cli.StringFlag{Name: "chaos", Usage: "anomalies and faults, comma-separated, or all", Destination: &o.chaos},
			&cli.StringFlag{Name: "now", Usage: "let the clock start at this `TIME` (RFC 3339) instead of now", Destination: &o.now},
		),
		Action: func(ctx context.Context, c *cli.Command) error {
			if s, err := p.demoMeant(c); err != nil {
				return err
			} else if s != nil {
				return p.serveDemo(ctx, s)
			}
			return p.simulate(ctx, o)
		},
	}
}

// demoMeant is the demo that is to be served again: the one that --study names, or in
// which one stands; nil where other people are to be simulated.
func (p *program) demoMeant(c *cli.Command) (*study.Study, error) {
	own := slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return f.IsSet() })
	if own && p.flags.study == "" {
		return nil, nil
	}
	s, err := p.openFolder()
	switch {
	case err != nil && p.flags.study == "":
		return nil, nil
	case err != nil:
		return nil, err
	case p.inDemo != nil && own:
		return nil, usage("simulate: %s is a demo, which is served as it was made", p.flags.study)
	case p.inDemo == nil && p.flags.study != "":
		return nil, usage("simulate: %s is no demo; without --study it serves people of its own", p.flags.study)
	case p.inDemo == nil:
		return nil, nil
	}
	return s, s.Trusted()
}

func (p *program) simulate(ctx context.Context, o simulateOptions) error {
	config, err := p.simulation(o)
	if err != nil {
		return err
	}
	api, err := dexsim.New(config)
	if err != nil {
		return usage("simulate: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return failure(exitUsage, again("--listen", "127.0.0.1:0"), "%w", err)
	}
	url := "http://" + listener.Addr().String()
	if p.flags.json {
		p.line(schemas.Simulate(), url, config.ClientID)
		return dexsim.Serve(ctx, listener, api)
	}
	p.tell("%s", url)
	p.say("client id      %s\nclient secret  %s\nhow to use it  %s/sim/\nstudy folder   %s\nCtrl-C stops",
		config.ClientID, config.ClientSecret, url, p.commandLine("init", "study", "--base-url", url))
	return dexsim.Serve(ctx, listener, api)
}

// simulation turns flags into a configuration of the simulator.
func (p *program) simulation(o simulateOptions) (dexsim.Config, error) {
	config := dexsim.Config{
		Seed: o.seed, Participants: o.participants, Days: o.days, Now: p.now,
		ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret, OpenAPI: schemas.ServedOpenAPI(),
	}
	if o.participants < 0 || o.days < 1 {
		return config, usage("simulate: --participants and --days are at least 1")
	}
	if o.now != "" {
		start, err := time.Parse(time.RFC3339, o.now)
		if err != nil {
			return config, usage("--now %q: not a time such as 2026-03-01T12:00:00Z", o.now)
		}
		began := p.now()
		config.Now = func() time.Time { return start.Add(p.now().Sub(began)) }
	}
	var err error
	if config.Chaos, err = dexsim.ParseChaos(o.chaos); err != nil {
		return config, usage("--chaos: %w", err)
	}
	if o.replay == "" {
		return config, o.file.unused("replay")
	}
	file, err := o.file.read("replay", o.replay)
	if err != nil {
		return config, err
	}
	p.sayReplaced("replay", o.replay, file)
	config.Replay, err = p.replaySeries(o.replay, file, config.Now())
	return config, err
}
