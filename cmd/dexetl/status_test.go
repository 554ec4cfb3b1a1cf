package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// Nothing is not nothing: what was lost, may still come, was never there, was
// never asked for and could not be had are told apart, without reading a record.
func TestStatusTellsKindsOfNothing(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 4, Days: 4, End: demoNow}, demoNow.AddDate(0, 0, -1))
	b.must("participants", "add", "P009", "--start", "2026-04-01")
	b.must("backfill", "P001", "P002", "P003")
	b.now = demoNow
	b.refuse("/egvs")
	if code, _, stderr := b.run("sync", "P002"); code == exitDone {
		t.Fatalf("sync of what is refused: exit 0\n%s", stderr)
	}
	egvs := b.statusOf("egvs")
	for id, want := range map[string][]string{
		"P001": {"pending_h"}, "P002": {"no_reading_h", "failed_h"}, "P003": {"empty_h"}, "P004": {"never_asked_h"},
	} {
		for _, kind := range want {
			if hours, _ := egvs[id][kind].(float64); hours <= 0 {
				t.Errorf("%s: %s is %v, want more than 0; all: %v", id, kind, egvs[id][kind], egvs[id])
			}
		}
	}
	toDo, _ := egvs["P002"]["to_do"].(string)
	if p := egvs["P002"]; p["last_success"] != "2026-04-14T12:00:00Z" {
		t.Errorf("P002, who failed today: last_success is %v, want yesterday's", p["last_success"])
	}
	if p := egvs["P002"]; p["last_error"] == nil || p["never_asked_h"] != 0.0 || !strings.HasPrefix(toDo, "egvs: Dexcom refuses it: 400 Bad Request") ||
		!strings.Contains(toDo, "ask nobody for egvs any more, by taking it out of sync.resources") {
		t.Errorf("P002, whose fetch failed: %v", p)
	}
	if p := egvs["P001"]; p["failed_h"] != 0.0 || p["never_asked_h"] != 0.0 || p["last_error"] != nil || p["last_success"] != "2026-04-14T12:00:00Z" {
		t.Errorf("P001, who was fetched: %v", p)
	}
	if p := egvs["P003"]; p["records"] != 0.0 || p["coverage_14d_pct"] != 0.0 || p["pending_h"] != 0.0 {
		t.Errorf("P003, who has no readings: %v", p)
	}
	covered := b.query(`select round(100.0 * sum(slots) / (68 * 12), 1) from coverage_days
		where participant_id = 'P001' and resource = 'egvs' and day < timestamp '2026-04-14'`)[0][0]
	if got, _ := json.Marshal(egvs["P001"]["coverage_14d_pct"]); string(got) != strings.TrimSuffix(covered, ".0") {
		t.Errorf("P001: %s %% covered of the 14 days, want %s of the 68 hours since study_start", got, covered)
	}
	b.exits("status --check P001 P003", exitDone)
	b.exits("status --check --max-age 12h P001 P003", exitPartial)
	b.exits("status --check P001 P002", exitPartial)
	b.exits("status --check P001 P009", exitConsent)
	b.exits("status P001 P002 P009", exitDone)
	if first := strings.Fields(strings.Split(b.must("status"), "\n")[1]); first[0] != "P003" && first[0] != "P009" {
		t.Errorf("status begins with %v, want who is to be called", first)
	}

	before := b.must("status", "--resources")
	for _, table := range []string{"data/egvs", "data/glucose", "data/events", "data/alerts", "data/calibrations"} {
		if err := os.RemoveAll(filepath.Join(b.dir, "lake", table)); err != nil {
			t.Fatal(err)
		}
	}
	if after := b.must("status", "--resources"); after != before {
		t.Errorf("status without the records:\n%s\nwant as with them:\n%s", after, before)
	}
	if code, _, _ := b.run("query", "from glucose"); code != exitDamage {
		t.Errorf("query of readings that are gone: exit %d, want %d", code, exitDamage)
	}
}

// What no resource is to blame for is an error of each: while the API is down
// everybody sees why. Age alone is told apart from it, and to_do says what to do.
func TestStatusSaysWhy(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2})
	b.must("sync")
	b.exits("status --check", exitDone)
	b.env["DEXETL_API_BASE_URL"] = "http://127.0.0.1:9"
	b.now = b.now.Add(time.Hour)
	b.exits("sync P001 --max-duration 2s", exitLater)
	code, _, stderr := b.run("status", "--check")
	if code != exitPartial || !strings.Contains(stderr, "the last fetch failed, or could not be read: P001\n") || !strings.Contains(stderr, "next: dexetl status P001") {
		t.Errorf("status --check after a failed sync: exit %d, %s", code, stderr)
	}
	for _, resource := range []string{"egvs", "devices"} {
		all := b.statusOf(resource)
		if p := all["P001"]; p["last_error"] == nil || p["to_do"] != "the last fetch failed; again: dexetl sync P001" {
			t.Errorf("%s of P001, whom the API did not answer: %v", resource, p)
		}
		if p := all["P002"]; p["last_error"] != nil {
			t.Errorf("%s of P002, who was not asked: %v", resource, p)
		}
	}
	b.env["DEXETL_API_BASE_URL"] = ""
	b.must("sync")
	b.now = b.now.Add(49 * time.Hour)
	code, _, stderr = b.run("status", "--check")
	if code != exitPartial || !strings.Contains(stderr, "no fetch was complete for 48 hours: P001, P002\n") || !strings.Contains(stderr, "next: dexetl sync\n") {
		t.Errorf("status --check two days later: exit %d, %s", code, stderr)
	}
	b.exits("status --check --max-age 3d", exitDone)
	for want, line := range map[bool]string{true: "status", false: "status --max-age 3d"} {
		_, list, told := b.run(strings.Fields(line)...)
		got := strings.Contains(told, "no fetch was complete since ") && strings.Contains(told, "2 participants (P001, P002)") && strings.Contains(list, "waits: nobody can be fetched now")
		if got != want {
			t.Errorf("dexetl %s two days later says that a sync is due: %t, want %t", line, got, want)
		}
	}
}

