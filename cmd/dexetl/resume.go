package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/study"
)

// resumeWithin is how long a command that was stopped is gone on with when it is
// given again.
const resumeWithin = 24 * time.Hour

// goOn readies a job that reads again what is held to go on where the same command
// for the same people was stopped.
func (p *program) goOn(ctx context.Context, s *study.Study, j *jobFlags) error {
	people, err := j.job.Who.Pick(ctx, s.Cohort)
	if err != nil {
		return err
	}
	j.job.People = digestOf(people)
	j.job.Run.Since, err = p.unfinishedSince(ctx, s, j.job.Command, j.job.People)
	return err
}

// digestOf tells one choice of people from another, whatever flags made it.
func digestOf(people []cohort.Participant) string {
	h := sha256.New()
	for _, who := range people {
		fmt.Fprintln(h, who.ID)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// unfinishedSince is when the first of the latest runs of command for people began
// that all ended before their work was done, so that what they read is not read
// again; zero if the last one came to its end, or was long ago. Who lacks a consent
// does not make a run unfinished, and neither do answers that came and could not be
// read. Of others than these people it says nothing: what
// was answered of them since then, no such run has read.
func (p *program) unfinishedSince(ctx context.Context, s *study.Study, command, people string) (since time.Time, err error) {
	outcomes, err := s.Cohort.FetchOutcomes(ctx)
	if err != nil {
		return since, err
	}
	runs, err := s.Store.Runs(ctx)
	for _, r := range slices.Backward(runs) {
		if r.Command != command || r.People != people {
			continue
		}
		done := !r.EndedAt.IsZero() && (r.ExitCode == exitDone || r.ExitCode == exitConsent)
		misread := r.ExitCode == exitPartial || r.ExitCode == exitDamage // all may be fetched all the same
		if done || misread && fetchedAll(outcomes, r.ID) || p.now().Sub(r.StartedAt) > resumeWithin {
			break
		}
		since = r.StartedAt
	}
	if !since.IsZero() {
		p.say("going on with what began at %s: what was read since is not read again", since.Format(time.RFC3339))
	}
	return since, err
}

// fetchedAll reports whether a run, the last one that fetched somebody, left nothing
// open of anybody.
func fetchedAll(outcomes map[string]cohort.FetchOutcome, runID string) bool {
	fetched := 0
	for _, o := range outcomes {
		if o.RunID != runID {
			continue
		}
		if o.Error != "" {
			return false
		}
		fetched++
	}
	return fetched > 0
}

// failedRun is the last run that fetched or loaded and came to an end, if it failed
// in a way that no participant's last fetch tells of, such as in loading.
func failedRun(runs []state.Run) (state.Run, bool) {
	told := []int{exitDone, exitUsage, exitPartial, exitLater, exitConsent, exitStopped, exitLocked, exitInterrupted}
	for _, r := range slices.Backward(runs) {
		if r.Command != "connect" && !r.EndedAt.IsZero() {
			return r, !slices.Contains(told, r.ExitCode)
		}
	}
	return state.Run{}, false
}
