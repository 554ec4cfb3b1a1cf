package state_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dexetl/dexetl/extract/state"
)

// A state that is from a backup goes on behind the last line of the newer trail: the trail
// is whole, and says all that it said.
func TestTrailIsContinued(t *testing.T) {
	dir, backup := t.TempDir(), t.TempDir()
	lost := trailOf(t, dir, "P001", "P002")
	if err := lost.CopyInto(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	note(t, lost, "P003", "P004")
	later, err := state.LaterTrail("newer", bytes.TrimSuffix(trailText(t, dir), []byte("\n")), trailText(t, backup))
	if err != nil {
		t.Fatal(err)
	}
	restored, err := state.Open(t.Context(), backup)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for _, want := range []int64{2, 0} { // done twice, it changes nothing
		lines, err := restored.ContinueTrail(t.Context(), later)
		if err != nil || lines != want {
			t.Fatalf("ContinueTrail: %d lines, %v; want %d", lines, err, want)
		}
	}
	note(t, restored, "P005")
	lines, err := restored.Trail(t.Context())
	if err != nil || len(lines) != 5 || lines[4].ParticipantID != "P005" || lines[4].Prev != lines[3].Hash {
		t.Errorf("the trail goes on as %+v: %v", lines, err)
	}
}

// What a snapshot has of a trail makes its file again, to the last byte, erased lines too.
func TestTrailOfItsLines(t *testing.T) {
	dir := t.TempDir()
	s := trailOf(t, dir, "P001")
	for _, act := range []state.Act{
		{Subject: "roster", Before: state.Fields{"n": 1 << 60, "share": 0.1}, After: state.Fields{"file": "a <&> b.csv", "none": nil}, Reason: "it's \"late\""},
		{Subject: "participant", ParticipantID: "P002", After: state.Fields{"site": "North"}, Reason: "moved"},
		{Subject: state.ErasureSubject, ParticipantID: "P002"},
	} {
		if err := s.Audit(t.Context(), act); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.EraseInTrail(t.Context(), "P002"); err != nil {
		t.Fatal(err)
	}
	want := trailText(t, dir)
	lines := state.ParseTrail(want)
	for i := range lines {
		lines[i].Prev, lines[i].Erased = "", false // which a snapshot does not have
	}
	if got, err := state.TrailOf(lines); err != nil || !bytes.Equal(got, want) {
		t.Errorf("TrailOf, %v:\n%swant\n%s", err, got, want)
	}
	lines[1].Reason = "another"
	if got, err := state.TrailOf(lines); err != nil {
		t.Error(err)
	} else if _, err := state.LaterTrail("altered", got, nil); err == nil {
		t.Error("a line that says something else makes a trail")
	}
}

// A trail that is damaged, older or another study's is none to go on with.
func TestTrailIsNotContinued(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	s := trailOf(t, dir, "P001", "P002", "P003")
	trailOf(t, other, "P001", "P009", "P003", "P004")
	whole := trailText(t, dir)
	lines := bytes.SplitAfter(whole, []byte{'\n'})
	for name, text := range map[string][]byte{
		"none":    nil,
		"older":   bytes.Join(lines[:2], nil),
		"cut off": append(bytes.Clone(whole), `{"seq":4`...),
		"its end": whole[:len(whole)-2],
		"another": trailText(t, other),
		"altered": bytes.Replace(whole, []byte("P002"), []byte("P007"), 1),
		"a gap":   bytes.Join([][]byte{lines[0], lines[2]}, nil),
	} {
		_, err := state.LaterTrail("newer", text, whole)
		var stray *state.TrailStrayError
		var damage *state.AuditError
		if !errors.As(err, &stray) && !errors.As(err, &damage) {
			t.Errorf("LaterTrail, %s: %v", name, err)
		}
		if _, err := s.ContinueTrail(t.Context(), text); err == nil {
			t.Errorf("ContinueTrail, %s: no error", name)
		}
	}
	if now := trailText(t, dir); !bytes.Equal(now, whole) {
		t.Errorf("the trail was\n%s\nand is\n%s", whole, now)
	}
}

// What cannot be believed of a backup's own trail does not keep the study's from being taken.
func TestTrailOutlivesAHarmedBackup(t *testing.T) {
	dir := t.TempDir()
	trailOf(t, dir, "P001", "P002", "P003")
	whole := trailText(t, dir)
	older := bytes.SplitAfter(whole, []byte{'\n'})[1]
	for of, line := range map[string][]byte{"its text": bytes.Replace(older, []byte("P002"), []byte("P007"), 1), "its hash": bytes.Replace(older, []byte(`"hash":"`), []byte(`"hash":"0`), 1)} {
		if got, err := state.LaterTrail("newer", whole, line); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s altered in the backup: %v\n%s", of, err, got)
		}
	}
}

// trailOf is a state whose trail has a line about each participant.
func trailOf(t *testing.T, dir string, participants ...string) *state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	note(t, s, participants...)
	return s
}

func note(t *testing.T, s *state.Store, participants ...string) {
	t.Helper()
	for _, id := range participants {
		if err := s.Audit(t.Context(), state.Act{Subject: "participant", ParticipantID: id}); err != nil {
			t.Fatal(err)
		}
	}
}

func trailText(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, state.AuditFile))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
