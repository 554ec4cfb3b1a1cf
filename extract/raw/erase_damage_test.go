package raw

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// Damage that is another's keeps nobody's answers in the log, and stays as it is; so it is
// with damage to what is erased. Where nobody can tell whose it is, that segment stays and is
// named, all others are erased, and with the segment restored the rest is.
func TestEraseBesideDamage(t *testing.T) {
	oneAfterTheOther(t)
	for _, tt := range []struct {
		name      string
		compacted bool
		at        func(Entry) int64 // of the byte that is harmed, in its segment
		whose     string
		stays     bool // the segment does
	}{
		{"another's body", false, func(e Entry) int64 { return e.Next.Offset - 3 }, "P001", false},
		{"their own body", false, func(e Entry) int64 { return e.Next.Offset - 3 }, "P000", false},
		{"a header", false, func(e Entry) int64 { return e.Position.Offset + prefixLen + 3 }, "P001", true},
		{"a compacted segment", true, func(Entry) int64 { return segmentHeaderLen + 100 }, "P001", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := hourly(t, t.TempDir(), 3, 60, 40<<10)
			var victim Entry
			for e, err := range l.Entries(Position{}) {
				must(t, err)
				if e.ParticipantID == tt.whose && victim.path == "" {
					victim = e
				}
			}
			if tt.compacted {
				compactAll(t, l, keepAll)
			}
			sound, err := os.ReadFile(victim.path)
			must(t, err)
			harmed := bytes.Clone(sound)
			harmed[tt.at(victim)] ^= 4
			put := func(content []byte) {
				must(t, os.Chmod(victim.path, 0o600))
				must(t, os.WriteFile(victim.path, content, 0o600))
			}
			put(harmed)
			done, err := l.Erase(t.Context(), "P000", nil)
			harm, named := errors.AsType[*DamageError](err)
			if named != tt.stays || named && harm.File != victim.path || err != nil && !named {
				t.Fatalf("Erase beside damage: %v", err)
			}
			now, err := os.ReadFile(victim.path)
			must(t, err)
			if tt.stays {
				if !bytes.Equal(now, harmed) || len(done) == 0 {
					t.Errorf("%d segments were erased, and the damaged one is as it was: %v", len(done), bytes.Equal(now, harmed))
				}
				put(sound)
				erased(t, l, "P000")
			} else if tt.whose != "P000" {
				from, to := victim.Position.Offset, victim.Next.Offset
				if !bytes.Equal(now[from:to], harmed[from:to]) {
					t.Error("the damaged answer is not what it was")
				}
			}
			if left, err := l.Erase(t.Context(), "P000", nil); err != nil || len(left) > 0 {
				t.Errorf("in the end %d segments have answers, %v", len(left), err)
			}
		})
	}
}
