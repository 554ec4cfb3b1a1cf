package state

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// Once it is accepted that lines are lost, the trail is whole again, says which, and what is
// lost later is found as ever.
func TestLossIsAccepted(t *testing.T) {
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	for name, test := range map[string]struct {
		left        func(lines [][]byte) []byte
		first, last int64 // 0: it is refused
	}{
		"gone":          {nil, 1, 4},
		"empty":         {func([][]byte) []byte { return nil }, 1, 4},
		"cut":           {func(l [][]byte) []byte { return join(l[:2]...) }, 3, 4},
		"in the middle": {func(l [][]byte) []byte { return join(l[0], l[3]) }, 2, 3},
		"torn":          {func(l [][]byte) []byte { return join(l[0], l[1][:40]) }, 0, 0},
		"altered":       {func(l [][]byte) []byte { return bytes.Replace(join(l[0], l[1]), []byte("P002"), []byte("P007"), 1) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := acted(t, 4)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var left []byte
			if test.left != nil {
				left = test.left(bytes.SplitAfter(text, []byte("\n"))[:4])
				err = os.WriteFile(path, left, 0o600)
			} else {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.By = Author{Who: "anna@lab1", Reason: "the disk died"}
			losses, err := s.AcceptLoss(t.Context(), nil)
			if test.last == 0 {
				now, _ := os.ReadFile(path)
				if damage, ok := errors.AsType[*AuditError](err); !ok || damage.Gap || !bytes.Equal(now, left) {
					t.Errorf("AcceptLoss of a file with a line that is not whole: %v; the file is now\n%s", err, now)
				}
				return
			}
			if err != nil || len(losses) != 1 || losses[0].First != test.first || losses[0].Last != test.last {
				t.Fatalf("AcceptLoss: %+v, %v; want lines %d to %d", losses, err, test.first, test.last)
			}
			lines, err := s.Trail(t.Context())
			told := Losses(lines)
			if err != nil || len(told) != 1 || told[0].Who != "anna@lab1" || told[0].Reason != "the disk died" || told[0].Last != test.last || told[0].At.IsZero() {
				t.Errorf("the trail speaks of %+v, %v", told, err)
			}
			if again, err := s.AcceptLoss(t.Context(), nil); len(again) > 0 || err != nil {
				t.Errorf("accepted again: %+v, %v", again, err)
			}
			if err := s.Audit(t.Context(), Act{Subject: "participant"}); err != nil {
				t.Errorf("a change afterwards: %v", err)
			}
			accepted, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			back := bytes.SplitAfter(text, []byte("\n"))[:4]
			whole := join(append(back, accepted[bytes.Index(accepted, []byte(`{"seq":5`)):])...)
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if lines, err := s.Trail(t.Context()); err != nil || len(Losses(lines)) > 0 {
				t.Errorf("with the lines put back: losses %+v, %v", Losses(lines), err)
			}
			if err := os.WriteFile(path, accepted[:bytes.LastIndex(accepted, []byte(`{"seq":6`))], 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Trail(t.Context()); err == nil {
				t.Error("a line that is lost later is no fault")
			}
		})
	}
}

// Of somebody who was erased the line that says so may be among the lost ones: their blank
// lines are as they should be, and so is the line when some of theirs are lost.
func TestLossOfErasedLines(t *testing.T) {
	for name, keep := range map[string][]int{"the line that says so": {0, 1, 2}, "an erased line": {0, 2, 3, 4}} {
		t.Run(name, func(t *testing.T) {
			s, path := acted(t, 3)
			if err := s.Audit(t.Context(), Act{Subject: ErasureSubject, ParticipantID: "P002"}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.EraseInTrail(t.Context(), "P002"); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines, left := bytes.SplitAfter(text, []byte("\n")), []byte(nil)
			for _, i := range keep {
				left = append(left, lines[i]...)
			}
			if err := os.WriteFile(path, left, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AcceptLoss(t.Context(), nil); err != nil {
				t.Errorf("AcceptLoss: %v", err)
			}
			if _, err := s.Trail(t.Context()); err != nil {
				t.Errorf("the trail afterwards: %v", err)
			}
		})
	}
}

// A trail with an accepted loss is one to go on with: with the lines that the backup has, and
// without. What a snapshot has of it makes its file again.
func TestLaterTrailWithALoss(t *testing.T) {
	s, path := acted(t, 4)
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(older, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join([][]byte{lines[0], lines[3]}, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LaterTrail("given", bytes.Join([][]byte{lines[0], lines[3]}, nil), older); err == nil {
		t.Error("LaterTrail with a gap that nobody has accepted: no error")
	}
	if _, err := s.AcceptLoss(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := append(bytes.Clone(older), text[len(lines[0])+len(lines[3]):]...)
	if got, err := LaterTrail("given", text, older); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("LaterTrail with the backup's lines, %v:\n%swant\n%s", err, got, whole)
	}
	if got, err := LaterTrail("given", text, lines[0]); err != nil || !bytes.Equal(got, text) {
		t.Errorf("LaterTrail without them, %v:\n%swant\n%s", err, got, text)
	}
	held := ParseTrail(text)
	for i := range held {
		held[i].Prev = "" // which a snapshot does not have
	}
	if got, err := TrailOf(held); err != nil || !bytes.Equal(got, text) {
		t.Errorf("TrailOf, %v:\n%swant\n%s", err, got, text)
	}
}
