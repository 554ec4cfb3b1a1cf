package consent

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Answers for two accounts settle nothing.
func TestTwoAccountsAtOnce(t *testing.T) {
	s, g := newStudy(t, "P001")
	s.with(func() {
		s.data = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/devices") {
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"recordType":"device","recordVersion":"3.0","userId":"another","records":[]}`))
				return true
			}
			return false
		}
	})
	if _, err := s.connect(g, "P001", "user"); !errors.Is(err, errTwoAccounts) || !as[*UncheckedError](err) {
		t.Errorf("connect = %v, want that there are two accounts", err)
	}
	if c := allConnections(t, g); len(c) != 1 || c[0].AccountHash != "" {
		t.Errorf("connections %+v, want one whose account is not known", c)
	}
}

// A grant through which another account answered is not used again before somebody
// has looked, by whichever process.
func TestSetAside(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	mine, others := "user of P001-"+canary, "another's-"+canary
	for userID, want := range map[string]bool{mine: true, "": true, others: false} {
		if same, err := g.Same(t.Context(), "P001", id, userID); err != nil || same != want {
			t.Errorf("Same(%q) = %t, %v", userID, same, err)
		}
	}
	first := g.SetAside(t.Context(), id)
	other, ok := asError[*OtherAccountError](first)
	if !ok || !other.Answered || other.ParticipantID != "P001" || other.ConnectionID == id {
		t.Fatalf("SetAside = %v", first)
	}
	s.add(3 * time.Hour)
	_, before := s.presented("")
	for _, p := range []*process{g, s.process()} {
		for _, id := range []string{id, other.ConnectionID} {
			if _, err := p.Token(t.Context(), id); !as[*OtherAccountError](err) {
				t.Errorf("Token = %v, want *OtherAccountError", err)
			}
		}
		if err := p.SetAside(t.Context(), id); !as[*OtherAccountError](err) {
			t.Errorf("SetAside again = %v", err)
		}
	}
	if _, after := s.presented(""); after != before || len(allConnections(t, g)) != 2 {
		t.Errorf("%d POSTs, connections %+v", after-before, allConnections(t, g))
	}
	p := s.process()
	p.Change = &Changeover{Reason: "looked"}
	found, err := p.Verify(t.Context(), other.ConnectionID) // it is the account of before
	if err != nil || found.Connection.ID != id || len(allConnections(t, g)) != 1 {
		t.Errorf("Verify = %+v, %v; want the connection of before", found.Connection, err)
	}
	if _, err := g.Token(t.Context(), id); err != nil {
		t.Errorf("Token afterwards = %v", err)
	}
}

// Connections lead to one account if both were seen to: an account that nobody knows
// is none.
func TestSameAccount(t *testing.T) {
	all := []Connection{
		{ID: "first", AccountHash: "a", Status: Ended},
		{ID: "others", AccountHash: "b", Status: Ended},
		{ID: "aside", Aside: true},
		{ID: "again", AccountHash: "a", Status: Exported},
		{ID: "unseen"},
		{ID: "another's", ParticipantID: "P002", AccountHash: "a", Status: Ended},
		{ID: "now", AccountHash: "a", Status: Connected},
	}
	for id, want := range map[string][]string{"now": {"first", "again"}, "others": nil, "unseen": nil, "aside": nil} {
		c := all[slices.IndexFunc(all, func(c Connection) bool { return c.ID == id })]
		if got := SameAccount(c, all); !slices.Equal(got, want) {
			t.Errorf("SameAccount(%s) = %v, want %v", id, got, want)
		}
	}
}
