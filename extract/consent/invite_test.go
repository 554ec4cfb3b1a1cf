package consent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
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
	if all, err := g.Register.Invitations(t.Context()); err != nil || len(all) != 0 {
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
func TestProgress(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }
	link := func(created, expires int, more func(*Invitation)) Invitation {
		i := Invitation{Hash: "h", CreatedAt: at(created), ExpiresAt: at(expires)}
		if more != nil {
			more(&i)
		}
		return i
	}
	opened := func(i *Invitation) { i.OpenedAt = i.CreatedAt.Add(time.Hour) }
	denied := func(i *Invitation) { opened(i); i.DeniedAt = i.OpenedAt.Add(time.Hour) }
	revoked := func(i *Invitation) { i.RevokedAt = i.CreatedAt.Add(time.Hour) }
	used := func(i *Invitation) { opened(i); i.ConnectedAt = i.OpenedAt.Add(time.Hour) }
	connection := func(s Status) Connection { return Connection{ID: "c", Status: s} }
	none := Connection{}
	for _, test := range []struct {
		name  string
		c     Connection
		links []Invitation
		want  Progress
	}{
		{"nothing", none, nil, NotInvited},
		{"a link", none, []Invitation{link(1, 20, nil)}, NotOpened},
		{"opened", none, []Invitation{link(1, 20, opened)}, Opened},
		{"denied", none, []Invitation{link(1, 20, denied)}, Denied},
		{"denied, then a new link", none, []Invitation{link(1, 20, denied), link(5, 20, nil)}, NotOpened},
		{"a reminder, then the first link is opened", none, []Invitation{link(2, 20, opened), link(2, 20, nil)}, Opened},
		{"expired", none, []Invitation{link(1, 10, opened)}, Lapsed},
		{"denied, and expired", none, []Invitation{link(1, 10, denied)}, Denied},
		{"expired, and one that works", none, []Invitation{link(1, 20, nil), link(2, 10, opened)}, NotOpened},
		{"revoked", none, []Invitation{link(1, 20, revoked)}, NotInvited},
		{"connected", connection(Connected), []Invitation{link(1, 20, used)}, Joined},
		{"connected, and invited again", connection(Connected), []Invitation{link(1, 20, nil)}, Joined},
		{"refused lately", connection(AuthSuspect), nil, Joined},
		{"used on another machine", connection(Exported), []Invitation{link(1, 20, nil)}, Joined},
		{"refused for good", connection(NeedsReconsent), []Invitation{link(1, 20, used)}, ToRenew},
		{"refused, and the new link expired", connection(NeedsReconsent), []Invitation{link(1, 10, nil)}, ToRenew},
		{"refused, and invited again", connection(NeedsReconsent), []Invitation{link(1, 20, nil)}, NotOpened},
		{"ended", connection(Ended), nil, NotInvited},
	} {
		if got := standing(test.c, test.links, at(12)).Progress; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
