package consent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Standing says how far a participant's consent has come, as a coordinator
// asks: whom to invite, to remind, to call.
type Standing string

// The standings.
const (
	NotInvited     Standing = "not_invited"     // no link was made, or it was revoked
	NotOpened      Standing = "not_opened"      // a link waits to be opened
	Opened         Standing = "opened"          // a link was opened, no more
	Denied         Standing = "denied"          // the person chose not to share
	Waiting        Standing = "unconfirmed"     // somebody signed in with another browser and is asked whose account it is
	Doubted        Standing = "not_confirmed"   // whoever signed in did not say that the account is theirs
	Lapsed         Standing = "link_expired"    // the newest link ran out unused
	Connected      Standing = "connected"       // also while a refused grant is tried again, or another machine has it
	NeedsReconsent Standing = "needs_reconsent" // and no link is on its way
)

// Standings returns where each participant's consent stands.
func Standings(ctx context.Context, store *state.Store) (map[string]Standing, error) {
	people, err := store.Participants(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	connections, err := store.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	invitations, err := store.Invitations(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	unconfirmed, err := store.Unconfirmed(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	newestOf, linksOf := map[string]state.Connection{}, map[string][]state.Invitation{}
	for _, c := range connections {
		if !c.Aside && !c.CreatedAt.Before(newestOf[c.ParticipantID].CreatedAt) {
			newestOf[c.ParticipantID] = c
		}
	}
	for _, i := range invitations {
		linksOf[i.ParticipantID] = append(linksOf[i.ParticipantID], i)
	}
	out := make(map[string]Standing, len(people))
	for _, p := range people {
		asked := slices.ContainsFunc(unconfirmed, func(u state.Unconfirmed) bool { return u.ParticipantID == p.ID })
		if out[p.ID] = standing(newestOf[p.ID], linksOf[p.ID], store.Now()); asked && out[p.ID] != Connected {
			out[p.ID] = Waiting
		}
	}
	return out, nil
}

// standing judges by a participant's newest connection (zero: none) and links,
// oldest first. A connection that works outweighs links; one that does not is
// outweighed by a link that still works. Of several links the one counts with
// which something happened last, be it that it was made.
func standing(c state.Connection, links []state.Invitation, now time.Time) Standing {
	switch c.Status {
	case state.Connected, state.AuthSuspect, state.Exported:
		return Connected
	}
	newest, alive := state.Invitation{}, false
	for _, i := range links {
		if !i.RevokedAt.IsZero() || !i.ConnectedAt.IsZero() {
			continue
		}
		works := now.Before(i.ExpiresAt)
		if works && !alive || works == alive && later(i, newest) {
			newest, alive = i, works
		}
	}
	switch {
	case c.Status == state.NeedsReconsent && !alive:
		return NeedsReconsent
	case newest.Hash == "":
		return NotInvited
	case newest.DoubtedAt.After(newest.DeniedAt):
		return Doubted
	case !newest.DeniedAt.IsZero():
		return Denied
	case !alive:
		return Lapsed
	case !newest.OpenedAt.IsZero():
		return Opened
	}
	return NotOpened
}

// later reports whether something happened with i after it did with j, or at
// the same instant something further.
func later(i, j state.Invitation) bool {
	further := i.DoubtedAt.Compare(j.DoubtedAt)*4 + i.DeniedAt.Compare(j.DeniedAt)*2 + i.OpenedAt.Compare(j.OpenedAt)
	return cmp.Or(touched(i).Compare(touched(j)), further) >= 0
}

// touched is when something last happened with i.
func touched(i state.Invitation) time.Time {
	return slices.MaxFunc([]time.Time{i.CreatedAt, i.OpenedAt, i.DeniedAt, i.DoubtedAt}, time.Time.Compare)
}
