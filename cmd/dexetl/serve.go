package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/urfave/cli/v3"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// minSchedule keeps a typing error from spending the hourly limit.
const minSchedule = time.Minute

func (p *program) serveCommand() *cli.Command {
	var every, listen string
	return &cli.Command{
		Name: "serve", Usage: "run sync on a schedule until stopped, with /healthz, /readyz and /metrics",
		Description: "One run at a time, each up to a tenth of the schedule late, so that studies do not " +
			"call at the same second. SIGTERM or Ctrl-C ends it after the commit in hand.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "schedule", Usage: "time from one run to the next, such as `1h`; must be given", Destination: &every},
			&cli.StringFlag{Name: "listen", Usage: "`ADDR` of /healthz, /readyz and /metrics, or none", Value: "127.0.0.1:8086", Destination: &listen},
		},
		Action: p.withStudy(func(ctx context.Context, _ *cli.Command, s *study.Study) error {
			if every == "" {
				return failure(exitUsage, again("--schedule", "1h"), "serve needs a schedule")
			}
			interval, err := config.ParseDuration(every)
			if err != nil {
				return usage("--schedule: %w", err)
			}
			if interval < minSchedule {
				return usage("--schedule %s: at least %s", every, minSchedule)
			}
			if err := p.needsDexcom(s); err != nil {
				return err
			}
			return p.serve(ctx, s, interval, listen)
		}),
	}
}

// serve runs sync every so often until ctx ends, which is how it is meant to
// end: its error is that it could not begin.
func (p *program) serve(ctx context.Context, s *study.Study, every time.Duration, listen string) error {
	last, err := s.LastSync(ctx)
	if err != nil {
		return err
	}
	metrics := serve.NewMetrics(version())
	status := &serve.Status{Changed: func(now serve.State) {
		metrics.Observe(now)
		notify("STATUS=" + now.Sentence())
	}}
	address, stop, err := serve.Listen(listen, serve.Handler(status, metrics, exitUsage, exitCheck, exitDamage, exitKey, exitDisk), p.logger())
	if err != nil {
		return advised(exitUsage, "give another address with --listen", "serve: %w", err)
	}
	defer stop()
	log := p.serveLogger()
	log.Info("serving", "schedule", every, "listen", address, "version", version())
	if address != "none" && !config.IsLoopback("http://"+address) {
		log.Warn("health and metrics are served in plain http beyond this machine, to whoever reaches the port", "listen", address)
	}
	notify(daemon.SdNotifyReady)
	defer notify(daemon.SdNotifyStopping)
	p.countStudy(ctx, s, metrics, log)
	loop := serve.Loop{
		Every: every, Jitter: every / 10, Last: last, Status: status, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		Work: func(ctx context.Context) serve.Outcome {
			outcome := p.scheduledSync(ctx, s, log)
			p.countStudy(context.WithoutCancel(ctx), s, metrics, log)
			return outcome
		},
	}
	loop.Run(ctx)
	log.Info("stopped")
	return nil
}

// notify tells the service manager, if there is one.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// serveLogger tells of every run, also without -v.
func (p *program) serveLogger() *slog.Logger {
	if p.flags.verbose || p.flags.quiet {
		return p.logger()
	}
	return slog.New(slog.NewTextHandler(p.stderr, nil))
}

// scheduledSync is one run of `dexetl sync`.
func (p *program) scheduledSync(ctx context.Context, s *study.Study, log *slog.Logger) serve.Outcome {
	beats := s.Config.Sync
	done, err := s.Run(ctx, study.Job{
		Run:      extract.Run{Job: plan.Job{Mode: plan.Sync, Trailing: time.Duration(beats.Trailing), Deep: time.Duration(beats.Deep)}},
		LockWait: defaultLockWait, ExitCode: runCode,
	})
	if err == nil {
		err = verdict(done)
	}
	outcome := serve.Outcome{Calls: done.Report.Calls, Records: done.Report.Records}
	if err == nil {
		log.Info("run ended", "calls", outcome.Calls, "records", outcome.Records, "snapshot", done.Loaded.Snapshot, "took", done.Took.Round(time.Millisecond))
		return outcome
	}
	failed := *classified(err)
	if slices.Equal(failed.next, again()) {
		failed.next = nil // the next run does it
	}
	outcome.Code, outcome.Message = failed.code, codeWords(failed.code) // the error may name somebody
	log.Warn("run ended", "exit_code", failed.code, "error", failed.Error(), "advice", failed.advice, "next", p.spell(failed.next), "calls", outcome.Calls, "records", outcome.Records)
	return outcome
}
