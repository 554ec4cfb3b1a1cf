package load

import (
	"maps"
	"testing"
	"time"
)

// A lake of format 1 has no accounts: those of its connections are in the log, and
// an answer that comes after the new program does not settle them.
func TestAccountsOfAnOlderLake(t *testing.T) {
	w := newWorld(t, t.TempDir())
	k := w.tank("live", 0)
	defer k.unlock()
	w.say("", "P1", "A", "egvs")
	w.say("one", "P1", "A", "dataRange")
	w.say("one", "P1", "A", "events")
	w.say("two", "P2", "B", "devices")
	k.load(Study{})
	parent := k.current()
	w.say("other", "P1", "A", "egvs")

	recalled := func(format int) map[connectionKey]account {
		t.Helper()
		l := k.withDefaults()
		l.learn(Study{})
		older := parent
		older.Format = format
		s := newStep(l, older, &studyChange{}, nil)
		if err := s.loadSmall(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s.accounts
	}
	now := newStep(k.withDefaults(), parent, &studyChange{}, nil)
	now.accounts = make(map[connectionKey]account)
	now.shown, now.coverage, now.pending = make(map[shownKey]shown), make(map[coverKey]*cover), make(map[pendingKey]time.Time)
	if err := now.holdSmall(t.Context(), Side{k.Lake, parent}); err != nil || len(now.accounts) != 2 {
		t.Fatalf("accounts of a lake of today: %v, %v; want 2", now.accounts, err)
	}
	if got := recalled(1); !maps.Equal(got, now.accounts) {
		t.Errorf("accounts recalled from the log = %v, want %v", got, now.accounts)
	}
	if got := recalled(2); len(got) > 0 {
		t.Errorf("a step without answers recalls %v of a lake that has the table", got)
	}
}
