package config

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/goccy/go-yaml"
)

// Rules are what of a configuration holds for a process that goes on as soon as they are
// written: who may see what, and where browsers may be sent.
type Rules struct {
	Blinding     bool     // study.blinding
	RedirectURLs []string // serve.redirect_urls
}

// Rules are those of the configuration.
func (c Config) Rules() Rules { return Rules{c.Study.Blinding, c.Serve.RedirectURLs} }

// ruleKeys are the keys of Rules.
func ruleKeys() []string { return []string{"study.blinding", "serve.redirect_urls"} }

// stricter allows what both rules do.
func (r Rules) stricter(o Rules) Rules {
	both := slices.DeleteFunc(slices.Clone(r.RedirectURLs), func(u string) bool { return !slices.Contains(o.RedirectURLs, u) })
	return Rules{r.Blinding || o.Blinding, both}
}

// A Change is what was found when dexetl.yaml was looked at again.
type Change struct {
	Now   []string // keys that have other values since the last Change, and hold at once
	Later []string // keys that have other values than the process began with, and go on with those
	Err   error    // why it cannot be used: then the stricter of it and of what held before holds
}

// settled is how old a file is before it allows more than the one before: whoever is
// writing it may have written half of it.
const settled = 2 * time.Second

// A Live is the configuration of a process that goes on. Its methods may be called from
// several goroutines.
type Live struct {
	Dir    string
	Begun  Config // that the process began with
	Getenv func(string) string
	Tell   func(Change) // once for each change

	mu    sync.Mutex
	begun bool
	rules Rules
	seen  stamp // of the file that rules are of; zero: it is to be read
	told  struct {
		rules      Rules
		later, err string
	}
}

// A stamp tells files apart, and states of a file.
type stamp struct {
	device, inode uint64
	size          int64
	at            time.Time
}

func stampOf(info fs.FileInfo) stamp {
	of := info.Sys().(*syscall.Stat_t)
	return stamp{uint64(of.Dev), of.Ino, info.Size(), info.ModTime()} //nolint:unconvert // Dev is int32 on macOS
}

// Rules are those of dexetl.yaml as it is now. Where it cannot be used, they are no looser
// than they were, nor than what can be read of it says.
func (l *Live) Rules() Rules {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.begun {
		l.begun, l.rules, l.told.rules = true, l.Begun.Rules(), l.Begun.Rules()
	}
	info, err := os.Stat(filepath.Join(l.Dir, File))
	if err != nil {
		l.unread(err)
		return l.rules
	}
	if now := stampOf(info); now != l.seen {
		l.look(now)
	}
	return l.rules
}

// look reads the file, which has a stamp. One that is being written is read again.
func (l *Live) look(now stamp) {
	c, read, err := l.read()
	fresh := time.Since(now.at).Abs() < settled
	switch {
	case err == nil && !fresh:
		l.rules = c.Rules()
		l.changed(c)
	case read:
		l.rules = l.rules.stricter(c.Rules())
	}
	if fresh {
		return
	}
	l.seen = now
	if err != nil {
		l.unread(err)
	}
}

// unread tells of a file that cannot be used, once.
func (l *Live) unread(err error) {
	if text := err.Error(); text != l.told.err {
		l.told.err = text
		l.Tell(Change{Err: err})
	}
}

// changed tells of what has changed since the last time.
func (l *Live) changed(c Config) {
	l.told.err = ""
	var now, later []string
	for _, key := range differences(reflect.ValueOf(l.Begun), reflect.ValueOf(c), "") {
		if !slices.Contains(ruleKeys(), key) {
			later = append(later, key)
		}
	}
	if l.rules.Blinding != l.told.rules.Blinding {
		now = append(now, ruleKeys()[0])
	}
	if !slices.Equal(l.rules.RedirectURLs, l.told.rules.RedirectURLs) {
		now = append(now, ruleKeys()[1])
	}
	text := strings.Join(later, " ")
	if text == l.told.later {
		later = nil
	}
	l.told.rules, l.told.later = l.rules, text
	if len(now)+len(later) > 0 {
		l.Tell(Change{Now: now, Later: later})
	}
}

// differences are the keys that have other values in one part of a configuration than in
// another.
func differences(a, b reflect.Value, key string) (keys []string) {
	if a.Kind() != reflect.Struct {
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			return nil
		}
		return []string{key}
	}
	for i := range a.NumField() {
		below := a.Type().Field(i).Tag.Get("yaml")
		if key != "" {
			below = key + "." + below
		}
		keys = append(keys, differences(a.Field(i), b.Field(i), below)...)
	}
	return keys
}

// read is the configuration as it is now. With an error it may be one of which the rules
// can be read.
func (l *Live) read() (c Config, read bool, err error) {
	text, distrust, err := Read(l.Dir, l.Getenv)
	if err != nil {
		return c, false, err
	}
	c, err = parse(filepath.Join(l.Dir, File), text, l.Getenv)
	if err == nil {
		return c, true, distrust
	}
	c = defaults()
	wrong := cmp.Or(yaml.Unmarshal(text, &c), overrideFromEnvironment(reflect.ValueOf(&c).Elem(), "DEXETL", l.Getenv))
	return c, wrong == nil, err
}
