package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/load/lake"
)

// livedStudy is a study that was synced for some days while records arrived
// late, were edited and deleted, vanished and came back.
func livedStudy(t *testing.T) *bench {
	t.Helper()
	const days = 3
	b := newBenchAt(t, dexsim.Config{
		Seed: 19, Participants: 3, Days: 6, End: demoNow,
		Chaos: dexsim.Chaos{Kinds: dexsim.AllData, RecordRate: 0.1},
	}, demoNow.AddDate(0, 0, -days))
	b.must("backfill")
	for range days {
		b.now = b.now.Add(24 * time.Hour)
		b.must("sync")
	}
	return b
}

// A lake that grew day by day is the one that its raw log makes, to the last
// row of its history, also after it has lost files. And every row of it leads
// to the answer that brought it.
func TestReplayOfALivedStudy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := livedStudy(t)
	b.checkLineage()
	asked := b.api.Stats().Calls
	var done struct {
		Identical        bool
		Snapshot, Parent int64
		Totals           []struct{ Table string }
	}
	b.decode(&done, "replay", "--json")
	if !done.Identical || done.Snapshot != done.Parent+1 {
		t.Errorf("replay: identical %v, snapshot %d of %d, differences in %v", done.Identical, done.Snapshot, done.Parent, done.Totals)
	}
	if calls := b.api.Stats().Calls - asked; calls != 0 {
		t.Errorf("replay made %d calls", calls)
	}

	whole := b.manifest()
	b.loseFiles()
	code, _, stderr := b.run("query", "select count(*) from egvs")
	if code != exitDamage || !strings.Contains(stderr, "data/egvs/") || !strings.Contains(stderr, "next: dexetl repair") {
		t.Errorf("query without a file of egvs: exit %d, want %d, its name and `next: dexetl repair`\n%s", code, exitDamage, stderr)
	}
	b.must("replay")
	again := b.manifest()
	for _, m := range []*lake.Manifest{&whole, &again} {
		m.Files = slices.DeleteFunc(m.Files, func(f lake.File) bool { return f.Table == "runs" })
	}
	if diff := cmp.Diff(whole.Files, again.Files); diff != "" || again.Snapshot != whole.Snapshot+1 {
		t.Errorf("snapshot %d replayed as %d, files (-before +after):\n%s", whole.Snapshot, again.Snapshot, diff)
	}
	b.checkLineage()
}

// newest is the lake with its newest manifest.
func (b *bench) newest() (*lake.Lake, lake.Manifest) {
	b.t.Helper()
	l, err := lake.Open(filepath.Join(b.dir, "lake"))
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := l.Current()
	if err != nil {
		b.t.Fatal(errors.Join(err, l.Close()))
	}
	return l, m
}

// manifest is the newest one; it checks all files of it.
func (b *bench) manifest() lake.Manifest {
	b.t.Helper()
	l, m := b.newest()
	defer l.Close()
	for _, f := range m.Files {
		if err := l.Check(f); err != nil {
			b.t.Error(err)
		}
	}
	return m
}

// decode runs a command and reads its JSON.
func (b *bench) decode(into any, args ...string) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(b.must(args...)), into); err != nil {
		b.t.Fatal(err)
	}
}

// loseFiles removes a file of egvs of the newest snapshot and flips a bit in
// one of glucose and one of requests.
func (b *bench) loseFiles() {
	b.t.Helper()
	name := func(table string) string {
		found, err := filepath.Glob(filepath.Join(b.dir, "lake/latest", table, "*/*.parquet"))
		if err != nil || len(found) == 0 {
			b.t.Fatalf("files of %s: %v, %v", table, found, err)
		}
		month := filepath.Base(filepath.Dir(found[0]))
		return filepath.Join(b.dir, "lake/data", table, month, filepath.Base(found[0]))
	}
	if err := os.Remove(name("egvs")); err != nil {
		b.t.Fatal(err)
	}
	for _, table := range []string{"glucose", "requests"} {
		content, err := os.ReadFile(name(table))
		if err != nil {
			b.t.Fatal(err)
		}
		content[len(content)/3] ^= 4
		if err := os.Chmod(name(table), 0o600); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(name(table), content, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// checkLineage holds every row that names a request against the raw log: the
// answer is there, with the SHA-256 that requests says, and has the record.
func (b *bench) checkLineage() {
	b.t.Helper()
	log, err := raw.Open(filepath.Join(b.dir, "lake/raw"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer log.Close()
	bodies := make(map[string][]byte)
	sums := make(map[string]string)
	for e, err := range log.Entries(raw.Position{}) {
		if err != nil {
			b.t.Fatal(err)
		}
		if bodies[e.RequestID], err = e.Plain(); err != nil {
			b.t.Fatal(err)
		}
		sums[e.RequestID] = e.SHA256 + " " + e.Position.String()
	}
	rows := 0
	for _, row := range b.query(lineageQuery) {
		table, request, kept, record := row[0], row[1], row[2], row[3]
		if kept == "" || kept != sums[request] || !bytes.Contains(bodies[request], []byte(record)) {
			b.t.Fatalf("%s: a row came by request %s with %q; the raw log has %q, which does not hold it", table, request, kept, sums[request])
		}
		rows++
	}
	counted := b.query(`select (select count(*) from egvs),
		count(*) filter (where kind = 'edited'), count(*) filter (where kind = 'deleted'),
		count(*) filter (where kind = 'vanished'), count(*) filter (where kind = 'restored') from changes`)[0]
	if rows == 0 || slices.Contains(counted, "0") {
		b.t.Errorf("%d rows followed; egvs, edits, deletions, vanished and restored records %v: it proves little", rows, counted)
	}
}

// lineageQuery leads every row that names a request to what requests says of
// it, with a piece of text that the answer must have.
const lineageQuery = `with named as (
    select 'egvs' as t, request_id, if(record_id like 'sha256:%', '', record_id) as record from egvs
    union all select 'events', request_id, if(record_id like 'sha256:%', '', record_id) from events
    union all select 'calibrations', request_id, if(record_id like 'sha256:%', '', record_id) from calibrations
    union all select 'alerts', request_id, if(record_id like 'sha256:%', '', record_id) from alerts
    union all select 'devices', request_id, coalesce(transmitter_id, '') from devices
    union all select 'alert_settings', request_id, coalesce(alert_name, '') from alert_settings
    union all select 'rejects', request_id, if(resource = 'events', '', raw) from rejects -- without what people wrote
    union all select 'changes', request_id, '' from changes
)
select named.t, named.request_id, r.sha256 || ' ' || r.log_position, named.record
from named left join requests r on r.request_id = named.request_id and r.outcome = 'applied'`
