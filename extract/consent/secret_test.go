package consent

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

func TestSecretShowsNothing(t *testing.T) {
	s := Secret(canary)
	app := App{ClientSecret: s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%T %v"} {
		fmt.Fprintf(&out, strings.ReplaceAll(verb, "%T ", "")+"\n", s)
		fmt.Fprintf(&out, "%v %+v %#v\n", app, app, &app)
	}
	for _, v := range []any{s, app, map[string]Secret{"s": s}, []Secret{s}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		fmt.Fprintln(&out, v)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "app", app)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "app", app)
	hex := fmt.Sprintf("%x", canary)
	if text := out.String(); strings.Contains(text, canary) || strings.Contains(strings.ToLower(text), hex) {
		t.Errorf("a secret shows:\n%s", text)
	}
	if n := strings.Count(out.String(), "[redacted]"); n < 20 {
		t.Errorf("%d redactions, want at least 20", n)
	}
}

func TestOpenKey(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	store, err := state.Open(ctx, filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	path := filepath.Join(dir, "keys", "key.age")
	first, err := OpenKey(ctx, path, registerOf(store))
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v, want mode 0600", st.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "keys", ".key-*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	sealed, err := first.seal([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(ctx, path, registerOf(store))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.open(sealed); err != nil || string(plain) != "text" {
		t.Errorf("open = %q, %v, want text", plain, err)
	}
	if first.hash("a", "x") != again.hash("a", "x") || first.hash("a", "x") == first.hash("b", "x") {
		t.Error("hashes do not depend on key and purpose alone")
	}

	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = OpenKey(ctx, path, registerOf(store))
	if e, ok := asError[*KeyModeError](err); !ok || e.Path != path {
		t.Errorf("OpenKey of a file that the group reads = %v, want *KeyModeError", err)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(ctx, path, registerOf(store)); !errors.Is(err, ErrWrongKey) {
		t.Errorf("OpenKey, file gone = %v, want ErrWrongKey", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a new key was made although tokens are sealed for another")
	}
	if err := createKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(ctx, path, registerOf(store)); !errors.Is(err, ErrWrongKey) {
		t.Errorf("OpenKey of another key = %v, want ErrWrongKey", err)
	}
	other, err := readKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.open(sealed); !errors.Is(err, ErrWrongKey) {
		t.Errorf("open with another key = %v, want ErrWrongKey", err)
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := first.open(sealed); err == nil || errors.Is(err, ErrWrongKey) {
		t.Errorf("open of damaged bytes = %v, want damage, not a wrong key", err)
	}
	if err := os.WriteFile(path, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(ctx, path, registerOf(store)); err == nil {
		t.Error("OpenKey of a file without a key is no error")
	}
}

// Processes that need the first key at once get the same one.
func TestOpenKeyTogether(t *testing.T) {
	dir := t.TempDir()
	hashes := make(chan string, 8)
	for range cap(hashes) {
		go func() {
			store, err := state.Open(context.Background(), dir)
			if err != nil {
				hashes <- err.Error()
				return
			}
			defer store.Close()
			k, err := OpenKey(context.Background(), filepath.Join(dir, "key.age"), registerOf(store))
			if err != nil {
				hashes <- err.Error()
				return
			}
			hashes <- k.hash("a", "x")
		}()
	}
	first := <-hashes
	for range cap(hashes) - 1 {
		if got := <-hashes; got != first || len(got) != 64 {
			t.Errorf("OpenKey = %s and %s, want one key", first, got)
		}
	}
}

// Whatever the endpoint says, reading it ends, and what was read is text that
// was sent.
func FuzzReadReply(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","expires_in":7200,"refresh_token":"r","not-before-policy":"1726871301,"}`))
	f.Add([]byte(`{"access_token":"a","refresh_token":"r","x":[{"refresh_token":"no"}`))
	f.Add([]byte(`{"error":"invalid_grant"}`))
	f.Add([]byte(`{"expires_in":"1e400","access_token":7,"refresh_token":null}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := readReply(body)
		if r.lifetime <= 0 || r.lifetime > maxLifetime {
			t.Errorf("readReply(%q): lifetime %s", body, r.lifetime)
		}
		if len(r.Access)+len(r.Refresh)+len(r.code) > 3*len(body) {
			t.Errorf("readReply(%q) = more than was sent", body)
		}
	})
}

func TestReadReply(t *testing.T) {
	type want struct {
		pair
		lifetime time.Duration
		code     oauthCode
		failed   bool
	}
	for body, want := range map[string]want{
		`{"access_token":"a\u0062","expires_in":7200,"refresh_token":"r"}`:                                                      {pair{"ab", "r"}, 7200e9, "", false},
		`{"access_token":"a","expires_in":"600","refresh_token":"r","x":{"access_token":"z"}}`:                                  {pair{"a", "r"}, 600e9, "", false},
		`{"access_token":"a","expires_in":7200000,"refresh_token":"r"}`:                                                         {pair{"a", "r"}, maxLifetime, "", false},
		`{"refresh_token":"r","access_token":"a","expires_in":-1,"error":null}`:                                                 {pair{"a", "r"}, defaultLifetime, "", false},
		`{"refresh_token":"r","access_token":7}`:                                                                                {pair{"", "r"}, defaultLifetime, "", false},
		`{"refresh_token":"r","access_tok`:                                                                                      {pair{"", "r"}, defaultLifetime, "", false},
		`{"refresh_token":"r`:                                                                                                   {pair{}, defaultLifetime, "", false},
		"\xef\xbb\xbf {\"refresh_token\":\"r\",\"access_token\":\"a\"}":                                                         {pair{"a", "r"}, defaultLifetime, "", false},
		"\xff\xfe{\x00\"\x00r\x00e\x00f\x00r\x00e\x00s\x00h\x00_\x00t\x00o\x00k\x00e\x00n\x00\"\x00:\x00\"\x00r\x00\"\x00}\x00": {pair{"", "r"}, defaultLifetime, "", false},
		"access_token=a%20b&refresh_token=r&expires_in=60\n":                                                                    {pair{"a b", "r"}, time.Minute, "", false},
		packed(`{"access_token":"a","refresh_token":"r"}`):                                                                      {pair{"a", "r"}, defaultLifetime, "", false},
		`{"error":"invalid_grant","error_description":null}`:                                                                    {pair{}, defaultLifetime, "invalid_grant", true},
		`["access_token"]`: {pair{}, defaultLifetime, "", true},
		``:                 {pair{}, defaultLifetime, "", false},
	} {
		got := readReply([]byte(body))
		if got.pair != want.pair || got.lifetime != want.lifetime || got.code != want.code || got.failed != want.failed {
			t.Errorf("readReply(%q) = %+v, want %+v", body, got, want)
		}
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}
