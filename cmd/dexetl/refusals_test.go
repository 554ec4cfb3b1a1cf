package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract"
	"github.com/dexetl/dexetl/extract/call"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/plan"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/config"
)

// A gatekeeper stands before the API and refuses a resource of everybody. It
// counts the requests for it.
type gatekeeper struct {
	mu       sync.Mutex
	resource string
	code     int
	words    string
	asked    int
}

func (g *gatekeeper) asks() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, g.asked = g.asked, 0
	return n
}

func (b *bench) refuseWith(g *gatekeeper) {
	b.t.Helper()
	target, err := url.Parse(b.url)
	check(b.t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/"+g.resource) {
			g.asked++
			w.WriteHeader(g.code)
			fmt.Fprint(w, g.words)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	b.t.Cleanup(between.Close)
	b.env["DEXETL_API_BASE_URL"] = between.URL
}

// What is refused for good is told with what the server said and what helps, and
// nowhere that another run does. It is asked for once in each run, until it is left
// out: then nothing is wrong any more.
func TestRefusedResource(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	for _, resource := range []string{"events", "alerts", "devices", "egvs"} {
		t.Run(resource, func(t *testing.T) {
			b := newBench(t, dexsim.Config{Seed: 6, Participants: 2, Days: 4})
			b.now = b.now.Add(25 * time.Hour) // devices were asked for when they connected
			secret := "0b7e5a1c9d3f4286aa17cc20"
			keeper := &gatekeeper{resource: resource, code: 422, words: "\uFEFF{\"message\":\"not in your\tplan\x07, " + secret + strings.Repeat(" ha", 400) + "\"}"}
			b.refuseWith(keeper)
			code, stdout, stderr := b.run("backfill")
			told := resource + `: Dexcom refuses it: 422 Unprocessable Entity ({"message":"not in your plan , [redacted] ha ha`
			if code != exitPartial || !strings.Contains(stderr, "  P001, P002: "+told) || strings.Contains(stderr, "next:") ||
				!strings.Contains(stderr, "advice: ask Dexcom for the scope, or ask nobody for "+resource+" any more, by taking it out of sync.resources in dexetl.yaml") {
				t.Fatalf("backfill: exit %d\n%s%s", code, stdout, stderr)
			}
			for _, held := range []string{"egvs", "alerts", "events"} {
				if n := len(b.api.Served("P001", held)); n == 0 != (held == resource) {
					t.Errorf("%d %s of P001 were fetched", n, held)
				}
			}
			keeper.asks()
			b.now = b.now.Add(time.Hour)
			b.exits("sync", exitPartial)
			if n := keeper.asks(); n != 2 {
				t.Errorf("sync asked for %s %d times, want once of each", resource, n)
			}
			all := b.statusOf(resource)["P001"]
			toDo, _ := all["to_do"].(string)
			if lastError, _ := all["last_error"].(string); !strings.HasPrefix(lastError, told) || !strings.HasPrefix(toDo, told) ||
				!strings.HasSuffix(toDo, ": ask Dexcom for the scope, or ask nobody for "+resource+" any more, by taking it out of sync.resources in dexetl.yaml") || len([]rune(lastError)) > 280 {
				t.Errorf("status of %s: %v", resource, all)
			}
			if all["last_success"] != nil {
				t.Errorf("%s was never had, and last_success is %v", resource, all["last_success"])
			}
			if list := b.must("participants", "list", "--needs"); strings.Contains(list, "again: dexetl sync") || strings.Contains(list, secret) || !strings.Contains(list, told) {
				t.Errorf("participants list --needs:\n%s", list)
			}
			code, stdout, _ = b.run("sync", "--json")
			var run struct {
				Participants []struct{ Refused []extract.Refusal }
			}
			if err := json.Unmarshal([]byte(stdout), &run); err != nil || code != exitPartial || len(run.Participants) != 2 ||
				len(run.Participants[1].Refused) != 1 || run.Participants[1].Refused[0].Resource != dexcom.Resource(resource) || run.Participants[1].Refused[0].Status != 422 {
				t.Errorf("sync --json: exit %d, %+v, %v", code, run, err)
			}

			path := filepath.Join(b.dir, config.File)
			text, err := os.ReadFile(path)
			check(t, err)
			all5 := "[egvs, events, calibrations, alerts, devices]"
			left := strings.NewReplacer(resource+", ", "", ", "+resource, "").Replace(all5)
			if !strings.Contains(string(text), all5) {
				t.Fatalf("%s does not list the resources:\n%s", config.File, text)
			}
			check(t, os.WriteFile(path, []byte(strings.Replace(string(text), all5, left, 1)), 0o600))
			keeper.asks()
			b.must("sync")
			if n := keeper.asks(); n > 0 {
				t.Errorf("%s was asked for although it is left out", resource)
			}
			if list := b.must("participants", "list", "--needs"); strings.Contains(list, "refuses") {
				t.Errorf("when it is left out:\n%s", list)
			}
		})
	}
}

// Refused dataRange cannot be left out: other things help.
func TestRefusedRanges(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 6, Participants: 1, Days: 3})
	b.refuseWith(&gatekeeper{resource: "dataRange", code: 403})
	code, _, stderr := b.run("backfill")
	const cure = "ask Dexcom whether the app may read the account, or let the participant sign in again"
	if code != exitPartial || !strings.Contains(stderr, "P001: dataRange: Dexcom refuses it: 403 Forbidden\n") || !strings.Contains(stderr, "advice: "+cure) || strings.Contains(stderr, "sync.resources") {
		t.Errorf("backfill: exit %d\n%s", code, stderr)
	}
	if p := b.statusOf("egvs")["P001"]; !strings.HasSuffix(fmt.Sprint(p["to_do"]), cure+": dexetl connect P001") {
		t.Errorf("status: %v", p)
	}
}

