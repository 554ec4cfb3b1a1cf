package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
)

// between puts somebody between the program and the API who writes answers of a
// resource anew; "" is every resource.
func (b *bench) between(resource string, anew func(answer map[string]any)) {
	b.t.Helper()
	target, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding") // so that the body is plain here
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode != http.StatusOK || !strings.HasSuffix(r.Request.URL.Path, "/users/self/"+resource) && resource != "" {
				return nil
			}
			var answer map[string]any
			if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
				return err
			}
			anew(answer)
			body, err := json.Marshal(answer)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", fmt.Sprint(len(body)))
			return err
		},
	}
	server := httptest.NewServer(proxy)
	b.t.Cleanup(server.Close)
	b.env["DEXETL_API_BASE_URL"] = server.URL
}

// directly takes whoever is in between away.
func (b *bench) directly() { delete(b.env, "DEXETL_API_BASE_URL") }

// Every record of a person and resource rejected is exit code 3, whatever the
// resource, is told by status and is over with the next answer that can be read.
func TestNothingCouldBeRead(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 4, End: demoNow}, demoNow.AddDate(0, 0, 20)) // all is uploaded
	b.must("backfill")
	tried := 0
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		held := b.query(fmt.Sprintf("select count(*) from %s where participant_id = 'P001'", resource))[0][0]
		if held == "0" {
			continue
		}
		tried++
		ask := []string{"refresh", "P001", "--from", "2026-04-01", "--to", "2026-04-20"}
		b.now = b.now.Add(time.Hour)
		b.between(resource, func(answer map[string]any) {
			for _, record := range answer["records"].([]any) {
				record.(map[string]any)["displayTime"] = "soon"
			}
		})
		code, stdout, stderr := b.run(ask...)
		told := fmt.Sprintf("P001: %s: %s of %s records rejected", resource, held, held)
		if all := stdout + stderr; code != exitPartial || !strings.Contains(all, told) || !strings.Contains(all, "none could be read: P001 ("+resource+")") {
			t.Errorf("%s: exit %d, want %d and %q\n%s", resource, code, exitPartial, told, all)
		}
		if codes := b.query("select exit_code from runs order by started_at desc limit 1")[0][0]; codes != fmt.Sprint(exitPartial) {
			t.Errorf("%s: the lake says that the run ended with %s", resource, codes)
		}
		b.exits("status --check P001", exitPartial)
		b.exits("status --check P002", exitDone)
		todo, _ := b.statusOf(resource)["P001"]["to_do"].(string)
		if !strings.HasPrefix(todo, fmt.Sprintf("for the data manager: %s: %s of %s records rejected: dexetl query ", resource, held, held)) {
			t.Errorf("%s: to_do is %q", resource, todo)
		}
		if row := b.statusOf(resource)["P001"]; row["last_success"] != nil {
			t.Errorf("%s: none could be read, and last_success is %v", resource, row["last_success"])
		}
		if command := strings.Split(todo, `"`); len(command) != 3 || !strings.Contains(b.must("query", command[1]), "not a time") {
			t.Errorf("%s: the command in %q does not tell why", resource, todo)
		}
		b.now = b.now.Add(time.Hour)
		b.directly()
		b.must(ask...)
		b.exits("status --check P001", exitDone)
	}
	if tried < 3 {
		t.Errorf("P001 has records of %d resources: this test shows too little", tried)
	}
}

// What another account answers is held, whichever resource it answers, and told;
// an answer that does not say whose it is passes, and is counted.
func TestAnotherAccountAnswers(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBenchAt(t, dexsim.Config{Seed: 4, Participants: 2, Days: 2, End: demoNow}, demoNow.AddDate(0, 0, 20))
	b.must("backfill")
	counts := "select (select count(*) from egvs), (select count(*) from events), (select count(*) from requests where outcome = 'held')"
	before := fmt.Sprint(b.query(counts)[0][:2])
	b.now = b.now.Add(time.Hour)
	b.between("", func(answer map[string]any) { delete(answer, "userId") })
	if code, stdout, stderr := b.run("sync", "--deep"); code != exitDone || !strings.Contains(stdout+stderr, " without a userId, taken as of the account that was asked") {
		t.Errorf("without a userId: exit %d\n%s%s", code, stdout, stderr)
	}
	if after := b.query(counts)[0]; fmt.Sprint(after[:2]) != before || after[2] != "0" {
		t.Errorf("without a userId the lake has %v, want %s and nothing held", after, before)
	}
	b.now = b.now.Add(time.Hour)
	b.between("events", func(answer map[string]any) {
		answer["userId"] = "somebody else"
		answer["records"] = []any{}
	})
	code, stdout, stderr := b.run("refresh", "P001", "--from", "2026-04-01", "--to", "2026-04-20")
	if all := stdout + stderr; code != exitPartial || !strings.Contains(all, "P001") || strings.Contains(all, "P002") || strings.Contains(all, "somebody else") {
		t.Errorf("another account: exit %d, want %d and P001 named\n%s", code, exitPartial, all)
	}
	if after := b.query(counts)[0]; fmt.Sprint(after[:2]) != before || after[2] == "0" {
		t.Errorf("after another account's answer the lake has %v, want %s and it held", after, before)
	}
	b.exits("status --check P001", exitPartial)
	b.exits("status --check P002", exitDone)
}
