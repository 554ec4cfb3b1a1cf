package consent

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

const mine, yours = Secret("mine"), Secret("yours") // cookies

// link makes a link of a participant.
func (s *study) link(g *Grants, participant string) (token string) {
	s.t.Helper()
	links, err := g.Invite(s.t.Context(), []string{participant}, 24*time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(links[0].Token)
}

// pressed is the state of a consent that mine began by a link.
func (s *study) pressed(g *Grants, token string) url.Values {
	s.t.Helper()
	_, address, err := g.BeginByLink(s.t.Context(), token, mine, g.PressToken(token, mine))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.came(address, s.newCode("ann"))
}

// came is what a browser comes back with from consent URL address.
func (s *study) came(address, code string) url.Values {
	s.t.Helper()
	u, err := url.Parse(s.redirected(address, code, ""))
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Query()
}

// asked lets yours come back with what mine began.
func (s *study) asked(g *Grants, token string) Question {
	s.t.Helper()
	_, err := g.Arrive(s.t.Context(), Arrival{Address: redirectURI, Query: s.pressed(g, token), Browser: yours, Ask: true})
	if !as[*AskError](err) {
		s.t.Fatalf("Arrive with another browser = %v, want *AskError", err)
	}
	q, err := g.Question(s.t.Context(), yours)
	if err != nil {
		s.t.Fatalf("Question = %v", err)
	}
	return q
}

// sealed are the sealed answers that the state holds.
func (s *study) sealed() (all [][]byte) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "state.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("select sealed from token_answers")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one []byte
		if err := rows.Scan(&one); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// wiped expects that nothing of what was sealed is in any file of the state.
func (s *study) wiped(what [][]byte) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "state.db*"))
	if err != nil || len(files) == 0 || len(what) == 0 {
		s.t.Fatalf("files %v, %v; %d answers", files, err, len(what))
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, one := range what {
			for _, piece := range [][]byte{one[:64], one[len(one)/2:][:64], one[len(one)-64:]} {
				if bytes.Contains(content, piece) {
					s.t.Errorf("%s still holds the sealed answer", filepath.Base(file))
				}
			}
		}
	}
}

// trail is what the audit trail says of questions, in order.
func (s *study) trail() (said []string) {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, "audit.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, line := range strings.Split(string(content), "\n") {
		if _, rest, found := strings.Cut(line, `"other_browser":"`); found {
			word, _, _ := strings.Cut(rest, `"`)
			said = append(said, word)
		}
	}
	return said
}

// unconnected expects that nobody is connected, nor could be by what is held.
func (s *study) unconnected(g *Grants) {
	s.t.Helper()
	ctx := context.Background()
	all, err := g.Store.Connections(ctx)
	answers, err2 := g.Store.Answers(ctx, "")
	if err := errors.Join(err, err2); err != nil || len(all)+len(answers) > 0 {
		s.t.Errorf("connections %+v, %d answers to be used, %v; want none", all, len(answers), err)
	}
}

