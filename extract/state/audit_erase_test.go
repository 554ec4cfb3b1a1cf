package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Lines about somebody who is erased keep that they were written, and nothing else; the
// chain holds, and what is left cannot be changed unseen.
func TestEraseInTrail(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.By = Author{Who: "anna@lab1", Command: "participants add", Reason: "because of P001"}
	for _, act := range []Act{
		{Subject: "participant", ParticipantID: "P001", After: Fields{"site": "North"}},
		{Subject: "participant", ParticipantID: "P002", After: Fields{"site": "South"}, Reason: "stays"},
		{Subject: "participant", ParticipantID: "P001", Before: Fields{"site": "North"}, After: Fields{"site": "West"}},
		{Subject: ErasureSubject, ParticipantID: "P001", After: Fields{"stage": "begun"}},
	} {
		if err := s.Audit(Unreasoned(t.Context(), s), act); err != nil {
			t.Fatal(err)
		}
	}
	before, err := s.Trail(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it can be repeated
		if n, err := s.EraseInTrail(t.Context(), "P001"); err != nil || n != 2 {
			t.Fatalf("EraseInTrail = %d, %v; want 2 lines", n, err)
		}
	}
	after, err := s.Trail(t.Context())
	if err != nil || len(after) != 6 {
		t.Fatalf("Trail = %d lines, %v; want 6 without a fault", len(after), err)
	}
	for i, l := range before {
		gone := l.ParticipantID == "P001" && l.Subject != ErasureSubject
		if after[i].Hash != l.Hash || after[i].Erased != gone || gone && after[i].Before+after[i].After+after[i].Reason != "" {
			t.Errorf("line %+v became %+v", l, after[i])
		}
	}
	path := filepath.Join(dir, AuditFile)
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("North")) || !bytes.Contains(text, []byte("South")) {
		t.Fatalf("%v, or the file has what was erased, or not what stays:\n%s", err, text)
	}
	for what, spoilt := range map[string]string{
		"what is left says who else": strings.Replace(string(text), `"who":"anna@lab1"`, `"who":"bert@lab1"`, 1),
		"another line is erased":     strings.Replace(string(text), `"after":{"site":"South"},"reason":"stays"`, `"after":null,"reason":"","erased":true`, 1),
	} {
		if err := os.WriteFile(path, []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Trail(t.Context()); !isAuditError(err) {
			t.Errorf("%s: %v, want a fault", what, err)
		}
	}
}

func isAuditError(err error) bool {
	_, is := errors.AsType[*AuditError](err)
	return is
}

// After Vacuum and Scrub nothing is left of deleted rows.
func TestVacuum(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, q := range []string{
		`with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into warned select 'SECRET' || i, 'v' from n`,
		`delete from warned`,
	} {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Vacuum(t.Context()); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Scrub(t.Context()); err != nil || !done {
		t.Fatalf("Scrub = %v, %v", done, err)
	}
	if err := FreeSpace(dir, func(file string, b []byte) {
		if bytes.Contains(b, []byte("SECRET")) {
			t.Errorf("%s has deleted rows in its free space", file)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state.db", "state.db-wal"} {
		if content, _ := os.ReadFile(filepath.Join(dir, name)); bytes.Contains(content, []byte("SECRET")) {
			t.Errorf("%s has deleted rows", name)
		}
	}
}
