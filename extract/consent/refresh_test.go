package consent

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

func TestTokenRefreshesBeforeTheEnd(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	first, err := g.Token(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.add(2*time.Hour - margin - time.Second)
	if again, err := g.Token(t.Context(), id); err != nil || again != first {
		t.Errorf("Token more than 5 min before the end = another token (%v), want the same", err)
	}
	s.add(time.Second)
	before := pairOf(t, g, id)
	second, err := g.Token(t.Context(), id)
	if err != nil || second == first {
		t.Fatalf("Token 5 min before the end = the same token, %v, want a new one", err)
	}
	h := pairOf(t, g, id)
	if want := s.clock().Add(2 * time.Hour); !h.AccessExpiresAt.Equal(want) {
		t.Errorf("access token ends %s, want %s", h.AccessExpiresAt, want)
	}
	if prev, err := g.open(h.Previous); err != nil || prev != before.pair {
		t.Errorf("previous pair = %v, want the one before the refresh", err)
	}
	if n, posts := s.presented(before.Refresh); n != 1 || posts != 2 {
		t.Errorf("token presented %d times in %d POSTs, want 1 in 2", n, posts)
	}
}

// A token whose whole life is shorter than the margin must not be refreshed on
// every use.
func TestTokenShortLife(t *testing.T) {
	s, g := newStudy(t, "P001")
	s.with(func() {
		s.late = func(w http.ResponseWriter, body []byte) bool {
			w.Write([]byte(strings.Replace(string(body), "7200", "100", 1)))
			return true
		}
	})
	id := s.imported(g, "P001")
	_, before := s.presented("")
	for range 3 {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, after := s.presented(""); after != before {
		t.Errorf("%d POSTs for a token that is still good for 100 s", after-before)
	}
}

func TestRenew(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	first, err := g.Token(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	_, before := s.presented("")
	second, err := g.Renew(t.Context(), id, first)
	if err != nil || second == first {
		t.Fatalf("Renew = the rejected token, %v", err)
	}
	if third, err := g.Renew(t.Context(), id, first); err != nil || third != second {
		t.Errorf("Renew of a token that was renewed already = another one, %v, want the stored", err)
	}
	if _, after := s.presented(""); after != before+1 {
		t.Errorf("%d POSTs for two Renews of one token, want 1", after-before)
	}
}

// While one process has the token on its way, another waits, however long, and
// spends nothing.
func TestRefreshWaits(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	there, onward := make(chan struct{}), make(chan struct{})
	g.step = func(at string) {
		if at == "refresh.begun" {
			close(there)
			<-onward
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := g.Token(context.Background(), id)
		done <- err
	}()
	<-there
	other := s.process()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := other.Token(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Token while another process refreshes = %v, want to wait until the context ends", err)
	}
	if err := other.Recover(t.Context()); err != nil {
		t.Errorf("Recover = %v", err)
	}
	if _, posts := s.presented(""); posts != 1 {
		t.Errorf("%d POSTs, want the one of the import", posts)
	}
	close(onward)
	if err := <-done; err != nil {
		t.Errorf("Token = %v", err)
	}
}

// kill starts a refresh in a process of its own and stops it for good at step.
func (s *study) kill(id, step string) {
	s.t.Helper()
	g := s.process()
	there, end := make(chan struct{}), make(chan struct{})
	g.step = func(at string) {
		if at == step {
			close(there)
			<-end
			runtime.Goexit()
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Token(context.Background(), id)
		s.t.Errorf("the refresh did not come to %q", step)
	}()
	select {
	case <-there:
	case <-done:
		s.t.FailNow()
	}
	// What the kernel does for a dead process.
	g.Store.Close()
	s.t.Cleanup(func() { close(end); <-done })
}

// After a crash between any two steps the next process loses no token that was
// received, and presents none twice, except the one in flight of which nobody
// can know.
func TestCrash(t *testing.T) {
	tests := []struct {
		step      string
		presented int  // how often the old token is, in the end
		lost      bool // the token in flight is lost with a strict server
	}{
		{"refresh.leased", 1, false},
		{"refresh.begun", 1, false},
		{"refresh.answered", 2, true},
		{"refresh.kept", 1, false},
		{"refresh.parsed", 1, false},
		{"refresh.committed", 1, false},
	}
	for _, tt := range tests {
		for _, way := range []string{"Recover, then Token", "Token alone"} {
			t.Run(tt.step+"/"+way, func(t *testing.T) {
				s, g := newStudy(t, "P001")
				id := s.imported(g, "P001")
				old := pairOf(t, g, id).Refresh
				s.add(3 * time.Hour)
				s.kill(id, tt.step)
				next := s.process()
				if strings.HasPrefix(way, "Recover") {
					if err := next.Recover(t.Context()); err != nil {
						t.Fatalf("Recover = %v", err)
					}
				}
				token, err := next.Token(t.Context(), id)
				quiet(t, err)
				if n, _ := s.presented(old); n != tt.presented {
					t.Errorf("old token presented %d times, want %d", n, tt.presented)
				}
				if tt.lost {
					if _, ok := asError[*AuthSuspectError](err); !ok {
						t.Errorf("Token = %v, want *AuthSuspectError", err)
					}
					return
				}
				h := pairOf(t, next, id)
				if err != nil || token != h.Access || s.access[token] == "" || s.refresh[h.Refresh] == "" {
					t.Errorf("Token = %v; stored pair lives: access %t, refresh %t", err, s.access[h.Access] != "", s.refresh[h.Refresh] != "")
				}
				intents, _ := next.Store.Intents(t.Context())
				answers, _ := next.Store.Answers(t.Context(), "")
				if len(intents)+len(answers) != 0 {
					t.Errorf("left over: intents %v, %d answers", intents, len(answers))
				}
			})
		}
	}
}

// A crash after the answer to a code was kept costs nobody a consent.
func TestCrashAfterCode(t *testing.T) {
	s, _ := newStudy(t, "P001")
	g := s.process()
	there, end := make(chan struct{}), make(chan struct{})
	g.step = func(at string) {
		if at == "connect.kept" {
			close(there)
			<-end
			runtime.Goexit()
		}
	}
	address, err := g.Begin(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Finish(context.Background(), s.redirected(address, s.newCode("user"), ""))
	}()
	<-there
	g.Store.Close()
	t.Cleanup(func() { close(end); <-done })

	next := s.process()
	for range 2 {
		if err := next.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all, err := next.Store.Connections(t.Context())
	if err != nil || len(all) != 1 || all[0].ParticipantID != "P001" {
		t.Fatalf("Connections = %+v, %v, want P001's", all, err)
	}
	if _, err := next.Token(t.Context(), all[0].ID); err != nil {
		t.Errorf("Token = %v", err)
	}
	if all, _ := next.Store.Connections(t.Context()); all[0].AccountHash == "" {
		t.Error("Token did not settle whose account it is")
	}
}

// Ctrl-C while the token is on its way must not cut the protocol short.
func TestRefreshOutlivesCancel(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	s.with(func() { s.late = func(http.ResponseWriter, []byte) bool { cancel(); return false } })
	g.Token(ctx, id)
	if h := pairOf(t, g, id); s.refresh[h.Refresh] == "" {
		t.Error("the new token was lost to Ctrl-C")
	}
	// Before the intent it does.
	s.add(3 * time.Hour)
	_, before := s.presented("")
	if _, err := g.Token(ctx, id); !errors.Is(err, context.Canceled) {
		t.Errorf("Token after Ctrl-C = %v, want context.Canceled", err)
	}
	if _, after := s.presented(""); after != before {
		t.Error("a token was spent after Ctrl-C")
	}
}

func TestRefusals(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	id, other := s.imported(g, "P001"), s.imported(g, "P002")
	s.with(func() { s.revoke("user of P001") })
	s.add(3 * time.Hour)
	start := s.clock()
	for i, wait := range patience() {
		_, err := g.Token(t.Context(), id)
		quiet(t, err)
		want := AuthSuspectError{"P001", s.clock().Add(wait)}
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
		if e, ok := asError[*NeedsReconsentError](err); !ok || *e != (NeedsReconsentError{"P001"}) {
			t.Errorf("after %s: Token = %v, want *NeedsReconsentError", s.clock().Sub(start), err)
		}
	}
	tries, err := g.Store.Tries(t.Context(), id)
	if err != nil || len(tries) != 5 || tries[4].Outcome != "invalid_grant" {
		t.Errorf("Tries = %+v, %v, want 5", tries, err)
	}
	if c, err := g.Store.Connection(t.Context(), id); err != nil || c.Status != state.NeedsReconsent || c.LastError != "invalid_grant" {
		t.Errorf("Connection = %+v, %v, want needs_reconsent", c, err)
	}
	if _, err := g.Token(t.Context(), other); err != nil {
		t.Errorf("Token of somebody else = %v", err)
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
	if h := pairOf(t, g, id); h.Status != state.Connected || h.LastError != "" || h.Refusals != 0 || !h.RetryAt.IsZero() {
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
			w.Write([]byte("<html>" + canary))
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
			w.Write([]byte("<html>" + canary))
			return true
		}, 2 * time.Second, "200 without tokens"},
		{"reset", func(w http.ResponseWriter, _ *http.Request) bool { hijack(w); return true }, 2 * time.Second, "no answer: "},
		{"404", func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, 2 * time.Second, "404 Not Found"},
		{"invalid_request", func(w http.ResponseWriter, _ *http.Request) bool { return oauthError(w, 400, "invalid_request") }, 2 * time.Second, "400 Bad Request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
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
			if h := pairOf(t, g, id); h.Status != state.Connected || h.Failures != 1 {
				t.Errorf("connection is %s after %d failures, want connected after 1", h.Status, h.Failures)
			}
			s.with(func() { s.fail = nil })
			s.add(tt.wait)
			if _, err := g.Token(t.Context(), id); err != nil {
				t.Errorf("Token after %s = %v", tt.wait, err)
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
		if e, ok := asError[*WrongClientError](err); !ok || *e != (WrongClientError{"us", "invalid_client"}) {
			t.Errorf("Token = %v, want *WrongClientError", err)
		}
		if h := pairOf(t, g, id); h.Status != state.Connected {
			t.Errorf("connection is %s, want connected: it is not the person's fault", h.Status)
		}
	}
	if _, after := s.presented(""); after != before+1 {
		t.Errorf("%d POSTs with wrong credentials, want 1", after-before)
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
		if stopped := errors.Is(err, ErrRefreshStopped); stopped != (i >= 5) {
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

func TestTallyWantsAShare(t *testing.T) {
	var c tally
	bad := func(id string) { c.bad(held{Connection: state.Connection{ID: id, Status: state.Connected}}) }
	for i := range 25 {
		c.good(string(rune('a' + i)))
	}
	for i := range 5 {
		bad(string(rune('A' + i)))
	}
	if err := c.stopped("us"); err != nil {
		t.Errorf("stopped at 5 of 30 = %v, want not", err)
	}
	bad("F")
	bad("G")
	if err := c.stopped("us"); err != ErrRefreshStopped {
		t.Errorf("stopped at 7 of 32 = %v, want ErrRefreshStopped", err)
	}
}