// Whoever comes back with the browser that began connects and is asked nothing.
// Whoever comes back with another one is asked, and where nobody can be asked is
// turned away before the code is spent.
func TestArriveWithWhichBrowser(t *testing.T) {
	const public = "https://study.example.org/callback"
	byLink := func(s *study, g *Grants) url.Values { return s.pressed(g, s.link(g, "P001")) }
	forged := func(s *study, g *Grants) url.Values { // the button pressed by another site
		token := s.link(g, "P001")
		_, address, err := g.BeginByLink(t.Context(), token, mine, g.PressToken(token, yours))
		if err != nil {
			t.Fatal(err)
		}
		return s.came(address, s.newCode("ann"))
	}
	atTerminal := func(s *study, g *Grants) url.Values {
		address, err := g.Begin(t.Context(), "P001")
		if err != nil {
			t.Fatal(err)
		}
		return s.came(address, s.newCode("ann"))
	}
	for _, tt := range []struct {
		name     string
		begin    func(s *study, g *Grants) url.Values
		redirect string
		arrival  Arrival
		want     string // connected, asked or elsewhere
	}{
		{"a link, the same", byLink, redirectURI, Arrival{Browser: mine, Ask: true}, "connected"},
		{"a link, the same, where nobody can be asked", byLink, redirectURI, Arrival{Browser: mine}, "connected"},
		{"a link, another", byLink, redirectURI, Arrival{Browser: yours, Ask: true}, "asked"},
		{"a link, another of this machine", byLink, redirectURI, Arrival{Browser: yours, Ask: true, Local: true}, "asked"},
		{"a link, another, where nobody can be asked", byLink, redirectURI, Arrival{Browser: yours, Local: true}, "elsewhere"},
		{"a link, pasted", byLink, redirectURI, Arrival{Pasted: true}, "elsewhere"},
		{"a forged button", forged, redirectURI, Arrival{Browser: mine, Ask: true, Local: true}, "asked"},
		{"a forged button, pasted", forged, redirectURI, Arrival{Pasted: true}, "elsewhere"},
		{"at the terminal, this machine's", atTerminal, redirectURI, Arrival{Browser: yours, Local: true}, "connected"},
		{"at the terminal, another machine's", atTerminal, redirectURI, Arrival{Browser: yours, Ask: true}, "asked"},
		{"at the terminal, behind a proxy", atTerminal, public, Arrival{Browser: yours, Local: true, Ask: true}, "asked"},
		{"at the terminal, pasted", atTerminal, public, Arrival{Pasted: true}, "connected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			s.redirect = tt.redirect
			app := g.Apps["us"]
			app.RedirectURI = tt.redirect
			g.Apps["us"] = app
			a := tt.arrival
			a.Address, a.Query = tt.redirect, tt.begin(s, g)
			found, err := g.Arrive(t.Context(), a)
			quiet(t, err)
			stale, _ := errors.AsType[*state.StateError](err)
			got := fmt.Sprint(err)
			switch {
			case err == nil && found.Connection.Status == state.Connected:
				got = "connected"
			case as[*AskError](err):
				got = "asked"
			case stale != nil && stale.Reason == state.StateElsewhere:
				got = "elsewhere"
			}
			if got != tt.want {
				t.Errorf("Arrive: %s, want %s", got, tt.want)
			}
			if tt.want != "connected" {
				s.unconnected(g)
			}
			if n, _ := s.presented(a.Query.Get("code")); n != map[string]int{"connected": 1, "asked": 1, "elsewhere": 0}[tt.want] {
				t.Errorf("the code was spent %d times", n)
			}
		})
	}
}

// What waits for a yes is no connection, whoever looks, and is looked at once,
// for the question.
func TestUnconfirmedIsNoConnection(t *testing.T) {
	s, g := newStudy(t, "P001")
	looks := map[string]int{}
	s.data = func(_ http.ResponseWriter, r *http.Request) bool { looks[r.URL.Path]++; return false }
	g.Keep = nil
	q := s.asked(g, s.link(g, "P001"))
	if want := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); !q.Seen || !q.FirstReading.Equal(want) || q.Participant.ID != "P001" {
		t.Errorf("Question = %+v, want P001's, with readings since %s", q, want)
	}
	next := s.process()
	for _, p := range []*Grants{g, next} {
		if err := p.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.unconnected(p)
		if all, err := Standings(t.Context(), p.Store); err != nil || all["P001"] != Waiting {
			t.Errorf("standing %s, %v, want %s", all["P001"], err, Waiting)
		}
	}
	if again, err := next.Question(t.Context(), yours); err != nil || again != q {
		t.Errorf("Question in another process = %+v, %v, want %+v", again, err, q)
	}
	for _, other := range []Secret{mine, "", "another"} {
		if _, err := g.Question(t.Context(), other); !as[*state.StateError](err) {
			t.Errorf("Question of browser %q = %v, want *state.StateError", string(other), err)
		}
	}
	if want := map[string]int{"/v3/users/self/dataRange": 1}; fmt.Sprint(looks) != fmt.Sprint(want) {
		t.Errorf("the account was asked %v, want %v", looks, want)
	}
	if _, posts := s.presented(""); posts != 1 {
		t.Errorf("%d POSTs, want that of the code alone", posts)
	}
}

