package consent

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// A refresh that failed while our clock was years ahead, as it does because no
// certificate is valid then, is tried again once the clock is right: not in years.
// So is a token that was refused.
func TestClockThatWasAhead(t *testing.T) {
	for _, code := range []string{"server_error", "invalid_grant"} {
		s, g := newStudy(t, "P001")
		id := s.imported(g, "P001")
		s.add(4 * 365 * 24 * time.Hour)
		s.with(func() { s.fail = func(w http.ResponseWriter, _ *http.Request) bool { return oauthError(w, 400, code) } })
		if _, err := g.Token(t.Context(), id); err == nil {
			t.Fatalf("%s: Token = nil, want an error", code)
		}
		s.with(func() { s.fail = nil })
		s.add(-4 * 365 * 24 * time.Hour)
		s.add(3 * time.Hour)
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("%s while the clock was ahead: Token once it is right = %v", code, err)
		}
	}
}

// While our clock cannot be trusted no refusal counts, and no account is settled.
func TestClockIsChecked(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	id := s.imported(g, "P001")
	wrong := errors.New("the clock is wrong")
	g.Clock = func(server time.Time) error {
		if server.IsZero() {
			t.Error("a server that does not tell the time was compared")
		}
		return wrong
	}
	s.answering("user of P001", 400, `{"error":"invalid_grant"}`)
	s.add(3 * time.Hour)
	if _, err := g.Token(t.Context(), id); !errors.Is(err, wrong) {
		t.Errorf("Token = %v, want that the clock is wrong", err)
	}
	if h := pairOf(t, g, id); h.Status != Connected || h.Refusals != 0 || !h.RefusedSince.IsZero() {
		t.Errorf("connection %+v, %d refusals; want no doubt", h.Connection, h.Refusals)
	}
	if _, err := s.connect(g, "P002", "user of P002"); !as[*UncheckedError](err) || !errors.Is(err, wrong) {
		t.Errorf("connect = %v, want that the grant is kept and the clock wrong", err)
	}
	g.Clock = nil
	s.with(func() { s.fail = nil })
	unverified, err := g.Unverified(t.Context())
	if err != nil || len(unverified) != 1 {
		t.Fatalf("Unverified = %v, %v; want the new one", unverified, err)
	}
	for _, id := range append(unverified, id) {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("Token once the clock is right = %v", err)
		}
	}
}
