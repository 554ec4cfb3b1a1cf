package consent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Every way in which a question ends.
func TestAnswers(t *testing.T) {
	ctx := context.Background()
	stale := func(reason StateReason) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*StateError](err)
			return ok && e.Reason == reason
		}
	}
	refused := func(err error) bool {
		e, ok := errors.AsType[*NotConfirmedError](err)
		return ok && e.Refused && e.ParticipantID == "P001"
	}
	for _, tt := range []struct {
		name      string
		before    func(s *study, g *process)           // what happens meanwhile
		answer    func(g *process, token string) error // nil: nobody answers
		is        func(error) bool                     // nil: it is no error
		connected bool                                 // in the end
		waits     bool                                 // the question still does
		trail     []string                             // after asked
	}{
		{name: "yes", answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			connected: true, trail: []string{"confirmed"}},
		{name: "no", answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, false); return err },
			is: refused, trail: []string{"refused"}},
		{name: "yes twice", answer: func(g *process, token string) error {
			if _, err := g.Answer(ctx, yours, token, true); err != nil {
				return err
			}
			_, err := g.Answer(ctx, yours, token, true)
			return err
		}, is: stale(StateUnknown), connected: true, trail: []string{"confirmed"}},
		{name: "no, then yes", answer: func(g *process, token string) error {
			_, err := g.Answer(ctx, yours, token, false)
			_, err2 := g.Answer(ctx, yours, token, true)
			if !refused(err) {
				return err
			}
			return err2
		}, is: stale(StateUnknown), trail: []string{"refused"}},
		{name: "yes, then no", answer: func(g *process, token string) error {
			if _, err := g.Answer(ctx, yours, token, true); err != nil {
				return err
			}
			_, err := g.Answer(ctx, yours, token, false)
			return err
		}, is: stale(StateUnknown), connected: true, trail: []string{"confirmed"}},
		{name: "silence", before: func(s *study, g *process) { s.add(15 * time.Minute); g.Recover(ctx) }, trail: []string{"expired"}},
		{name: "a moment before the end", before: func(s *study, g *process) { s.add(15*time.Minute - time.Second); g.Recover(ctx) },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err }, connected: true, trail: []string{"confirmed"}},
		{name: "yes, too late", before: func(s *study, _ *process) { s.add(15 * time.Minute) },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(StateExpired), trail: []string{"expired"}},
		{name: "no, too late", before: func(s *study, _ *process) { s.add(16 * time.Minute) },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, false); return err },
			is:     stale(StateExpired), trail: []string{"expired"}},
		{name: "yes, looked at too late", before: func(s *study, _ *process) { s.add(15 * time.Minute) },
			answer: func(g *process, _ string) error { _, err := g.Question(ctx, yours); return err },
			is:     stale(StateExpired), trail: []string{"expired"}},
		{name: "yes of the browser that began", answer: func(g *process, token string) error { _, err := g.Answer(ctx, mine, token, true); return err },
			is: stale(StateUnknown), waits: true},
		{name: "yes with no token", answer: func(g *process, _ string) error { _, err := g.Answer(ctx, yours, "", true); return err },
			is: stale(StateUnknown), waits: true},
		{name: "yes with the token of another browser", answer: func(g *process, _ string) error {
			all, err := g.Register.Unconfirmed(ctx)
			if err != nil || len(all) != 1 {
				return fmt.Errorf("%d wait, %w", len(all), err)
			}
			_, err = g.Answer(ctx, yours, g.questionToken(all[0].AnswerID, mine), true)
			return err
		}, is: stale(StateUnknown), waits: true},
		{name: "no with no token", answer: func(g *process, _ string) error { _, err := g.Answer(ctx, yours, "", false); return err },
			is: stale(StateUnknown), waits: true},
		{name: "the link revoked", before: func(_ *study, g *process) { g.Register.RevokeInvitations(ctx, "P001") }, trail: []string{"closed"}},
		{name: "yes after the link was revoked", before: func(_ *study, g *process) { g.Register.RevokeInvitations(ctx, "P001") },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(StateUnknown), trail: []string{"closed"}},
		{name: "connected in another way", before: func(_ *study, g *process) { g.endInvitations(ctx, "P001"); g.Sweep(ctx) }, trail: []string{"closed"}},
		{name: "not wanted any more, and silence", before: func(_ *study, g *process) {
			g.Wanted = func(cohort.Participant) bool { return false }
			g.Sweep(ctx)
		}, trail: []string{"closed"}},
		{name: "the roster wants them no longer", before: func(_ *study, g *process) { g.Wanted = func(cohort.Participant) bool { return false } },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(StateRevoked), trail: []string{"closed"}},
		{name: "withdrawn", before: func(s *study, g *process) {
			g.Register.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: s.clock(), Reason: "moved", Who: "me"})
		}, answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is: stale(StateUnknown)},
		{name: "the pages closed", before: func(_ *study, g *process) { g.EndQuestions(ctx) },
			answer: func(g *process, token string) error { _, err := g.Answer(ctx, yours, token, true); return err },
			is:     stale(StateUnknown), trail: []string{"stopped"}},
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
			all, err := g.Register.Connections(ctx)
			if err != nil || len(all) != map[bool]int{true: 1}[tt.connected] {
				t.Errorf("connections %+v, %v; want connected: %t", all, err, tt.connected)
			}
			waiting, err := g.unconfirmedIn(ctx, g.browserHash(yours))
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
		if waiting, err := g.Register.Unconfirmed(t.Context()); err != nil || len(waiting) > 0 {
			t.Errorf("%d questions wait, %v", len(waiting), err)
		}
		s.wiped(sealed)
	}
}

// dies runs something in a process that stops for good at step.
func (s *study) dies(step string, run func(g *process)) {
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
	g.Register.Store.Close()
	s.t.Cleanup(func() { close(end); <-done })
}

// A crash makes no grant of what nobody confirmed, and loses none that somebody
// did.
func TestCrashAroundAQuestion(t *testing.T) {
	oneAfterTheOther(t)
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
			s.dies(tt.step, func(g *process) {
				g.Arrive(ctx, Arrival{Address: redirectURI, Query: query, Browser: yours, Ask: true})
				if q, err := g.Question(ctx, yours); err == nil {
					g.Answer(ctx, yours, q.Token, true)
				}
			})
			next := s.process()
			if err := next.Recover(ctx); err != nil {
				t.Fatal(err)
			}
			all, err := next.Register.Connections(ctx)
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
					if _, err := other.Register.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: s.clock(), Reason: "moved", Who: "me"}); err != nil {
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
			all, err := other.Register.Connections(ctx)
			if err != nil || slices.ContainsFunc(all, func(c Connection) bool { return c.Status != Ended }) {
				t.Errorf("connections %+v, %v; want none that lives", all, err)
			}
			if left := s.sealed(); len(left) > 0 {
				t.Errorf("%d sealed answers are left", len(left))
			}
		})
	}
}
