package consent

import (
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
