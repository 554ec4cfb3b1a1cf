package consent

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
)

// A ledger is what is kept in a state, for tests of rows.
type ledger struct {
	*process
	*Register
	*cohort.Cohort
	*state.Store
	dir string
}

// tick is a time that tests move.
type tick struct{ t time.Time }

func newTick() *tick { return &tick{time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)} }

func (c *tick) now() time.Time      { return c.t }
func (c *tick) add(d time.Duration) { c.t = c.t.Add(d) }

func openLedger(t *testing.T, dir string, c *tick) *ledger {
	t.Helper()
	s, err := state.Open(context.Background(), dir)
	if err != nil {
		t.Fatalf("Open(%q) = %v", dir, err)
	}
	s.Now = c.now
	t.Cleanup(func() { s.Close() })
	r := registerOf(s)
	return &ledger{newProcess(r, nil, &Client{}), r, r.Cohort, s, dir}
}

func registerOf(s *state.Store) *Register {
	return &Register{Store: s, Cohort: &cohort.Cohort{Store: s}}
}

func newLedger(t *testing.T) (*ledger, *tick) {
	t.Helper()
	c := newTick()
	return openLedger(t, keyless(t), c), c
}

// keyless is a folder with a state to which nobody has given a key.
func keyless(t *testing.T) string { return folderOf(t, bare) }

var bare = sync.OnceValues(func() (map[string][]byte, error) {
	return made(func(*state.Store, string) error { return nil })
})

func addAll(t *testing.T, s *ledger, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.AddParticipant(context.Background(), cohort.Participant{ID: id}); err != nil {
			t.Fatalf("AddParticipant(%q) = %v", id, err)
		}
	}
}

func isError(err, target error) bool { return errors.Is(err, target) }

// grantOf is a grant as consent would seal it.
func grantOf(name string, c *tick) Grant {
	return Grant{Current: []byte("sealed " + name), RefreshHash: "hash " + name,
		AccessIssuedAt: c.now(), AccessExpiresAt: c.now().Add(2 * time.Hour)}
}

// connect makes an unsettled connection.
func connect(t *testing.T, s *ledger, c *tick, participant, name string) string {
	t.Helper()
	ctx := context.Background()
	a, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: s.NewID(), ParticipantID: participant, Region: "us",
		HTTPStatus: 200, Sealed: []byte("answer"), ReceivedAt: c.now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.commitCode(ctx, a, grantOf(name, c)); err != nil {
		t.Fatal(err)
	}
	return a.ConnectionID
}

// settled makes a connection to an account.
func settled(t *testing.T, s *ledger, c *tick, participant, name, account string) string {
	t.Helper()
	id := connect(t, s, c, participant, name)
	if _, err := s.settle(context.Background(), id, account, nil); err != nil {
		t.Fatalf("Settle(%s, %s) = %v", participant, account, err)
	}
	return id
}

func connections(t *testing.T, s *ledger) map[string]Connection {
	t.Helper()
	all, err := s.Connections(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Connection{}
	for _, c := range all {
		out[c.ID] = c
	}
	return out
}

func TestCommitCodeOnce(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	a, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: s.NewID(), ParticipantID: "P001", Region: "us", HTTPStatus: 200, Sealed: []byte("x"), ReceivedAt: c.now()})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Answers(ctx, ""); err != nil || !reflect.DeepEqual(got, []tokenAnswer{a}) {
		t.Fatalf("Answers = %+v, %v, want %+v", got, err, a)
	}
	for range 2 {
		if err := s.commitCode(ctx, a, grantOf("one", c)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]Connection{a.ConnectionID: {ID: a.ConnectionID, ParticipantID: "P001", Region: "us", Status: Connected, CreatedAt: c.now(), GrantedAt: c.now()}}
	if got := connections(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("Connections = %+v, want %+v", got, want)
	}
	if got, err := s.Tokens(ctx, a.ConnectionID); err != nil || !reflect.DeepEqual(got, SealedTokens{ConnectionID: a.ConnectionID, Grant: grantOf("one", c)}) {
		t.Errorf("Tokens = %+v, %v", got, err)
	}
	if got, err := s.Answers(ctx, ""); err != nil || len(got) != 0 {
		t.Errorf("Answers after commit = %+v, %v, want none", got, err)
	}
}

func TestSettleReconnect(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	old := settled(t, s, c, "P001", "one", "account")
	lost := refreshFailure{Answer: tokenAnswer{ConnectionID: old, OldHash: "hash one"}, Outcome: "invalid_grant", Refused: true, Status: NeedsReconsent}
	if err := s.failRefresh(ctx, lost); err != nil {
		t.Fatal(err)
	}
	id := connect(t, s, c, "P001", "two")
	got, err := s.settle(ctx, id, "account", nil)
	if err != nil || got.ID != old || got.Status != Connected || got.LastError != "" {
		t.Fatalf("Settle of the same account = %+v, %v, want connection %s, connected", got, err, old)
	}
	if all := connections(t, s); len(all) != 1 || all[old] != got {
		t.Errorf("Connections = %+v, want %+v alone", all, got)
	}
	if tokens, err := s.Tokens(ctx, old); err != nil || tokens.RefreshHash != "hash two" || tokens.Refusals != 0 {
		t.Errorf("Tokens = %+v, %v, want the new grant's", tokens, err)
	}
}

