package consent

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
)

func TestImport(t *testing.T) {
	s, g := newStudy(t, "P001", "P002")
	file := fmt.Sprintf("refresh_token,participant_id\n%s,P001\n%s,P002\n", s.newRefresh("ann"), s.newRefresh("bob"))
	got, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(got.ConnectionIDs) != 2 || got.Known != 0 {
		t.Fatalf("Import = %+v, %v, want two", got, err)
	}
	if _, posts := s.presented(""); posts != 0 {
		t.Errorf("Import sent %d POSTs, want none", posts)
	}
	for _, id := range got.ConnectionIDs {
		if _, err := g.Token(t.Context(), id); err != nil {
			t.Errorf("Token = %v", err)
		}
	}
	again, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(again.ConnectionIDs) != 0 || again.Known != 2 {
		t.Errorf("Import of the same file = %+v, %v, want both known", again, err)
	}
	_, err = g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\nP003,"+canary+"\n"))
	quiet(t, err)
	if !errors.As(err, new(*cohort.CSVError)) {
		t.Errorf("Import of an unknown participant = %v, want *cohort.CSVError", err)
	}
}

// Whoever imports again checks what an earlier import left unchecked.
func TestUnverified(t *testing.T) {
	s, g := newStudy(t, "P001", "P002", "P003")
	check := func(when string, want ...string) {
		t.Helper()
		got, err := g.Unverified(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: Unverified = %v, %v, want %v", when, got, err, want)
		}
	}
	check("nobody is connected")
	if _, err := s.connect(g, "P001", "ann"); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("participant_id,refresh_token\nP002,%s\nP003,%s\n", s.newRefresh("bob"), s.newRefresh("cy"))
	got, err := g.Import(t.Context(), strings.NewReader(file))
	if err != nil || len(got.ConnectionIDs) != 2 {
		t.Fatalf("Import = %+v, %v, want two", got, err)
	}
	bob, cy := got.ConnectionIDs[0], got.ConnectionIDs[1]
	check("after the import", bob, cy)
	if _, err := g.Verify(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	s.with(func() {
		s.data = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	})
	if _, err := g.Verify(t.Context(), cy); !errors.As(err, new(*UncheckedError)) {
		t.Fatalf("Verify = %v, want *UncheckedError", err)
	}
	s.with(func() { s.data = nil })
	check("after one was checked", cy)
	if _, err := g.Verify(t.Context(), cy); err != nil {
		t.Fatal(err)
	}
	check("after both were checked")
	if err := g.Register.CloseConnection(t.Context(), cy, s.clock(), ""); err != nil {
		t.Fatal(err)
	}
	check("after one has ended")
	if _, err := s.connect(g, "P002", "dee"); !errors.As(err, new(*OtherAccountError)) {
		t.Fatalf("connect with another account = %v, want *OtherAccountError", err)
	}
	check("with a grant set aside")
	g.Change = &Changeover{Reason: "new phone"}
	all, err := g.Register.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	aside := slices.IndexFunc(all, func(c Connection) bool { return c.Aside })
	check("with a grant set aside and confirmed", all[aside].ID)
}

// An imported grant of an account that the participant is connected to renews
// that connection.
func TestImportMoves(t *testing.T) {
	s, g := newStudy(t, "P001")
	first, err := s.connect(g, "P001", "ann")
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Import(t.Context(), strings.NewReader("participant_id,refresh_token\nP001,"+s.newRefresh("ann")+"\n"))
	if err != nil || len(got.ConnectionIDs) != 1 {
		t.Fatalf("Import = %+v, %v", got, err)
	}
	want := MovedError{"P001", first.Connection.ID}
	if _, err := g.Token(t.Context(), got.ConnectionIDs[0]); func() bool { e, ok := asError[*MovedError](err); return !ok || *e != want }() {
		t.Errorf("Token = %v, want %v", err, &want)
	}
	if _, err := g.Token(t.Context(), first.Connection.ID); err != nil {
		t.Errorf("Token of the old connection = %v", err)
	}
}
