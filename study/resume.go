package study

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// resumeWithin is how long a command that was stopped is gone on with when it is
// given again.
const resumeWithin = 24 * time.Hour

// Resume readies a job that reads again what is held to go on where the same command for
// the same people was stopped. Done reports whether a run that ended with an exit code has
// done its work; part is true if nothing is left to fetch of anybody.
func (s *Study) Resume(ctx context.Context, job *Job, done func(exitCode int, whole bool) bool) error {
	people, err := job.Who.Pick(ctx, s.Cohort)
	if err != nil {
		return err
	}
	job.People = digestOf(people)
	if job.Run.Since, err = s.unfinishedSince(ctx, job.Command, job.People, done); !job.Run.Since.IsZero() {
		s.Tell(Fact{Kind: GoesOn, At: job.Run.Since})
	}
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
func (s *Study) unfinishedSince(ctx context.Context, command, people string, done func(exitCode int, whole bool) bool) (since time.Time, err error) {
	outcomes, err := s.Cohort.FetchOutcomes(ctx)
	if err != nil {
		return since, err
	}
	runs, err := s.Store.Runs(ctx)
	for _, r := range slices.Backward(runs) {
		if r.Command != command || r.People != people {
			continue
		}
		if !r.EndedAt.IsZero() && done(r.ExitCode, fetchedAll(outcomes, r.ID)) || s.Now().Sub(r.StartedAt) > resumeWithin {
			break
		}
		since = r.StartedAt
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
