package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// acted is a store whose trail has n lines.
func acted(t *testing.T, n int) (s *Store, path string) {
	t.Helper()
	s, _ = newStore(t)
	s.By = Author{Who: "anna@lab", Command: "test", Reason: "why"}
	for i := range n {
		if err := s.Audit(context.Background(), Act{Subject: "thing", ParticipantID: fmt.Sprintf("P%03d", i+1), After: Fields{"n": i}}); err != nil {
			t.Fatal(err)
		}
	}
	return s, s.auditPath()
}

func trail(t *testing.T, s *Store) []AuditLine {
	t.Helper()
	lines, err := s.Trail(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// The file says what docs/audit.md says, so that anyone can check it.
func TestTrailAsDocumented(t *testing.T) {
	s, path := acted(t, 3)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prev := strings.Repeat("0", 64)
	for i, line := range strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n")
		hashed, hash := line[:len(line)-75], line[len(line)-66:len(line)-2]
		if sum := sha256.Sum256([]byte(hashed)); hex.EncodeToString(sum[:]) != hash {
			t.Errorf("line %d: hash %s is not that of %s", i+1, hash, hashed)
		}
		var l struct{ Prev, At, Who string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Prev != prev || l.Who != "anna@lab" || len(l.At) != len(atLayout) {
			t.Errorf("line %d: %+v, %v, want prev %s", i+1, l, err, prev)
		}
		prev = hash
	}
	if lines := trail(t, s); len(lines) != 3 || lines[2].Hash != prev {
		t.Errorf("Trail = %d lines, want 3 that end with %s", len(lines), prev)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", st.Mode(), err)
	}
}

// Whatever is done to the file is found and named with its line.
func TestTrailDamage(t *testing.T) {
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	for _, test := range []struct {
		name   string
		damage func(lines [][]byte) []byte
		want   []AuditFault // Reason: a part of it
	}{
		{"a byte flipped", func(l [][]byte) []byte {
			return join(l[0], bytes.Replace(l[1], []byte("P002"), []byte("P003"), 1), l[2], l[3])
		},
			[]AuditFault{{2, "altered"}}},
		{"a line that reads no more", func(l [][]byte) []byte {
			return join(l[0], bytes.Replace(l[1], []byte(`"`), []byte(`'`), 1), l[2], l[3])
		},
			[]AuditFault{{2, "no line of an audit trail"}}},
		{"its hash flipped", func(l [][]byte) []byte {
			l[1][len(l[1])-5] ^= 1
			return join(l...)
		}, []AuditFault{{2, "altered"}}},
		{"a line rewritten with a hash of its own", func(l [][]byte) []byte {
			act := Act{Subject: "thing", ParticipantID: "P009"}
			prev := string(l[0][len(l[0])-67 : len(l[0])-3])
			forged, _, err := encodeLine(2, newClock().now(), Author{Who: "eve@lab"}, act, prev)
			if err != nil {
				t.Fatal(err)
			}
			return join(l[0], forged, l[2], l[3])
		}, []AuditFault{{3, "does not follow the line before it"}}},
		{"a line removed", func(l [][]byte) []byte { return join(l[0], l[2], l[3]) }, []AuditFault{{2, "line 2 of the trail is missing before it"}}},
		{"lines removed", func(l [][]byte) []byte { return join(l[0], l[3]) }, []AuditFault{{2, "lines 2 to 3 of the trail are missing"}}},
		{"the first removed", func(l [][]byte) []byte { return join(l[1:]...) }, []AuditFault{{1, "line 1 of the trail is missing"}}},
		{"a line put in", func(l [][]byte) []byte { return join(l[0], []byte("hello\n"), l[1], l[2], l[3]) }, []AuditFault{{2, "no line"}}},
		{"a line twice", func(l [][]byte) []byte { return join(l[0], l[1], l[1], l[2], l[3]) }, []AuditFault{{3, "put in, repeated, or out of order"}}},
		{"two lines swapped", func(l [][]byte) []byte { return join(l[0], l[2], l[1], l[3]) },
			[]AuditFault{{2, "missing before it"}, {3, "out of order"}, {4, "missing before it"}}},
		{"the tail cut", func(l [][]byte) []byte { return join(l[0], l[1]) }, []AuditFault{{0, "lines 3 to 4 of the trail are missing at its end"}}},
		{"the tail torn", func(l [][]byte) []byte { return join(l[0], l[1], l[2], l[3][:20]) }, []AuditFault{{4, "cut off"}}},
		{"emptied", func([][]byte) []byte { return []byte{} }, []AuditFault{{0, "state.db knows of 4 lines"}}},
		{"deleted", func([][]byte) []byte { return nil }, []AuditFault{{0, "is missing or empty"}}},
		{"lines added", func(l [][]byte) []byte {
			forged, _, _ := encodeLine(5, newClock().now(), Author{}, Act{}, string(l[3][len(l[3])-67:len(l[3])-3]))
			return join(append(l, forged)...)
		}, []AuditFault{{0, "goes on to line 5, but state.db knows of 4"}}},
		{"another whole trail", func([][]byte) []byte { return wholeTrail(t, 4) }, []AuditFault{{4, "not the last line that state.db knows"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, path := acted(t, 4)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			damaged := test.damage(bytes.SplitAfter(text, []byte("\n"))[:4])
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if damaged != nil {
				if err := os.WriteFile(path, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err = s.Trail(context.Background())
			var e *AuditError
			if !errors.As(err, &e) || len(e.Faults) != len(test.want) {
				t.Fatalf("Trail = %v, want %d faults", err, len(test.want))
			}
			for i, want := range test.want {
				if got := e.Faults[i]; got.Line != want.Line || !strings.Contains(got.Reason, want.Reason) {
					t.Errorf("fault %d is %+v, want line %d and %q", i, got, want.Line, want.Reason)
				}
			}
		})
	}
}

// wholeTrail is a trail of n lines, whole in itself.
func wholeTrail(t *testing.T, n int) []byte {
	t.Helper()
	var out []byte
	prev := noLine
	for i := range n {
		line, hash, err := encodeLine(int64(i+1), newClock().now(), Author{Who: "other@lab"}, Act{Subject: "thing"}, prev)
		if err != nil {
			t.Fatal(err)
		}
		out, prev = append(out, line...), hash
	}
	return out
}

// A process that dies between the commit of a change and the file leaves a line
// for the next one; one that dies while it writes leaves a part of it.
func TestTrailAfterCrash(t *testing.T) {
	ctx := context.Background()
	for _, written := range []int{0, 1, 40, -1} {
		t.Run(fmt.Sprintf("%d bytes", written), func(t *testing.T) {
			s, path := acted(t, 2)
			whole := dieBeforeFile(t, s, Act{Subject: "thing", After: Fields{"crashed": true}})
			if written < 0 {
				written = len(whole)
			}
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.Write(whole[:written])
			f.Close()
			if err := s.Audit(ctx, Act{Subject: "thing", After: Fields{"next": true}}); err != nil {
				t.Fatal(err)
			}
			lines := trail(t, s)
			if len(lines) != 4 || lines[2].After != `{"crashed":true}` || lines[3].After != `{"next":true}` {
				t.Errorf("after the crash: %+v, want the line of the crash and the next", lines)
			}
		})
	}
}

// dieBeforeFile commits an act as change does and stops there; it returns the
// line that waits.
func dieBeforeFile(t *testing.T, s *Store, act Act) (line []byte) {
	t.Helper()
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.note(ctx, tx, []Act{act}); err != nil {
		t.Fatal(err)
	}
	if line, err = waitingLines(ctx, tx); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return line
}

// Lines about what participants do go on after damage, and the gap stays in sight.
func TestTrailGoesOnAfterDamage(t *testing.T) {
	s, path := acted(t, 3)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(text)-30)); err != nil {
		t.Fatal(err)
	}
	if err := s.Audit(context.Background(), Act{Subject: "connection"}); err != nil {
		t.Fatal(err)
	}
	lines, err := s.Trail(context.Background())
	var e *AuditError
	if !errors.As(err, &e) || e.Faults[0].Line != 3 {
		t.Errorf("Trail = %v, want a fault in line 3", err)
	}
	if last := lines[len(lines)-1]; last.Seq != 4 || last.Subject != "connection" {
		t.Errorf("the last line is %+v, want line 4", last)
	}
}

// When a change cannot be written into the file it is not lost, and not
// reported as done.
func TestTrailCannotBeWritten(t *testing.T) {
	s, path := acted(t, 1)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := add(s, "P001"); err == nil || !strings.Contains(err.Error(), "the change is made") {
		t.Errorf("a change = %v, want an error that says that the change is made", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if lines := trail(t, s); len(lines) != 2 || lines[1].ParticipantID != "P001" {
		t.Errorf("Trail = %+v, want the line of P001", lines)
	}
}

// Many processes write one chain.
func TestTrailOfManyWriters(t *testing.T) {
	ctx := context.Background()
	first, _ := acted(t, 1)
	dir := filepath.Dir(first.auditPath())
	var done sync.WaitGroup
	for w := range 4 {
		s, err := Open(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		done.Go(func() {
			for i := range 10 {
				if err := s.Audit(ctx, Act{Subject: "thing", After: Fields{"w": w, "i": i}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	if lines := trail(t, first); len(lines) != 41 {
		t.Errorf("Trail = %d lines, want 41", len(lines))
	}
}
