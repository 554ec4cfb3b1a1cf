package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dexetl/dexetl/extract/state"
)

func TestKeyLife(t *testing.T) {
	t.Parallel()
	s, c := newStore(t)
	ks := Keys{Store: s}
	if on, err := ks.Any(t.Context()); on || err != nil {
		t.Errorf("Any of none = %t, %v", on, err)
	}
	rights := Rights{Scope: Manage, Notes: true, Cohort: "A"}
	secret, k := mustAdd(t, ks, "dashboard", rights)
	want := Key{ID: 1, Name: "dashboard", Shown: "dxk_…" + string(secret[len(secret)-4:]), Rights: rights, CreatedAt: c.now()}
	if diff := cmp.Diff(want, k); diff != "" {
		t.Errorf("Add (-want +got):\n%s", diff)
	}
	mustAdd(t, ks, "other", Rights{Scope: Read})
	c.add(time.Hour)
	got, err := ks.Check(t.Context(), string(secret))
	want.LastUsedAt = c.now()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Check: %v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(want, mustKeys(t, ks)[0]); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if on, err := ks.Any(t.Context()); !on || err != nil {
		t.Errorf("Any = %t, %v", on, err)
	}
	for _, name := range []string{"dashboard", "other"} {
		if err := ks.Revoke(t.Context(), name); err != nil {
			t.Errorf("Revoke(%s) = %v", name, err)
		}
	}
	if _, err := ks.Check(t.Context(), string(secret)); !errors.Is(err, ErrUnknown) {
		t.Errorf("Check of a revoked key = %v", err)
	}
	if on, err := ks.Any(t.Context()); on || err != nil {
		t.Errorf("Any after all were revoked = %t, %v", on, err)
	}
	if at := mustKeys(t, ks)[0].RevokedAt; !at.Equal(c.now()) {
		t.Errorf("revoked at %v", at)
	}
}

// What does not work looks the same, whatever is wrong with it.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ks := Keys{Store: s}
	text, _ := mustAdd(t, ks, "k", Rights{Scope: Read})
	secret, other := string(text), newSecret()
	at := len(prefix) + 3
	swapped := secret[:at] + string(secret[at]^1) + secret[at+1:]
	for what, sent := range map[string]string{
		"nothing": "", "prefix": prefix, "another": string(other), "wrong checksum": secret[:len(secret)-1] + string(secret[len(secret)-1]^1),
		"mistyped": swapped, "cut": secret[:len(secret)-1], "longer": secret + "0", "spaces": " " + secret, "case": strings.ToUpper(secret),
		"another prefix": "dxx_" + secret[4:], "not ASCII": secret[:10] + "é" + secret[12:], "as it is shown": shown(text),
		"its hash": string(hashOf(text)), "SQL": "dxk_' or 1=1 --",
	} {
		if _, err := ks.Check(t.Context(), sent); err != ErrUnknown {
			t.Errorf("Check of %s = %v, want ErrUnknown itself", what, err)
		}
	}
	if at := mustKeys(t, ks)[0].LastUsedAt; !at.IsZero() {
		t.Errorf("used at %v by what was refused", at)
	}
}

// A key that another process revokes is refused with the next request.
func TestRevokedElsewhere(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "state"), &clock{t: time.Now()}
	here, there := Keys{Store: openAgain(t, dir, c)}, Keys{Store: openAgain(t, dir, c)}
	secret, _ := mustAdd(t, here, "k", Rights{Scope: Read})
	if _, err := there.Check(t.Context(), string(secret)); err != nil {
		t.Fatal(err)
	}
	if err := here.Revoke(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := there.Check(t.Context(), string(secret)); err != ErrUnknown {
		t.Errorf("Check = %v", err)
	}
}

