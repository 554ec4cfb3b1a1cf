package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
	"github.com/dexetl/dexetl/study/frozen"
)

// usualSchedule is that of a study whose API is on, where nobody says otherwise.
const usualSchedule = 10 * time.Minute

// lastGrace is how long requests in hand may take once serve is stopped: somebody may be on
// their way back from Dexcom.
const lastGrace = 5 * time.Minute

// serveOptions are the flags of serve, as given.
type serveOptions struct{ every, listen string }

func (p *program) serveCommand() *cli.Command {
	var o serveOptions
	return &cli.Command{
		Name: "serve", Usage: "sync on a schedule and serve API and consent pages until stopped, with /healthz, /readyz and /metrics",
		Description: "Everything is at one address. The API is on once there is a key (keys add), the consent pages where " +
			"connect.public_url says that links lead here. One run at a time, each up to a tenth of the schedule late, so " +
			"that studies do not call at the same second. SIGTERM or Ctrl-C ends it after the commit and the requests in " +
			"hand; SIGHUP reads the certificate again.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "schedule", Usage: "time from one run to the next, such as `1h` (default: serve.schedule, or 10m if there is a key)", Destination: &o.every},
			&cli.StringFlag{Name: "listen", Usage: "`ADDR` of everything that is served, or none (default: serve.listen, which is 127.0.0.1:8086)", Destination: &o.listen},
		},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			v, err := p.serving(ctx, s, o)
			if err != nil {
				return err
			}
			return v.run(ctx)
		}),
	}
}

// A service is serve at work.
type service struct {
	p      *program
	study  *study.Study
	every  time.Duration // 0: no schedule
	last   time.Time     // when the newest sync began
	server serve.Server
	addr   string // at which it listens
	log    *slog.Logger

	reader  *frozen.Reader
	metrics *serve.Metrics
	status  *serve.Status
	runner  *serve.Runner
	pages   *serve.Part // nil: not here
	facts   factLog
}

// serving readies all that is served, and listens.
func (p *program) serving(ctx context.Context, s *study.Study, o serveOptions) (*service, error) {
	v := &service{p: p, study: s, log: p.serveLogger(), reader: &frozen.Reader{Study: s}, metrics: serve.NewMetrics(version())}
	v.status = &serve.Status{Changed: func(now serve.State) {
		v.metrics.Observe(now)
		notify("STATUS=" + now.Sentence())
	}}
	v.status.Unready = v.unready
	s.Tell = v.logFact
	v.runner = &serve.Runner{Log: v.log, Fetch: v.refresh}
	s.LookAgain(v.configChanged)
	if err := v.schedule(ctx, o); err != nil {
		return nil, err
	}
	return v, v.listen(o)
}

// schedule finds out how often to sync.
func (v *service) schedule(ctx context.Context, o serveOptions) (err error) {
	keys := v.p.keys(v.study)
	if again, err := keys.RevokeAgain(ctx); err != nil {
		return err
	} else if len(again) > 0 {
		v.log.Warn("state.db is older than the audit trail, and had keys working again that were revoked: they are revoked again", "keys", again)
	}
	keyed, err := keys.Any(ctx)
	if err != nil {
		return err
	}
	if v.every, err = scheduleOf(v.study.Config.Serve, o.every, keyed); err != nil {
		return err
	}
	if demo := v.p.needsDexcom(v.study); demo != nil {
		if !keyed {
			return demo
		}
		v.log.Warn("nothing is synced", "error", demo)
		v.every = 0
	}
	v.last, err = v.study.LastSync(ctx)
	return err
}

