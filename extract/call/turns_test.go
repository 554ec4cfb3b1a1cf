package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func TestTurnsAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(4)
		var got []string
		wait := func(who string) {
			go func() {
				if err := turns.take(t.Context(), who); err == nil {
					turns.mu.Lock()
					got = append(got, who)
					turns.mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		check := func(step, want string) {
			t.Helper()
			synctest.Wait()
			if s := fmt.Sprint(got); s != want {
				t.Fatalf("%s: places went to %s, want %s", step, s, want)
			}
		}
		for range 6 {
			wait("a")
		}
		check("one alone gets three quarters", "[a a a]")
		wait("b")
		check("the rest is for others", "[a a a b]")
		wait("b")
		wait("c")
		turns.give("a")
		check("who has none comes before who has one", "[a a a b c]")
		turns.give("a")
		check("who has one of two comes first", "[a a a b c a]")
		turns.give("b")
		check("who has none now", "[a a a b c a b]")
		for _, who := range []string{"a", "a", "c", "b", "a", "a"} {
			turns.give(who)
			synctest.Wait()
		}
		if turns.free != 4 || len(turns.holding) != 0 || len(turns.waiting) != 0 {
			t.Errorf("in the end %d free, %v held, %d waiting; want 4, none, none", turns.free, turns.holding, len(turns.waiting))
		}
	})
}

func TestTurnsTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		if err := turns.take(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		var errs []error
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { errs = append(errs, turns.take(ctx, "b")) }()
			synctest.Wait()
			cancel()
			synctest.Wait()
		}
		if len(errs) != 3 || slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, context.Canceled) }) {
			t.Errorf("take with an ended context: %v, want three times %v", errs, context.Canceled)
		}
		turns.give("a")
		if err := turns.take(t.Context(), "c"); err != nil || turns.free != 0 {
			t.Errorf("take after others gave up: %v, %d free", err, turns.free)
		}
	})
}
