package consent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// takeOver ends the lease of a connection as one who waited for as long as it
// lasts, and refreshes.
func (s *study) takeOver(id string) {
	s.t.Helper()
	g := s.process()
	lease := g.Register.refreshing(id, g.Register.Store.NewID())
	s.add(leaseTTL + time.Second)
	if ok, err := lease.Take(s.t.Context(), leaseTTL); !ok || err != nil {
		s.t.Errorf("Take = %t, %v", ok, err)
	}
	if _, err := g.refresh(s.t.Context(), id, lease, ""); err != nil {
		s.t.Errorf("refresh by who took over = %v", err)
	}
	g.release(s.t.Context(), id, lease)
}

// A process stands still with its intent written, or while it dials, and another
// takes over: it sends nothing, and uses what the other got.
func TestSuspended(t *testing.T) {
	for _, where := range []string{"refresh.leased", "refresh.begun", "dialled"} {
		t.Run(where, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			id := s.imported(g, "P001")
			old := pairOf(t, g, id).Refresh
			s.add(3 * time.Hour)
			stood := false
			stop := func(at string) {
				if at == where && !stood {
					stood = true
					s.takeOver(id)
				}
			}
			g.step = stop
			transport := tokenTransport()
			transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				stop("dialled")
				return conn, err
			}
			g.Post = transport
			token, err := g.Token(t.Context(), id)
			h := pairOf(t, g, id)
			if err != nil || token != h.Access || s.access[token] == "" {
				t.Errorf("Token = %v; want what the other process got", err)
			}
			if n, _ := s.presented(old); n != 1 || !stood {
				t.Errorf("the token was presented %d times, want once", n)
			}
			if tries, _ := g.Register.Tries(t.Context(), id); len(tries) != 0 || h.Failures != 0 {
				t.Errorf("tries %v, %d failures; want none", tries, h.Failures)
			}
			if intents, _ := g.intents(t.Context()); len(intents) != 0 {
				t.Errorf("intents %v are left", intents)
			}
		})
	}
}

// Nor is a grant given to another connection by who stood still meanwhile.
func TestSuspendedBeforeSettling(t *testing.T) {
	s, g := newStudy(t, "P001")
	s.imported(g, "P001")
	address, err := g.Begin(t.Context(), "P001")
	if err != nil {
		t.Fatal(err)
	}
	leased := false
	g.step = func(at string) {
		if at == "account.leased" && !leased {
			leased = true
			for _, c := range allConnections(t, g) {
				if c.AccountHash == "" {
					s.add(leaseTTL + time.Second)
					g.Register.refreshing(c.ID, "another").Take(t.Context(), leaseTTL)
				}
			}
		}
	}
	_, err = g.Finish(t.Context(), s.redirected(address, s.newCode("user of P001"), ""))
	if !errors.Is(err, state.ErrLeaseLost) || !leased {
		t.Errorf("Finish = %v, want that the lease is lost", err)
	}
	if all := allConnections(t, g); len(all) != 2 {
		t.Errorf("connections %+v, want both as they were", all)
	}
}

func allConnections(t *testing.T, g *process) []Connection {
	t.Helper()
	all, err := g.Register.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A refresh that never left, because no connection came about, is no refresh that
// failed: however many do, and for however long, nothing is in doubt, nobody is kept
// from trying, and the first that gets through works at once.
func TestRefreshThatNeverLeft(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := dead.Addr().String()
	dead.Close()
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"refused": func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, nobody)
		},
		"no such host": func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			names := []string{"P1", "P2", "P3", "P4", "P5", "P6", "P7"}
			s, g := newStudy(t, names...)
			var ids []string
			for _, p := range names {
				ids = append(ids, s.imported(g, p))
			}
			transport := tokenTransport()
			transport.DialContext = dial
			g.Post = transport
			for range 8 {
				s.add(12 * time.Hour)
				for _, id := range ids {
					_, err := g.Token(t.Context(), id)
					var op *net.OpError
					if e, ok := asError[*TemporaryError](err); !ok || !errors.As(err, &op) || !e.RetryAt.Equal(s.clock().Add(firstWait)) {
						t.Fatalf("Token = %v, want *TemporaryError because of the connection, again after %s", err, firstWait)
					}
				}
			}
			h := pairOf(t, g, ids[0])
			tries, _ := g.Register.Tries(t.Context(), ids[0])
			intents, _ := g.intents(t.Context())
			if h.Status != Connected || h.Failures != 0 || !h.RefusedSince.IsZero() || len(tries) != 0 || len(intents) != 0 {
				t.Errorf("%+v, %d failures, tries %v, intents %v; want no trace but why", h.Connection, h.Failures, tries, intents)
			}
			g.Post = nil
			s.add(firstWait)
			for _, id := range ids {
				if _, err := g.Token(t.Context(), id); err != nil {
					t.Errorf("Token once there is a connection = %v", err)
				}
			}
		})
	}
}

// A form that was begun counts as sent, though the connection broke.
func TestRefreshThatLeft(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.add(3 * time.Hour)
	var arrived atomic.Int32
	s.with(func() {
		s.fail = func(w http.ResponseWriter, _ *http.Request) bool {
			arrived.Add(1)
			panic(http.ErrAbortHandler)
		}
	})
	if _, err := g.Token(t.Context(), id); !as[*TemporaryError](err) || as[*unsentError](err) {
		t.Errorf("Token = %v, want *TemporaryError of a token that left", err)
	}
	intents, _ := g.intents(t.Context())
	if h := pairOf(t, g, id); h.Failures != 1 || len(intents) != 1 || arrived.Load() != 1 {
		t.Errorf("%d failures, intents %v, %d arrived; want one each", h.Failures, intents, arrived.Load())
	}
}
