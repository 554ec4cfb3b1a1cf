package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
)

// onDemand is how a run is kept that somebody asked for over the API.
const onDemand = "on demand"

// syncJob is one run of `dexetl sync`.
func syncJob(s *study.Study) study.Job {
	beats := s.Config.Sync
	return study.Job{
		Run:      extract.Run{Job: plan.Job{Mode: plan.Sync, Trailing: time.Duration(beats.Trailing), Deep: time.Duration(beats.Deep)}},
		LockWait: defaultLockWait, ExitCode: runCode,
	}
}

// scheduled is a run of the schedule, when no other job runs.
func (v *service) scheduled(ctx context.Context) (outcome serve.Outcome) {
	outcome = serve.Outcome{Code: exitInterrupted, Message: codeWords(exitInterrupted)}
	v.runner.InTurn(ctx, func() { outcome = v.p.scheduledSync(ctx, v.study, v.log) })
	v.countStudy(context.WithoutCancel(ctx))
	return outcome
}

// scheduledSync is a run, of which a fault ends nothing else.
func (p *program) scheduledSync(ctx context.Context, s *study.Study, log *slog.Logger) (outcome serve.Outcome) {
	defer func() {
		if caught := recover(); caught != nil {
			log.Error("run failed", "panic", caught, "stack", string(debug.Stack()))
			outcome = serve.Outcome{Code: exitUnexpected, Message: codeWords(exitUnexpected)}
		}
	}()
	done, err := s.Run(ctx, syncJob(s))
	if awaitsPeople(ctx, s, err) {
		log.Info("nobody is in the roster yet")
		return outcome
	}
	if err == nil {
		err = verdict(done)
	}
	if unwritten := p.afterRun(context.WithoutCancel(ctx), s, done, err); unwritten != nil {
		log.Warn("no page about the run", "error", unwritten)
	}
	outcome = serve.Outcome{Calls: done.Report.Calls, Records: done.Report.Records}
	if err == nil {
		log.Info("run ended", "calls", outcome.Calls, "records", outcome.Records, "snapshot", done.Loaded.Snapshot, "freed_bytes", done.Collected.Bytes, "took", done.Took.Round(time.Millisecond))
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

// awaitsPeople reports whether a run did nothing because nobody is in the roster, where
// programs add people over the API: that is no failure.
func awaitsPeople(ctx context.Context, s *study.Study, err error) bool {
	nobody, ok := errors.AsType[*study.NobodyError](err)
	if !ok || !nobody.EmptyRoster {
		return false
	}
	keyed, err := access.Keys{Store: s.Store}.Any(ctx)
	return err == nil && keyed
}

// refresh syncs participants for whom somebody asked.
func (v *service) refresh(ctx context.Context, ids []string) map[string]error {
	job := syncJob(v.study)
	job.Command = onDemand
	failed := v.study.SyncThese(ctx, ids, job)
	wrong := 0
	for _, err := range failed {
		if err != nil {
			wrong++
			v.log.Warn("not refreshed", "error", err)
		}
	}
	v.log.Info("refreshed on demand", "participants", len(ids), "failed", wrong)
	v.countStudy(context.WithoutCancel(ctx))
	return failed
}

// refreshNow refreshes a participant, and waits so long for the end.
func (v *service) refreshNow(ctx context.Context, id string, wait time.Duration) (done bool, err error) {
	select {
	case r := <-v.runner.Refresh(ctx, id):
		return true, r.Err
	case <-time.After(wait):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// silences are how long without a reading counts, by label.
func silences() map[string]time.Duration {
	return map[string]time.Duration{"6h": 6 * time.Hour, "24h": 24 * time.Hour, "72h": 72 * time.Hour}
}

// countStudy renews the figures of the study; without them the old ones stay.
func (v *service) countStudy(ctx context.Context) {
	defer func() {
		if caught := recover(); caught != nil {
			v.log.Warn("study not counted", "error", fmt.Errorf("%v", caught), "stack", string(debug.Stack()))
		}
	}()
	count, err := v.study.Census(ctx, silences())
	if err != nil {
		v.log.Warn("study not counted", "error", err)
		return
	}
	v.metrics.Count(serve.Study(count))
}
