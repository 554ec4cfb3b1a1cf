package consent

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

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
	g.Register.Store.Close()
	s.t.Cleanup(func() { close(end); <-done })
}

// After a crash between any two steps the next process loses no token that was
// received, and presents none twice, except the one in flight of which nobody
// can know.
func TestCrash(t *testing.T) {
	oneAfterTheOther(t)
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
				intents, _ := next.intents(t.Context())
				answers, _ := next.Register.Answers(t.Context(), "")
				if len(intents)+len(answers) != 0 {
					t.Errorf("left over: intents %v, %d answers", intents, len(answers))
				}
			})
		}
	}
}

// What a crash left to be repeated waits for a run that has calls for it.
func TestRecoverWithoutCalls(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	s.kill(id, "refresh.begun")
	_, before := s.presented("")
	next := s.process()
	next.Quota = &calls{}
	if err := next.Recover(t.Context()); err != nil {
		t.Errorf("Recover without calls = %v", err)
	}
	if _, after := s.presented(""); after != before {
		t.Errorf("Recover without calls sent %d requests", after-before)
	}
	next.Quota = &calls{1}
	if err := next.Recover(t.Context()); err != nil {
		t.Errorf("Recover = %v", err)
	}
	if _, after := s.presented(""); after != before+1 {
		t.Errorf("Recover sent %d requests, want 1", after-before)
	}
}

// calls is a Quota of so many.
type calls struct{ left int }

func (c *calls) Take() error {
	if c.left == 0 {
		return errors.New("no calls are left")
	}
	c.left--
	return nil
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
	g.Register.Store.Close()
	t.Cleanup(func() { close(end); <-done })

	next := s.process()
	for range 2 {
		if err := next.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all, err := next.Register.Connections(t.Context())
	if err != nil || len(all) != 1 || all[0].ParticipantID != "P001" {
		t.Fatalf("Connections = %+v, %v, want P001's", all, err)
	}
	if _, err := next.Token(t.Context(), all[0].ID); err != nil {
		t.Errorf("Token = %v", err)
	}
	if all, _ := next.Register.Connections(t.Context()); all[0].AccountHash == "" {
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
