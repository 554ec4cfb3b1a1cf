package consent

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
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
	if prev, err := g.Key.pair(h.Previous); err != nil || prev != before.pair {
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
	s.add(time.Hour) // the clock is set; the token is on its way all the same
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
