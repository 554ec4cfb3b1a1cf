package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
)

// Who has no key, one that is not known, or one that may not, is refused; whoever does not
// exist for a key is answered like somebody who does not exist at all.
func TestRights(t *testing.T) {
	b := newBench(t)
	read, manage := b.key("read", access.Rights{Scope: access.Read}), b.key("manage", access.Rights{Scope: access.Manage})
	onlyA, noteKey := b.key("a", access.Rights{Scope: access.Read, Cohort: "A"}), b.key("notes", access.Rights{Scope: access.Read, Notes: true})
	revoked := b.key("gone", access.Rights{Scope: access.Manage})
	check(t, b.api.Keys.Revoke(t.Context(), "gone"))
	p1, p2, nobody := b.user("P001"), b.user("P002"), "2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11"
	const create = `{"client_user_id":"P003"}`
	for _, tt := range []struct {
		method, path, body, header string
		status                     int
		want                       string
	}{
		{"GET", "/v2/user/" + p1, "", "", 401, `{"detail":"a key is missing: send one in x-vital-api-key, or as Authorization: Bearer"}`},
		{"GET", "/v2/user/" + p1, "", "x-vital-api-key: dxk_nonsense", 401, `{"detail":"the key is not known`},
		{"GET", "/v2/user/" + p1, "", "x-vital-api-key: " + revoked, 401, `{"detail":"the key is not known`},
		{"GET", "/v2/user/" + p1, "", "x-vital-api-key: " + read, 200, `{"who":"P001","tags":[]}`},
		{"GET", "/v2/user/" + p1, "", "Authorization: Bearer " + read, 200, "P001"},
		{"GET", "/v2/user/" + p1, "", "Authorization: bearer " + manage, 200, "P001"},
		{"GET", "/v2/user/" + p1, "", "X-Management-Key: " + manage, 200, "P001"},
		{"GET", "/v2/user/" + p1, "", "X-Management-Key: " + read, 403, "scope read, and manage is needed"},
		{"POST", "/v2/user", create, "x-vital-api-key: " + read, 403, `{"detail":"this key has scope read, and manage is needed"}`},
		{"POST", "/v2/user", create, "x-vital-api-key: " + manage, 200, "P003"},
		{"GET", "/v2/user/" + p1, "", "x-vital-api-key: " + onlyA, 200, "P001"},
		{"GET", "/v2/user/" + p2, "", "x-vital-api-key: " + onlyA, 404, `{"detail":"there is no such user"}`},
		{"GET", "/v2/user/" + nobody, "", "x-vital-api-key: " + onlyA, 404, `{"detail":"there is no such user"}`},
		{"GET", "/v1/people/" + nobody, "", "x-vital-api-key: " + onlyA, 404, `{"title":"Not Found","status":404,"detail":"there is no such user"}`},
		{"GET", "/v2/timeseries/" + p1 + "/note", "", "x-vital-api-key: " + read, 403, "may not read notes"},
		{"GET", "/v2/timeseries/" + p1 + "/note", "", "x-vital-api-key: " + noteKey, 200, "P001"},
		{"GET", "/v2/link/providers", "", "", 200, "who"},
	} {
		got := b.ask(tt.method, tt.path, tt.body, tt.header)
		if body := text(got); got.StatusCode != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s with %q: %d %s, want %d %s", tt.method, tt.path, tt.header, got.StatusCode, body, tt.status, tt.want)
		}
	}
}

// A blinded study shows glucose to keys that are unblinded, and to no others.
func TestBlinding(t *testing.T) {
	b := newBench(t)
	b.api.Study.Config.Study.Blinding = true
	blind, sees := b.key("blind", access.Rights{Scope: access.Manage}), b.key("sees", access.Rights{Scope: access.Read, Unblinded: true})
	for key, want := range map[string]int{blind: 403, sees: 200} {
		if got := b.ask("GET", "/v2/timeseries/"+b.user("P001")+"/glucose", "", "x-vital-api-key: "+key); got.StatusCode != want {
			t.Errorf("glucose of a blinded study: %d, want %d", got.StatusCode, want)
		}
		if got := b.ask("GET", "/v2/user/"+b.user("P001"), "", "x-vital-api-key: "+key); got.StatusCode != 200 {
			t.Errorf("a user of a blinded study: %d, want 200", got.StatusCode)
		}
	}
}

// Every route refuses who has no key, but for those of link tokens.
func TestEveryRouteNeedsAKey(t *testing.T) {
	b := newBench(t)
	for _, r := range b.api.Routes() {
		got := b.ask(r.Method, strings.ReplaceAll(r.Path, "{user_id}", b.user("P001")), "{}")
		if want := map[bool]int{false: 401, true: 200}[r.Needs.LinkToken]; got.StatusCode != want {
			t.Errorf("%s %s without a key: %d, want %d", r.Method, r.Path, got.StatusCode, want)
		}
	}
}

