package consent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// Issue makes a link for a participant who is in a program at the moment: it leads to the
// same page as one of Invite, works for life and until the participant has connected, and
// in the end the browser goes to returnTo, "" for our own page. What such a link is asked
// for is no invitation: nobody is reminded of it.
func (ls *Links) Issue(ctx context.Context, participantID string, life time.Duration, returnTo string) (Link, error) {
	now := ls.register.now()
	token := newToken()
	link := Link{participantID, Secret(token), now.Add(life)}
	row := Invitation{Hash: ls.linkHash(token), ParticipantID: participantID, CreatedAt: now, ExpiresAt: link.ExpiresAt}
	err := ls.register.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		if err := ls.forgetIssued(ctx, tx, now); err != nil {
			return nil, err
		}
		if err := ls.insertInvitation(ctx, tx, row); err != nil {
			return nil, err
		}
		_, err := tx.ExecContext(ctx, "insert into link_tokens (token_hash, return_to) values (?, ?)", row.Hash, returnTo)
		after := state.Fields{"expires_at": link.ExpiresAt.Format(time.RFC3339)}
		if at, _, _ := strings.Cut(returnTo, "?"); at != "" { // what is behind it is the program's
			after["return_to"] = at
		}
		return []state.Act{{Subject: "link", ParticipantID: participantID, After: after}}, err
	})
	if err != nil {
		return Link{}, fmt.Errorf("participant %s: link: %w", participantID, err)
	}
	return link, nil
}

// issuedKept is how long a link that was issued is kept past its end, so that whoever
// opens it is told what is wrong with it.
const issuedKept = 24 * time.Hour

// forgetIssued deletes old links that were issued, but those to which somebody said no.
func (ls *Links) forgetIssued(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `delete from invitations where expires_at < ? and denied_at is null and doubted_at is null
		and token_hash in (select token_hash from link_tokens)`, state.Micros(now.Add(-issuedKept)))
	return err
}

// CheckIssued is CheckLink of a link that was issued; any other is unknown.
func (ls *Links) CheckIssued(ctx context.Context, token string) (cohort.Participant, error) {
	p, i, err := ls.link(ctx, token)
	if !i.ByProgram && (err == nil || as[*LinkError](err)) {
		return cohort.Participant{}, &LinkError{Reason: LinkUnknown}
	}
	return p, err
}

// ReturnTo is where the browser of whoever has a link goes in the end, whether it still
// works or not; "" for our own page.
func (ls *Links) ReturnTo(ctx context.Context, token string) string {
	return ls.returnTo(ctx, ls.linkHash(token))
}

// returnTo is ReturnTo by the hash of a link, "" being no link. Where that cannot be read
// the person sees our page, which says the same.
func (ls *Links) returnTo(ctx context.Context, hash string) string {
	if hash == "" {
		return ""
	}
	i, err := invitationIn(context.WithoutCancel(ctx), ls.register.Store, hash)
	if err != nil && !errors.Is(err, errNoInvitation) {
		ls.client.log().Warn("not known where a browser is to go in the end", "error", err)
	}
	return i.ReturnTo
}