// Whom to call does not depend on whether the API can be reached: an outage is told once,
// and the calls stay, with since when there is no reading.
func TestCallsOutlastAnOutage(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 4, Days: 5, End: demoNow}, demoNow)
	b.must("sync")
	b.now = demoNow.AddDate(0, 0, 4)
	b.must("sync", "P001", "P002")
	needs := func() (list, told string) {
		_, list, told = b.run("participants", "list", "--needs")
		return list, told
	}
	before, _ := needs()
	for _, call := range []string{"P001 .* call: no reading since 2026-04-1[45] .asked 2026-04-19.;", "P002 .* call: no reading since", "P003 .* call: connected on 2026-04-15, and no reading .asked 2026-04-15."} {
		if !regexp.MustCompile(call).MatchString(before) {
			t.Fatalf("the call list has no %q:\n%s", call, before)
		}
	}
	b.env["DEXETL_API_BASE_URL"] = "http://127.0.0.1:9"
	b.exits("sync --max-duration 2s", exitLater)
	after, told := needs()
	if after != before {
		t.Errorf("the call list while nothing can be reached:\n%s\nwant as before:\n%s", after, before)
	}
	if strings.Count(told, "4 participants (P001, P002, P003, P004)") != 1 || !strings.Contains(told, "connection refused") || !strings.Contains(told, "again: dexetl sync") {
		t.Errorf("the outage is not told once, for all:\n%s", told)
	}
	if status := b.must("status"); !regexp.MustCompile("P004 .* waits: nobody can be fetched now").MatchString(status) {
		t.Errorf("status while nothing can be reached:\n%s", status)
	}
}

// Who is to begin next week is not missed yet, and what failed for want of a consent
// is no failure once it is there, the first time or again.
func TestCheckAfterConnecting(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := openBench(t, dexsim.Config{Seed: 4, Participants: 1, Days: 2, End: demoNow}, demoNow)
	var roster, tokens bytes.Buffer
	check(t, b.api.WriteRoster(&roster))
	check(t, b.api.WriteTokens(&tokens))
	b.must("participants", "import", b.file("roster.csv", roster.String()))
	b.exits("status --check", exitConsent)
	b.exits("sync", exitConsent)
	b.must("participants", "add", "P009", "--start", demoNow.AddDate(0, 0, 7).Format(time.DateOnly))
	b.now = b.now.Add(time.Minute)
	b.must("connect", "--import", b.file("tokens.csv", tokens.String()))
	b.exits("status --check", exitDone)
	if p := b.statusOf("egvs")["P001"]; p["last_error"] != nil || p["to_do"] != "fetch for the first time: dexetl backfill P001" {
		t.Errorf("P001, who has connected since the last sync: %v", p)
	}
	b.must("sync", "P001")

	b.api.Revoke("P001")
	b.now = b.now.Add(72 * time.Hour)
	b.exits("sync P001", exitConsent)
	b.now = b.now.Add(time.Minute)
	tokens.Reset()
	check(t, b.api.WriteTokens(&tokens))
	b.must("connect", "--import", b.file("tokens.csv", tokens.String()))
	b.exits("status --check", exitDone)
	if p := b.statusOf("egvs")["P001"]; p["last_error"] != nil {
		t.Errorf("P001, who has consented again: %v", p)
	}
}

// refuse puts a server before the API that takes nothing to do with a resource.
func (b *bench) refuse(resource string) {
	b.t.Helper()
	target, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, resource) {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	b.t.Cleanup(between.Close)
	b.env["DEXETL_API_BASE_URL"] = between.URL
}

// statusOf is what status says of a resource, by participant.
func (b *bench) statusOf(resource string) map[string]map[string]any {
	b.t.Helper()
	var status struct {
		Schema    string
		Resources []map[string]any
	}
	if err := json.Unmarshal([]byte(b.must("status", "--json")), &status); err != nil || status.Schema != "dexetl.status/4" {
		b.t.Fatalf("status --json: schema %q, %v", status.Schema, err)
	}
	all := make(map[string]map[string]any)
	for _, r := range status.Resources {
		if r["resource"] == resource {
			all[r["participant_id"].(string)] = r
		}
	}
	return all
}

func (b *bench) exits(line string, want int) {
	b.t.Helper()
	if code, _, stderr := b.run(strings.Fields(line)...); code != want {
		b.t.Errorf("dexetl %s: exit %d, want %d\n%s", line, code, want, stderr)
	}
}
