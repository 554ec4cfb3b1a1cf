package consent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Grants keeps the participants' consents for one run of a command: see New. What is
// exported in it is set before use and then frozen; its clock is the register's. All
// methods may be called by many goroutines.
type Grants struct {
	Register   *Register
	Key        *Key
	Client     *Client
	Tokens     *Tokens     // kept and refreshed
	Accounts   *Accounts   // whose a connection is
	Links      *Links      // by which participants connect
	Connecting *Connecting // the way to Dexcom's login and back
	Questions  *Questions  // where another browser came back
	Moving     *Moving     // grants to and from other places
}

// New returns the consents that r keeps and k seals, by way of c.
func New(r *Register, k *Key, c *Client) *Grants {
	c.now = r.now
	g, b := &Grants{Register: r, Key: k, Client: c}, base{r, k, c}
	g.Tokens = &Tokens{base: b}
	g.Accounts = &Accounts{base: b, tokens: g.Tokens}
	g.Links = &Links{base: b}
	g.Questions = &Questions{base: b, tokens: g.Tokens, accounts: g.Accounts, links: g.Links}
	g.Connecting = &Connecting{base: b, tokens: g.Tokens, accounts: g.Accounts, links: g.Links, questions: g.Questions}
	g.Moving = &Moving{base: b, tokens: g.Tokens}
	return g
}

// A base is what all of them go by.
type base struct {
	register *Register
	key      *Key
	client   *Client
}

// A pair is what a grant consists of. Unlike Secret it can be encoded: only
// ever to be sealed.
type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// grant seals p, received at the given instant, for the store.
func (k *Key) grant(p pair, received time.Time, lifetime time.Duration) (Grant, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return Grant{}, err
	}
	sealed, err := k.seal(plain)
	if err != nil {
		return Grant{}, fmt.Errorf("seal: %w", err)
	}
	out := Grant{Current: sealed, RefreshHash: k.hash("refresh", p.Refresh)}
	if p.Access != "" {
		out.AccessIssuedAt, out.AccessExpiresAt = received, received.Add(lifetime)
	}
	return out, nil
}

// open opens the sealed pair of a connection. The key is the one that the store is
// bound to, so that one pair which it does not open is damaged: *SealError. One that is
// not this participant's is an *OwnerError; so is one before it, which nobody uses
// but for repair.
func (ts *Tokens) open(c Connection, t SealedTokens) (pair, error) {
	if err := ts.register.ownTokens(c, t); err != nil {
		return pair{}, err
	}
	if last, ok := ts.opened.Load(c.ID); ok && last.(opened).of(t) {
		return last.(opened).pair, nil
	}
	p, err := ts.key.pair(t.Current)
	if err != nil {
		return pair{}, &SealError{c.ParticipantID}
	}
	if ts.key.hash("refresh", p.Refresh) != t.RefreshHash || !ts.ownPrevious(t) {
		return pair{}, NotTheirs(c)
	}
	ts.opened.Store(c.ID, opened{t.seal, t.Current, p})
	return p, nil
}

// ownPrevious reports whether the pair before is that of its hash, if it can be opened.
// A seal says so by itself, but for one of the older form.
func (ts *Tokens) ownPrevious(t SealedTokens) bool {
	if !ts.register.older(t) {
		return true
	}
	previous, opens := ts.key.refreshHash(t.Previous)
	return !opens || previous == t.PreviousHash
}

// An opened pair is remembered with the row that it was in: to open one costs more
// than all else that a read does.
type opened struct {
	seal    string
	current []byte
	pair
}

// of reports whether o is what t holds. The seal vouches for the rest of the row.
func (o opened) of(t SealedTokens) bool {
	return o.seal != "" && o.seal == t.seal && bytes.Equal(o.current, t.Current)
}
