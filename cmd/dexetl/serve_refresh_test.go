package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/serve"
	"github.com/dexetl/dexetl/study"
)

// A refresh on demand is told apart for each participant, is kept as a run that is none of
// the schedule's, and is no success where it was broken off.
func TestRefreshOnDemand(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 3, Days: 2})
	b.must("participants", "add", "NEW01", "--start", "2026-04-01")
	const one, other, paused = "P001", "P002", "P003"
	b.must("participants", "pause", paused)
	v := b.service()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { v.runner.Run(ctx); close(ended) }()
	results := make(map[string]<-chan serve.Result)
	for _, id := range []string{one, other, paused, "NEW01", "NOBODY"} {
		results[id] = v.runner.Refresh(ctx, id)
	}
	failed := make(map[string]error)
	for id, result := range results {
		failed[id] = (<-result).Err
	}
	if failed[one] != nil || failed[other] != nil {
		t.Errorf("who is connected: %v, %v", failed[one], failed[other])
	}
	if _, ok := errors.AsType[*study.LeftOutError](failed[paused]); !ok {
		t.Errorf("who is paused: %v", failed[paused])
	}
	if _, ok := errors.AsType[*cohort.UnknownParticipantError](failed["NOBODY"]); !ok {
		t.Errorf("whom nobody knows: %v", failed["NOBODY"])
	}
	if failed["NEW01"] == nil {
		t.Error("who never connected was refreshed")
	}
	if n := b.query("select count(*) from glucose where participant_id = '" + one + "'")[0][0]; n == "0" {
		t.Error("nothing was loaded of who was refreshed")
	}
	if last, err := v.study.LastSync(t.Context()); err != nil || !last.IsZero() {
		t.Errorf("it is taken for a run of the schedule: %s, %v", last, err)
	}
	stop()
	<-ended
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	b.now = b.now.Add(time.Hour)
	if failed := v.refresh(gone, []string{one}); failed[one] == nil {
		t.Error("a refresh that was broken off counts as done")
	}
}
