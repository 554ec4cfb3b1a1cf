package consent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// An account of somebody else stays aside until it is confirmed, and passes on
// at an instant: the two never have it at the same time.
func TestSettleAccountInUse(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	first := settled(t, s, c, "P001", "one", "account")
	id := connect(t, s, c, "P002", "two")
	_, err := s.settle(ctx, id, "account", nil)
	if e, ok := asError[*AccountInUseError](err); !ok || *e != (AccountInUseError{"P002", "P001", id, false}) {
		t.Fatalf("Settle of P001's account for P002 = %v, want *AccountInUseError", err)
	}
	if all := connections(t, s); all[first].Status != Connected || !all[id].Aside || all[id].AccountHash != "" {
		t.Errorf("Connections = %+v, want P001's untouched and P002's aside", all)
	}
	c.add(time.Hour)
	got, err := s.settle(ctx, id, "account", &Changeover{Reason: "phone handed on"})
	if err != nil || got != connections(t, s)[id] || !got.ValidFrom.Equal(c.now()) || got.BegunBecause != "phone handed on" {
		t.Fatalf("Settle, confirmed = %+v, %v, want P002's from now, %s", got, err, c.now())
	}
	ended := connections(t, s)[first]
	if ended.Status != Ended || !ended.ValidTo.Equal(c.now()) || ended.EndedBecause != "phone handed on" {
		t.Errorf("P001's connection = %+v, want ended now", ended)
	}
	if _, err := s.Tokens(ctx, first); !isError(err, ErrNoConnection) {
		t.Errorf("Tokens of an ended connection = %v, want ErrNoConnection", err)
	}
}

// An account whose connection has ended was somebody's all the same: that a
// browser was still signed in must not make the data another person's.
func TestSettleAccountOfEarlierParticipant(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	first := settled(t, s, c, "P001", "one", "account")
	c.add(time.Hour)
	end := c.now()
	if err := s.CloseConnection(ctx, first, end, ""); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	id := connect(t, s, c, "P002", "two")
	_, err := s.settle(ctx, id, "account", nil)
	if e, ok := asError[*AccountInUseError](err); !ok || !e.Ended {
		t.Fatalf("Settle = %v, want *AccountInUseError of an ended connection", err)
	}
	early := &Changeover{Since: end.Add(-time.Minute)}
	_, err = s.settle(ctx, id, "account", early)
	if e, ok := asError[*ChangeoverError](err); !ok || e.Other != "P001" || !e.NotBefore.Equal(end) {
		t.Fatalf("Settle from before P001's end = %v, want *ChangeoverError", err)
	}
	got, err := s.settle(ctx, id, "account", &Changeover{Since: end})
	if err != nil || !got.ValidFrom.Equal(end) {
		t.Errorf("Settle from P001's end on = %+v, %v", got, err)
	}
}

