package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/webhook"
)

var (
	delayFor    = flag.Duration("delay", 0, "how long TestDelay lets serve run; 0: it does not")
	delayPeople = flag.Int("delay.people", 100, "participants of TestDelay")
	delayDays   = flag.Int("delay.days", 90, "days of data that TestDelay begins with")
)

// promised is how late an event may come after its reading could be had.
const promised = 15 * time.Minute

// TestDelay measures, by the clock on the wall, how long it takes from the instant at
// which the API first serves a reading to the receipt of the event that has it, as
// docs/performance.md says: whole processes, the schedule that serve has by itself.
func TestDelay(t *testing.T) {
	if *delayFor == 0 {
		t.Skip("takes an hour: make bench-service")
	}
	d := newDelayed(t)
	began := time.Now()
	stop := d.serve()
	time.Sleep(*delayFor)
	ended := time.Now()
	stop()
	d.print(began, ended)
}

// A delayed is a study whose events are timed.
type delayed struct {
	t    *testing.T
	dir  string
	api  *dexsim.Server
	mu   sync.Mutex
	came map[string]time.Time // by participant and timestamp, at first
	n    int                  // events
}

// newDelayed has people whose data go on, all histories fetched, and an endpoint.
func newDelayed(t *testing.T) *delayed {
	t.Helper()
	d := &delayed{t: t, dir: filepath.Join(t.TempDir(), "study"), came: make(map[string]time.Time)}
	var err error
	d.api, err = dexsim.New(dexsim.Config{
		Seed: 1, Participants: *delayPeople, Days: *delayDays, End: time.Now().Add(*delayFor + time.Hour),
		ClientID: dexsim.DefaultClientID, ClientSecret: dexsim.DefaultClientSecret,
	})
	check(t, err)
	dexcom, receiver := httptest.NewServer(d.api), httptest.NewServer(http.HandlerFunc(d.take))
	t.Cleanup(dexcom.Close)
	t.Cleanup(receiver.Close)
	d.run("init", d.dir, "--base-url", dexcom.URL)
	d.run("participants", "import", d.file("roster.csv", d.api.WriteRoster))
	d.run("connect", "--import", d.file("tokens.csv", d.api.WriteTokens))
	d.run("backfill")
	config, err := os.OpenFile(filepath.Join(d.dir, "dexetl.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = config.WriteString("\nwebhooks: {allow_private: true}\n")
	check(t, err)
	check(t, config.Close())
	d.run("webhooks", "add", receiver.URL)
	d.run("keys", "add", "--name", "dashboard", "--scope", "read") // with it there is a schedule
	return d
}

// file writes what the API says beside the study.
func (d *delayed) file(name string, write func(io.Writer) error) string {
	d.t.Helper()
	var text bytes.Buffer
	check(d.t, write(&text))
	path := filepath.Join(filepath.Dir(d.dir), name)
	check(d.t, os.WriteFile(path, text.Bytes(), 0o600))
	return path
}

func (d *delayed) command(args ...string) *exec.Cmd {
	return exec.Command("dexetl", append([]string{"--study", d.dir}, args...)...)
}

func (d *delayed) run(args ...string) []byte {
	d.t.Helper()
	used, out := spend(d.t, d.command(args...))
	d.t.Logf("%s: %.1f s", args[0], used.Wall)
	return out
}

// serve starts serve, which the function that is returned ends.
func (d *delayed) serve() (stop func()) {
	d.t.Helper()
	c := d.command("serve", "--listen", "127.0.0.1:0")
	c.Stderr = os.Stderr
	check(d.t, c.Start())
	return func() {
		check(d.t, c.Process.Signal(syscall.SIGTERM))
		check(d.t, c.Wait())
		used := c.ProcessState.SysUsage().(*syscall.Rusage)
		d.t.Logf("serve: %s of CPU, %d MB at most", c.ProcessState.UserTime()+c.ProcessState.SystemTime(), used.Maxrss>>10)
	}
}

// take is the receiver: it notes when a reading is told for the first time.
func (d *delayed) take(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	var e sentEvent
	if err != nil || json.Unmarshal(body, &e) != nil || e.Kind != webhook.Created(webhook.Glucose) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	for _, s := range e.Data.Data {
		if key := e.Participant + " " + s.Timestamp; d.came[key].IsZero() {
			d.came[key] = now
		}
	}
}

// A toldMoment is a reading, of one EGV or more.
type toldMoment struct {
	served, came time.Time
	who          string
}

// moments are the readings that the API began to serve while serve ran.
func (d *delayed) moments(began, ended time.Time) (all []toldMoment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for truth := range d.api.Truth() {
		of := make(map[int]*toldMoment)
		for _, e := range truth.EGVs {
			if e.Value == nil || e.Shadowed {
				continue
			}
			m := of[e.Moment]
			if m == nil {
				m = &toldMoment{served: e.Served, who: truth.ParticipantID + " " + truth.Kind + " " + e.SystemTime.Format(time.TimeOnly)}
				of[e.Moment] = m
			}
			if e.Served.Before(m.served) {
				m.served = e.Served
			}
			if came := d.came[truth.ParticipantID+" "+e.SystemTime.Format("2006-01-02T15:04:05")+"+00:00"]; !came.IsZero() {
				m.came = came
			}
		}
		for _, m := range of {
			if m.served.After(began) && m.served.Before(ended) {
				all = append(all, *m)
			}
		}
	}
	return all
}

// print says how long it took. Whoever could be told in time and was not is a fault.
func (d *delayed) print(began, ended time.Time) {
	var took []time.Duration
	var late []string
	waiting := 0
	for _, m := range d.moments(began, ended) {
		switch {
		case !m.came.IsZero():
			took = append(took, m.came.Sub(m.served))
			if m.came.Sub(m.served) > promised {
				late = append(late, fmt.Sprintf("%s: %s", m.who, m.came.Sub(m.served).Round(time.Second)))
			}
		case ended.Sub(m.served) > promised:
			late = append(late, m.who+": never")
		default:
			waiting++
		}
	}
	if len(took) == 0 {
		d.t.Fatal("nothing came")
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(time.Second)
	}
	fmt.Printf("%d people, %s: %d readings in %d events; half of them within %s, 99 %% within %s, all within %s; %d wait for the next run\n",
		*delayPeople, ended.Sub(began).Round(time.Second), len(took), d.n, at(0.5), at(0.99), at(1), waiting)
	fmt.Printf("runs:\n%s\n", d.run("runs"))
	if len(late) > 0 {
		d.t.Errorf("%d readings came later than %s:\n%s", len(late), promised, strings.Join(late[:min(len(late), 40)], "\n"))
	}
}
