package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/serve/api"
)

// Whatever a caller with all rights writes into path, query, body or headers of any route,
// the answer says what is wrong, and the server is not at fault.
//
// go test ./cmd/dexetl -run xxx -fuzz FuzzRequests -fuzztime 1m
func FuzzRequests(f *testing.F) {
	b := newBench(f, dexsim.Config{Seed: 5, Participants: 2, Days: 1})
	b.must("sync")
	c := b.calling()
	now := b.now
	c.api.Now = func() time.Time { now = now.Add(200 * time.Millisecond); return now } // no key has ever used up its share
	key := c.key("fuzz", access.Rights{Scope: access.Manage, Notes: true, Unblinded: true})
	user := c.user(b.query("select participant_id from participants")[0][0])
	ownHook(f, c, key)
	_, made := c.ask("POST", "/v2/link/code/create?user_id="+user, key, "")
	var link struct{ Code string }
	check(f, json.Unmarshal([]byte(made), &link))
	if link.Code == "" {
		f.Fatalf("no link: %s", made)
	}
	routes := c.api.Routes()
	for i := range routes {
		f.Add(uint(i), user, "start_date=2026-03-01&end_date=2026-03-02", `{"user_id":"`+user+`"}`, "application/json", `"1"`)
	}
	for i, hostile := range []string{
		"start_date=0000-00-00", "start_date=2026-03-01T00:00:00%2B99:99&end_date=9999-12-31", "start_date=%00", "start_date=2026-02-30&end_date=-1",
		"start_date=2026-03-01&next_cursor=AAAA", "next_cursor=%FF%FE", "cursor=.", "offset=-1", "offset=9223372036854775807&limit=1", "limit=1e9", "timeout=NaN", "timeout=-Inf",
		"user_id=%7B%7D", "user_limit=0", "expires_at=292277026596-12-04T15:30:07Z", "provider=..%2F..", "columns=%2A%27%22%3B", "participant=%2A", "format=../../etc/passwd",
		"snapshot=-9223372036854775809", "from=2026-03-01&to=2026-02-01", "unit=mg%2FdL&start_date=2026-03-01", "a=%zz", "start_date=2026-03-01;end_date=2026-03-02",
	} {
		f.Add(uint(i), "..%2F"+user, hostile, `{"user_id":null,"client_user_id":"`+strings.Repeat("a", 100)+`","fallback_time_zone":"../../etc/localtime"}`, "application/json; charset=x", []string{"*", `W/"`, `","`, "\x00"}[i%4])
	}
	for i, body := range []string{`null`, `[]`, `"x"`, `{"client_user_id":{}}`, `{"ingestion_start":"9999-99-99"}`, `{"client_user_id":"P*"}`, "\xff\xfe", strings.Repeat("[", 5000), `{"redirect_url":"javascript:x","user_id":"` + user + `"}`} {
		f.Add(uint(i), "%00", "", body, "text/plain+json;+", strings.Repeat(`"a",`, 1000))
	}
	f.Fuzz(func(t *testing.T, route uint, path, query, body, contentType, etag string) {
		r := routes[route%uint(len(routes))]
		target := c.path(r, url.PathEscape(path))
		request := httptest.NewRequest(r.Method, "/", strings.NewReader(body))
		request.URL.Path, request.URL.RawPath, request.URL.RawQuery = mustUnescape(target), target, query
		request.RequestURI = target
		request.Header.Set([]string{api.KeyHeader, api.ManageHeader}[len(query)%2], key)
		request.Header.Set(api.LinkTokenHeader, []string{link.Code, body}[len(body)%2])
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		c.front.ServeHTTP(w, request)
		answer := w.Result()
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s?%s %q: %d %s", r.Method, target, query, body, w.Code, w.Body)
		}
		if kind := answer.Header.Get("Content-Type"); strings.Contains(kind, "json") && !strings.Contains(kind, "nd") && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s?%s %q: no JSON: %s", r.Method, target, query, body, w.Body)
		}
	})
}

func mustUnescape(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return plain
}