func TestSettleOtherAccount(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	first := settled(t, s, c, "P001", "one", "account")
	id := connect(t, s, c, "P001", "two")
	_, err := s.settle(ctx, id, "another", nil)
	if e, ok := asError[*OtherAccountError](err); !ok || *e != (OtherAccountError{ParticipantID: "P001", ConnectionID: id}) {
		t.Fatalf("Settle of another account = %v, want *OtherAccountError", err)
	}
	if all := connections(t, s); all[first].Status != Connected || all[id].AccountHash != "" || !all[id].Aside {
		t.Fatalf("Connections = %+v, want the first untouched, the second aside", all)
	}
	// Coming back with the first account is a decision, too.
	if _, err := s.settle(ctx, connect(t, s, c, "P001", "first again"), "account", nil); err != nil {
		t.Fatal(err)
	}
	if all := connections(t, s); len(all) != 1 || all[first].Aside {
		t.Fatalf("Connections = %+v, want the first alone", all)
	}
	if err := s.CloseConnection(ctx, connect(t, s, c, "P001", "three"), c.now(), ""); err != nil {
		t.Fatal(err)
	}
	if all := connections(t, s); len(all) != 1 {
		t.Errorf("Connections = %+v: a connection nobody saw should leave no trace", all)
	}
	// Nor does it pass unnoticed once the first connection has ended.
	if err := s.CloseConnection(ctx, first, c.now(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.settle(ctx, connect(t, s, c, "P001", "four"), "another", nil); !errors.As(err, new(*OtherAccountError)) {
		t.Errorf("Settle of another account after the end of the first = %v, want *OtherAccountError", err)
	}
}

// When a person's own account changes is where the data pass over, unless
// somebody says otherwise; nothing held is disowned.
func TestChangeoverOfOwnAccount(t *testing.T) {
	for _, tt := range []struct {
		name               string
		since, first, held time.Duration // after the connection began; 0: none
		from, to           time.Duration
	}{
		{"new account has no readings", 0, 0, 20 * time.Hour, 48 * time.Hour, 48 * time.Hour},
		{"new account begins after the old one fell silent", 0, 30 * time.Hour, 20 * time.Hour, 30 * time.Hour, 30 * time.Hour},
		{"both ran side by side", 0, 10 * time.Hour, 20 * time.Hour, 20*time.Hour + time.Second, 20*time.Hour + time.Second},
		{"somebody knows", 25 * time.Hour, 30 * time.Hour, 20 * time.Hour, 25 * time.Hour, 25 * time.Hour},
		{"somebody knows that both ran", 10 * time.Hour, 5 * time.Hour, 20 * time.Hour, 10 * time.Hour, 20*time.Hour + time.Second},
		{"a clock ahead", 0, 72 * time.Hour, 20 * time.Hour, 48 * time.Hour, 48 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := newLedger(t)
			addAll(t, s, "P001")
			begin := c.now()
			after := func(d time.Duration) time.Time {
				if d == 0 {
					return time.Time{}
				}
				return begin.Add(d)
			}
			old := settled(t, s, c, "P001", "one", "account")
			c.add(48 * time.Hour)
			change := &Changeover{Since: after(tt.since), First: after(tt.first), Held: map[string]time.Time{old: after(tt.held)}, Reason: "new phone"}
			got, err := s.settle(context.Background(), connect(t, s, c, "P001", "two"), "another", change)
			if err != nil || !got.ValidFrom.Equal(after(tt.from)) {
				t.Errorf("Settle = from %s, %v, want %s", got.ValidFrom, err, after(tt.from))
			}
			if end := connections(t, s)[old].ValidTo; !end.Equal(after(tt.to)) {
				t.Errorf("the old connection ends %s, want %s", end, after(tt.to))
			}
		})
	}
}

// What is held of another participant stays theirs, and nobody can change
// accounts in the future.
func TestChangeoverRefused(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	first := settled(t, s, c, "P001", "one", "account")
	held := c.now().Add(20 * time.Hour)
	c.add(48 * time.Hour)
	id := connect(t, s, c, "P002", "two")
	_, err := s.settle(ctx, id, "account", &Changeover{Since: held, Held: map[string]time.Time{first: held}})
	if e, ok := asError[*ChangeoverError](err); !ok || e.Other != "P001" || !e.Held || !e.NotBefore.Equal(held.Add(time.Second)) {
		t.Errorf("Settle that cuts off a reading held = %v, want *ChangeoverError, not before the second after", err)
	}
	_, err = s.settle(ctx, id, "account", &Changeover{Since: c.now().Add(time.Minute)})
	if e, ok := asError[*ChangeoverError](err); !ok || e.Other != "" {
		t.Errorf("Settle in the future = %v, want *ChangeoverError", err)
	}
	if all := connections(t, s); !all[id].Aside || all[first].Status != Connected {
		t.Errorf("Connections = %+v, want nothing changed", all)
	}
}

// However accounts wander among people, none is two people's at one instant, and
// the audit trail knows which connections ended.
func TestAccountsNeverOverlap(t *testing.T) {
	oneAfterTheOther(t)
	for seed := range uint64(12) {
		s, c := newLedger(t)
		people := []string{"P001", "P002", "P003"}
		addAll(t, s, people...)
		r := rand.New(rand.NewPCG(seed, 0))
		for step := range 10 {
			c.add(time.Duration(r.IntN(90)) * time.Minute)
			who, account := people[r.IntN(3)], string(rune('a'+r.IntN(3)))
			change := &Changeover{Reason: "drawn"}
			if r.IntN(2) == 0 {
				change.Since = c.now().Add(-time.Duration(r.IntN(200)) * time.Minute)
			}
			id := connect(t, s, c, who, fmt.Sprint(step))
			if _, err := s.settle(context.Background(), id, account, change); err != nil && !errors.As(err, new(*ChangeoverError)) {
				t.Fatalf("seed %d: Settle(%s, %s) = %v", seed, who, account, err)
			}
		}
		all := connections(t, s)
		checkDisjoint(t, seed, all)
		said := endedByTrail(t, s)
		for id, c := range all {
			if ok := said[id]; ok != (c.Status == Ended) {
				t.Fatalf("seed %d: %+v: the trail says that it ended: %t", seed, c, ok)
			}
		}
	}
}

// endedByTrail are the connections whose last line in the trail says that they ended.
func endedByTrail(t *testing.T, s *ledger) map[string]bool {
	t.Helper()
	lines, err := s.Trail(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ended := map[string]bool{}
	for _, l := range lines {
		var after struct {
			ID     string `json:"connection_id"`
			Status string
		}
		if l.After == "" || l.Subject != "connection" {
			continue
		}
		if err := json.Unmarshal([]byte(l.After), &after); err != nil {
			t.Fatal(err)
		}
		if after.Status != "" {
			ended[after.ID] = after.Status == "ended"
		}
	}
	return ended
}

func checkDisjoint(t *testing.T, seed uint64, all map[string]Connection) {
	t.Helper()
	for _, a := range all {
		for _, b := range all {
			if a.ID == b.ID || a.AccountHash == "" || a.AccountHash != b.AccountHash {
				continue
			}
			if a.ParticipantID != b.ParticipantID && overlap(a, b) || a.Status != Ended && b.Status != Ended {
				t.Fatalf("seed %d: one account, two at once: %+v and %+v", seed, a, b)
			}
		}
	}
}

func overlap(a, b Connection) bool {
	end := func(c Connection) time.Time {
		if c.ValidTo.IsZero() {
			return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return c.ValidTo
	}
	from := later(a.ValidFrom, b.ValidFrom)
	return from.Before(end(a)) && from.Before(end(b))
}

// The database itself refuses an overlap.
func TestIntervalsTrigger(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	first := settled(t, s, c, "P001", "one", "account")
	if err := s.CloseConnection(ctx, first, c.now(), ""); err != nil {
		t.Fatal(err)
	}
	id := connect(t, s, c, "P002", "two")
	_, err := s.Store.Exec(ctx, "update connections set account_hash = 'account', valid_from = ? where connection_id = ?", state.Micros(c.now().Add(-time.Second)), id)
	if err == nil || !strings.Contains(err.Error(), "two participants at once") {
		t.Errorf("an overlapping interval written by hand = %v, want it refused", err)
	}
}

// After a grant was destroyed, no byte of its sealed tokens is in the files:
// neither the pair, nor the one before, nor an answer that waited.
func TestDestroyedTokensLeaveNoBytes(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	secrets := map[string][]byte{}
	sealed := func(name string) []byte {
		secrets[name] = bytes.Repeat([]byte("sealed-"+name+"."), 300) // as long as Dexcom's
		return secrets[name]
	}
	id := settled(t, s, c, "P001", "first", "account")
	for _, name := range []string{"second", "third"} {
		held, err := s.Tokens(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		g := grantOf(name, c)
		g.Current = sealed(name)
		if ok, err := s.commitRefresh(ctx, tokenAnswer{ConnectionID: id, OldHash: held.RefreshHash}, g); err != nil || !ok {
			t.Fatalf("CommitRefresh = %t, %v", ok, err)
		}
	}
	answer := tokenAnswer{ConnectionID: id, ParticipantID: "P001", Region: "us", OldHash: "hash third", HTTPStatus: 200, Sealed: sealed("answer"), ReceivedAt: c.now()}
	if _, err := s.putAnswer(ctx, answer); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.refreshing(id, "me").TakeFree(ctx, time.Minute); err != nil || !ok {
		t.Fatal(err)
	}
	if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), "hash third"); err != nil {
		t.Fatal(err)
	}
	settled(t, s, c, "P002", "kept", "another")
	for name := range secrets {
		if !inFiles(t, s, secrets[name][:64]) {
			t.Fatalf("the sealed %s is not in the files to begin with", name)
		}
	}

	if err := s.CloseConnection(ctx, id, c.now(), "study completed"); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Scrub(ctx); err != nil || !done {
		t.Fatalf("Scrub = %t, %v", done, err)
	}
	for name, secret := range secrets {
		if inFiles(t, s, secret[:64]) {
			t.Errorf("the sealed %s is still in the files", name)
		}
	}
	if !inFiles(t, s, []byte("sealed kept")) {
		t.Error("P002's tokens are gone as well")
	}
	if intents, err := s.intents(ctx); err != nil || len(intents) != 0 {
		t.Errorf("Intents = %v, %v, want none", intents, err)
	}
	if got := connections(t, s)[id]; got.Status != Ended || got.EndedBecause != "study completed" {
		t.Errorf("connection = %+v, want ended", got)
	}
}

// While another process reads, the log cannot be emptied; that is made up for.
func TestScrubWaitsForReaders(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	id := settled(t, s, c, "P001", "one", "account")
	if _, err := s.Store.Exec(ctx, "pragma busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	other, err := state.Open(ctx, s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	rows, err := other.QueryContext(ctx, "select participant_id from participants")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if err := s.CloseConnection(ctx, id, c.now(), ""); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Scrub(ctx); err != nil || done {
		t.Fatalf("Scrub beside a reader = %t, %v, want false", done, err)
	}
	rows.Close()
	if done, err := s.Scrub(ctx); err != nil || !done {
		t.Errorf("Scrub afterwards = %t, %v, want true", done, err)
	}
	if inFiles(t, s, []byte("sealed one")) {
		t.Error("the sealed tokens are still in the files")
	}
}

// inFiles reports whether the state's file or its log hold text.
func inFiles(t *testing.T, s *ledger, text []byte) bool {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(filepath.Join(s.dir, "state.db"+suffix))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(content, text) {
			return true
		}
	}
	return false
}