// A grant whose last refresh nobody answered has an intent; it moves all the same.
func TestSettleReconnectWithIntents(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	old := settled(t, s, c, "P001", "one", "account")
	id := connect(t, s, c, "P001", "two")
	for id, hash := range map[string]string{old: "hash one", id: "hash two"} {
		if ok, err := s.refreshing(id, "me").TakeFree(ctx, time.Minute); err != nil || !ok {
			t.Fatalf("LeaseRefresh = %t, %v", ok, err)
		}
		if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), hash); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.settle(ctx, id, "account", nil); err != nil || got.ID != old {
		t.Fatalf("Settle = %+v, %v, want connection %s", got, err, old)
	}
	if intents, err := s.intents(ctx); err != nil || len(intents) != 0 {
		t.Errorf("Intents = %v, %v, want none: they were of other grants", intents, err)
	}
}

// A grant that died unseen goes when a better one comes.
func TestSettleDropsDead(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	dead := connect(t, s, c, "P001", "one")
	f := refreshFailure{Answer: tokenAnswer{ConnectionID: dead, OldHash: "hash one"}, Outcome: "invalid_grant", Refused: true, Status: AuthSuspect, RetryAt: c.now()}
	if err := s.failRefresh(ctx, f); err != nil {
		t.Fatal(err)
	}
	id := settled(t, s, c, "P001", "two", "account")
	if all := connections(t, s); len(all) != 1 || all[id].AccountHash != "account" {
		t.Errorf("Connections = %+v, want %s alone", all, id)
	}
}

func TestRefreshRows(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	id := settled(t, s, c, "P001", "one", "account")
	if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), "hash one"); !isError(err, state.ErrLeaseLost) {
		t.Fatalf("BeginRefresh without a lease = %v, want state.ErrLeaseLost", err)
	}
	if ok, err := s.refreshing(id, "me").TakeFree(ctx, time.Minute); err != nil || !ok {
		t.Fatalf("LeaseRefresh = %t, %v", ok, err)
	}
	if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), "hash zero"); !isError(err, errSuperseded) {
		t.Fatalf("BeginRefresh of another token = %v, want ErrSuperseded", err)
	}
	if err := s.beginRefresh(ctx, id, s.refreshing(id, "me"), "hash one"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.intents(ctx); err != nil || !reflect.DeepEqual(got, []string{id}) {
		t.Fatalf("Intents = %v, %v, want %s", got, err, id)
	}
	a, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: id, ParticipantID: "P001", Region: "us", OldHash: "hash one", HTTPStatus: 200, Sealed: []byte("x"), ReceivedAt: c.now()})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} { // the second time it is used up
		if got, err := s.commitRefresh(ctx, a, grantOf("two", c)); err != nil || got != want {
			t.Fatalf("CommitRefresh %d = %t, %v, want %t", i+1, got, err, want)
		}
	}
	tokens, err := s.Tokens(ctx, id)
	if want := (SealedTokens{ConnectionID: id, Grant: grantOf("two", c), Previous: []byte("sealed one"), PreviousHash: "hash one"}); err != nil || !reflect.DeepEqual(tokens, want) {
		t.Errorf("Tokens = %+v, %v, want %+v", tokens, err, want)
	}
	intents, err := s.intents(ctx)
	answers, err2 := s.Answers(ctx, id)
	if err != nil || err2 != nil || len(intents)+len(answers) != 0 {
		t.Errorf("after commit: intents %v, answers %v, want none", intents, answers)
	}
}

// A refusal of a token that was replaced meanwhile says nothing about the new.
func TestFailRefreshSuperseded(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	id := settled(t, s, c, "P001", "two", "account")
	f := refreshFailure{Answer: tokenAnswer{ConnectionID: id, OldHash: "hash one"}, Outcome: "invalid_grant", Refused: true, Status: NeedsReconsent, RetryAt: c.now()}
	if err := s.failRefresh(ctx, f); err != nil {
		t.Fatal(err)
	}
	tokens, err := s.Tokens(ctx, id)
	if got := connections(t, s)[id]; err != nil || got.Status != Connected || tokens.Refusals != 0 {
		t.Errorf("connection %+v, tokens %+v, %v, want untouched", got, tokens, err)
	}
	if tries, err := s.Tries(ctx, id); err != nil || len(tries) != 1 || tries[0].Outcome != "invalid_grant" {
		t.Errorf("Tries = %+v, %v, want the one recorded", tries, err)
	}
}

