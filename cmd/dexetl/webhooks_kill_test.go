//go:build faults

package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/webhook"
)

var hookKills = flag.Int("webhooks.kills", 200, "processes that TestKilledTelling kills")

// One process after the other is killed while it commits, queues and delivers. Every
// event of every snapshot comes at least once, with one body; for each participant in
// order; and what they say adds up to the lake.
func TestKilledTelling(t *testing.T) {
	t.Parallel()
	end := time.Now().AddDate(0, 0, -40)
	b := newBenchAt(t, dexsim.Config{Seed: 11, Participants: 3, Days: 30, End: end.AddDate(0, 0, 27), Reusable: true}, end)
	b.must("sync")
	r := newReceiver(t)
	b.listen(r.URL)
	held := b.glucose()
	_, s := b.inProcess()
	told, err := s.NewestCommit()
	check(t, err)
	chance, killed, points := rand.New(rand.NewPCG(1, 2)), 0, make(map[string]int)
	for killed < *hookKills {
		b.now = b.now.Add(time.Hour)
		point := b.dieServing(chance)
		if point != "" {
			points[point]++
			killed++
		}
	}
	t.Logf("killed %d: %v", killed, points)
	b.now = b.now.Add(time.Hour)
	b.must("sync")
	b.deliver()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, lanes, snapshots := make(map[string]bool), make(map[string][]string), make(map[int64]bool)
	for _, e := range r.events {
		if e.Kind == webhook.SnapshotCreated {
			snapshots[e.Data.Snapshot] = true
		}
		if seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		lanes[e.Participant] = append(lanes[e.Participant], e.ID)
		for _, s := range e.Data.Data {
			key := e.Participant + " " + s.Timestamp
			switch {
			case strings.HasSuffix(e.Kind, "glucose.created"), strings.HasSuffix(e.Kind, "glucose.updated"):
				held[key] = fmt.Sprint(s.Value)
			case e.Kind == webhook.GlucoseVanished:
				delete(held, key)
			}
		}
	}
	t.Logf("%d requests, %d events", len(r.events), len(seen))
	now := b.glucose()
	for key, value := range now {
		if held[key] != value {
			t.Fatalf("%s is %s; by the events it is %q (%d and %d readings)", key, value, held[key], len(now), len(held))
		}
	}
	if len(held) != len(now) {
		t.Errorf("%d readings by the events, %d are there", len(held), len(now))
	}
	queued := b.queued()
	for participant, want := range queued {
		if got := lanes[participant]; !slices.Equal(got, want) {
			t.Errorf("%q: %d events came first in another order than the %d were put in", participant, len(got), len(want))
		}
	}
	newest, err := s.NewestCommit()
	check(t, err)
	for told++; told <= newest; told++ {
		if !snapshots[told] {
			t.Errorf("nobody was told of snapshot %d", told)
		}
	}
}

// glucose is every reading with a value, as events write it.
func (b *bench) glucose() map[string]string {
	b.t.Helper()
	all := make(map[string]string)
	for _, row := range b.query("select participant_id, strftime(time_utc, '%Y-%m-%dT%H:%M:%S'), round(glucose_mgdl / 18.01559, 4) from glucose where glucose_mgdl is not null") {
		all[row[0]+" "+row[1]+"+00:00"] = row[2]
	}
	return all
}

// queued are the ids of events by participant, in the order in which they were put in.
func (b *bench) queued() map[string][]string {
	b.t.Helper()
	_, s := b.inProcess()
	rows, err := s.Store.QueryContext(b.t.Context(), "select coalesce(participant_id, ''), event_id from webhook_events where exists (select 1 from webhook_deliveries d where d.seq = webhook_events.seq) order by seq")
	check(b.t, err)
	defer rows.Close()
	lanes := make(map[string][]string)
	for rows.Next() {
		var participant, id string
		check(b.t, rows.Scan(&participant, &id))
		lanes[participant] = append(lanes[participant], id)
	}
	return lanes
}

// dieServing runs serve in a process that dies at some point, or at some instant if it
// does not come to that one, and says where; "" if it ended otherwise.
func (b *bench) dieServing(chance *rand.Rand) string {
	b.t.Helper()
	point := []string{
		"load.files_renamed", "load.manifest_written", "load.manifest_linked", "load.committed", "snapshot.latest_renamed",
		"webhook.queued", "webhook.queued:2", "webhook.sent", "webhook.sent:2", "webhook.sent:3", "webhook.noted", "webhook.noted:2", "state.committed:30", "",
	}[chance.IntN(14)]
	now := b.now
	b.clock.Store(&now)
	c := exec.Command("dexetl-at", "--study", b.dir, "serve", "--schedule", "1h", "--listen", "none")
	c.Env = append(os.Environ(), "DEXETL_FAULT="+point, clockVariable+"="+now.Format(time.RFC3339Nano))
	var said sharedBuffer
	c.Stderr = &said
	check(b.t, c.Start())
	limit := 9 * time.Second
	if point == "" {
		limit = time.Duration(200+chance.IntN(2500)) * time.Millisecond
	}
	timer := time.AfterFunc(limit, func() { _ = c.Process.Kill() })
	err := c.Wait()
	if !timer.Stop() {
		point = "instant"
	}
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		b.t.Logf("%s: %v\n%s", point, err, said.String())
		return ""
	}
	return point
}
