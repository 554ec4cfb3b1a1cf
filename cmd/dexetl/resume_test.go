package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// A run that is stopped at any point, gently or not, loses nothing that was
// answered: the next one asks only for what the log does not hold, and the
// lake ends as if nothing had happened.
func TestStoppedBackfillResumes(t *testing.T) {
	for _, test := range []struct {
		name   string
		signal os.Signal
		after  int64 // answers to windows
	}{
		{"kill -9 early", syscall.SIGKILL, 2},
		{"kill -9 midway", syscall.SIGKILL, 8},
		{"kill -9 late", syscall.SIGKILL, 15},
		{"Ctrl-C midway", os.Interrupt, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dexsim.Config{Seed: 9, Participants: 3, Days: 32, End: time.Now()})
			b.stopBackfill(test.signal, test.after)
			b.must("backfill")
			b.compareWithTruth()
			twice := b.query(`from requests select participant_id, resource, window_start, count(*)
				where resource not in ('dataRange', 'devices') group by all having count(*) > 1`)
			if len(twice) > 0 {
				t.Errorf("asked again although the answer was held: %v", twice)
			}
		})
	}
}

// stopBackfill runs backfill in a process of its own and signals it when so
// many windows were answered.
func (b *bench) stopBackfill(signal os.Signal, after int64) {
	b.t.Helper()
	var stderr bytes.Buffer
	command := exec.Command("dexetl", "--study", b.dir, "backfill")
	command.Stderr = &stderr
	target, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	var answered atomic.Int64
	started := make(chan *os.Process, 1)
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(w, r)
		if r.URL.Query().Has("startDate") && answered.Add(1) == after {
			(<-started).Signal(signal)
		}
	}))
	defer between.Close()
	command.Env = append(os.Environ(), "DEXETL_API_BASE_URL="+between.URL)
	if err := command.Start(); err != nil {
		b.t.Fatal(err)
	}
	started <- command.Process
	err = command.Wait()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		b.t.Fatalf("backfill was to be stopped, got %v\n%s", err, &stderr)
	}
	if signal == os.Interrupt && (failed.ExitCode() != exitInterrupted || !strings.Contains(stderr.String(), "resumes")) {
		b.t.Errorf("interrupted backfill: exit %d, want %d and that it resumes\n%s", failed.ExitCode(), exitInterrupted, &stderr)
	}
}
