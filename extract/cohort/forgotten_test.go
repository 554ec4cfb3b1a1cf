package cohort

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

func importOf(t *testing.T, f func(r string) error, csv string) {
	t.Helper()
	if err := f(csv); err != nil {
		t.Fatal(err)
	}
}

// remembering is a study with a bit of everything, and its trail.
func remembering(t *testing.T) (s *Cohort, path string) {
	t.Helper()
	dir := newFolder(t)
	s = openIn(t, dir)
	addAll(t, s, "P001", "P002", "P003")
	importOf(t, func(r string) error { _, err := s.ImportWindows(t.Context(), strings.NewReader(r), nil); return err }, "participant_id,window,start_day,end_day\n*,base,1,14\n")
	importOf(t, func(r string) error { _, err := s.ImportExclusions(t.Context(), strings.NewReader(r), nil); return err },
		"participant_id,from,to,reason\nP001,2026-03-01,2026-03-01,off\nP002,2026-03-02,2026-03-02,off\n")
	if err := s.SetPaused(t.Context(), "P002", true); err != nil {
		t.Fatal(err)
	}
	if err := withdraw(s, Withdrawal{ParticipantID: "P003", EffectiveAt: time.Date(2026, 3, 1, 0, 0, 0, 250_000, time.UTC), Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	return s, filepath.Join(dir, state.AuditFile)
}

func noGrants(context.Context) ([]Grant, error) { return nil, nil }

func forgotten(t *testing.T, s *Cohort, elsewhere []state.AuditLine) (words []string) {
	t.Helper()
	list, err := s.Forgotten(t.Context(), elsewhere, noGrants)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		words = append(words, f.Words)
	}
	return words
}

// Each row that is edited is told, and a state as it was written tells nothing.
func TestForgottenRows(t *testing.T) {
	for edit, want := range map[string]string{
		"update participants set paused = 0":                                          "P002 has paused true, and not false",
		"update participants set site = 'X' where participant_id = 'P001'":            "P001 has site none, and not X",
		"update participants set participant_id = 'P9' where participant_id = 'P002'": "P002 is in the roster",
		"update windows set end_day = 15":                                             "the window  base",
		"delete from windows":                                                         "the window  base",
		"update exclusions set participant_id = 'P003' where participant_id = 'P001'": "the exclusion P001",
		"delete from withdrawals":                                                     "P003 has withdrawn",
		"update withdrawals set effective_at = effective_at + 60000000":               "P003 has withdrawn",
		"update withdrawals set participant_id = 'P001'":                              "P003 has withdrawn",
	} {
		s, _ := remembering(t)
		if got := forgotten(t, s, nil); len(got) != 0 {
			t.Fatalf("as it was written: forgotten %q", got)
		}
		for _, q := range []string{"pragma foreign_keys = off", edit} {
			if _, err := s.Store.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		got := forgotten(t, s, nil)
		if (want == "") != (len(got) == 0) || want != "" && !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s: forgotten %q, want %q", edit, got, want)
		}
	}
}

// Who was removed is forgotten by nobody, and told where an older state still has them.
func TestForgottenRemoval(t *testing.T) {
	s, path := remembering(t)
	remove := func(id string) {
		err := s.Store.Change(t.Context(), func(tx *sql.Tx) ([]state.Act, error) { return s.Remove(t.Context(), tx, id) })
		if err != nil {
			t.Fatal(err)
		}
	}
	remove("P001")
	if got := forgotten(t, s, nil); len(got) != 0 {
		t.Errorf("after a removal: forgotten %q, want nothing", got)
	}
	newer, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older, path := remembering(t)
	if err := os.WriteFile(path, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := forgotten(t, older, nil); !slices.Contains(got, "P001 was removed from the roster") {
		t.Errorf("a state of before the removal: forgotten %q", got)
	}
	addAll(t, s, "P001")
	if got := forgotten(t, s, nil); len(got) != 0 {
		t.Errorf("after P001 was added again: forgotten %q, want nothing", got)
	}
}

// What lines that are missing or altered could have changed is not held against the
// state, but a withdrawal is never forgotten.
func TestForgottenWithGaps(t *testing.T) {
	cut := func(from, to int) func([]string) []string {
		return func(l []string) []string { return slices.Concat(l[:from:from], l[min(to, len(l)):]) }
	}
	for name, test := range map[string]struct {
		damage func([]string) []string
		edit   string
		want   string
	}{
		"the end is missing":           {func(l []string) []string { return l[:len(l)-1] }, "", ""},
		"all is missing":               {func([]string) []string { return nil }, "", ""},
		"the pause is missing":         {cut(8, 9), "", ""},
		"the pause is missing, edited": {cut(8, 9), "update participants set paused = 0", ""},
		"the pause is altered":         {func(l []string) []string { l[8] = strings.Replace(l[8], `"paused":true`, `"paused":null`, 1); return l }, "", ""},
		"a withdrawal behind a gap":    {cut(3, 5), "delete from withdrawals", "P003 has withdrawn"},
		"another instant behind a gap": {cut(3, 5), "update withdrawals set effective_at = 0", ""},
		"the pause behind a gap":       {cut(2, 3), "update participants set paused = 0", "P002 has paused true"},
		"what was said before the gap": {cut(8, 9), "delete from windows", ""},
	} {
		s, path := remembering(t)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
		lines[len(lines)-1] += "\n"
		if name == "the pause is missing" && !strings.Contains(lines[8], `"paused":true`) {
			t.Fatalf("line 9 is no pause: %s", lines[8])
		}
		if err := os.WriteFile(path, []byte(strings.Join(test.damage(slices.Clone(lines)), "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if test.edit != "" {
			if _, err := s.Store.Exec(t.Context(), test.edit); err != nil {
				t.Fatal(err)
			}
		}
		got := forgotten(t, s, nil)
		if (test.want == "") != (len(got) == 0) || test.want != "" && !strings.Contains(strings.Join(got, "\n"), test.want) {
			t.Errorf("%s: forgotten %q, want %q", name, got, test.want)
		}
	}
}

// A trail that went on elsewhere is believed where this one has come to no other end
// since.
func TestForgottenElsewhere(t *testing.T) {
	s, _ := remembering(t)
	lines, err := s.Store.Trail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	more := slices.Clone(lines)
	more = append(more, state.AuditLine{Seq: int64(len(lines)) + 1, Subject: "participant", ParticipantID: "P001", Before: `{"paused":false}`, After: `{"paused":true}`, Hash: "elsewhere"})
	if got := forgotten(t, s, more); len(got) != 1 || !strings.Contains(got[0], "P001 has paused true") {
		t.Errorf("forgotten %q, want P001's pause", got)
	}
	for _, paused := range []bool{true, false} {
		if err := s.SetPaused(t.Context(), "P001", paused); err != nil {
			t.Fatal(err)
		}
		if got := forgotten(t, s, more); len(got) != 0 {
			t.Errorf("paused %t here since: forgotten %q", paused, got)
		}
	}
}

// Somebody who was deleted by the trail is told first, and what to do about it.
func TestForgottenDeletionComesFirst(t *testing.T) {
	s, _ := remembering(t)
	must(t, s.Delete(t.Context(), "P002"))
	for _, q := range []string{"delete from deletions", "update participants set site = 'elsewhere' where participant_id = 'P001'"} {
		if _, err := s.Store.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Forgotten(t.Context(), nil, noGrants)
	if err != nil || len(list) != 2 || !list[0].Deleted || !strings.HasPrefix(list[0].Words, "P002 was deleted at 2") || list[1].Deleted {
		t.Errorf("forgotten: %+v, %v", list, err)
	}
}

// A withdrawal that takes the place of another is recorded after it, though the clock was put
// back meanwhile.
func TestRecordedInOrder(t *testing.T) {
	s, _ := remembering(t)
	before, _, err := s.Withdrawal(t.Context(), "P003")
	if err != nil {
		t.Fatal(err)
	}
	s.Store.Now = func() time.Time { return before.RecordedAt.Add(-time.Hour) }
	must(t, withdraw(s, Withdrawal{ParticipantID: "P003", EffectiveAt: before.EffectiveAt.Add(-time.Hour), Reason: "r"}))
	after, _, err := s.Withdrawal(t.Context(), "P003")
	if err != nil || !after.RecordedAt.After(before.RecordedAt) || after.EffectiveAt.Equal(before.EffectiveAt) {
		t.Errorf("recorded at %v, %v; want after %v", after.RecordedAt, err, before.RecordedAt)
	}
}
