package study

import (
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

// Unconnected are people who should be connected and are not. Who said no is left alone
// until named, and so is who signed in with an account that waits for somebody to
// confirm it.
type Unconnected struct {
	Missing []state.Participant // to be invited
	Denied  []string            // chose not to share
	Doubted []string            // did not say that the account is theirs
	Aside   []string            // another account is set aside
}

// Unconnected sorts chosen.
func (s *Study) Unconnected(ctx context.Context, chosen []state.Participant) (out Unconnected, err error) {
	people, err := s.people(ctx, chosen)
	if err != nil {
		return out, err
	}
	links, err := consent.Standings(ctx, s.Store)
	if err != nil {
		return out, err
	}
	for _, p := range people {
		id, link := p.Who.ID, links[p.Who.ID]
		switch {
		case !Wanted(p.Who), p.Course.Over(p.now), link == consent.Connected, link == consent.Waiting:
		case link == consent.Denied:
			out.Denied = append(out.Denied, id)
		case link == consent.Doubted:
			out.Doubted = append(out.Doubted, id)
		case slices.ContainsFunc(p.Connections, func(c state.Connection) bool { return c.Aside && c.Status != state.Ended }):
			out.Aside = append(out.Aside, id)
		default:
			out.Missing = append(out.Missing, p.Who)
		}
	}
	return out, nil
}

// Links makes a link for each of people. It needs the sealing key, no app.
func (s *Study) Links(ctx context.Context, people []state.Participant, life time.Duration) ([]consent.Link, error) {
	key, err := consent.OpenKey(ctx, s.KeyPath(), s.Store)
	if err != nil {
		return nil, err
	}
	ids := mapped(people, func(who state.Participant) string { return who.ID })
	return (&consent.Grants{Store: s.Store, Key: key}).Invite(ctx, ids, life)
}
