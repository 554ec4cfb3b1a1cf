package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A watched study is a folder with a configuration that a process began with.
type watched struct {
	*testing.T
	*Live
	told []Change
	age  time.Duration // of what is written
}

const liveHead = "version: 1\napi: {region: sandbox}\n"

func newWatched(t *testing.T, text string) *watched {
	w := &watched{T: t, age: time.Hour}
	w.Live = &Live{Dir: t.TempDir(), Getenv: func(string) string { return "" }, Tell: func(c Change) { w.told = append(w.told, c) }}
	w.write(text)
	var err error
	if w.Begun, _, err = Load(w.Dir, w.Getenv); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watched) write(text string) {
	path, at := filepath.Join(w.Dir, File), time.Now().Add(-w.age)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		w.Fatal(err)
	}
	w.age -= time.Minute // another instant
}

const (
	open  = "study: {blinding: false}\n"
	blind = "study: {blinding: true}\n"
	urls  = "serve: {redirect_urls: [https://a.example/, https://b.example/]}\n"
	oneof = "serve: {redirect_urls: [https://b.example/, https://c.example/]}\n"
)

// Blinding and the addresses of programs hold as they are written. A file that cannot be
// used loosens nothing, and what can be read of it makes stricter.
func TestLiveRules(t *testing.T) {
	a, b, c := "https://a.example/", "https://b.example/", "https://c.example/"
	for name, tt := range map[string]struct {
		before, after string
		blinding      bool
		urls          []string
	}{
		"the same":              {open + urls, open + urls, false, []string{a, b}},
		"blinded":               {open, blind, true, nil},
		"unblinded":             {blind, open, false, nil},
		"left out":              {blind, "", false, nil},
		"other addresses":       {urls, oneof, false, []string{b, c}},
		"no YAML":               {blind + urls, "study: [\n", true, []string{a, b}},
		"no YAML, and open":     {open + urls, blind + "x: [\n", false, []string{a, b}},
		"unknown key":           {open + urls, blind + oneof + "colour: red\n", true, []string{b}},
		"unknown key, looser":   {blind + urls, open + urls + "colour: red\n", true, []string{a, b}},
		"wrong value":           {open + urls, blind + "serve: {listen: x, redirect_urls: [https://a.example/]}\n", true, []string{a}},
		"wrong value, looser":   {blind, open + "limits: {concurrency: 0}\n", true, nil},
		"wrong kind of a value": {blind, "study: {blinding: maybe}\n", true, nil},
		"empty":                 {blind, "EMPTY", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, liveHead+tt.before)
			w.Rules()
			if tt.after == "EMPTY" {
				w.write("")
			} else {
				w.write(liveHead + tt.after)
			}
			for range 2 {
				if got := w.Rules(); got.Blinding != tt.blinding || !slices.Equal(got.RedirectURLs, tt.urls) {
					t.Errorf("%+v, want %t and %v", got, tt.blinding, tt.urls)
				}
			}
		})
	}
}

// A file that goes, that others may write, or that is younger than whoever writes it may
// need, loosens nothing.
func TestLiveLoosensLate(t *testing.T) {
	w := newWatched(t, liveHead+blind)
	path := filepath.Join(w.Dir, File)
	for what, do := range map[string]func() error{
		"gone":              func() error { return os.Remove(path) },
		"of others as well": func() error { w.write(liveHead + open); return os.Chmod(path, 0o666) },
		"being written":     func() error { w.age = 0; w.write(liveHead + open); return os.Chmod(path, 0o644) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if !w.Rules().Blinding {
			t.Errorf("%s: unblinded", what)
		}
		w.age = time.Hour
		w.write(liveHead + blind)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		w.Rules()
	}
	w.age = 0
	w.write(liveHead + open)
	w.Rules()
	at := time.Now().Add(-settled)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	if w.Rules().Blinding {
		t.Error("blinded by a file that is as old as it has to be")
	}
	w.age = 0
	w.write(liveHead + blind)
	if !w.Rules().Blinding {
		t.Error("a file that is being written blinds nobody")
	}
}

// What changed is told once, with what has to wait for a restart.
func TestLiveTells(t *testing.T) {
	w := newWatched(t, liveHead+open)
	for _, text := range []string{
		open, blind, blind + urls + "limits: {concurrency: 3}\n", blind + oneof + "limits: {concurrency: 3}\nlake: {path: other}\n", "x: [\n", "x: [\n", blind + oneof,
	} {
		w.write(liveHead + text)
		for range 3 {
			w.Rules()
		}
	}
	var got []string
	for _, c := range w.told {
		got = append(got, fmt.Sprint(c.Now, c.Later, c.Err != nil))
	}
	want := []string{"[study.blinding] [] false", "[serve.redirect_urls] [limits.concurrency] false",
		"[serve.redirect_urls] [limits.concurrency lake.path] false", "[] [] true"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}