// What is wrong with a request is said in the form of the route, without the value.
func TestInvalidRequests(t *testing.T) {
	b := newBench(t)
	key := "x-vital-api-key: " + b.key("k", access.Rights{Scope: access.Manage})
	p1 := b.user("P001")
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v2/user/" + p1 + "?days=91", "", 422, `{"detail":[{"loc":["query","days"],"msg":"expected number <= 90","type":"value_error"}]}`},
		{"GET", "/v2/user/" + p1 + "?days=secret", "", 422, `{"detail":[{"loc":["query","days"],"msg":"invalid integer"`},
		{"GET", "/v2/user/" + p1 + "?unknown=1", "", 200, "P001"},
		{"GET", "/v1/people/" + p1 + "?unknown=1", "", 422, `"detail":"the request is not valid","errors":[{"message":"unknown query parameter","location":"query.unknown"}]`},
		{"GET", "/v1/people/" + p1 + "?days=", "", 422, `"errors":[{"message":"it is empty: give a value, or leave it out","location":"query.days"}]`},
		{"GET", "/v1/people/" + p1 + "?days=2&days", "", 422, `"location":"query.days"`},
		{"GET", "/v2/user/" + p1 + "?days=", "", 200, "P001"},
		{"GET", "/v2/user/" + p1 + "?user_id=", "", 422, `"loc":["query","user_id"]`},
		{"GET", "/v2/user/nonsense", "", 422, `"loc":["path","user_id"]`},
		{"POST", "/v2/user", `{}`, 422, `{"detail":[{"loc":["body"],"msg":"expected required property client_user_id to be present","type":"value_error.missing"}]}`},
		{"POST", "/v2/user", `{"client_user_id":7}`, 422, `"loc":["body","client_user_id"]`},
		{"POST", "/v2/user", `{"client_user_id":"P","newer":1,"fallback_time_zone":null}`, 200, "P"},
		{"POST", "/v2/user", `{`, 400, `{"detail":`},
		{"POST", "/v2/user", ``, 400, `{"detail":`},
		{"POST", "/v2/user", `{"client_user_id":"P"} and more`, 400, `"loc":["body"]`},
		{"POST", "/v2/user", `{"client_user_id":"` + strings.Repeat("x", 70_000) + `"}`, 413, `{"detail":"request body is too large`},
	} {
		got := b.ask(tt.method, tt.path, tt.body, key)
		body := text(got)
		if got.StatusCode != tt.status || !strings.Contains(body, tt.want) || strings.Contains(body, "secret") {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", tt.method, tt.path, tt.body, got.StatusCode, body, tt.status, tt.want)
		}
	}
}

// What is no route is said in JSON, and HEAD asks like GET.
func TestNoSuchRoute(t *testing.T) {
	b := newBench(t)
	key := "x-vital-api-key: " + b.key("k", access.Rights{Scope: access.Manage})
	for _, tt := range []struct {
		method, path string
		status       int
		contentType  string
		allow        string
	}{
		{"GET", "/", 404, "application/problem+json", ""},
		{"GET", "/v2/nothing", 404, "application/json", ""},
		{"GET", "/v1/nothing", 404, "application/problem+json", ""},
		{"GET", "//v1/panic", 404, "application/problem+json", ""},
		{"GET", "/v2/../v1/panic", 404, "application/json", ""},
		{"DELETE", "/v2/user", 405, "application/json", "POST"},
		{"OPTIONS", "/v2/user/x", 405, "application/json", "GET, HEAD"},
		{"HEAD", "/v2/user/" + b.user("P001"), 200, "application/json", ""},
		{"HEAD", "/v2/user/nonsense", 422, "application/json", ""},
	} {
		got := b.ask(tt.method, tt.path, "", key)
		if got.StatusCode != tt.status || got.Header.Get("Content-Type") != tt.contentType || got.Header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d %s, allow %q", tt.method, tt.path, got.StatusCode, got.Header.Get("Content-Type"), got.Header.Get("Allow"))
		}
		if body := text(got); !json.Valid([]byte(body)) {
			t.Errorf("%s %s: no JSON: %s", tt.method, tt.path, body)
		}
	}
}