// Many requests come at once, and while a key is revoked.
func TestChecksTogether(t *testing.T) {
	t.Parallel()
	s, c := newStore(t)
	ks := Keys{Store: s}
	secret, _ := mustAdd(t, ks, "k", Rights{Scope: Read})
	revoked, _ := mustAdd(t, ks, "gone", Rights{Scope: Read})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 25 {
				c.add(20 * time.Second)
				if _, err := ks.Check(t.Context(), string(secret)); err != nil {
					t.Errorf("Check = %v", err)
				}
				if n == 0 {
					_ = ks.Revoke(t.Context(), "gone")
				}
			}
		})
	}
	wg.Wait()
	if _, err := ks.Check(t.Context(), string(revoked)); err != ErrUnknown {
		t.Errorf("Check of the revoked one = %v", err)
	}
}

// The last use is written once a minute, and put right when the clock was.
func TestLastUse(t *testing.T) {
	t.Parallel()
	s, c := newStore(t)
	ks := Keys{Store: s}
	secret, _ := mustAdd(t, ks, "k", Rights{Scope: Read})
	first := c.now()
	for _, step := range []struct{ later, want time.Duration }{
		{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}, {time.Second, time.Minute}, {-time.Hour, time.Second + time.Minute - time.Hour},
	} {
		c.add(step.later)
		if _, err := ks.Check(t.Context(), string(secret)); err != nil {
			t.Fatal(err)
		}
		if got := mustKeys(t, ks)[0].LastUsedAt.Sub(first); got != step.want {
			t.Errorf("%v after the first use, the last is kept as %v, want %v", c.now().Sub(first), got, step.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ks := Keys{Store: s}
	mustAdd(t, ks, "lab-1", Rights{Scope: Read})
	mustAdd(t, ks, "gone", Rights{Scope: Read})
	if err := ks.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]NameReason{
		"": NameBad, "two words": NameBad, "é": NameBad, "a/b": NameBad, "a\n": NameBad, strings.Repeat("a", 65): NameBad,
		"lab-1": NameTaken, "LAB-1": NameTaken, "gone": NameSpent, "Gone": NameSpent,
	} {
		_, _, err := ks.Add(t.Context(), name, Rights{Scope: Read})
		if e, ok := errors.AsType[*NameError](err); !ok || e.Reason != want {
			t.Errorf("Add(%q) = %v, want %q", name, err, want)
		}
	}
	for name, want := range map[string]NameReason{"lab-2": NameUnknown, "LAB-1": NameUnknown, "": NameUnknown, "gone": NameRevoked} {
		err := ks.Revoke(t.Context(), name)
		if e, ok := errors.AsType[*NameError](err); !ok || e.Reason != want {
			t.Errorf("Revoke(%q) = %v, want %q", name, err, want)
		}
	}
	if _, _, err := ks.Add(t.Context(), "x", Rights{Scope: "admin"}); err == nil {
		t.Error("a scope of that name does not exist")
	}
	mustAdd(t, ks, strings.Repeat("a", 64), Rights{Scope: Read})
	if n := len(mustKeys(t, ks)); n != 3 {
		t.Errorf("%d keys, want 3", n)
	}
}

// Each change is in the trail, by who made it; nothing made of a secret is in the trail
// or in the state.
func TestKeysAreAudited(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	ks := Keys{Store: s}
	secret, _ := mustAdd(t, ks, "lab", Rights{Scope: Manage, Unblinded: true, Cohort: "A"})
	if err := ks.Revoke(state.ByAuthor(t.Context(), state.Author{Who: "bert", Command: "elsewhere"}), "lab"); err != nil {
		t.Fatal(err)
	}
	lines, err := s.Trail(t.Context())
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for i, want := range []string{`anna@lab keys key null {"cohort":"A","name":"lab","notes":false,"scope":"manage","unblinded":true}`,
		`bert elsewhere key {"cohort":"A","name":"lab","notes":false,"scope":"manage","unblinded":true} null`} {
		l := lines[i]
		if got := strings.Join([]string{l.Who, l.Command, l.Subject, orNull(l.Before), orNull(l.After)}, " "); got != want {
			t.Errorf("line %d is %s, want %s", i+1, got, want)
		}
	}
	dir := filepath.Dir(stateFile(t, s))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, part := range []string{string(secret), string(secret[4:20]), string(secret[20:36])} {
			if strings.Contains(string(text), part) {
				t.Errorf("%s holds a part of a key", file)
			}
		}
	}
}

// A state from an older backup does not let in again whom the trail says was put out.
func TestRevokedStaysRevoked(t *testing.T) {
	t.Parallel()
	dir, c := filepath.Join(t.TempDir(), "state"), &clock{t: time.Now()}
	s := openAgain(t, dir, c)
	ks := Keys{Store: s}
	secret, _ := mustAdd(t, ks, "gone", Rights{Scope: Read})
	kept, _ := mustAdd(t, ks, "kept", Rights{Scope: Read})
	if err := ks.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if again, err := ks.RevokeAgain(t.Context()); len(again) > 0 || err != nil {
		t.Errorf("RevokeAgain of a state of today = %v, %v", again, err)
	}
	// What the restored backup says of it.
	if _, err := s.Exec(t.Context(), "update api_keys set revoked_at = null"); err != nil {
		t.Fatal(err)
	}
	if again, err := ks.RevokeAgain(t.Context()); len(again) != 1 || again[0] != "gone" || err != nil {
		t.Errorf("RevokeAgain = %v, %v", again, err)
	}
	if _, err := ks.Check(t.Context(), string(secret)); err != ErrUnknown {
		t.Errorf("Check = %v", err)
	}
	if _, err := ks.Check(t.Context(), string(kept)); err != nil {
		t.Errorf("Check of another = %v", err)
	}
	lines, err := s.Trail(t.Context())
	if n := len(lines); err != nil || n != 4 || lines[3].Reason != "it was revoked before: state.db is older than this trail" {
		t.Errorf("%d lines, %v", n, err)
	}
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

func stateFile(t *testing.T, s *state.Store) string {
	t.Helper()
	path, err := state.One(t.Context(), s, state.ScanText, "select file from pragma_database_list where name = 'main'")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	seen := map[Secret]bool{}
	characters := map[rune]int{}
	for range 500 {
		s := newSecret()
		if !wellFormed(s) || len(s) != 42 || seen[s] {
			t.Fatalf("%s: well formed: %t, seen: %t", string(s), wellFormed(s), seen[s])
		}
		seen[s] = true
		for _, r := range s[len(prefix) : len(prefix)+randomLen] {
			characters[r]++
		}
	}
	if len(characters) != 62 {
		t.Errorf("%d different characters", len(characters))
	}
	for r, n := range characters { // 258 on average, 16 is a standard deviation
		if n < 150 || n > 370 {
			t.Errorf("%c comes %d times", r, n)
		}
	}
	// Any tool that knows CRC32 can check a key: this one was made by Python's zlib.
	if got := checksum("0123456789ABCDEFGHIJKLMNOPQRSTUV"); got != "1ggZdL" {
		t.Errorf("checksum = %s", got)
	}
}

func TestSecretShowsItself(t *testing.T) {
	t.Parallel()
	secret := newSecret()
	encoded, err := json.Marshal(map[string]any{"secret": secret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("made", "secret", secret)
	for _, text := range []string{
		fmt.Sprint(secret), fmt.Sprintf("%s %v %q %x %#v %+v", secret, secret, secret, secret, secret, struct{ S Secret }{secret}),
		string(encoded), log.String(), fmt.Errorf("key %s", secret).Error(),
	} {
		if strings.Contains(text, string(secret)) || !strings.Contains(text, "[redacted]") {
			t.Errorf("shown as %s", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(string(newSecret()))
	f.Add(prefix)
	f.Fuzz(func(t *testing.T, text string) {
		if s := Secret(text); wellFormed(s) && (len(text) != secretLen || shown(s) == text) {
			t.Errorf("%q is taken for a key", text)
		}
	})
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		has, needs Scope
		want       bool
	}{{Read, Read, true}, {Manage, Read, true}, {Manage, Manage, true}, {Read, Manage, false}, {"", Read, false}, {"", Manage, false}} {
		if got := tt.has.Includes(tt.needs); got != tt.want {
			t.Errorf("%q includes %q: %t", tt.has, tt.needs, got)
		}
	}
}
