package study

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/consent/page"
	"github.com/dexetl/dexetl/study/config"
)

// A Linker makes links for programs, one after the other: the sealing key, by which links
// are told from one another, is read once. It needs no app.
type Linker struct {
	Study *Study

	mu     sync.Mutex
	links  *consent.Links
	failed error // why the key could not be read, and when that was
	at     time.Time
}

// keyAgain is how soon a key that could not be read is tried again: the command that
// prints it may take long, and anybody can ask what a link is of.
const keyAgain = 10 * time.Second

// A NotWantedError says that a participant is not to be connected.
type NotWantedError struct{ ParticipantID, Why string }

func (e *NotWantedError) Error() string { return e.ParticipantID + " is not to be connected: " + e.Why }

// Issue makes a link for a participant who is in a program at the moment: see
// consent.Links. Who is not to be connected is a *NotWantedError, who has withdrawn a
// *cohort.WithdrawnError.
func (l *Linker) Issue(ctx context.Context, id string, life time.Duration, returnTo string) (consent.Link, error) {
	who, err := l.Study.MayConnect(ctx, id)
	if over, ok := errors.AsType[*NotAskedError](err); ok {
		return consent.Link{}, &NotWantedError{id, over.Status}
	}
	if err != nil {
		return consent.Link{}, err
	}
	if !Wanted(who) {
		return consent.Link{}, &NotWantedError{id, cmp.Or(map[bool]string{true: "paused"}[who.Paused], who.Status)}
	}
	links, err := l.ready(ctx)
	if err != nil {
		return consent.Link{}, err
	}
	return links.Issue(ctx, id, life, returnTo)
}

// Check returns whose link of a program a token is; *consent.LinkError if it does not work.
func (l *Linker) Check(ctx context.Context, token string) (cohort.Participant, error) {
	links, err := l.ready(ctx)
	if err != nil {
		return cohort.Participant{}, err
	}
	return links.CheckIssued(ctx, token)
}

// ready reads the sealing key, once.
func (l *Linker) ready(ctx context.Context) (*consent.Links, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Study.Now()
	switch {
	case l.links != nil:
		return l.links, nil
	case l.failed != nil && now.Sub(l.at).Abs() < keyAgain:
		return nil, l.failed
	}
	key, err := l.Study.SealingKey(context.WithoutCancel(ctx))
	if err != nil {
		l.failed, l.at = err, now
		return nil, err
	}
	l.links = consent.New(l.Study.Consents, key, &consent.Client{Log: l.Study.Logger}).Links
	l.links.Wanted = Wanted
	return l.links, nil
}

// LinkURL is the page of a link: below the public address or, where browsers come back from
// Dexcom to this machine, on this machine; "" if nobody can tell.
func (s *Study) LinkURL(token string) string {
	base := s.Config.Connect.PublicURL
	if back, err := url.Parse(s.Config.API.RedirectURI); base == "" && err == nil && config.IsLoopback(s.Config.API.RedirectURI) {
		base = back.Scheme + "://" + back.Host
	}
	if base == "" {
		return ""
	}
	return page.LinkURL(base, token)
}