// An account that does not say since when it has readings is asked for all the
// same, and so is one that has none.
func TestQuestionWithoutAView(t *testing.T) {
	for name, tt := range map[string]struct {
		data func(w http.ResponseWriter, r *http.Request) bool
		seen bool
	}{
		"no answer": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }, false},
		"refused":   {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }, false},
		"no readings": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"recordType":"dataRange","recordVersion":"3.0","userId":"u","calibrations":null,"events":null,"egvs":null}`)
			return true
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			s.data = tt.data
			q := s.asked(g, s.link(g, "P001"))
			if q.Seen != tt.seen || !q.FirstReading.IsZero() {
				t.Errorf("Question = %+v, want seen %t and no first reading", q, tt.seen)
			}
			s.with(func() { s.data = nil })
			if _, err := g.Answer(t.Context(), yours, q.Token, true); err != nil {
				t.Errorf("yes = %v", err)
			}
		})
	}
}

// Every way in which a question ends.
func TestAnswers(t *testing.T) {
	ctx := context.Background()
	stale := func(reason state.StateReason) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*state.StateError](err)
			return ok && e.Reason == reason
		}
	}
	refused := func(err error) bool {
		e, ok := errors.AsType[*NotConfirmedError](err)
		return ok && e.Refused && e.ParticipantID == "P001"
	}
	for _, tt := range []struct {
		name      string
		before    func(s *study, g *Grants)           // what happens meanwhile
		answer    func(g *Grants, token string) error // nil: nobody answers
		is        func(error) bool                    // nil: it is no error
		connected bool                                // in the end
		waits     bool                                // the question still does
		trail     []string                            // after asked
	}{
		{name: "yes", answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			connected: true, trail: []string{"confirmed"}},
		{name: "no", answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, false); return err },
			is: refused, trail: []string{"refused"}},
		{name: "yes twice", answer: func(g *Grants, token string) error {
			if _, err := g.Answer(ctx, yours, token, true); err != nil {
				return err
			}
			_, err := g.Answer(ctx, yours, token, true)
			return err
		}, is: stale(state.StateUnknown), connected: true, trail: []string{"confirmed"}},
		{name: "no, then yes", answer: func(g *Grants, token string) error {
			_, err := g.Answer(ctx, yours, token, false)
			_, err2 := g.Answer(ctx, yours, token, true)
			if !refused(err) {
				return err
			}
			return err2
		}, is: stale(state.StateUnknown), trail: []string{"refused"}},
		{name: "yes, then no", answer: func(g *Grants, token string) error {
			if _, err := g.Answer(ctx, yours, token, true); err != nil {
				return err
			}
			_, err := g.Answer(ctx, yours, token, false)
			return err
		}, is: stale(state.StateUnknown), connected: true, trail: []string{"confirmed"}},
		{name: "silence", before: func(s *study, g *Grants) { s.add(15 * time.Minute); g.Recover(ctx) }, trail: []string{"expired"}},
		{name: "a moment before the end", before: func(s *study, g *Grants) { s.add(15*time.Minute - time.Second); g.Recover(ctx) },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err }, connected: true, trail: []string{"confirmed"}},
		{name: "yes, too late", before: func(s *study, _ *Grants) { s.add(15 * time.Minute) },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(state.StateExpired), trail: []string{"expired"}},
		{name: "no, too late", before: func(s *study, _ *Grants) { s.add(16 * time.Minute) },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, false); return err },
			is:     stale(state.StateExpired), trail: []string{"expired"}},
		{name: "yes, looked at too late", before: func(s *study, _ *Grants) { s.add(15 * time.Minute) },
			answer: func(g *Grants, _ string) error { _, err := g.Question(ctx, yours); return err },
			is:     stale(state.StateExpired), trail: []string{"expired"}},
		{name: "yes of the browser that began", answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, mine, token, true); return err },
			is: stale(state.StateUnknown), waits: true},
		{name: "yes with no token", answer: func(g *Grants, _ string) error { _, err := g.Answer(ctx, yours, "", true); return err },
			is: stale(state.StateUnknown), waits: true},
		{name: "yes with the token of another browser", answer: func(g *Grants, _ string) error {
			all, err := g.Store.Unconfirmed(ctx)
			if err != nil || len(all) != 1 {
				return fmt.Errorf("%d wait, %w", len(all), err)
			}
			_, err = g.Answer(ctx, yours, g.questionToken(all[0].AnswerID, mine), true)
			return err
		}, is: stale(state.StateUnknown), waits: true},
		{name: "no with no token", answer: func(g *Grants, _ string) error { _, err := g.Answer(ctx, yours, "", false); return err },
			is: stale(state.StateUnknown), waits: true},
		{name: "the link revoked", before: func(_ *study, g *Grants) { g.Store.RevokeInvitations(ctx, "P001") },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(state.StateRevoked), trail: []string{"closed"}},
		{name: "the roster wants them no longer", before: func(_ *study, g *Grants) { g.Wanted = func(state.Participant) bool { return false } },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(state.StateRevoked), trail: []string{"closed"}},
		{name: "withdrawn", before: func(s *study, g *Grants) {
			g.Store.Withdraw(ctx, state.Withdrawal{ParticipantID: "P001", EffectiveAt: s.clock(), Reason: "moved", Who: "me"})
		}, answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is: stale(state.StateUnknown)},
		{name: "the pages closed", before: func(_ *study, g *Grants) { g.EndQuestions(ctx) },
			answer: func(g *Grants, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(state.StateUnknown), trail: []string{"stopped"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			q := s.asked(g, s.link(g, "P001"))
			sealed := s.sealed()
			if tt.before != nil {
				tt.before(s, g)
			}
			if tt.answer != nil {
				err := tt.answer(g, q.Token)
				quiet(t, err)
				if tt.is == nil && err != nil || tt.is != nil && !tt.is(err) {
					t.Errorf("the answer = %v", err)
				}
			}
			if got, want := s.trail(), append([]string{"asked"}, tt.trail...); !slices.Equal(got, want) {
				t.Errorf("the trail says %v, want %v", got, want)
			}
			all, err := g.Store.Connections(ctx)
			if err != nil || len(all) != map[bool]int{true: 1}[tt.connected] {
				t.Errorf("connections %+v, %v; want connected: %t", all, err, tt.connected)
			}
			waiting, err := g.Store.UnconfirmedIn(ctx, g.browserHash(yours))
			if err != nil || len(waiting) != map[bool]int{true: 1}[tt.waits] {
				t.Errorf("%d questions wait, %v; want that one waits: %t", len(waiting), err, tt.waits)
			}
			if tt.connected {
				if token, err := g.Token(ctx, all[0].ID); err != nil || token == "" {
					t.Errorf("Token = %v", err)
				}
				return
			}
			s.unconnected(g)
			if !tt.waits {
				s.wiped(sealed)
			}
		})
	}
}

// An answer that brings no tokens leaves nothing to ask about.
func TestAnotherBrowserWithoutTokens(t *testing.T) {
	for _, answer := range []string{`{"error":"invalid_grant"}`, `{"access_token":"access-` + canary + `"}`, "<html>busy" + strings.Repeat(" busy", 40)} {
		s, g := newStudy(t, "P001")
		query := s.pressed(g, s.link(g, "P001"))
		var sealed [][]byte
		g.step = func(at string) {
			if at == "connect.kept" {
				sealed = s.sealed()
			}
		}
		s.with(func() {
			s.fail = func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, answer); return true }
		})
		_, err := g.Arrive(t.Context(), Arrival{Address: redirectURI, Query: query, Browser: yours, Ask: true})
		quiet(t, err)
		if !as[*CodeError](err) {
			t.Errorf("Arrive with %s = %v, want *CodeError", answer, err)
		}
		s.unconnected(g)
		if waiting, err := g.Store.Unconfirmed(t.Context()); err != nil || len(waiting) > 0 {
			t.Errorf("%d questions wait, %v", len(waiting), err)
		}
		s.wiped(sealed)
	}
}

// dies runs something in a process that stops for good at step.
func (s *study) dies(step string, run func(g *Grants)) {
	s.t.Helper()
	g := s.process()
	there, end, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	g.step = func(at string) {
		if at == step {
			close(there)
			<-end
			runtime.Goexit()
		}
	}
	go func() { defer close(done); run(g) }()
	select {
	case <-there:
	case <-done:
		s.t.Fatalf("it did not come to %q", step)
	}
	g.Store.Close()
	s.t.Cleanup(func() { close(end); <-done })
}

// A crash makes no grant of what nobody confirmed, and loses none that somebody
// did.
func TestCrashAroundAQuestion(t *testing.T) {
	for _, tt := range []struct {
		step      string
		asked     bool // the question can be answered afterwards
		connected bool
	}{
		{"connect.returned", false, false}, {"connect.answered", false, false}, {"connect.kept", true, false},
		{"connect.asked", true, false}, {"connect.confirmed", false, true}, {"connect.committed", false, true},
	} {
		t.Run(tt.step, func(t *testing.T) {
			ctx := context.Background()
			s, g := newStudy(t, "P001")
			query := s.pressed(g, s.link(g, "P001"))
			s.dies(tt.step, func(g *Grants) {
				g.Arrive(ctx, Arrival{Address: redirectURI, Query: query, Browser: yours, Ask: true})
				if q, err := g.Question(ctx, yours); err == nil {
					g.Answer(ctx, yours, q.Token, true)
				}
			})
			next := s.process()
			if err := next.Recover(ctx); err != nil {
				t.Fatal(err)
			}
			all, err := next.Store.Connections(ctx)
			if err != nil || (len(all) == 1) != tt.connected {
				t.Fatalf("connections %+v, %v; want connected: %t", all, err, tt.connected)
			}
			_, err = next.Question(ctx, yours)
			if (err == nil) != tt.asked {
				t.Errorf("Question afterwards = %v, want one: %t", err, tt.asked)
			}
			if tt.connected {
				if _, err := next.Token(ctx, all[0].ID); err != nil {
					t.Errorf("Token = %v", err)
				}
				return
			}
			sealed := s.sealed()
			s.add(15 * time.Minute)
			if err := next.Recover(ctx); err != nil {
				t.Fatal(err)
			}
			s.unconnected(next)
			if left := s.sealed(); len(left) > 0 {
				t.Errorf("%d answers are left after 15 minutes", len(left))
			}
			if tt.asked {
				s.wiped(sealed)
			}
		})
	}
}

// Whoever withdraws while another browser is on its way is left with nothing.
func TestWithdrawnAroundAQuestion(t *testing.T) {
	for _, step := range []string{"connect.returned", "connect.answered", "connect.kept", "connect.asked", "connect.confirmed", "connect.parsed", "connect.committed"} {
		t.Run(step, func(t *testing.T) {
			ctx := context.Background()
			s, g := newStudy(t, "P001")
			query := s.pressed(g, s.link(g, "P001"))
			other := s.process()
			g.step = func(at string) {
				if at == step {
					if _, err := other.Store.Withdraw(ctx, state.Withdrawal{ParticipantID: "P001", EffectiveAt: s.clock(), Reason: "moved", Who: "me"}); err != nil {
						t.Errorf("Withdraw = %v", err)
					}
				}
			}
			_, err := g.Arrive(ctx, Arrival{Address: redirectURI, Query: query, Browser: yours, Ask: true})
			if q, asked := g.Question(ctx, yours); asked == nil {
				_, err = g.Answer(ctx, yours, q.Token, true)
			}
			if err == nil || as[*AskError](err) && step != "connect.asked" {
				t.Errorf("it ended with %v, want an error", err)
			}
			all, err := other.Store.Connections(ctx)
			if err != nil || slices.ContainsFunc(all, func(c state.Connection) bool { return c.Status != state.Ended }) {
				t.Errorf("connections %+v, %v; want none that lives", all, err)
			}
			if left := s.sealed(); len(left) > 0 {
				t.Errorf("%d sealed answers are left", len(left))
			}
		})
	}
}
