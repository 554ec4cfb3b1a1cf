package consent

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	id, other := s.imported(g, "P001"), s.imported(g, "P002")
	s.with(func() { s.revoke("user of P001") })
	s.add(3 * time.Hour)
	start := s.clock()
	const said = "invalid_grant: not accepted: [redacted]"
	for i, wait := range patience() {
		_, err := g.Token(t.Context(), id)
		quiet(t, err)
		want := AuthSuspectError{"P001", s.clock().Add(wait), said}
		if e, ok := asError[*AuthSuspectError](err); !ok || *e != want {
			t.Fatalf("refusal %d: Token = %v, want %v", i+1, err, &want)
		}
		_, before := s.presented("")
		s.add(wait - time.Second)
		if _, err := g.Token(t.Context(), id); !errors.As(err, new(*AuthSuspectError)) {
			t.Errorf("before the retry: Token = %v, want *AuthSuspectError", err)
		}
		if _, after := s.presented(""); after != before {
			t.Errorf("refusal %d: presented again before its time", i+1)
		}
		s.add(time.Second)
	}
	for range 2 { // the second time without asking
		_, err := g.Token(t.Context(), id)
		if e, ok := asError[*NeedsReconsentError](err); !ok || *e != (NeedsReconsentError{"P001", said}) {
			t.Errorf("after %s: Token = %v, want *NeedsReconsentError", s.clock().Sub(start), err)
		}
	}
	tries, err := g.Register.Tries(t.Context(), id)
	if err != nil || len(tries) != 5 || tries[4].Outcome != said {
		t.Errorf("Tries = %+v, %v, want 5", tries, err)
	}
	if c, err := g.Register.Connection(t.Context(), id); err != nil || c.Status != NeedsReconsent || c.LastError != said {
		t.Errorf("Connection = %+v, %v, want needs_reconsent", c, err)
	}
	if _, err := g.Token(t.Context(), other); err != nil {
		t.Errorf("Token of somebody else = %v", err)
	}
	trail, err := g.Register.Store.Trail(t.Context())
	if last := trail[len(trail)-1]; err != nil || last.ParticipantID != "P001" || !strings.Contains(last.Before, string(AuthSuspect)) || !strings.Contains(last.After, string(NeedsReconsent)) {
		t.Errorf("the audit trail ends with %+v, %v; want that P001 must consent again", last, err)
	}
	if n := len(trail); strings.Contains(trail[n-2].After, string(AuthSuspect)) {
		t.Errorf("the audit trail has a doubt: %+v", trail[n-2])
	}
}

// A false refusal is forgotten when the token works after all.
func TestRefusalThatWasFalse(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	s.with(func() {
		s.fail = func(w http.ResponseWriter, _ *http.Request) bool { return oauthError(w, 400, "invalid_grant") }
	})
	if _, err := g.Token(t.Context(), id); !errors.As(err, new(*AuthSuspectError)) {
		t.Fatalf("Token = %v, want *AuthSuspectError", err)
	}
	s.with(func() { s.fail = nil })
	s.add(2 * time.Hour)
	if _, err := g.Token(t.Context(), id); err != nil {
		t.Fatalf("Token after two hours = %v", err)
	}
	if h := pairOf(t, g, id); h.Status != Connected || h.LastError != "" || h.Refusals != 0 || !h.RetryAt.IsZero() {
		t.Errorf("held = %s, %q, %d refusals, retry at %s; want all forgotten", h.Status, h.LastError, h.Refusals, h.RetryAt)
	}
}

