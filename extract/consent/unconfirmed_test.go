package consent

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// unconfirmed stores an answer that waits for a yes of browser B.
func unconfirmed(t *testing.T, s *ledger, c *tick, participant, invitation string) tokenAnswer {
	t.Helper()
	a, err := s.putAnswer(t.Context(), tokenAnswer{ConnectionID: s.NewID(), ParticipantID: participant, Region: "us", HTTPStatus: 200,
		Sealed: []byte("sealed"), ReceivedAt: c.now(), Unconfirmed: &Unconfirmed{Invitation: invitation, Browser: "B", ExpiresAt: c.now().Add(15 * time.Minute)}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func reasonOf(err error) StateReason {
	var e *StateError
	if !errors.As(err, &e) {
		return ""
	}
	return e.Reason
}

// An unconfirmed answer is used by nobody before it is confirmed: once, in time, by
// the browser that is asked, while its link works.
func TestConfirm(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name    string
		before  func(s *ledger, c *tick)
		browser string
		want    StateReason // "": it is confirmed
	}{
		{"in time", func(_ *ledger, c *tick) { c.add(15*time.Minute - time.Microsecond) }, "B", ""},
		{"too late", func(_ *ledger, c *tick) { c.add(15 * time.Minute) }, "B", StateExpired},
		{"another browser", nil, "C", StateUnknown},
		{"the link revoked", func(s *ledger, _ *tick) { s.RevokeInvitations(ctx, "P001") }, "B", StateUnknown}, // it is destroyed
		{"connected meanwhile", func(s *ledger, _ *tick) { s.endInvitations(ctx, "P001") }, "B", StateUsed},
		{"refused before", func(s *ledger, _ *tick) {
			all, _ := s.Unconfirmed(ctx)
			s.destroy(ctx, fateRefused, all[0].AnswerID)
		}, "B", StateUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newLedger(t)
			addAll(t, s, "P001")
			if err := s.putInvitations(ctx, []Invitation{{Hash: "link", ParticipantID: "P001", CreatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour)}}); err != nil {
				t.Fatal(err)
			}
			a := unconfirmed(t, s, c, "P001", "link")
			if all, err := s.Answers(ctx, ""); err != nil || len(all) != 0 {
				t.Fatalf("Answers = %+v, %v; want none before it is confirmed", all, err)
			}
			if tt.before != nil {
				tt.before(s, c)
			}
			got, err := s.accept(ctx, a.ID, tt.browser)
			if reasonOf(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("Confirm = %v, want %q", err, tt.want)
			}
			all, err := s.Answers(ctx, "")
			if tt.want != "" {
				if err != nil || len(all) != 0 {
					t.Errorf("Answers = %+v, %v; want none", all, err)
				}
				return
			}
			a.Unconfirmed, a.waits = nil, ""
			if err != nil || !reflect.DeepEqual(got, a) || !reflect.DeepEqual(all, []tokenAnswer{a}) {
				t.Errorf("Confirm = %+v, Answers = %+v, %v; want %+v", got, all, err, a)
			}
			if _, err := s.accept(ctx, a.ID, "B"); reasonOf(err) != StateUnknown {
				t.Errorf("Confirm twice = %v, want %q", err, StateUnknown)
			}
			// What was confirmed is no question any more that could be ended.
			if n, err := s.destroy(ctx, fateRefused, a.ID); n != 0 || err != nil {
				t.Errorf("EndUnconfirmed after Confirm = %d, %v, want 0", n, err)
			}
			if gone, err := s.expireUnconfirmed(ctx); len(gone) != 0 || err != nil {
				t.Errorf("ExpireUnconfirmed after Confirm = %+v, %v", gone, err)
			}
		})
	}
}

// Each is destroyed at its own time, and withdrawal destroys one person's.
func TestUnconfirmedEnd(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002", "P003")
	first := unconfirmed(t, s, c, "P001", "")
	c.add(time.Minute)
	second, third := unconfirmed(t, s, c, "P002", ""), unconfirmed(t, s, c, "P003", "")
	ids := func() (ids []string) {
		all, err := s.Unconfirmed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range all {
			ids = append(ids, u.AnswerID)
		}
		return ids
	}
	if got := ids(); len(got) != 3 {
		t.Fatalf("%v wait, want 3", got)
	}
	c.add(14 * time.Minute)
	if gone, err := s.expireUnconfirmed(ctx); err != nil || len(gone) != 1 || gone[0].AnswerID != first.ID || gone[0].ParticipantID != "P001" {
		t.Errorf("ExpireUnconfirmed = %+v, %v, want P001's", gone, err)
	}
	if _, err := s.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P002", EffectiveAt: c.now(), Reason: "moved", Who: "me"}); err != nil {
		t.Fatal(err)
	}
	if got := ids(); !reflect.DeepEqual(got, []string{third.ID}) {
		t.Errorf("%v wait, want %s alone (not %s, who withdrew)", got, third.ID, second.ID)
	}
	if err := s.noteAsked(ctx, Unconfirmed{AnswerID: second.ID, ParticipantID: "P002"}); reasonOf(err) != StateUnknown {
		t.Errorf("Asked of one who withdrew = %v, want %q", err, StateUnknown)
	}
	if _, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: "C", ParticipantID: "P002", Unconfirmed: &Unconfirmed{Browser: "B"}}); !errors.As(err, new(*cohort.WithdrawnError)) {
		t.Errorf("PutAnswer of one who withdrew = %v, want *cohort.WithdrawnError", err)
	}
}
