package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/webhook"
)

// While a damaged file hides what the lake has, endpoints can be added and snapshots are
// told; that a history is complete is told once the lake is mended.
func TestWebhooksTellOfADamagedLake(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2, End: demoNow.Add(48 * time.Hour)}, demoNow)
	r := newReceiver(t)
	b.listen(r.URL)
	b.must("sync")
	b.harmTable("coverage", "gone")
	b.deliver()
	id, got := b.query("select participant_id from participants")[0][0], r.kinds()
	historical := webhook.Historical(webhook.Glucose) + " " + id
	if got["dexetl.snapshot.created"] != 1 || got[historical] != 0 {
		t.Errorf("of a damaged lake: %v", got)
	}
	p, s := b.inProcess()
	_, err := s.Store.Exec(t.Context(), "delete from webhook_outbox")
	check(t, err)
	check(t, p.newsOf(s).Begin(t.Context()))
	b.must("replay")
	b.now = b.now.Add(2 * time.Hour)
	b.must("sync")
	b.deliver()
	if got := r.kinds(); got["dexetl.snapshot.created"] != 2 || got[historical] != 1 {
		t.Errorf("of the mended lake: %v", got)
	}
}

// What a commit brought whose manifest is damaged before anybody was told is told by the
// commit that repair makes in its place; what was told is not told again by repair.
func TestWebhooksTellOfAManifestAside(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2, End: demoNow.Add(48 * time.Hour)}, demoNow)
	r := newReceiver(t)
	b.listen(r.URL)
	b.must("sync")
	b.deliver()
	id := b.query("select participant_id from participants")[0][0]
	created := webhook.Created(webhook.Glucose) + " " + id
	readings := func() string { return b.query("select count(glucose_mgdl) from glucose")[0][0] }
	first := atof(readings())
	for _, told := range []bool{false, true} {
		r.kinds()
		b.now = b.now.Add(2 * time.Hour)
		b.must("sync")
		want := 1
		if told {
			b.deliver()
			want = 0
			if r.kinds()[created] != 1 {
				t.Error("a sync was not told")
			}
		}
		b.breakNewestManifest()
		b.deliver() // while it is damaged
		if n := r.kinds(); len(n) > 0 {
			t.Errorf("told before: %t; of a damaged manifest: %v", told, n)
		}
		b.must("repair")
		b.deliver()
		if got := r.kinds(); got["dexetl.snapshot.created"] != 1 || got[created] != want {
			t.Errorf("told before: %t; after the repair: %v, want %d events with readings", told, got, want)
		}
		if got, want := float64(len(r.values(created))), atof(readings())-first; got != want || want == 0 {
			t.Errorf("told before: %t; %v readings are told of %v that came", told, got, want)
		}
	}
}

// values are the samples that events of a kind and participant told, each event once.
func (r *receiver) values(kind string) (values []float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, body := range r.bodies {
		var e sentEvent
		check(r.t, json.Unmarshal([]byte(body), &e))
		if e.Kind+" "+e.Participant == kind {
			for _, sample := range e.Data.Data {
				values = append(values, sample.Value)
			}
		}
	}
	return values
}

// breakNewestManifest flips a bit of it.
func (b *bench) breakNewestManifest() {
	b.t.Helper()
	path := filepath.Join(b.dir, "lake", lake.ManifestPath(b.manifest().Snapshot))
	content, err := os.ReadFile(path)
	check(b.t, err)
	content[len(content)/2] ^= 1
	check(b.t, os.Chmod(path, 0o600))
	check(b.t, os.WriteFile(path, content, 0o600))
}

// A commit that comes while it is asked which histories are complete is a part of them.
func TestWebhooksTellWhileOthersCommit(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 5, Participants: 1, Days: 2, End: demoNow.Add(48 * time.Hour)}, demoNow)
	r := newReceiver(t)
	b.listen(r.URL)
	b.must("sync")
	p, s := b.inProcess()
	now, committed := s.Now, false
	s.Now = func() time.Time {
		if !committed && strings.Contains(string(debug.Stack()), ".Histories(") {
			committed = true
			b.now = b.now.Add(2 * time.Hour)
			b.must("sync")
		}
		return now()
	}
	check(t, p.newsOf(s).Fill(t.Context()))
	b.deliver()
	got := r.kinds()
	for _, id := range b.query("select participant_id from participants") {
		if got[webhook.Historical(webhook.Glucose)+" "+id[0]] != 1 || got[webhook.Created(webhook.Glucose)+" "+id[0]] != 0 {
			t.Errorf("%v", got)
		}
	}
	if !committed || got["dexetl.snapshot.created"] != 2 {
		t.Errorf("committed meanwhile: %t, events %v", committed, got)
	}
}

// What could not be put into the outbox is put in the next time.
func TestWebhooksTellAgain(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 5, Participants: 1, Days: 1})
	b.allowPrivate()
	b.must("webhooks", "add", "http://127.0.0.1:9/")
	p, s := b.inProcess()
	for _, q := range []string{
		`insert into connections (connection_id, participant_id, region, account_hash, status, created_at, last_error, granted_at)
			with recursive n(i) as (select 1 union all select i + 1 from n where i < 600)
			select 'C' || i, participant_id, 'us', 'account' || i, 'ended', 0, '', granted_at + i
			from n, (select participant_id, max(granted_at) as granted_at from connections)`,
		"update webhook_endpoints set created_at = 0",
		"create trigger full before insert on webhook_events begin select raise(abort, 'disk full'); end",
	} {
		_, err := s.Store.Exec(t.Context(), q)
		check(t, err)
	}
	n := p.newsOf(s)
	if err := n.Fill(t.Context()); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("the disk is full: %v", err)
	}
	_, err := s.Store.Exec(t.Context(), "drop trigger full")
	check(t, err)
	check(t, n.Fill(t.Context()))
	waiting, err := p.endpoints(s).Backlogs(t.Context())
	check(t, err)
	for _, backlog := range waiting {
		if backlog.Pending < 600 {
			t.Errorf("only %d events wait", backlog.Pending)
		}
	}
	if len(waiting) != 1 {
		t.Errorf("%v", waiting)
	}
}