// The same answer, finished by two processes, counts once.
func TestFailRefreshOnce(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	id := settled(t, s, c, "P001", "one", "account")
	for _, unreadable := range []bool{false, true} {
		a, err := s.putAnswer(ctx, tokenAnswer{ConnectionID: id, ParticipantID: "P001", Region: "us", OldHash: "hash one", HTTPStatus: 503, Sealed: []byte("x"), ReceivedAt: c.now()})
		if err != nil {
			t.Fatal(err)
		}
		before, err := s.Tokens(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.failRefresh(ctx, refreshFailure{Answer: a, Outcome: "503", Unreadable: unreadable, RetryAt: c.now()}); err != nil {
				t.Fatal(err)
			}
		}
		if after, err := s.Tokens(ctx, id); err != nil || after.Failures != before.Failures+1 {
			t.Errorf("unreadable %t: failures %d, %v, want %d", unreadable, after.Failures, err, before.Failures+1)
		}
		if answers, err := s.Answers(ctx, id); err != nil || len(answers) != 0 {
			t.Errorf("unreadable %t: Answers = %+v, %v, want none waiting", unreadable, answers, err)
		}
	}
	if kept, err := state.One(context.Background(), s.Store, state.ScanText, "select count(*) from token_answers"); err != nil || kept != "1" {
		t.Errorf("%s answers kept for repair, %v, want the unreadable one", kept, err)
	}
}

func TestImportTokensKnowsSpentOnes(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001", "P002")
	list := []tokenImport{{ParticipantID: "P001", Region: "us", Grant: grantOf("one", c)}, {ParticipantID: "P002", Region: "us", Grant: grantOf("two", c)}}
	ids, err := s.importTokens(ctx, list)
	if err != nil || len(ids) != 2 {
		t.Fatalf("ImportTokens = %v, %v, want 2", ids, err)
	}
	// The first is refreshed: its imported token is spent.
	a := tokenAnswer{ConnectionID: ids[0], OldHash: "hash one"}
	if ok, err := s.commitRefresh(ctx, a, grantOf("next", c)); err != nil || !ok {
		t.Fatalf("CommitRefresh = %t, %v", ok, err)
	}
	list = append(list, tokenImport{ParticipantID: "P001", Region: "us", Grant: grantOf("next", c)}) // held, though never imported
	if ids, err := s.importTokens(ctx, list); err != nil || len(ids) != 0 {
		t.Errorf("the same tokens again = %v, %v, want no connection", ids, err)
	}
	list = append(list, tokenImport{ParticipantID: "P009", Region: "us", Grant: grantOf("nine", c)}, tokenImport{ParticipantID: "P001", Region: "us", Grant: grantOf("ten", c)})
	if ids, err := s.importTokens(ctx, list); err == nil {
		t.Errorf("ImportTokens of an unknown participant = %v, want an error", ids)
	}
	if all := connections(t, s); len(all) != 2 {
		t.Errorf("after a failed import: %d connections, want 2", len(all))
	}
}

func TestUseState(t *testing.T) {
	ctx := context.Background()
	s, c := newLedger(t)
	addAll(t, s, "P001")
	put := func(hash string) oauthState {
		o := oauthState{Hash: hash, ParticipantID: "P001", Region: "us", RedirectURI: "http://localhost/", CreatedAt: c.now(), ExpiresAt: c.now().Add(time.Hour)}
		if err := s.putState(ctx, o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	want := put("one")
	put("two")
	if got, err := s.useState(ctx, "one"); err != nil || got != want {
		t.Errorf("UseState(one) = %+v, %v, want %+v", got, err, want)
	}
	c.add(time.Hour)
	for hash, reason := range map[string]StateReason{"one": StateUsed, "two": StateExpired, "three": StateUnknown} {
		_, err := s.useState(ctx, hash)
		if e, ok := asError[*StateError](err); !ok || e.Reason != reason {
			t.Errorf("UseState(%s) = %v, want %q", hash, err, reason)
		}
	}
}

func TestBindKey(t *testing.T) {
	ctx := context.Background()
	s, _ := newLedger(t)
	if got, err := s.BoundKey(ctx); err != nil || got != "" {
		t.Errorf("BoundKey at first = %q, %v, want none", got, err)
	}
	for _, recipient := range []string{"age1a", "age1b"} {
		if got, err := s.bindKey(ctx, studyKey{Recipient: recipient}); err != nil || got != "age1a" {
			t.Errorf("bindKey(%s) = %q, %v, want the first, age1a", recipient, got, err)
		}
	}
	lines, err := s.Trail(ctx)
	if err != nil || len(lines) != 1 || lines[0].Subject != "key" || lines[0].After != `{"recipient":"age1a"}` {
		t.Errorf("Trail = %+v, %v, want one line of the first key", lines, err)
	}
}