// scheduleOf is the flag, or the configuration, or that of the API where there is a key.
func scheduleOf(c config.Serve, flag string, keyed bool) (time.Duration, error) {
	every := time.Duration(c.Schedule)
	if flag != "" {
		var err error
		if every, err = config.ParseDuration(flag); err != nil {
			return 0, usage("--schedule: %w", err)
		}
		if every < config.MinSchedule {
			return 0, usage("--schedule %s: at least %s", flag, config.MinSchedule)
		}
	}
	if every == 0 && !keyed {
		return 0, &exitError{code: exitUsage, next: again("--schedule", "1h"), err: errors.New("serve needs a schedule"),
			advice: "or make a key, which switches the API on: " + "keys add --name NAME"}
	}
	if every == 0 {
		every = usualSchedule
	}
	return every, nil
}

// run serves until ctx ends, which is how it is meant to end. No part of it ends another.
func (v *service) run(ctx context.Context) error {
	if reason := v.unready(ctx); reason != "" {
		v.log.Warn("not everybody's data are shown", "reason", reason)
	}
	v.log.Info("serving", "schedule", v.every, "listen", v.addr, "tls", v.server.Cert != nil, "version", version())
	parts, end := context.WithCancel(context.WithoutCancel(ctx)) // what answers goes on until nobody asks any more
	var jobs, others sync.WaitGroup
	v.server.Handler = v.front()
	jobs.Go(func() { v.runner.Run(ctx) })
	jobs.Go(func() { v.loop(ctx) })
	jobs.Go(func() { v.watchKeys(ctx) })
	jobs.Go(func() { v.deliver(ctx) })
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // else it would end the process
	defer signal.Stop(hangup)
	jobs.Go(func() { v.watchHangup(ctx, hangup) })
	if v.pages != nil {
		others.Go(func() { v.pages.Run(parts) })
	}
	notify(daemon.SdNotifyReady)
	if err := v.server.Serve(ctx, lastGrace); err != nil {
		v.log.Error("the port is lost, and nothing is served but the schedule", "error", err)
	}
	notify(daemon.SdNotifyStopping)
	jobs.Wait()
	end()
	others.Wait()
	v.log.Info("stopped")
	return v.reader.Close()
}

// configChanged tells that dexetl.yaml is another one.
func (v *service) configChanged(c config.Change) {
	if c.Err != nil {
		v.log.Warn(config.File+" has changed and cannot be used: nobody sees more than before", "error", c.Err)
	}
	if len(c.Now) > 0 {
		v.log.Info(config.File+" has changed, which holds from now on", "keys", c.Now)
	}
	if len(c.Later) > 0 {
		v.log.Warn(config.File+" has changed, which takes effect after a restart", "keys", c.Later)
	}
}

// deliver tells webhooks what happens.
func (v *service) deliver(ctx context.Context) {
	d := v.p.deliverer(v.study, v.log)
	d.Changed = func(up bool) { v.metrics.Part("webhooks", up) }
	d.Run(ctx)
}

// loop syncs every so often.
func (v *service) loop(ctx context.Context) {
	v.countStudy(ctx)
	if v.every == 0 {
		<-ctx.Done()
		return
	}
	loop := serve.Loop{
		Every: v.every, Jitter: v.every / 10, Last: v.last, Status: v.status, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Work: v.scheduled,
	}
	loop.Run(ctx)
}

// watchHangup reads the certificate again at each SIGHUP.
func (v *service) watchHangup(ctx context.Context, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			v.readAgain()
		}
	}
}

// readAgain reads the certificate again, if there is one.
func (v *service) readAgain() {
	if v.server.Cert == nil {
		v.log.Info("nothing is read again: there is no certificate, and the configuration needs a restart")
		return
	}
	if err := v.server.Cert.Load(); err != nil {
		v.log.Warn("the certificate is not read again", "error", err)
		return
	}
	v.log.Info("certificate read again", "cert", v.server.Cert.CertFile)
}

// notify tells the service manager, if there is one.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// serveLogger tells of every run and request, also without -v.
func (p *program) serveLogger() *slog.Logger {
	if p.flags.verbose || p.flags.quiet {
		return p.logger()
	}
	return slog.New(slog.NewTextHandler(p.stderr, nil))
}
