package consent

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A grant through which another account answered is set aside, whole; what is
// decided then goes the way of a sign-in with another account.
func TestSetAsideRows(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name   string
		settle func(s *ledger, c *tick, aside string) (Connection, error)
		same   bool // the participant's old connection goes on
	}{
		{"it is the account of before", func(s *ledger, _ *tick, aside string) (Connection, error) {
			return s.settle(ctx, aside, "account", nil)
		}, true},
		{"it is another, and that is meant", func(s *ledger, c *tick, aside string) (Connection, error) {
			return s.settle(ctx, aside, "another", &Changeover{Reason: "new phone"})
		}, false},
		{"somebody signs in with the account of before", func(s *ledger, c *tick, _ string) (Connection, error) {
			return s.settle(ctx, connect(t, s, c, "P001", "two"), "account", nil)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newLedger(t)
			addAll(t, s, "P001", "P002")
			old, other := settled(t, s, c, "P001", "one", "account"), settled(t, s, c, "P002", "x", "x")
			before, err := s.Tokens(ctx, old)
			if err != nil {
				t.Fatal(err)
			}
			aside, err := s.setAside(ctx, old)
			if err != nil || !aside.Aside || aside.AccountHash != "" || !aside.StrayedAt.Equal(c.now()) || aside.Status != Connected {
				t.Fatalf("SetAside = %+v, %v; want a grant set aside now", aside, err)
			}
			if again, err := s.setAside(ctx, old); err != nil || again != aside {
				t.Errorf("SetAside again = %+v, %v; want the same", again, err)
			}
			all := connections(t, s)
			if all[old].Status != NeedsReconsent || all[old].AccountHash != "account" || all[other].Status != Connected {
				t.Errorf("connections %+v; want that P001 needs a consent and keeps its account", all)
			}
			if got, err := s.strayOf(ctx, all[old]); err != nil || got != aside {
				t.Errorf("strayOf = %+v, %v", got, err)
			}
			if _, err := s.strayOf(ctx, all[other]); !errors.Is(err, ErrNoConnection) {
				t.Errorf("strayOf somebody else = %v", err)
			}
			if _, err := s.Tokens(ctx, old); !errors.Is(err, ErrNoConnection) {
				t.Errorf("the tokens are there twice: %v", err)
			}
			if moved, err := s.Tokens(ctx, aside.ID); err != nil || moved.RefreshHash != before.RefreshHash || !moved.AccessExpiresAt.Equal(before.AccessExpiresAt) {
				t.Errorf("Tokens of the grant set aside = %+v, %v; want %+v", moved, err, before)
			}
			trail, err := s.Trail(ctx)
			if last := trail[len(trail)-1]; err != nil || last.ParticipantID != "P001" || last.Reason == "" {
				t.Errorf("the audit trail ends with %+v, %v", last, err)
			}
			c.add(time.Hour)
			got, err := tt.settle(s, c, aside.ID)
			if err != nil || (got.ID == old) != tt.same || got.Status != Connected || got.Aside {
				t.Fatalf("Settle = %+v, %v; want the old connection %t", got, err, tt.same)
			}
			all = connections(t, s)
			if tt.same && len(all) != 2 || !tt.same && (all[old].Status != Ended || all[old].EndedBecause != "new phone") {
				t.Errorf("connections %+v", all)
			}
			if _, err := s.strayOf(ctx, all[old]); !errors.Is(err, ErrNoConnection) {
				t.Errorf("strayOf once it is settled = %v", err)
			}
		})
	}
}

// Others are counted by app, without the participant's own other connections.
func TestOthers(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002", "P003", "P004")
	ids := map[string]string{}
	for _, p := range []string{"P001", "P002", "P003", "P004"} {
		ids[p] = settled(t, s, c, p, p, p)
	}
	if _, err := s.Store.Exec(context.Background(), "update connections set region = 'eu' where participant_id = 'P004'"); err != nil {
		t.Fatal(err)
	}
	renew := func(p string) {
		t.Helper()
		a, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: ids[p], ParticipantID: p, OldHash: "hash " + p, HTTPStatus: 200, Sealed: []byte("x"), ReceivedAt: c.now()})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.commitRefresh(ctx, a, Grant{Current: []byte("y"), RefreshHash: "hash " + p}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	fail := func(p string, unsent bool) {
		t.Helper()
		if err := s.failRefresh(ctx, refreshFailure{Answer: tokenAnswer{ConnectionID: ids[p], OldHash: "hash " + p}, Outcome: "no", Unsent: unsent}); err != nil {
			t.Fatal(err)
		}
	}
	since := c.now().Add(time.Hour)
	want := func(o Others) {
		t.Helper()
		me, err := s.Connection(ctx, ids["P001"])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.others(ctx, me, since); err != nil || got != o {
			t.Errorf("Others = %+v, %v; want %+v", got, err, o)
		}
	}
	renew("P002")
	fail("P003", false)
	c.add(2 * time.Hour)
	want(Others{}) // all that was before
	renew("P001")
	fail("P001", false)
	renew("P004")
	fail("P003", true) // never left
	want(Others{})
	fail("P003", false)
	want(Others{Failed: 1})
	fail("P002", false)
	want(Others{Failed: 2})
	renew("P002")
	want(Others{Renewed: 1, Failed: 1})
}
