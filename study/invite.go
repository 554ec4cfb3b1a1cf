package study

import (
	"context"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
)

// Unconnected sorts people by whether they should be connected and are not. Who said no
// is left alone until named, and so is who signed in with an account that waits for
// somebody to confirm it.
type Unconnected struct {
	Missing []cohort.Participant // to be invited
	Denied  []string             // chose not to share
	Doubted []string             // did not say that the account is theirs
	Aside   []string             // another account is set aside
	Joined  []string             // connected
}

// Unconnected sorts chosen.
func (s *Study) Unconnected(ctx context.Context, chosen []cohort.Participant) (out Unconnected, err error) {
	people, err := s.people(ctx, chosen)
	if err != nil {
		return out, err
	}
	links, err := s.Consents.Progress(ctx)
	if err != nil {
		return out, err
	}
	for _, p := range people {
		id, link := p.Who.ID, links[p.Who.ID]
		switch {
		case link == consent.Joined:
			out.Joined = append(out.Joined, id)
		case !Wanted(p.Who), p.Course.Over(p.now), link == consent.Waiting:
		case link == consent.Denied:
			out.Denied = append(out.Denied, id)
		case link == consent.Doubted:
			out.Doubted = append(out.Doubted, id)
		case slices.ContainsFunc(p.Connections, func(c consent.Connection) bool { return c.Aside && c.Status != consent.Ended }):
			out.Aside = append(out.Aside, id)
		default:
			out.Missing = append(out.Missing, p.Who)
		}
	}
	return out, nil
}

// Links makes a link for each of people. It needs the sealing key, no app.
func (s *Study) Links(ctx context.Context, people []cohort.Participant, life time.Duration) ([]consent.Link, error) {
	key, err := consent.OpenKey(ctx, s.KeyPath(), s.Consents)
	if err != nil {
		return nil, err
	}
	ids := mapped(people, func(who cohort.Participant) string { return who.ID })
	return consent.New(s.Consents, key, &consent.Client{}).Links.Invite(ctx, ids, life)
}
