package consent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A link is nowhere on disk, is told from every other, and shows itself in no
// format.
func TestLinksAreStoredHashed(t *testing.T) {
	s, g := newStudy(t, "P001")
	seen := map[Secret]bool{}
	for range 20 {
		links, err := g.Invite(t.Context(), []string{"P001"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		token := links[0].Token
		if seen[token] || len(string(token)) != 52 {
			t.Fatalf("token of %d characters, seen before: %t", len(string(token)), seen[token])
		}
		seen[token] = true
		if text := fmt.Sprintf("%+v", links); bytes.Contains([]byte(text), []byte(string(token))) {
			t.Errorf("%%+v of a link shows its token")
		}
		if p, err := g.CheckLink(t.Context(), string(token)); err != nil || p.ID != "P001" {
			t.Errorf("CheckLink = %s, %v", p.ID, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files of the state: %v, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if st, statErr := os.Stat(file); statErr == nil && st.IsDir() {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		for token := range seen {
			if bytes.Contains(content, []byte(string(token))) {
				t.Errorf("%s holds the token of a link", filepath.Base(file))
			}
		}
	}
}

// Invitations are made for all or for nobody.
func TestInviteAllOrNobody(t *testing.T) {
	_, g := newStudy(t, "P001")
	if _, err := g.Invite(t.Context(), []string{"P001", "P999"}, time.Hour); err == nil {
		t.Error("a stranger was invited")
	}
	if all, err := g.Store.Invitations(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("invitations after an error: %d, %v; want none", len(all), err)
	}
}

// Consent by another way than a link ends the links as well: they are of no
// use any more.
func TestConnectingEndsLinks(t *testing.T) {
	s, g := newStudy(t, "P001")
	links, err := g.Invite(t.Context(), []string{"P001"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.connect(g, "P001", "ada"); err != nil {
		t.Fatal(err)
	}
	_, err = g.CheckLink(t.Context(), string(links[0].Token))
	if link, ok := errors.AsType[*LinkError](err); !ok || link.Reason != LinkUsed {
		t.Errorf("CheckLink after the participant connected at the clinic = %v, want %q", err, LinkUsed)
	}
}

// Where a consent stands follows from the newest connection and from the link
// with which something happened last.
func TestStanding(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	link := func(created, expires int, more func(*state.Invitation)) state.Invitation {
		i := state.Invitation{Hash: "h", CreatedAt: at(created), ExpiresAt: at(expires)}
		if more != nil {
			more(&i)
		}
		return i
	}
	opened := func(i *state.Invitation) { i.OpenedAt = i.CreatedAt.Add(time.Hour) }
	denied := func(i *state.Invitation) { opened(i); i.DeniedAt = i.OpenedAt.Add(time.Hour) }
	revoked := func(i *state.Invitation) { i.RevokedAt = i.CreatedAt.Add(time.Hour) }
	used := func(i *state.Invitation) { opened(i); i.ConnectedAt = i.OpenedAt.Add(time.Hour) }
	connection := func(s state.Status) state.Connection { return state.Connection{ID: "c", Status: s} }
	none := state.Connection{}
	for _, test := range []struct {
		name  string
		c     state.Connection
		links []state.Invitation
		want  Standing
	}{
		{"nothing", none, nil, NotInvited},
		{"a link", none, []state.Invitation{link(1, 20, nil)}, NotOpened},
		{"opened", none, []state.Invitation{link(1, 20, opened)}, Opened},
		{"denied", none, []state.Invitation{link(1, 20, denied)}, Denied},
		{"denied, then a new link", none, []state.Invitation{link(1, 20, denied), link(5, 20, nil)}, NotOpened},
		{"a reminder, then the first link is opened", none, []state.Invitation{link(2, 20, opened), link(2, 20, nil)}, Opened},
		{"expired", none, []state.Invitation{link(1, 10, opened)}, Lapsed},
		{"denied, and expired", none, []state.Invitation{link(1, 10, denied)}, Denied},
		{"expired, and one that works", none, []state.Invitation{link(1, 20, nil), link(2, 10, opened)}, NotOpened},
		{"revoked", none, []state.Invitation{link(1, 20, revoked)}, NotInvited},
		{"connected", connection(state.Connected), []state.Invitation{link(1, 20, used)}, Connected},
		{"connected, and invited again", connection(state.Connected), []state.Invitation{link(1, 20, nil)}, Connected},
		{"refused lately", connection(state.AuthSuspect), nil, Connected},
		{"used on another machine", connection(state.Exported), []state.Invitation{link(1, 20, nil)}, Connected},
		{"refused for good", connection(state.NeedsReconsent), []state.Invitation{link(1, 20, used)}, NeedsReconsent},
		{"refused, and the new link expired", connection(state.NeedsReconsent), []state.Invitation{link(1, 10, nil)}, NeedsReconsent},
		{"refused, and invited again", connection(state.NeedsReconsent), []state.Invitation{link(1, 20, nil)}, NotOpened},
		{"ended", connection(state.Ended), nil, NotInvited},
	} {
		if got := standing(test.c, test.links, at(12)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
