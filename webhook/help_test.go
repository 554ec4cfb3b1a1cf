package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// plainly is a sealer that hides nothing but that it was asked.
type sealed struct{}

func (sealed) Seal(plain []byte) ([]byte, error) { return append([]byte("sealed "), plain...), nil }

func (sealed) Open(text []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(text, []byte("sealed "))
	if !ok {
		return nil, fmt.Errorf("not sealed")
	}
	return bytes.Clone(plain), nil
}

// A bench is a state with endpoints, and a network of receivers by host.
type bench struct {
	t         testing.TB
	store     *state.Store
	endpoints Endpoints
	outbox    Outbox
	net       network
	n         int64 // snapshots
}

var team = uuid.MustParse("2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11")

func newBench(t testing.TB) *bench {
	t.Helper()
	s, err := state.Open(context.Background(), filepath.Join(t.TempDir(), "state"))
	check(t, err)
	s.By = state.Author{Who: "anna@lab", Command: "webhooks"}
	b := &bench{t: t, store: s, endpoints: Endpoints{Store: s, Seal: sealed{}}, outbox: Outbox{Store: s}, net: network{hosts: make(map[string]func(received) answered)}}
	for _, id := range []string{"P001", "P002", "P003"} {
		check(t, (&cohort.Cohort{Store: s}).AddParticipant(context.Background(), cohort.Participant{ID: id, Status: "enrolled", Cohort: map[string]string{"P001": "A", "P002": "B"}[id]}))
	}
	check(t, b.outbox.Begin(context.Background(), 0, nil))
	return b
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// add adds an endpoint at https://HOST/hook.
func (b *bench) add(host string, r access.Rights, events ...string) Endpoint {
	b.t.Helper()
	e, _, err := b.endpoints.Add(context.Background(), Endpoint{URL: "https://" + host + "/hook", Rights: r, Events: events}, "")
	check(b.t, err)
	return e
}

func subjectOf(participant string) Subject {
	if participant == "" {
		return Subject{Study: team}
	}
	return Subject{Study: team, User: uuid.NewSHA1(team, []byte(participant)), Participant: participant, Cohort: map[string]string{"P001": "A", "P002": "B"}[participant]}
}

// happens puts in an event of each of participants, with the next snapshot.
func (b *bench) happens(kind string, participants ...string) {
	b.t.Helper()
	f, err := b.outbox.Fill(context.Background())
	check(b.t, err)
	b.n++
	for _, p := range participants {
		e, err := subjectOf(p).NewEvent(b.n, kind, "0", b.store.Now(), map[string]int64{"n": b.n})
		check(b.t, err)
		check(b.t, f.Put(context.Background(), e))
	}
	check(b.t, f.Done(context.Background(), b.n))
}

func (b *bench) deliverer() *Deliverer {
	return &Deliverer{
		Endpoints: b.endpoints, Fill: func(context.Context) error { return nil }, Transport: &b.net, Chance: func() float64 { return 0.5 },
		Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)),
	}
}

// run delivers for some time, in one process.
func (b *bench) run(d time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	v := b.deliverer()
	if d > time.Hour {
		v.Every = time.Minute
	}
	v.Run(ctx)
}

// A received is a request that came to a receiver.
type received struct {
	at     time.Time
	host   string
	header http.Header
	body   string
}

func (r received) id() string { return r.header.Get("webhook-id") }

// An answered is what a receiver answers, after a while.
type answered struct {
	status int
	after  time.Duration
	header http.Header
	err    error
}

// A network leads requests to receivers by host, without a network.
type network struct {
	mu    sync.Mutex
	hosts map[string]func(received) answered // none: 200
	all   []received
}

func (n *network) on(host string, f func(received) answered) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = f
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	got := received{time.Now(), r.URL.Host, r.Header, string(body)}
	n.mu.Lock()
	n.all = append(n.all, got)
	answer := answered{status: 200}
	f := n.hosts[r.URL.Host]
	n.mu.Unlock()
	if f != nil {
		answer = f(got)
	}
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(answer.after):
	}
	if answer.err != nil {
		return nil, answer.err
	}
	if answer.header == nil {
		answer.header = make(http.Header)
	}
	return &http.Response{StatusCode: answer.status, Header: answer.header, Body: io.NopCloser(strings.NewReader("ok")), Request: r}, nil
}

// to are the requests that a host got, by what was asked of them.
func (n *network) to(host string) (all []received) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.all {
		if r.host == host {
			all = append(all, r)
		}
	}
	return all
}

// bodies are the numbers in the bodies of requests about somebody, one after the other.
func bodies(all []received, participant string) (ns []string) {
	for _, r := range all {
		if strings.Contains(r.body, `"client_user_id":"`+participant+`"`) {
			_, n, _ := strings.Cut(r.body, `"n":`)
			ns = append(ns, strings.TrimRight(n, "}"))
		}
	}
	return ns
}
