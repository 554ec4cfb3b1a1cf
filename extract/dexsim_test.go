package extract_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
)

// noSync waits for no disk: these tests cut no power.
func noSync(*os.File) error { return nil }

// simTokens refreshes the simulator's tokens, without the care that consent
// takes.
type simTokens struct {
	client *http.Client
	base   string

	mu      sync.Mutex
	refresh map[string]string // by participant
	access  map[string]string
}

func (s *simTokens) Token(ctx context.Context, participant string) (string, error) {
	return s.Renew(ctx, participant, "")
}

func (s *simTokens) Renew(_ context.Context, participant, rejected string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.access[participant] != rejected {
		return s.access[participant], nil
	}
	resp, err := s.client.PostForm(s.base+"/v2/oauth2/token", url.Values{
		"client_id": {dexsim.DefaultClientID}, "client_secret": {dexsim.DefaultClientSecret},
		"grant_type": {"refresh_token"}, "refresh_token": {s.refresh[participant]},
	})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Access == "" {
		return "", fmt.Errorf("refresh: %s, %v", resp.Status, err)
	}
	s.access[participant], s.refresh[participant] = answer.Access, answer.Refresh
	return answer.Access, nil
}

// connect returns tokens and targets for everybody in sim, which client reaches
// at base.
func connect(t *testing.T, sim *dexsim.Server, client *http.Client, base string) (*simTokens, []extract.Target) {
	t.Helper()
	var file strings.Builder
	if err := sim.WriteTokens(&file); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(file.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tokens := &simTokens{client: client, base: base, refresh: map[string]string{}, access: map[string]string{}}
	var targets []extract.Target
	start, end, _ := cohort.Consented(time.Time{}, time.Time{}, nil, cohort.HistoryAll, time.Time{}, time.Time{})
	everything := plan.Window{Start: start, End: end}
	for _, row := range rows[1:] {
		tokens.refresh[row[0]] = row[1]
		targets = append(targets, extract.Target{ParticipantID: row[0], ConnectionID: row[0], App: "us", Consented: everything})
	}
	return tokens, targets
}

// A pipeListener listens in memory, so that the waits between retries take no
// time in a bubble.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	reset := new(atomic.Bool)
	select {
	case l.conns <- pipeConn{there, reset}:
		return pipeConn{here, reset}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A pipeConn ends as TCP does after a reset once that is set.
type pipeConn struct {
	net.Conn
	reset *atomic.Bool
}

func (c pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == io.EOF && c.reset.Load() {
		err = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return n, err
}

// serve serves h in memory and returns the client to reach it with.
func serve(t *testing.T, h http.Handler) *http.Client {
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), ConnState: func(c net.Conn, s http.ConnState) {
		if s == http.StateHijacked { // which is how the simulator resets a connection
			c.(pipeConn).reset.Store(true)
		}
	}}
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	transport := &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		served.Wait()
	})
	return &http.Client{Transport: transport}
}

// Everything that the simulated API would serve is in the log after a backfill,
// whatever its transport does meanwhile. Answers that stop in the middle for a month are
// not waited for.
func TestBackfillFromSimulator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 4, 1, 12, 34, 56, 0, time.UTC)))
		backfillFromSimulator(t)
	})
}

func backfillFromSimulator(t *testing.T) {
	sim, err := dexsim.New(dexsim.Config{
		Seed: 7, Participants: 4, Days: 31, End: time.Now().AddDate(0, 0, -30),
		Chaos: dexsim.Chaos{Kinds: dexsim.AllTransport &^ (dexsim.Huge | dexsim.InvalidGrant), Slow: 30 * 24 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://127.0.0.1"
	client := serve(t, sim)
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	answers, err := raw.Open(filepath.Join(dir, "raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	answers.Fsync = noSync
	tokens, targets := connect(t, sim, client, base)
	f := extract.Fetcher{
		Clients: map[string]call.API{"us": &dexcom.Client{BaseURL: base, HTTP: client}},
		Tokens:  tokens, Log: answers, Budget: store, Claims: &cohort.Cohort{Store: store},
	}
	began := time.Now()
	report, err := f.Run(t.Context(), extract.Run{ID: "1", Job: plan.Job{Mode: plan.Backfill}}, targets)
	if took := time.Since(began); err != nil || report.Outcome != extract.Done || took > 12*time.Hour {
		t.Fatalf("Run: %+v, %v after %v; want done within hours", report, err, took)
	}
	t.Logf("%d calls for %d answers with %d records", report.Calls, report.Answers, report.Records)
	held := recordIDs(t, answers)
	for truth := range sim.Truth() {
		want := map[string][]string{}
		for _, r := range truth.EGVs {
			want["egvs"] = append(want["egvs"], r.RecordID)
		}
		for _, r := range truth.Events {
			want["events"] = append(want["events"], r.RecordID)
		}
		for _, r := range truth.Calibrations {
			want["calibrations"] = append(want["calibrations"], r.RecordID)
		}
		for _, r := range truth.Alerts {
			want["alerts"] = append(want["alerts"], r.RecordID)
		}
		for resource, ids := range want {
			got := held[truth.ParticipantID+" "+resource]
			missing := slices.DeleteFunc(ids, func(id string) bool { return got[id] })
			if len(missing) > 0 {
				t.Errorf("%s (%s): %d of the %s that the API serves are not in the log, such as %s", truth.ParticipantID, truth.Kind, len(missing), resource, missing[0])
			}
		}
	}
}

// recordIDs returns the ids of the records in the log by participant and
// resource.
func recordIDs(t *testing.T, log *raw.Log) map[string]map[string]bool {
	t.Helper()
	ids := map[string]map[string]bool{}
	for e, err := range log.Entries(raw.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		plain, err := e.Plain()
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Records []struct {
				RecordID string `json:"recordId"`
			}
		}
		if err := json.Unmarshal(plain, &body); err != nil {
			t.Fatal(err)
		}
		key := e.ParticipantID + " " + e.Resource
		if ids[key] == nil {
			ids[key] = map[string]bool{}
		}
		for _, r := range body.Records {
			ids[key][r.RecordID] = true
		}
	}
	return ids
}
