package consent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// needs somebody's word, and then all is well.
func TestAgainAfterExchangedAccounts(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	one, two := s.imported(g, "P001"), s.imported(g, "P002")
	s.edit(swap("connections", "connection_id", one, two, "account_hash")...)
	for _, who := range []string{"P001", "P002"} {
		g := s.process()
		got, err := g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\n"+who+","+s.newRefresh("user of "+who)+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		id := got.ConnectionIDs[0]
		_, err = g.Verify(t.Context(), id)
		owner, edited := asError[*OwnerError](err)
		if who == "P001" && (!edited || !owner.Aside || owner.ParticipantID != who) {
			t.Errorf("Verify of %s = %v, want *OwnerError of the grant kept aside", who, err)
		}
		g.Change = &Changeover{Reason: "looked"}
		if err != nil {
			if _, err = g.Verify(t.Context(), id); err != nil {
				t.Errorf("Verify of %s, confirmed = %v", who, err)
			}
		}
		g.Change = nil
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("Token of %s = %v", who, err)
		}
	}
	if _, err := g.CheckSealed(t.Context()); err != nil {
		t.Errorf("CheckSealed afterwards = %v", err)
	}
}

// unsealed makes the study one of before there were seals.
func (s *study) unsealed() {
	s.edit("update connections set seal = ''", "update tokens set seal = '', previous_hash = ''", "update token_answers set seal = ''",
		"update oauth_states set seal = ''", "update invitations set seal = ''", "delete from meta where key = 'sealed'")
}

// takes the seals off after that is found out.
func TestSealedOnce(t *testing.T) {
	s := &study{server: newServer(t), t: t, dir: t.TempDir(), now: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	store, err := state.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), registerOf(store))
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	// The key of an older program, of whose seals the trail says nothing.
	s.edit("delete from meta", "delete from audit_pending", "update audit_head set seq = 0, hash = '', bytes = 0",
		"insert into meta values ('recipient', '"+key.Recipient()+"')")
	if err := removeTrail(s.dir); err != nil {
		t.Fatal(err)
	}
	g := s.process()
	for _, who := range []string{"P001", "P002", "P003"} {
		if err := g.Register.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: who}); err != nil {
			t.Fatal(err)
		}
	}
	one, two, three := s.imported(g, "P001"), s.imported(g, "P002"), s.imported(g, "P003")
	s.add(3 * time.Hour)
	for _, id := range []string{one, two, three} {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := g.Register.Store.Trail(t.Context())
	if err != nil || !strings.Contains(lines[0].After, `"sealed_connections":0`) {
		t.Fatalf("trail %+v, %v; want that what there was is sealed", lines[:1], err)
	}
	s.unsealed()
	if err := removeTrail(s.dir); err != nil {
		t.Fatal(err)
	}
	s.edit("update audit_head set seq = 0, hash = '', bytes = 0")
	s.edit(swap("tokens", "connection_id", two, three, "current")...) // already then

	next := s.process()
	if _, err := next.Token(t.Context(), one); err != nil {
		t.Errorf("Token of one who is sealed now = %v", err)
	}
	for _, id := range []string{two, three} {
		if _, err := next.Token(t.Context(), id); !as[*OwnerError](err) {
			t.Errorf("Token of a pair that was exchanged before = %v, want *OwnerError", err)
		}
	}
	lines, err = next.Register.Store.Trail(t.Context())
	if err != nil || len(lines) != 1 || lines[0].Subject != "key" || !strings.Contains(lines[0].After, `"sealed_connections":3`) {
		t.Errorf("trail %+v, %v; want one line of three connections", lines, err)
	}
	for _, edit := range []string{"delete from meta where key = 'sealed'", "update tokens set seal = ''", "update meta set value = 'x' where key = 'sealed'"} {
		s.edit(edit)
	}
	store, err = state.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), registerOf(store)); !errors.Is(err, ErrSealsLost) {
		t.Errorf("OpenKey where the mark was edited = %v, want ErrSealsLost", err)
	}
	s.edit("delete from meta where key = 'sealed'", "update connections set seal = ''")
	if _, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), registerOf(store)); !errors.Is(err, ErrSealsLost) {
		t.Errorf("OpenKey where all seals and the mark are gone = %v, want ErrSealsLost", err)
	}
	s.edit(swap("connections", "connection_id", two, three, "participant_id")...)
	s.unsealed()
	for _, damage := range []func(name string) error{func(name string) error { return os.Truncate(name, 0) }, os.Remove} {
		if err := damage(filepath.Join(s.dir, state.AuditFile)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKey(t.Context(), filepath.Join(s.dir, "key.age"), registerOf(store)); !errors.Is(err, ErrSealsUnknown) {
			t.Errorf("OpenKey where the trail is lost too = %v, want ErrSealsUnknown", err)
		}
	}
}

func removeTrail(dir string) error { return os.Remove(filepath.Join(dir, state.AuditFile)) }
