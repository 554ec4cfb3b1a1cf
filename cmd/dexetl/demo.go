package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/report"
	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// demoNow is when the demo takes place, so that it shows the same to everybody.
// In the 90 days before it clocks changed in America and Europe.
var demoNow = time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)

// demoOptions are the flags of `dexetl demo`.
type demoOptions struct {
	dir          string
	participants int
	days         int
	open         bool
}

func (p *program) demoCommand() *cli.Command {
	var o demoOptions
	return &cli.Command{
		Name:        "demo",
		Usage:       "a simulated cohort through the whole pipeline: no account, no network",
		ArgsUsage:   "[DIR]",
		Description: "Makes the study folder DIR; if none is given, that of --study, else dexetl-demo.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "participants", Usage: "number of people", Value: 20, Destination: &o.participants},
			&cli.IntFlag{Name: "days", Usage: "days of data", Value: 90, Destination: &o.days},
			&cli.BoolFlag{Name: "open", Usage: "open the report in a browser", Destination: &o.open},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			dir, err := p.newFolder(c)
			if err != nil {
				return err
			}
			if o.participants < 1 || o.days < 1 {
				return usage("demo: --participants and --days are at least 1")
			}
			o.dir = cmp.Or(dir, "dexetl-demo")
			p.flags.study = o.dir
			return p.demo(ctx, o)
		},
	}
}

// demo runs the commands a person would type, in order, in one process.
func (p *program) demo(ctx context.Context, o demoOptions) error {
	began := time.Now()
	p.now = func() time.Time { return demoNow.Add(time.Since(began)) }
	made := demoStudy{Participants: o.participants, Days: o.days, Clock: demoNow}
	api, err := made.api(func() time.Time { return demoNow })
	if err != nil {
		return err
	}
	url, stop, err := dexsim.ServeLocally(ctx, api)
	if err != nil {
		return err
	}
	defer stop()
	p.say("dexetl demo: %d simulated people, %d days up to %s, behind a Dexcom API at %s", o.participants, o.days, demoNow.Format(time.DateOnly), url)
	if err := writeStudy(o.dir, config.Values{
		StudyID: "DEMO", History: "from_study_start", BaseURL: url, ClientID: dexsim.DefaultClientID,
		Name: "A simulated study", Contact: "nobody: its people are simulated", PublicURL: "http://localhost:8086",
	}); err != nil {
		return err
	}
	if err := writeSimulatedSecret(filepath.Join(o.dir, "client-secret")); err != nil {
		return err
	}
	s, err := p.openStudy(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := p.demoPipeline(ctx, s, api, o.days); err != nil {
		return err
	}
	made.Clock = p.now()
	if err := made.put(s.Dir); err != nil {
		return err
	}
	return p.demoResult(ctx, s, o, began)
}

func (p *program) demoPipeline(ctx context.Context, s *study.Study, api *dexsim.Server, days int) error {
	var roster bytes.Buffer
	if err := api.WriteRoster(&roster); err != nil {
		return err
	}
	if err := writeNew(filepath.Join(s.Dir, "roster.csv"), roster.Bytes(), 0o644); err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	imported, err := s.Cohort.ImportRoster(ctx, &roster)
	if err != nil {
		return err
	}
	p.say("roster     %d participants imported from roster.csv", imported.Added)

	if err := demoWindows(ctx, s, days); err != nil {
		return err
	}
	began := time.Now()
	if err := s.Connecting(ctx, codeOf, func(g *consent.Grants) error { return consentAll(ctx, s, g) }); err != nil {
		return err
	}
	p.say("connect    everybody signed in through the OAuth login, tokens sealed, in %.1f s", time.Since(began).Seconds())

	job := study.Job{Run: extract.Run{Job: plan.Job{Mode: plan.Backfill}}, ExitCode: runCode}
	done, err := s.Run(ctx, job)
	if err != nil {
		return err
	}
	readings := done.Loaded.Tables["glucose"].Added
	p.say("backfill   %s calls, %s records (%s as received), folded into snapshot %d in %.1f s: %s records/s",
		thousands(int64(done.Report.Calls)), thousands(int64(done.Report.Records)), megabytes(done.Report.Bytes), done.Loaded.Snapshot,
		done.Took.Seconds(), thousands(int64(float64(done.Report.Records)/done.Took.Seconds())))
	p.say("lake       %s readings: %s", thousands(int64(readings)), describeTables(done.Loaded))
	for _, line := range remarks(done) {
		p.say("           %s", line)
	}
	return verdict(done)
}

// demoReport writes the report of a demo into its folder.
func (p *program) demoReport(ctx context.Context, s *study.Study, o demoOptions) (index string, err error) {
	pages := reportOptions{palette: string(page.Convention), unit: string(number.MgdL)}
	pages.order.Study, pages.order.Path = s, filepath.Join(o.dir, "report")
	if err := pages.check(); err != nil {
		return "", err
	}
	done, err := p.writeReport(ctx, pages)
	if err == nil && o.open {
		p.openPage(done.Begin())
	}
	return filepath.Join(pages.order.Path, report.Index), err
}

// demoWindows makes two windows to compare, if there are days enough for two.
func demoWindows(ctx context.Context, s *study.Study, days int) error {
	const long = 14
	if days < 2*long {
		return nil
	}
	windows := fmt.Sprintf("participant_id,window,start_day,end_day\n*,baseline,1,%d\n*,follow-up,%d,%d\n", long, days-long+1, days)
	if err := writeNew(filepath.Join(s.Dir, "windows.csv"), []byte(windows), 0o644); err != nil {
		return fmt.Errorf("windows: %w", err)
	}
	_, err := s.Cohort.ImportWindows(ctx, strings.NewReader(windows), func([]cohort.Window) error { return nil })
	return err
}

// consentAll lets every participant sign in, through the simulator's back
// door instead of a browser.
func consentAll(ctx context.Context, s *study.Study, g *consent.Grants) error {
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, who := range people {
		group.Go(func() error {
			url, err := g.Connecting.Begin(ctx, who.ID)
			if err != nil {
				return err
			}
			arrived, err := dexsim.SignIn(ctx, url, who.ID)
			if err != nil {
				return fmt.Errorf("participant %s: %w", who.ID, err)
			}
			_, err = g.Connecting.Finish(ctx, arrived)
			return err
		})
	}
	return group.Wait()
}

func (p *program) demoResult(ctx context.Context, s *study.Study, o demoOptions, began time.Time) error {
	p.say("")
	if err := p.metrics(ctx, metricsOptions{preset: "dexetl-1", censored: "as sent"}); err != nil {
		return err
	}
	pages, err := p.demoReport(ctx, s, o)
	if err != nil {
		return err
	}
	p.say("\ndone in %.1f s. The study is in %s:\nlake/latest/glucose/*/*.parquet is the analysis-ready table,\n"+
		"lake/latest/dexetl.duckdb has the views. What to look at first:\n\n  %s\n\nTry next:\n", time.Since(began).Seconds(), o.dir, pages)
	for _, words := range [][]string{
		{"query", "select local_date, n_values, mean_mgdl, in_range_pct, gri from daily_metrics where participant_id = 'P001' order by 1 limit 7"},
		{"metrics", "--select", "last14", "--csv"},
		{"query", "select kind, count(*), sum(gap_min)/60 as hours from gaps group by kind order by 1"},
	} {
		p.say("  %s", p.commandLine(words...))
	}
	p.say("\nIts clock stands now, and its Dexcom has ended. To serve it again, so that sync fetches more:\n\n  %s", p.commandLine("simulate"))
	return nil
}