// Whoever is to be told once is: the same of several is one line, and why an app
// takes no calls is in none.
func TestRemarksAreFew(t *testing.T) {
	limit := &call.LimitError{App: "us", Until: time.Date(2026, 3, 1, 10, 0, 1, 0, time.UTC), Err: &dexcom.StatusError{Path: "/x", Code: 429}}
	outage := &call.OutageError{App: "eu", Since: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Err: errors.New("connection refused")}
	people := func(errs ...error) (all []extract.ParticipantReport) {
		for i, err := range errs {
			all = append(all, extract.ParticipantReport{ParticipantID: fmt.Sprintf("P%03d", i+1), Err: err})
		}
		return all
	}
	refused := func(p extract.ParticipantReport) extract.ParticipantReport {
		p.Err = &plan.CallError{Call: plan.Call{Resource: dexcom.Events}, Err: &dexcom.StatusError{Path: "/x", Code: 404}}
		p.Refused = []extract.Refusal{{Resource: dexcom.Events, Status: 404}}
		return p
	}
	bad := errors.New("502 Bad Gateway")
	mixed := people(bad, nil, nil, bad)
	mixed[1], mixed[2] = refused(mixed[1]), refused(mixed[2])
	for _, tt := range []struct {
		report  extract.Report
		remarks string
		code    int
		says    string
		next    step
	}{
		{extract.Report{Participants: people(limit, nil, limit), Outcome: extract.Later, Over: []error{limit}}, "[]", exitLater,
			"app us: the API refuses calls as too many and takes none until 2026-03-01T10:01:00Z: GET /x: 429 Too Many Requests", again()},
		{extract.Report{Participants: people(outage, limit, bad), Outcome: extract.Later, Over: []error{outage, limit}}, "[P003: 502 Bad Gateway]", exitLater,
			"app eu cannot be reached since 2026-03-01T09:00:00Z: connection refused\napp us: the API refuses", again()},
		{extract.Report{Participants: mixed, Outcome: extract.Partial}, "[P001, P004: 502 Bad Gateway P002, P003: events: Dexcom refuses it: 404 Not Found]", exitPartial,
			"4 of 4 participants are not complete, and the same command goes on with them: P001, P004; what is refused no run brings: P002, P003", again()},
		{extract.Report{Participants: mixed[1:3], Outcome: extract.Partial}, "[P002, P003: events: Dexcom refuses it: 404 Not Found]", exitPartial,
			"2 of 2 participants are not complete; what is refused no run brings: P002, P003", nil},
	} {
		r := study.Result{Report: tt.report}
		ruled := classified(verdict(r))
		if got := fmt.Sprint(remarks(r)); got != tt.remarks || ruled.code != tt.code || !strings.HasPrefix(ruled.Error(), tt.says) || !slices.Equal(ruled.next, tt.next) {
			t.Errorf("remarks %s, exit %d, %q, next %q; want %s, %d, %q, %q", got, ruled.code, ruled.Error(), ruled.next, tt.remarks, tt.code, tt.says, tt.next)
		}
	}
}