// What is not the person's fault: the connection stays connected, the token is
// kept, and is tried again later.
func TestTemporaryFaults(t *testing.T) {
	hijack := func(w http.ResponseWriter) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	tests := []struct {
		name   string
		fail   func(w http.ResponseWriter, r *http.Request) bool
		wait   time.Duration
		reason string
	}{
		{"503 with HTML", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(503)
			w.Write([]byte("<html>" + foreign))
			return true
		}, 2 * time.Second, "503 Service Unavailable"},
		{"429", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
			return true
		}, 2 * time.Minute, "429 Too Many Requests"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/v2/oauth2/token", http.StatusTemporaryRedirect)
			return true
		}, 2 * time.Second, "307 Temporary Redirect"},
		{"redirect of a browser", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return true
		}, 2 * time.Second, "302 Found"},
		{"200 with HTML", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte("<html>" + foreign))
			return true
		}, 2 * time.Second, "200 without tokens"},
		{"reset", func(w http.ResponseWriter, _ *http.Request) bool { hijack(w); return true }, 2 * time.Second, "no answer: "},
		{"408", func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(408); return true }, 2 * time.Second, "408 Request Timeout"},
		{"server_error", func(w http.ResponseWriter, _ *http.Request) bool { return oauthError(w, 400, "server_error") }, 2 * time.Second, "400 Bad Request: server_error: not accepted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			var warnings bytes.Buffer // the error says it all
			g.Log = slog.New(slog.NewTextHandler(&warnings, &slog.HandlerOptions{Level: slog.LevelWarn}))
			id := s.imported(g, "P001")
			s.add(3 * time.Hour)
			_, before := s.presented("")
			s.with(func() { s.fail = tt.fail })
			for range 2 { // the second time without asking
				_, err := g.Token(t.Context(), id)
				quiet(t, err)
				e, ok := asError[*TemporaryError](err)
				if !ok || !e.RetryAt.Equal(s.clock().Add(tt.wait)) || !strings.HasPrefix(e.Reason, tt.reason) {
					t.Fatalf("Token = %v, want *TemporaryError %s, again after %s", err, tt.reason, tt.wait)
				}
			}
			if _, after := s.presented(""); after != before+1 {
				t.Errorf("%d POSTs, want 1", after-before)
			}
			if h := pairOf(t, g, id); h.Status != Connected || h.Failures != 1 {
				t.Errorf("connection is %s after %d failures, want connected after 1", h.Status, h.Failures)
			}
			s.with(func() { s.fail = nil })
			s.add(tt.wait)
			if _, err := g.Token(t.Context(), id); err != nil {
				t.Errorf("Token after %s = %v", tt.wait, err)
			}
			if warnings.Len() > 0 {
				t.Errorf("what was returned is logged, too:\n%s", &warnings)
			}
		})
	}
}

