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
		{"kill -9 late", syscall.SIGKILL, 15}, // earlier, and in between: TestStudy/killed
		{"Ctrl-C midway", os.Interrupt, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.signal == os.Kill {
				oneAfterTheOther(t) // nobody hears what the detector says of who is killed
			} else {
				atOnce(t)
			}
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

// What reads again goes on where it was stopped for the same people only: of others
// it reads all that it is told to, whatever else was fetched of them meanwhile, and
// nobody else's run ends it.
func TestGoesOnForTheSamePeople(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 2, Days: 3})
	b.must("backfill")
	fetch := func(want int, line string) (calls int) {
		b.t.Helper()
		b.now = b.now.Add(time.Minute)
		code, run := b.json(strings.Fields(line)...)
		if code != want {
			t.Errorf("dexetl %s: exit %d, want %d", line, code, want)
		}
		return run.Counts.Calls
	}
	const days = " --from 2026-04-13 --to 2026-04-14"
	fetch(exitStopped, "refresh P001 --max-calls 3"+days)
	fetch(exitDone, "sync P002 --trailing 10d")
	whole := fetch(exitDone, "refresh P002"+days)
	if rest := fetch(exitDone, "refresh P001"+days); whole < 4 || rest >= whole {
		t.Errorf("refresh P002 made %d calls, and that of P001, which had been stopped, %d; want those of a whole one, and fewer", whole, rest)
	}
	if again := fetch(exitDone, "refresh P001"+days); again != whole {
		t.Errorf("refresh P001 after it was done: %d calls, want all %d again", again, whole)
	}
	some := fetch(exitStopped, "sync --deep --max-calls 5")
	alone := fetch(exitDone, "sync --deep P002")
	if rest := fetch(exitDone, "sync --deep"); rest >= 2*alone-some+2 {
		t.Errorf("sync --deep went on with %d calls after %d, and one person is read with %d: it began anew", rest, some, alone)
	}
}
