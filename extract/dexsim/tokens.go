package dexsim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// codeTTL is how long a code is good for.
const codeTTL = time.Minute

// tokens holds what was granted. A consent begins a family: every token that
// comes of it can be revoked together.
type tokens struct {
	cfg     Config
	users   []string
	mu      sync.Mutex
	issued  map[string]uint64 // tokens of a user so far
	codes   map[string]*code
	access  map[string]grant
	refresh map[string]*refreshToken
}

type family struct {
	user    string
	revoked bool
}

type code struct {
	*family
	redirect string
	expires  int64
	used     bool
}

type grant struct {
	*family
	expires int64
}

type refreshToken struct {
	grant
	spent int64 // when it was exchanged first; 0: not yet
}

// A pair is what the token endpoint hands out.
type pair struct{ access, refresh string }

var errGrant = errors.New("invalid_grant")

func newTokens(cfg Config) *tokens {
	return &tokens{
		cfg: cfg, issued: map[string]uint64{}, codes: map[string]*code{},
		access: map[string]grant{}, refresh: map[string]*refreshToken{},
	}
}

// name makes the next token of a user. Names of two users never agree, not
// even after a restart in which they come in another order.
func (t *tokens) name(prefix, user string, bytes int) string {
	if t.cfg.Lasting && t.issued[user] == 0 {
		t.issued[user] = uint64(t.cfg.Now().UnixMilli()) // beyond what an earlier server gave
	}
	t.issued[user]++
	return t.nth(prefix, user, t.issued[user], bytes)
}

// nth is the n-th token of a user. A lasting one begins with n.
func (t *tokens) nth(prefix, user string, n uint64, bytes int) string {
	text := hex64(hash(t.cfg.Seed, n), prefix+user+t.cfg.ClientSecret)[:2*bytes]
	if t.cfg.Lasting {
		text = fmt.Sprintf("%016x", n) + text[16:]
	}
	return prefix + text
}

// earlier is the refresh token of that name that an earlier server gave, nil if none did.
func (t *tokens) earlier(name string, now int64) *refreshToken {
	text, ok := strings.CutPrefix(name, "rt.")
	if !ok || !t.cfg.Lasting || len(text) != 64 {
		return nil
	}
	n, err := strconv.ParseUint(text[:16], 16, 64)
	if err != nil {
		return nil
	}
	for _, user := range t.users {
		if t.nth("rt.", user, n, 32) == name {
			return &refreshToken{grant: grant{&family{user: user}, now + t.cfg.RefreshTTL.Milliseconds()}}
		}
	}
	return nil
}

// consent is the code that a user's approval gives.
func (t *tokens) consent(user, redirect string, now int64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := t.name("", user, 16)
	t.codes[name] = &code{family: &family{user: user}, redirect: redirect, expires: now + codeTTL.Milliseconds()}
	return name
}

// mint begins a family without the login page.
func (t *tokens) mint(user string, now int64) pair {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pair(&family{user: user}, now)
}

func (t *tokens) pair(f *family, now int64) pair {
	p := pair{access: t.name("at.", f.user, 32), refresh: t.name("rt.", f.user, 32)}
	t.access[p.access] = grant{f, now + t.cfg.AccessTTL.Milliseconds()}
	t.refresh[p.refresh] = &refreshToken{grant: grant{f, now + t.cfg.RefreshTTL.Milliseconds()}}
	return p
}

// redeem exchanges a code, once. A second time it revokes what the first one
// gave, if the server is strict.
func (t *tokens) redeem(name, redirect string, now int64) (pair, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.codes[name]
	if !ok {
		return pair{}, errGrant
	}
	if c.used && t.cfg.Strict {
		c.revoked = true
	}
	if c.used || c.revoked || c.redirect != redirect || now >= c.expires {
		return pair{}, errGrant
	}
	c.used = true
	return t.pair(c.family, now), nil
}

// rotate exchanges a refresh token. Reused reports whether it had been spent
// before, whatever came of it.
func (t *tokens) rotate(name string, now int64) (p pair, reused bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.refresh[name]
	if !ok {
		if r = t.earlier(name, now); r == nil {
			return pair{}, false, errGrant
		}
		t.refresh[name] = r
	}
	reused = r.spent != 0
	if reused && !t.cfg.Reusable {
		r.revoked = r.revoked || t.cfg.Strict
		return pair{}, reused, errGrant
	}
	if r.revoked || now >= r.expires {
		return pair{}, reused, errGrant
	}
	if !reused {
		r.spent = now
	}
	return t.pair(r.family, now), reused, nil
}

// owner is the user a refresh token belongs to, good or not.
func (t *tokens) owner(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r, ok := t.refresh[name]; ok {
		return r.user
	}
	return ""
}

// user is whose access token this is; empty if it is no good.
func (t *tokens) user(access string, now int64) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.access[access]
	if !ok || g.revoked || now >= g.expires {
		return ""
	}
	return g.user
}

// drop revokes one access token.
func (t *tokens) drop(access string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.access, access)
}

// revoke ends everything that was granted for a user.
func (t *tokens) revoke(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.codes {
		c.revoked = c.revoked || c.user == user
	}
	for _, r := range t.refresh {
		r.revoked = r.revoked || r.user == user
	}
}

// Revoke is a user removing the app in their Dexcom account: all tokens given
// for them so far stop working.
func (s *Server) Revoke(user string) {
	if p := s.person(user); p != nil {
		s.tokens.revoke(p.name)
	}
}

// RefreshToken begins a new grant of a user, as if they had just consented,
// and returns its refresh token; empty if there is no such user.
func (s *Server) RefreshToken(user string) string {
	p := s.person(user)
	if p == nil {
		return ""
	}
	return s.tokens.mint(p.name, s.now()).refresh
}
