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
		g := NewGate(Settings{Concurrency: 4})
		turns := &g.turns
		leaves := map[string][]func(){}
		give := func(who string) {
			g.mu.Lock()
			leave := leaves[who][0]
			leaves[who] = leaves[who][1:]
			g.mu.Unlock()
			leave()
		}
		var got []string
		wait := func(who string) {
			go func() {
				if leave, err := g.place(t.Context(), who); err == nil {
					g.mu.Lock()
					got, leaves[who] = append(got, who), append(leaves[who], leave)
					g.mu.Unlock()
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
		give("a")
		check("who has none comes before who has one", "[a a a b c]")
		give("a")
		check("who has one of two comes first", "[a a a b c a]")
		give("b")
		check("who has none now", "[a a a b c a b]")
		for _, who := range []string{"a", "a", "c", "b", "a", "a"} {
			give(who)
			synctest.Wait()
		}
		if turns.free != 4 || len(turns.holding) != 0 || len(turns.waiting) != 0 {
			t.Errorf("in the end %d free, %v held, %d waiting; want 4, none, none", turns.free, turns.holding, len(turns.waiting))
		}
	})
}

func TestPlaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Settings{Concurrency: 1})
		leave, err := g.place(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		var errs []error
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				_, err := g.place(ctx, "b")
				errs = append(errs, err)
			}()
			synctest.Wait()
			cancel()
			synctest.Wait()
		}
		if len(errs) != 3 || slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, context.Canceled) }) {
			t.Errorf("place with an ended context: %v, want three times %v", errs, context.Canceled)
		}
		leave()
		if _, err := g.place(t.Context(), "c"); err != nil || g.turns.free != 0 {
			t.Errorf("place after others gave up: %v, %d free", err, g.turns.free)
		}
	})
}
