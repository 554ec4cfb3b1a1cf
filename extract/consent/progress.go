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

// A Standing is how far a participant's consent has come, and by which link.
type Standing struct {
	Progress
	Link Invitation // that counts; zero: none, or the connection does
}

// Progress returns how far each participant's consent has come.
func (r *Register) Progress(ctx context.Context) (map[string]Progress, error) {
	standings, err := r.Standings(ctx)
	out := make(map[string]Progress, len(standings))
	for id, s := range standings {
		out[id] = s.Progress
	}
	return out, err
}

// Standings returns where each participant's consent stands.
func (r *Register) Standings(ctx context.Context) (map[string]Standing, error) {
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
	out := make(map[string]Standing, len(people))
	for _, p := range people {
		asked := slices.ContainsFunc(unconfirmed, func(u Unconfirmed) bool { return u.ParticipantID == p.ID })
		at := standing(newestOf[p.ID], linksOf[p.ID], r.Store.Now())
		if asked && at.Progress != Joined {
			at.Progress = Waiting
		}
		out[p.ID] = at
	}
	return out, nil
}

// standing judges by a participant's newest connection (zero: none) and links,
// oldest first. A connection that works outweighs links; one that does not is
// outweighed by a link that still works. Of several links the one counts with
// which something happened last, be it that it was made.
func standing(c Connection, links []Invitation, now time.Time) Standing {
	switch c.Status {
	case Connected, AuthSuspect, Exported:
		return Standing{Progress: Joined}
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
	if c.Status == NeedsReconsent && !alive {
		return Standing{ToRenew, newest}
	}
	return Standing{linkProgress(newest, alive), newest}
}

// linkProgress is how far a link has come, which works or not; a zero one is none.
func linkProgress(i Invitation, works bool) Progress {
	switch {
	case i.Hash == "":
		return NotInvited
	case i.DoubtedAt.After(i.DeniedAt):
		return Doubted
	case !i.DeniedAt.IsZero():
		return Denied
	case !works:
		return Lapsed
	case !i.OpenedAt.IsZero():
		return Opened
	}
	return NotOpened
}

// later reports whether something happened with i after it did with j, or at
// the same instant something further.
func laterLink(i, j Invitation) bool {
	further := i.DoubtedAt.Compare(j.DoubtedAt)*4 + i.DeniedAt.Compare(j.DeniedAt)*2 + i.OpenedAt.Compare(j.OpenedAt)
	return cmp.Or(i.Touched().Compare(j.Touched()), further) >= 0
}

// Touched is when something last happened with i: it was made, opened, or answered.
func (i Invitation) Touched() time.Time {
	return slices.MaxFunc([]time.Time{i.CreatedAt, i.OpenedAt, i.DeniedAt, i.DoubtedAt}, time.Time.Compare)
}
