package state

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"
)

// Where the file of the trail is gone no other one is begun in silence, and nothing is changed.
// An empty one is none, either. What somebody has just consented to is kept all the same.
func TestNoTrailInThePlaceOfALostOne(t *testing.T) {
	s, _ := acted(t, 1)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Remove(s.auditPath()))
	err := s.Audit(t.Context(), Act{Subject: "participant"})
	if lost, ok := errors.AsType[*AuditError](err); !ok || !lost.Gap {
		t.Errorf("a change without the file: %v", err)
	}
	if _, err := os.Stat(s.auditPath()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another file was begun: %v", err)
	}
	if seq, _, err := s.Head(t.Context()); seq != 1 || err != nil {
		t.Errorf("the trail goes up to %d, %v, want 1", seq, err)
	}
	check(s.Audit(t.Context(), Act{Subject: "connection"}))
	check(os.Remove(s.auditPath()))
	check(os.WriteFile(s.auditPath(), nil, 0o600))
	if err := s.Audit(t.Context(), Act{Subject: "participant"}); err == nil {
		t.Error("a change beside an empty file: no error")
	}
}

// Nothing is changed while the file is cut or damaged, and not a byte goes behind that. A file
// from an older backup may be put before the lines that began anew, and a state that is older
// than its file has to learn what it forgot.
func TestNoChangeBesideDamagedTrail(t *testing.T) {
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	for name, test := range map[string]struct {
		damage func(lines [][]byte) []byte
		goesOn bool
	}{
		"torn":           {func(l [][]byte) []byte { return join(l[0], l[1][:40]) }, false},
		"cut":            {func(l [][]byte) []byte { return join(l[:2]...) }, false},
		"a byte":         {func(l [][]byte) []byte { return bytes.Replace(join(l...), []byte("P002"), []byte("P007"), 1) }, false},
		"put in":         {func(l [][]byte) []byte { return join(l[0], []byte("hello\n"), l[1], l[2], l[3]) }, false},
		"another":        {func([][]byte) []byte { return wholeTrail(t, 4) }, false},
		"a gap":          {func(l [][]byte) []byte { return join(l[0], l[3]) }, true},
		"state.db older": {func(l [][]byte) []byte { return join(l[0], l[1], l[2], l[3], l[3]) }, true},
		"begun anew":     {func(l [][]byte) []byte { return l[3] }, true},
		"empty":          {func([][]byte) []byte { return nil }, false},
		"whole":          {func(l [][]byte) []byte { return join(l...) }, true},
		"a change waits": {func(l [][]byte) []byte { return join(append(l[:4:4], l[4][:30])...) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := acted(t, 4)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := bytes.SplitAfter(text, []byte("\n"))[:4]
			if name == "a change waits" {
				lines = append(lines, dieBeforeFile(t, s, Act{Subject: "thing"}))
			}
			damaged := test.damage(lines)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			err = s.Audit(t.Context(), Act{Subject: "participant"})
			if refused, ok := errors.AsType[*AuditError](err); err != nil && !ok || test.goesOn == (ok && refused.Refused) {
				t.Errorf("a change: %v", err)
			}
			now, err := os.ReadFile(path)
			if grown := len(now) > len(damaged); err != nil || grown != test.goesOn {
				t.Errorf("%v; the file is\n%s", err, now)
			}
		})
	}
}
