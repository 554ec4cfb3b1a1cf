package consent

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// Links are those by which participants may connect.
type Links struct {
	// Wanted says who may be connected by a link. Nil: nobody.
	Wanted func(cohort.Participant) bool

	base
}

// A Link lets whoever holds it connect as one participant. Invite alone knows
// its token; what is stored is a keyed hash.
type Link struct {
	ParticipantID string
	Token         Secret // 52 letters and digits, fit for a URL; case does not matter
	ExpiresAt     time.Time
}

// A LinkReason says, after "the link", why it does not work.
type LinkReason string

// The reasons.
const (
	LinkUnknown LinkReason = "is not known"
	LinkExpired LinkReason = "has expired"
	LinkRevoked LinkReason = "was revoked"
	LinkUsed    LinkReason = "has done its work: the participant has connected"
	LinkClosed  LinkReason = "is of a participant who is not to be connected"
)

// A LinkError says why a link does not work. It is for the operator: the
// participant is not for the page that the link shows.
type LinkError struct {
	Reason        LinkReason
	ParticipantID string // "" for an unknown link
}

func (e *LinkError) Error() string {
	if e.ParticipantID == "" {
		return "the link " + string(e.Reason)
	}
	return fmt.Sprintf("participant %s: the link %s", e.ParticipantID, e.Reason)
}

// Invite makes a link for each participant, which works for life; all or none.
// Links that they have already stay as they are.
func (ls *Links) Invite(ctx context.Context, participants []string, life time.Duration) ([]Link, error) {
	now := ls.register.now()
	links := make([]Link, len(participants))
	rows := make([]Invitation, len(participants))
	for i, id := range participants {
		token := newToken()
		links[i] = Link{id, Secret(token), now.Add(life)}
		rows[i] = Invitation{Hash: ls.linkHash(token), ParticipantID: id, CreatedAt: now, ExpiresAt: links[i].ExpiresAt}
	}
	if err := ls.putInvitations(ctx, rows); err != nil {
		return nil, fmt.Errorf("invitations: %w", err)
	}
	return links, nil
}

// newToken returns 256 random bits in lower-case base32: no character of it
// ends a link in anybody's mail program.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

func (ls *Links) linkHash(token string) string {
	return ls.key.hash("invitation", strings.ToLower(token))
}

// CheckLink returns the participant of a link that works, *LinkError otherwise.
// It changes nothing, so programs that look at links in mails do no harm.
func (ls *Links) CheckLink(ctx context.Context, token string) (cohort.Participant, error) {
	p, _, err := ls.link(ctx, token)
	return p, err
}

// OpenLink is CheckLink for a person's eyes: it records that the link was opened.
func (ls *Links) OpenLink(ctx context.Context, token string) (cohort.Participant, error) {
	p, i, err := ls.link(ctx, token)
	if err != nil {
		return p, err
	}
	if !i.OpenedAt.IsZero() {
		return p, nil
	}
	if err := ls.invitationOpened(ctx, i.Hash); err != nil {
		return p, fmt.Errorf("participant %s: %w", p.ID, err)
	}
	return p, nil
}

// BeginByLink begins the consent of a link's participant, as Begin does. The
// consent counts only while the link does. It belongs to the browser if press is
// the PressToken that the link's page gave it; else to none, so that whoever
// comes back is asked. A link that began too many is a *TooOftenError.
func (cn *Connecting) BeginByLink(ctx context.Context, token string, browser Secret, press string) (participantID, address string, err error) {
	p, i, err := cn.links.link(ctx, token)
	if err != nil {
		return "", "", err
	}
	address, _, err = cn.begin(ctx, oauthState{ParticipantID: p.ID, Invitation: i.Hash, Browser: cn.links.pressedHash(token, browser, press)})
	return p.ID, address, err
}

func (ls *Links) link(ctx context.Context, token string) (cohort.Participant, Invitation, error) {
	i, err := ls.invitation(ctx, ls.linkHash(token))
	if errors.Is(err, errNoInvitation) {
		return cohort.Participant{}, i, &LinkError{Reason: LinkUnknown}
	}
	if err != nil {
		return cohort.Participant{}, i, fmt.Errorf("invitation: %w", err)
	}
	p, err := ls.register.Cohort.Participant(ctx, i.ParticipantID)
	if err != nil {
		return p, i, err
	}
	switch {
	case !i.ConnectedAt.IsZero():
		return p, i, &LinkError{LinkUsed, p.ID}
	case !i.RevokedAt.IsZero():
		return p, i, &LinkError{LinkRevoked, p.ID}
	case !ls.register.now().Before(i.ExpiresAt):
		return p, i, &LinkError{LinkExpired, p.ID}
	case !ls.wants(p):
		return p, i, &LinkError{LinkClosed, p.ID}
	}
	return p, i, nil
}

func (ls *Links) wants(p cohort.Participant) bool { return ls.Wanted != nil && ls.Wanted(p) }

// stillWanted refuses a consent that a link led to when the participation has
// ended since. Whoever connects somebody at the clinic knows what they do.
func (ls *Links) stillWanted(ctx context.Context, o oauthState) error {
	if o.Invitation == "" {
		return nil
	}
	p, err := ls.register.Cohort.Participant(ctx, o.ParticipantID)
	if err == nil && !ls.wants(p) {
		err = &StateError{Reason: StateRevoked}
	}
	return err
}

// noteEnding records with the links how a consent ended: one that was refused
// may be tried again, one that brought a grant closes all of the participant's.
func (ls *Links) noteEnding(ctx context.Context, o oauthState, e Ending) (err error) {
	ctx = context.WithoutCancel(ctx)
	switch e { // after a wrong account the right one may come by the same link
	case EndedConnected, EndedUnchecked:
		err = ls.endInvitations(ctx, o.ParticipantID)
	case EndedDenied:
		if o.Invitation != "" {
			err = ls.invitationDenied(ctx, o.Invitation)
		}
	}
	if err != nil {
		return fmt.Errorf("participant %s: invitation: %w", o.ParticipantID, err)
	}
	return nil
}
