package dexsim

import (
	"testing"
	"time"
)

// A lasting refresh token is good at the next server of the same users and secret, and
// nowhere else.
func TestLastingTokens(t *testing.T) {
	now := dataEnd
	server := func(change func(*Config)) *Server {
		cfg := Config{Seed: 3, Participants: 3, Days: 1, Lasting: true, Now: func() time.Time { return now }}
		change(&cfg)
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := func(*Config) {}
	token := server(same).RefreshToken("P002")
	now = now.Add(time.Hour)
	next := server(same)
	pair, reused, err := next.tokens.rotate(token, next.now())
	if err != nil || reused || next.tokens.user(pair.access, next.now()) != "P002" || pair.refresh == token {
		t.Errorf("the next server: %v, reused %t, user %q", err, reused, next.tokens.user(pair.access, next.now()))
	}
	if _, reused, err := next.tokens.rotate(token, next.now()); err == nil || !reused {
		t.Errorf("spent there, the token is taken again: %v, reused %t", err, reused)
	}
	for name, change := range map[string]func(*Config){
		"another seed":   func(c *Config) { c.Seed = 4 },
		"another secret": func(c *Config) { c.ClientSecret = "another" },
		"fewer people":   func(c *Config) { c.Participants = 1 },
		"not lasting":    func(c *Config) { c.Lasting = false },
	} {
		s := server(change)
		if _, _, err := s.tokens.rotate(token, s.now()); err == nil {
			t.Errorf("%s: the token is taken", name)
		}
	}
	for _, wrong := range []string{"", "rt.", token[:len(token)-1] + "?", token[:len(token)-2] + "00"} {
		if _, _, err := next.tokens.rotate(wrong, next.now()); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
