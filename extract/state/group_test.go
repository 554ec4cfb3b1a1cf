package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Statements that wait for each other are one transaction. That one of them fails, or is
// given up, makes no difference to the others.
func TestStatementsShareATransaction(t *testing.T) {
	s, _ := newStore(t)
	gaveUp, cancel := context.WithCancel(t.Context())
	cancel()
	insert := func(ctx context.Context, key string) *queued {
		return &queued{ctx: ctx, text: "insert into meta (key, value) values (?, '')", args: []any{key}}
	}
	for _, tt := range []struct {
		name string
		all  []*queued
		want string // errors: none, any, or the context's
	}{
		{"all succeed", []*queued{insert(t.Context(), "a"), insert(t.Context(), "b"), insert(t.Context(), "c")}, "---"},
		{"one is there already", []*queued{insert(t.Context(), "d"), insert(t.Context(), "a"), insert(t.Context(), "e")}, "-x-"},
		{"one is given up", []*queued{insert(t.Context(), "f"), insert(t.Context(), "g"), insert(gaveUp, "h")}, "--c"},
	} {
		before := s.commits(t)
		var ran sync.WaitGroup
		s.db.group.turn.Lock() // until all of them wait
		s.db.group.waiting = tt.all[1:]
		ran.Go(func() {
			if _, err := s.db.group.run(s.db, tt.all[0]); err != tt.all[0].err {
				t.Errorf("%s: run: %v", tt.name, err)
			}
		})
		s.db.group.turn.Unlock()
		ran.Wait()
		var got string
		for _, q := range tt.all {
			switch {
			case q.err == nil && q.done:
				got += "-"
			case errors.Is(q.err, context.Canceled):
				got += "c"
			default:
				got += "x"
			}
		}
		if got != tt.want {
			t.Errorf("%s: errors %s, want %s", tt.name, got, tt.want)
		}
		if n := s.commits(t) - before; tt.want == "---" && n != 1 {
			t.Errorf("%s: %d transactions, want 1", tt.name, n)
		}
	}
	keys, err := Collect(t.Context(), s, ScanText, "select key from meta where length(key) = 1 order by key")
	if fmt.Sprint(keys) != "[a b c d e f g]" || err != nil {
		t.Errorf("kept %v, %v; want [a b c d e f g]", keys, err)
	}
}

// commits counts the transactions in SQLite's write-ahead log: the last frame of each says
// how large the file is then.
func (s *Store) commits(t *testing.T) (n int) {
	t.Helper()
	log, err := os.ReadFile(s.db.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const head, frameHead = 32, 24
	if len(log) < head {
		return 0
	}
	page := int(binary.BigEndian.Uint32(log[8:]))
	for at := head; at+frameHead+page <= len(log); at += frameHead + page {
		if binary.BigEndian.Uint32(log[at+4:]) != 0 {
			n++
		}
	}
	return n
}
