package consent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
)

// A participant of whom there is nothing but the roster's line can be removed, with links
// and consents that nobody answered; then their link works no more.
func TestRemove(t *testing.T) {
	ctx, dir, c := context.Background(), keyless(t), newTick()
	s := openLedger(t, dir, c)
	addAll(t, s, "P001", "P002")
	_, err := s.Cohort.ImportWindows(ctx, strings.NewReader("participant_id,window,start_day,end_day\n*,base,1,14\nP001,late,15,28\nP002,late,15,28\n"), nil)
	noError(t, err)
	noError(t, s.putInvitations(ctx, []Invitation{{Hash: "link", ParticipantID: "P001", CreatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour)}}))
	noError(t, s.putState(ctx, oauthState{Hash: "state", ParticipantID: "P001", Invitation: "link", ExpiresAt: c.now().Add(time.Hour)}))
	done, err := s.Register.Remove(ctx, "P001")
	if want := (Removal{Links: 1, Windows: 1}); err != nil || done != want {
		t.Fatalf("Remove = %+v, %v, want %+v", done, err, want)
	}
	people, err := s.Cohort.Participants(ctx)
	if err != nil || len(people) != 1 || people[0].ID != "P002" {
		t.Errorf("the roster has %+v, %v, want P002 alone", people, err)
	}
	windows, err := s.Cohort.Windows(ctx)
	if err != nil || len(windows) != 2 {
		t.Errorf("windows = %+v, %v, want those of everybody and of P002", windows, err)
	}
	if _, err := s.invitation(ctx, "link"); !errors.Is(err, errNoInvitation) {
		t.Errorf("the link of somebody who was removed: %v, want %v", err, errNoInvitation)
	}
	if found, err := s.Register.Forgotten(ctx, nil); err != nil || len(found) != 0 {
		t.Errorf("forgotten = %+v, %v, want that the trail agrees", found, err)
	}
}

// Whoever was connected, answered, is signing in or has withdrawn stays.
func TestRemoveIsRefused(t *testing.T) {
	for bar, prepare := range map[RemovalBar]func(t *testing.T, s *ledger, c *tick){
		BarConnected: func(t *testing.T, s *ledger, c *tick) { settled(t, s, c, "P001", "token", "account 1") },
		BarWithdrawn: func(t *testing.T, s *ledger, c *tick) {
			_, err := s.Withdraw(t.Context(), cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: c.now()})
			noError(t, err)
		},
		BarSigningIn: func(t *testing.T, s *ledger, c *tick) {
			_, err := s.putAnswer(t.Context(), tokenAnswer{ParticipantID: "P001", Region: "us", HTTPStatus: 200, Sealed: []byte("x"), ReceivedAt: c.now()})
			noError(t, err)
		},
		BarAnswered: func(t *testing.T, s *ledger, c *tick) {
			noError(t, s.putInvitations(t.Context(), []Invitation{{Hash: "link", ParticipantID: "P001", CreatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour)}}))
			noError(t, s.invitationDenied(t.Context(), "link"))
		},
	} {
		c := newTick()
		s := openLedger(t, keyless(t), c)
		addAll(t, s, "P001")
		prepare(t, s, c)
		_, err := s.Register.Remove(t.Context(), "P001")
		if e, ok := errors.AsType[*NotRemovableError](err); !ok || e.Bar != bar {
			t.Errorf("Remove = %v, want that it is barred: %s", err, bar)
		}
		if _, err := s.Cohort.Participant(t.Context(), "P001"); err != nil {
			t.Errorf("%s: %v, want P001 there", bar, err)
		}
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
