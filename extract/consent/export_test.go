package consent

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
)

// beside is another machine's study that talks to the same server.
func (s *study) beside(participants ...string) (*study, *process) {
	s.t.Helper()
	other := &study{server: s.server, t: s.t, dir: s.t.TempDir(), now: s.clock()}
	g := other.process()
	for _, id := range participants {
		if err := g.Register.Cohort.AddParticipant(s.t.Context(), cohort.Participant{ID: id}); err != nil {
			s.t.Fatal(err)
		}
	}
	return other, g
}

func (s *study) takes(g *process, path string) (Imported, error) {
	s.t.Helper()
	file, err := os.Open(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	if sealed, err := Sealed(file); err != nil || !sealed {
		s.t.Fatalf("Sealed(%s) = %t, %v, want true", path, sealed, err)
	}
	found, err := g.Open(s.t.Context(), file)
	if err != nil {
		return Imported{}, err
	}
	return found.Take(s.t.Context())
}

// A grant goes to another machine, is spent there, and comes home.
func TestExportRoundTrip(t *testing.T) {
	home, a := newStudy(t, "P001", "P002")
	id := home.imported(a, "P001")
	unseen := "participant_id,refresh_token\nP002," + home.newRefresh("user of P002") + "\n"
	if _, err := a.Import(t.Context(), strings.NewReader(unseen)); err != nil {
		t.Fatal(err)
	}
	away, b := home.beside("P001", "P002")
	path := filepath.Join(t.TempDir(), "grants.age")
	if n, err := a.Export(t.Context(), path, b.Key.Recipient(), nil); n != 2 || err != nil {
		t.Fatalf("Export = %d, %v, want 2", n, err)
	}
	if _, err := a.Token(t.Context(), id); !isExported(err) {
		t.Errorf("Token after export = %v, want *ExportedError", err)
	}
	if left, err := a.Unverified(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("Unverified = %v, %v, want none", left, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte(canary)) || bytes.Contains(text, []byte("P001")) {
		t.Errorf("the file is not sealed: %q, %v", text, err)
	}
	got, err := away.takes(b, path)
	if err != nil || len(got.ConnectionIDs) != 2 {
		t.Fatalf("take over = %+v, %v, want 2 connections", got, err)
	}
	for _, id := range got.ConnectionIDs {
		if _, err := b.Verify(t.Context(), id); err != nil {
			t.Errorf("Verify on the other machine = %v", err)
		}
	}
	if again, err := away.takes(b, path); err != nil || again.Known != 2 {
		t.Errorf("take over again = %+v, %v, want 2 known", again, err)
	}

	back := filepath.Join(t.TempDir(), "back.age")
	if n, err := b.Export(t.Context(), back, a.Key.Recipient(), []string{"P001"}); n != 1 || err != nil {
		t.Fatalf("Export of P001 = %d, %v, want 1", n, err)
	}
	returned, err := home.takes(a, back)
	if err != nil || len(returned.ConnectionIDs) != 1 || returned.Back != 0 {
		t.Fatalf("take back = %+v, %v, want one with a new token", returned, err)
	}
	found, err := a.Verify(t.Context(), returned.ConnectionIDs[0])
	if err != nil || found.Connection.ID != id {
		t.Fatalf("Verify at home = %+v, %v, want the connection of before, %s", found.Connection, err, id)
	}
	if _, err := a.Token(t.Context(), id); err != nil {
		t.Errorf("Token at home = %v", err)
	}
	home.with(func() {
		for token, n := range home.posted {
			if n > 1 {
				t.Errorf("token %.8s… was presented %d times", token, n)
			}
		}
	})
}

func isExported(err error) bool {
	_, ok := asError[*ExportedError](err)
	return ok
}

// Whenever the process dies, the grant can be used in one place, and a second
// export completes the first.
func TestExportCrash(t *testing.T) {
	for _, test := range []struct {
		step   string
		usable bool // at home, after the crash
	}{{"export written", true}, {"export marked", false}} {
		t.Run(test.step, func(t *testing.T) {
			s, g := newStudy(t, "P001")
			id := s.imported(g, "P001")
			path := filepath.Join(t.TempDir(), "grants.age")
			func() {
				defer func() { recover() }()
				g.step = func(at string) {
					if at == test.step {
						panic(at)
					}
				}
				g.Export(t.Context(), path, "", nil)
			}()
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is there before the export was done: %v", err)
			}
			after := s.process()
			if _, err := after.Token(t.Context(), id); test.usable != (err == nil) || err != nil && !isExported(err) {
				t.Errorf("Token after the crash = %v, usable should be %t", err, test.usable)
			}
			if n, err := after.Export(t.Context(), path, "", nil); n != 1 || err != nil {
				t.Fatalf("Export again = %d, %v, want 1", n, err)
			}
			if _, err := os.Stat(path + ".unfinished"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unfinished file is left: %v", err)
			}
			got, err := s.takes(after, path)
			if err != nil || got.Back != 1 {
				t.Fatalf("take back = %+v, %v, want 1", got, err)
			}
			if _, err := after.Token(t.Context(), id); err != nil {
				t.Errorf("Token after all = %v", err)
			}
		})
	}
}

func TestExportErrors(t *testing.T) {
	oneAfterTheOther(t)
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	_, stranger := s.beside("P001")
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Export(t.Context(), taken, "", nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("Export to a file that is there = %v, want ErrExist", err)
	}
	if _, err := g.Export(t.Context(), filepath.Join(dir, "x"), "age1nobody", nil); err == nil {
		t.Error("Export for no recipient went well")
	} else if _, ok := asError[*RecipientError](err); !ok {
		t.Errorf("Export for no recipient = %v, want *RecipientError", err)
	}
	if _, err := g.Export(t.Context(), filepath.Join(dir, "nowhere", "x"), "", nil); err == nil {
		t.Error("Export into a folder that is not there went well")
	}
	if _, err := g.Token(t.Context(), id); err != nil {
		t.Errorf("Token after exports that failed = %v", err)
	}
	path := filepath.Join(dir, "grants.age")
	if _, err := g.Export(t.Context(), path, "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.takes(stranger, path); !errors.Is(err, ErrWrongKey) {
		t.Errorf("opened by another study = %v, want ErrWrongKey", err)
	}
	unknown, h := s.beside()
	forH := filepath.Join(dir, "forH")
	if _, err := g.Export(t.Context(), forH, h.Key.Recipient(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := unknown.takes(h, forH); err == nil || !strings.Contains(err.Error(), "P001") {
		t.Errorf("opened without a roster = %v, want P001 named", err)
	}
}
