package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/webhook"
)

// A receiver keeps the events that it is sent.
type receiver struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	events []sentEvent
	bodies map[string]string // by id
}

// A sentEvent is an event as a receiver sees it.
type sentEvent struct {
	ID          string
	Kind        string `json:"event_type"`
	Participant string `json:"client_user_id"`
	Data        struct {
		Snapshot int64 `json:"snapshot"`
		Data     []struct {
			Timestamp string  `json:"timestamp"`
			Value     float64 `json:"value"`
		} `json:"data"`
	} `json:"data"`
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{t: t, bodies: make(map[string]string)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(_ http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // whoever sent it was killed
	}
	e := sentEvent{ID: request.Header.Get("webhook-id")}
	_ = json.Unmarshal(body, &e) // glucose has numbers where notes have text
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, there := r.bodies[e.ID]; there && before != string(body) {
		r.t.Errorf("%s came as\n%s\nand as\n%s", e.ID, before, body)
	}
	r.bodies[e.ID] = string(body)
	r.events = append(r.events, e)
}

// kinds counts the events that came by kind and participant, each id once, and forgets
// them.
func (r *receiver) kinds() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, n := make(map[string]bool), make(map[string]int)
	for _, e := range r.events {
		if !seen[e.ID] {
			n[strings.TrimSpace(e.Kind+" "+e.Participant)]++
		}
		seen[e.ID] = true
	}
	r.events = nil
	return n
}

// listen adds an endpoint on this machine, which the configuration allows.
func (b *bench) listen(url string, flags ...string) {
	b.t.Helper()
	b.allowPrivate()
	b.must(append([]string{"webhooks", "add", url}, flags...)...)
}

func (b *bench) allowPrivate() {
	b.t.Helper()
	path := filepath.Join(b.dir, "dexetl.yaml")
	text, err := os.ReadFile(path)
	check(b.t, err)
	if !strings.Contains(string(text), "\nwebhooks:") {
		check(b.t, os.WriteFile(path, append(text, "\nwebhooks: {allow_private: true}\n"...), 0o600))
	}
}

// deliver fills the outbox and sends, until nothing waits.
func (b *bench) deliver() {
	b.t.Helper()
	p, s := b.inProcess()
	d := p.deliverer(s, slog.New(slog.NewTextHandler(b.t.Output(), nil)))
	check(b.t, d.Fill(b.t.Context()))
	ctx, cancel := context.WithCancel(b.t.Context())
	d.Every = 20 * time.Millisecond
	done := make(chan struct{})
	go func() { d.Run(ctx); close(done) }()
	for waits := true; waits; time.Sleep(10 * time.Millisecond) {
		waiting, err := d.Endpoints.Backlogs(b.t.Context())
		check(b.t, err)
		all, err := d.Endpoints.List(b.t.Context())
		check(b.t, err)
		waits = slices.ContainsFunc(all, func(e webhook.Endpoint) bool { return e.Enabled() && waiting[e.ID].Pending > 0 })
	}
	cancel()
	<-done
}

// What happens in a study is told once it is there: a history that is complete, then
// what each sync brings; of a replay, a changed roster and a withdrawal the snapshot
// alone. What is put in again has the same ids.
func TestWebhooksTell(t *testing.T) {
	atOnce(t)
	t.Parallel()
	end := demoNow
	b := newBenchAt(t, dexsim.Config{Seed: 5, Participants: 2, Days: 3, End: end.Add(48 * time.Hour)}, end)
	r := newReceiver(t)
	b.listen(r.URL, "--notes")
	want := func(step string, want ...string) {
		t.Helper()
		b.deliver()
		var got []string
		for kind, n := range r.kinds() {
			if strings.Contains(kind, "provider.") {
				continue
			}
			got = append(got, fmt.Sprint(kind, " ", n))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", step, got, want)
		}
	}
	b.must("sync")
	first := []string{"dexetl.snapshot.created 1"}
	ids := b.query("select participant_id from participants order by 1")
	for _, id := range ids {
		for _, resource := range webhook.Resources() {
			first = append(first, webhook.Historical(resource)+" "+id[0]+" 1")
		}
	}
	want("the first sync", first...)
	b.now = b.now.Add(2 * time.Hour)
	b.must("sync")
	b.deliver()
	got := r.kinds()
	for _, id := range ids {
		if got[webhook.Created(webhook.Glucose)+" "+id[0]] != 1 {
			t.Errorf("the second sync: %v", got)
		}
	}
	b.must("replay")
	want("a replay", "dexetl.snapshot.created 1")
	b.must("exclusions", "import", b.file("exclusions.csv", "participant_id,from,to\n"+ids[0][0]+",2026-01-01,2027-01-01\n"))
	want("an exclusion", "dexetl.snapshot.created 1")

	replays := 0
	for _, body := range r.bodies {
		replays += strings.Count(body, `"replay":true`)
	}
	if replays != 1 {
		t.Errorf("%d events say that there was a replay, want 1", replays)
	}

	p, s := b.inProcess()
	before := maps.Clone(r.bodies)
	for _, q := range []string{"update webhook_outbox set snapshot = 1", "delete from webhook_events"} {
		_, err := s.Store.Exec(t.Context(), q)
		check(t, err)
	}
	check(t, p.newsOf(s).Fill(t.Context()))
	b.deliver()
	r.kinds()
	if !maps.Equal(before, r.bodies) {
		t.Errorf("put in again, events differ: %d, before %d", len(r.bodies), len(before))
	}
	b.now = b.now.Add(2 * time.Hour)
	b.must("sync")
	b.deliver()
	r.kinds()
	b.must("--yes", "withdraw", ids[0][0], "--stop", "--reason", "asked", "--effective", b.now.Add(-3*time.Hour).Format(time.RFC3339))
	want("a withdrawal", "dexetl.snapshot.created 1")
	if out := b.must("webhooks", "deliveries", "--limit", "0", "--json"); strings.Contains(out, `"participant_id": "`+ids[0][0]) {
		t.Errorf("events of somebody who withdrew are kept")
	}
}
