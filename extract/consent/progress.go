package consent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Progress says how far a participant's consent has come, as a coordinator
// asks: whom to invite, to remind, to call.
type Progress string

// How far it has come.
const (
	NotInvited Progress = "not_invited"     // no link was made, or it was revoked
	NotOpened  Progress = "not_opened"      // a link waits to be opened
	Opened     Progress = "opened"          // a link was opened, no more
	Denied     Progress = "denied"          // the person chose not to share
	Waiting    Progress = "unconfirmed"     // somebody signed in with another browser and is asked whose account it is
	Doubted    Progress = "not_confirmed"   // whoever signed in did not say that the account is theirs
	Lapsed     Progress = "link_expired"    // the newest link ran out unused
	Joined     Progress = "connected"       // also while a refused grant is tried again, or another machine has it
	ToRenew    Progress = "needs_reconsent" // and no link is on its way
)

// Progress returns how far each participant's consent has come.
func (r *Register) Progress(ctx context.Context) (map[string]Progress, error) {
	people, err := r.Cohort.Participants(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	connections, err := r.Connections(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	invitations, err := r.Invitations(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	unconfirmed, err := r.Unconfirmed(ctx)
	if err != nil {
		return nil, fmt.Errorf("consent: %w", err)
	}
	newestOf, linksOf := map[string]Connection{}, map[string][]Invitation{}
	for _, c := range connections {
		if !c.Aside && !c.CreatedAt.Before(newestOf[c.ParticipantID].CreatedAt) {
			newestOf[c.ParticipantID] = c
		}
	}
	for _, i := range invitations {
		linksOf[i.ParticipantID] = append(linksOf[i.ParticipantID], i)
	}
	out := make(map[string]Progress, len(people))
	for _, p := range people {
		asked := slices.ContainsFunc(unconfirmed, func(u Unconfirmed) bool { return u.ParticipantID == p.ID })
		if out[p.ID] = progress(newestOf[p.ID], linksOf[p.ID], r.Store.Now()); asked && out[p.ID] != Joined {
			out[p.ID] = Waiting
		}
	}
	return out, nil
}

// progress judges by a participant's newest connection (zero: none) and links,
// oldest first. A connection that works outweighs links; one that does not is
// outweighed by a link that still works. Of several links the one counts with
// which something happened last, be it that it was made.
func progress(c Connection, links []Invitation, now time.Time) Progress {
	switch c.Status {
	case Connected, AuthSuspect, Exported:
		return Joined
	}
	newest, alive := Invitation{}, false
	for _, i := range links {
		if !i.RevokedAt.IsZero() || !i.ConnectedAt.IsZero() {
			continue
		}
		works := now.Before(i.ExpiresAt)
		if works && !alive || works == alive && laterLink(i, newest) {
			newest, alive = i, works
		}
	}
	switch {
	case c.Status == NeedsReconsent && !alive:
		return ToRenew
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
func laterLink(i, j Invitation) bool {
	further := i.DoubtedAt.Compare(j.DoubtedAt)*4 + i.DeniedAt.Compare(j.DeniedAt)*2 + i.OpenedAt.Compare(j.OpenedAt)
	return cmp.Or(touched(i).Compare(touched(j)), further) >= 0
}

// touched is when something last happened with i.
func touched(i Invitation) time.Time {
	return slices.MaxFunc([]time.Time{i.CreatedAt, i.OpenedAt, i.DeniedAt, i.DoubtedAt}, time.Time.Compare)
}
