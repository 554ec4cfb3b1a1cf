package consent

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/cohort"
)

// filesHolding returns the files of the state's folder that hold text.
func filesHolding(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "state.db*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			names = append(names, filepath.Base(f))
		}
	}
	return names
}

// A withdrawal leaves no sealed token of the participant anywhere in the files
// of the store, though another process has them open; the tokens of others stay.
func TestWithdrawDestroysTokens(t *testing.T) {
	ctx, dir, c := context.Background(), keyless(t), newTick()
	s, other := openLedger(t, dir, c), openLedger(t, dir, c)
	addAll(t, s, "P001", "P002")
	id := settled(t, s, c, "P001", "canary-first", "account 1")
	settled(t, s, c, "P002", "another", "account 2")
	answer := tokenAnswer{ConnectionID: id, ParticipantID: "P001", Region: "us", OldHash: "hash canary-first",
		HTTPStatus: 200, Sealed: []byte("canary-answer"), ReceivedAt: c.now()}
	kept, err := s.putAnswer(ctx, answer)
	if err != nil {
		t.Fatal(err)
	}
	if taken, err := s.commitRefresh(ctx, kept, grantOf("canary-second", c)); !taken || err != nil {
		t.Fatalf("CommitRefresh = %v, %v", taken, err)
	}
	answer.Sealed = []byte("canary-waiting")
	if _, err := s.putAnswer(ctx, answer); err != nil {
		t.Fatal(err)
	}
	connect(t, s, c, "P001", "canary-unseen")
	if ok, err := s.refreshing(id, "me").TakeFree(ctx, time.Hour); !ok || err != nil {
		t.Fatalf("LeaseRefresh = %v, %v", ok, err)
	}
	if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), "hash canary-second"); err != nil {
		t.Fatal(err)
	}
	if err := s.putState(ctx, oauthState{Hash: "canary-state", ParticipantID: "P001", ExpiresAt: c.now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if len(filesHolding(t, dir, "canary")) == 0 {
		t.Fatal("no canary is in the files before")
	}
	if _, err := other.Connections(ctx); err != nil { // so that it has the files open
		t.Fatal(err)
	}

	ended, err := s.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: c.now(), Reason: "moved away", Who: "me"})
	if err != nil || ended != 2 {
		t.Fatalf("Withdraw = %d, %v, want 2 connections ended", ended, err)
	}
	if names := filesHolding(t, dir, "canary"); len(names) > 0 {
		t.Errorf("sealed tokens are still in %q", names)
	}
	if len(filesHolding(t, dir, "sealed another")) == 0 {
		t.Error("the tokens of P002 are gone")
	}
	if intents, err := s.intents(ctx); err != nil || len(intents) != 0 {
		t.Errorf("Intents = %q, %v, want none", intents, err)
	}
	if got := connections(t, s)[id]; got.Status != Ended || !got.ValidTo.Equal(c.now()) {
		t.Errorf("connection %+v, want it ended now", got)
	}
}

// After a withdrawal nothing that could bring tokens or answers is taken, from
// whichever process it comes.
func TestWithdrawnIsRefused(t *testing.T) {
	ctx, dir, c := context.Background(), keyless(t), newTick()
	s, other := openLedger(t, dir, c), openLedger(t, dir, c)
	addAll(t, s, "P001", "P002")
	settled(t, s, c, "P001", "one", "account 1")
	doors := map[string]func(who string) error{
		"Standing": func(who string) error { return other.Standing(ctx, who) },
		"Claim": func(who string) error {
			refused, err := other.Claim(ctx, []string{who}, "run", time.Hour)
			return errors.Join(err, refused[who])
		},
		"PutState": func(who string) error {
			return other.putState(ctx, oauthState{Hash: "h " + who, ParticipantID: who, ExpiresAt: c.now().Add(time.Hour)})
		},
		"PutAnswer": func(who string) error {
			_, err := other.putAnswer(ctx, tokenAnswer{ConnectionID: other.NewID(), ParticipantID: who, Sealed: []byte("x"), ReceivedAt: c.now()})
			return err
		},
		"ImportTokens": func(who string) error {
			_, err := other.importTokens(ctx, []tokenImport{{ParticipantID: who, Region: "us", Grant: grantOf("import "+who, c)}})
			return err
		},
	}
	if _, err := s.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: c.now(), Reason: "r", Who: "me"}); err != nil {
		t.Fatal(err)
	}
	for name, door := range doors {
		if err := door("P002"); err != nil {
			t.Errorf("%s for P002 = %v, want none", name, err)
		}
		err := door("P001")
		if w := (*cohort.WithdrawnError)(nil); !errors.As(err, &w) || w.ParticipantID != "P001" {
			t.Errorf("%s for P001 = %v, want a *cohort.WithdrawnError", name, err)
		}
	}
	if got := len(filesHolding(t, dir, "import P001")); got != 0 {
		t.Errorf("%d files hold the refused import", got)
	}
}

// The newest statement counts; the same one again is no new one.
func TestWithdrawals(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002", "P003")
	first := cohort.Withdrawal{ParticipantID: "P002", EffectiveAt: c.now().Add(-time.Hour), Reason: "by telephone", Who: "ann"}
	second := cohort.Withdrawal{ParticipantID: "P002", EffectiveAt: c.now().Add(-48 * time.Hour), Reason: "by letter", Who: "bob"}
	third := cohort.Withdrawal{ParticipantID: "P001", EffectiveAt: c.now(), Reason: "moved", Who: "ann"}
	for _, w := range []cohort.Withdrawal{first, first, second, second, third} {
		if _, err := s.Withdraw(ctx, w); err != nil {
			t.Fatal(err)
		}
		c.add(time.Minute)
	}
	third.RecordedAt = c.now().Add(-time.Minute)
	second.RecordedAt = c.now().Add(-3 * time.Minute) // not when it was repeated
	got, err := s.Withdrawals(ctx)
	if diff := cmp.Diff([]cohort.Withdrawal{third, second}, got); diff != "" || err != nil {
		t.Errorf("Withdrawals (-want +got), error %v:\n%s", err, diff)
	}
	if w, ok, err := s.Withdrawal(ctx, "P003"); ok || err != nil {
		t.Errorf("cohort.Withdrawal(P003) = %+v, %v, %v, want none", w, ok, err)
	}
	if _, err := s.Withdraw(ctx, cohort.Withdrawal{ParticipantID: "P999", EffectiveAt: c.now(), Reason: "r", Who: "me"}); err == nil {
		t.Error("a withdrawal of nobody is taken")
	}
}