// An answer cut off in the middle of a transfer may hold tokens all the same.
func TestCutAnswer(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	s.with(func() {
		s.late = func(w http.ResponseWriter, body []byte) bool {
			w.Header().Set("Content-Length", "1000")
			w.Write(body[:strings.Index(string(body), `,"not-before`)])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	token, err := g.Token(t.Context(), id)
	if err != nil || s.access[token] == "" {
		t.Fatalf("Token from a cut answer = %v", err)
	}
	if h := pairOf(t, g, id); s.refresh[h.Refresh] == "" {
		t.Error("the refresh token of a cut answer was lost")
	}
}

// A server that does not rotate sends no refresh token: the old one stays.
func TestNoRotation(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	old := pairOf(t, g, id).Refresh
	s.add(3 * time.Hour)
	s.with(func() {
		s.fail = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte(`{"access_token":"other","expires_in":7200}`))
			return true
		}
	})
	if token, err := g.Token(t.Context(), id); err != nil || token != "other" {
		t.Fatalf("Token = %q, %v, want the new access token", token, err)
	}
	if h := pairOf(t, g, id); h.Refresh != old {
		t.Error("the refresh token is another one")
	}
}

func TestWrongClient(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	first, second := s.imported(g, "P001"), s.imported(g, "P002")
	s.add(3 * time.Hour)
	_, before := s.presented("")
	app := g.Apps["us"]
	app.ClientSecret = "another-" + canary
	g.Apps["us"] = app
	for _, id := range []string{first, second} {
		_, err := g.Token(t.Context(), id)
		quiet(t, err)
		if e, ok := asError[*WrongClientError](err); !ok || *e != (WrongClientError{"us", "invalid_client", "invalid_client: not accepted: [redacted]"}) {
			t.Errorf("Token = %v, want *WrongClientError", err)
		}
		if h := pairOf(t, g, id); h.Status != Connected {
			t.Errorf("connection is %s, want connected: it is not the person's fault", h.Status)
		}
	}
	if _, after := s.presented(""); after != before+2 {
		t.Errorf("%d POSTs with wrong credentials, want a refresh and one probe", after-before)
	}
	if _, err := s.process().Token(t.Context(), first); err != nil {
		t.Errorf("Token once the secret is right = %v", err)
	}
}

func TestRefreshStops(t *testing.T) {
	var ids []string
	names := []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7"}
	s, g := newStudy(t, names...)
	for _, p := range names {
		ids = append(ids, s.imported(g, p))
	}
	s.add(3 * time.Hour)
	g = s.process() // a run of its own
	_, before := s.presented("")
	s.with(func() {
		s.fail = func(w http.ResponseWriter, _ *http.Request) bool { return oauthError(w, 400, "invalid_grant") }
	})
	for i, id := range ids {
		_, err := g.Token(t.Context(), id)
		if _, stopped := asError[*RefreshStoppedError](err); stopped != (i >= 5) {
			t.Errorf("Token of connection %d = %v, want stopped %t", i+1, err, i >= 5)
		}
	}
	if _, after := s.presented(""); after != before+5 {
		t.Errorf("%d POSTs in an outage, want 5", after-before)
	}
	// The next run begins afresh, and those in doubt do not stop it.
	s.with(func() {
		s.fail = nil
		for _, p := range names[:5] {
			s.revoke("user of " + p)
		}
	})
	s.add(3 * time.Hour)
	g = s.process()
	for i, id := range ids {
		if _, err := g.Token(t.Context(), id); (err != nil) != (i < 5) {
			t.Errorf("next run: Token of connection %d = %v", i+1, err)
		}
	}
}

// What brought no answer in an outage is no reason to give up when it is over; what
// was answered and refused is.
func TestTallyAfterAnOutage(t *testing.T) {
	var c tally
	bad := func(n int, why error) {
		for i := range n {
			c.bad(held{Connection: Connection{ID: fmt.Sprint(why, i), Status: Connected}}, why)
		}
	}
	unanswered := &TemporaryError{Reason: "no answer", Err: errors.New("connection refused")}
	bad(9, unanswered)
	if err := c.stopped("us"); !errors.Is(err, unanswered.Err) {
		t.Errorf("stopped at 9 without an answer = %v, want because of them", err)
	}
	c.reached()
	if err := c.stopped("us"); err != nil {
		t.Errorf("stopped when the API answers again = %v, want not", err)
	}
	bad(5, &TemporaryError{Reason: "503"})
	c.reached()
	if _, ok := asError[*RefreshStoppedError](c.stopped("us")); !ok {
		t.Errorf("stopped at 5 of 5 that were answered = %v, want a *RefreshStoppedError", c.stopped("us"))
	}
}

// An app that somebody was renewed with is not held to be wrong for the others.
func TestTallyOfAnApp(t *testing.T) {
	var c tally
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	c.wrongClient(&WrongClientError{Region: "us"})
	if c.stopped("us") == nil || c.stopped("eu") != nil || c.accepted("us", now) {
		t.Errorf("a wrong client: us %v, eu %v; want us stopped", c.stopped("us"), c.stopped("eu"))
	}
	c.good("C1", "eu", now)
	if c.stopped("us") == nil {
		t.Error("a good refresh of another app lets us go on")
	}
	c.good("C2", "us", now)
	if err := c.stopped("us"); err != nil || !c.accepted("us", now) || c.accepted("us", now.Add(acceptedFor)) {
		t.Errorf("after a good refresh: %v, want that the app is accepted for now", err)
	}
}

func TestTallyWantsAShare(t *testing.T) {
	var c tally
	bad := func(id string) {
		c.bad(held{Connection: Connection{ID: id, Status: Connected}}, errors.New("503 of "+id))
	}
	for i := range 25 {
		c.good(string(rune('a'+i)), "us", time.Now())
	}
	for i := range 5 {
		bad(string(rune('A' + i)))
	}
	if err := c.stopped("us"); err != nil {
		t.Errorf("stopped at 5 of 30 = %v, want not", err)
	}
	bad("F")
	bad("G")
	if stopped, ok := asError[*RefreshStoppedError](c.stopped("us")); !ok || stopped.Last.Error() != "503 of G" {
		t.Errorf("stopped at 7 of 32 = %v, want a *RefreshStoppedError with the last failure", c.stopped("us"))
	}
}