// Of what goes wrong here the caller learns that it did; the log says what, and neither
// key, query nor participant stand in its lines of requests.
func TestFailures(t *testing.T) {
	b := newBench(t)
	secret := b.key("k", access.Rights{Scope: access.Read})
	for _, path := range []string{"/v1/panic", "/v2/fail"} {
		got := b.ask("GET", path, "", "x-vital-api-key: "+secret)
		if body := text(got); got.StatusCode != 500 || !strings.Contains(body, "something went wrong here") || strings.Contains(body, "P001") || strings.Contains(body, "EOF") || strings.Contains(body, "goroutine") {
			t.Errorf("%s: %d %s", path, got.StatusCode, body)
		}
	}
	b.ask("GET", "/v2/user/"+b.user("P001")+"?days=17", "", "x-vital-api-key: "+secret)
	b.ask("GET", "/v2/user/"+b.user("P002")+"/"+secret+"?k="+secret, "", "")
	b.ask("PURGE", "/v2/user", "", "")
	log := b.log.String()
	for _, want := range []string{"unexpected EOF", "P001 is in this text", "goroutine", "msg=request method=GET route=/v2/user/{user_id} status=200 took=", "key=1\n", `msg=request method=GET route="" status=404`, "method=other"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, no := range []string{secret, b.user("P001"), "days=17", "P002", "PURGE"} {
		if strings.Contains(log, no) {
			t.Errorf("the log has %q", no)
		}
	}
}

// Beyond its share a key is told when it may go on; others are not held up.
func TestShareOfAKey(t *testing.T) {
	b := newBench(t)
	one, other := "x-vital-api-key: "+b.key("one", access.Rights{Scope: access.Read}), "x-vital-api-key: "+b.key("other", access.Rights{Scope: access.Read})
	path := "/v2/user/" + b.user("P001")
	for range 60 {
		if got := b.ask("GET", path, "", one); got.StatusCode != 200 {
			t.Fatalf("within the share: %d", got.StatusCode)
		}
	}
	got := b.ask("GET", path, "", one)
	if got.StatusCode != 429 || got.Header.Get("Retry-After") != "1" {
		t.Errorf("beyond the share: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
	if got := b.ask("GET", path, "", other); got.StatusCode != 200 {
		t.Errorf("another key: %d", got.StatusCode)
	}
	b.now = b.now.Add(time.Second)
	if got := b.ask("GET", path, "", one); got.StatusCode != 200 {
		t.Errorf("a second later: %d", got.StatusCode)
	}
}

// Whoever calls with a link token, or without one, shares what one key has, and takes
// nothing of a key's.
func TestShareOfLinkTokens(t *testing.T) {
	b := newBench(t)
	const path = "/v2/link/providers"
	for i := range 60 {
		if got := b.ask("GET", path, ""); got.StatusCode != 200 {
			t.Fatalf("request %d: %d", i, got.StatusCode)
		}
	}
	if got := b.ask("GET", path, ""); got.StatusCode != 429 || got.Header.Get("Retry-After") != "1" {
		t.Errorf("beyond the share: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
	key := b.key("one", access.Rights{Scope: access.Read})
	if got := b.ask("GET", "/v2/user/"+b.user("P001"), "", "x-vital-api-key: "+key); got.StatusCode != 200 {
		t.Errorf("with a key: %d", got.StatusCode)
	}
	b.now = b.now.Add(time.Second)
	if got := b.ask("GET", path, ""); got.StatusCode != 200 {
		t.Errorf("a second later: %d", got.StatusCode)
	}
}

// More requests at a time than there is room for are told to come again.
func TestTooManyAtATime(t *testing.T) {
	b := newBench(t)
	for range b.api.InFlight {
		b.api.inFlight <- struct{}{}
	}
	got := b.ask("GET", "/v2/user/x", "")
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "1" {
		t.Errorf("%d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
}

// A cursor comes back as it went, for the list that it is of, and for no other.
func TestCursor(t *testing.T) {
	for _, c := range []Cursor{{}, {"7", "P001\x002026-01-02T03:05:00Z"}, {"123e1", strings.Repeat("é", 100)}} {
		made := NextCursor("/v1/x?a=1", c)
		if got, err := ParseCursor("cursor", "/v1/x?a=1", made); err != nil || got != c {
			t.Errorf("%v came back as %v, %v", c, got, err)
		}
		for i := range made {
			changed := made[:i] + string(made[i]^1) + made[i+1:]
			if _, err := ParseCursor("cursor", "/v1/x?a=1", changed); err == nil {
				t.Errorf("taken with character %d changed", i)
			}
		}
		if _, err := ParseCursor("cursor", "/v1/x?a=2", made); err == nil {
			t.Error("taken for another list")
		}
	}
	_, err := ParseCursor("next_cursor", "", "")
	if p, ok := err.(*Problem); !ok || p.Status != 422 || !slices.Equal(p.Wrong, []Wrong{{"query.next_cursor", "not a cursor that an answer to this request gave"}}) {
		t.Errorf("%v", err)
	}
}
