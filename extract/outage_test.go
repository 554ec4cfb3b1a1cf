package extract_test

import (
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
)

// A line is a network that is cut after so many requests, until it is mended.
type line struct {
	http.RoundTripper
	left atomic.Int64
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.left.Add(-1) < 0 {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return l.RoundTripper.RoundTrip(r)
}

// When the network is lost for good in the middle of a run, the run ends in the
// end and says so; the next one asks only for what the log does not hold.
func TestLostNetworkResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 4, 1, 12, 34, 56, 0, time.UTC)))
		people := 5
		if extract.Raced {
			people = 3
		}
		sim, err := dexsim.New(dexsim.Config{Seed: 7, Participants: people, Days: 70, AccessTTL: 240 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		const base = "http://127.0.0.1"
		client := serve(t, sim)
		tokens, targets := connect(t, sim, client, base)
		network := &line{RoundTripper: client.Transport}
		network.left.Store(20)
		log, err := raw.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		log.Fsync = noSync
		f := extract.Fetcher{
			Clients: map[string]call.API{"us": &dexcom.Client{BaseURL: base, HTTP: &http.Client{Transport: network}}},
			Tokens:  tokens, Log: log,
		}
		// Asked for up to an hour ago, so that what is asked does not grow with time.
		run := extract.Run{ID: "1", Job: plan.Job{Mode: plan.Backfill, Interval: plan.Window{Start: time.Now().AddDate(0, 0, -90), End: time.Now().Add(-time.Hour)}}}
		report, err := f.Run(t.Context(), run, targets)
		if err != nil || report.Outcome != extract.Later || report.Answers == 0 || report.Open == 0 {
			t.Fatalf("run that lost the network: %s with %d answers and %d windows open, %v; want later, some of both", report.Outcome, report.Answers, report.Open, err)
		}
		network.left.Store(1000)
		before := sim.Stats()
		again, err := f.Run(t.Context(), run, targets)
		if err != nil || again.Outcome != extract.Done {
			t.Fatalf("next run: %s, %v; want done", again.Outcome, err)
		}
		after := sim.Stats()
		if after.Repeats != 0 || after.OverlapsOpen != 0 {
			t.Errorf("%d windows asked for again although their answer is held, %d asked for twice at once", after.Repeats, after.OverlapsOpen)
		}
		if calls := after.Calls - before.Calls; calls != again.Planned+len(targets) {
			t.Errorf("the next run made %d calls for %d windows of %d participants", calls, again.Planned, len(targets))
		}
	})
}
