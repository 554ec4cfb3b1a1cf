package cohort

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fuzzed reads a file of a list of what some people have: an error of the file, or rows that
// come back from the texts under which they are stored.
func fuzzed[T comparable](t *testing.T, l list[T], file []byte) []T {
	t.Helper()
	sh, err := readSheet(strings.NewReader(string(file)), l.layout)
	if err != nil {
		_, bad := asError[*CSVError](err)
		_, other := asError[*OtherFileError](err)
		if !bad && !other {
			t.Fatalf("readSheet(%q) = %v, want *CSVError or *OtherFileError", file, err)
		}
		return nil
	}
	rows := l.parse(sh, []Participant{{ID: "P001"}, {ID: "p-2_b"}})
	if err := sh.err(); err != nil {
		if err.Error() == "" {
			t.Fatalf("%q is refused without a word", file)
		}
		return nil
	}
	for _, r := range rows {
		back, err := l.scan(func(into ...any) error { return scanned(l.values(r), into) })
		if err != nil || back != r {
			t.Fatalf("%q: %+v is stored and read as %+v, %v", file, r, back, err)
		}
	}
	return rows
}

// scanned does what the driver does between a row's values and what they are read into.
func scanned(values, into []any) error {
	for i, v := range values {
		switch to := into[i].(type) {
		case *string:
			*to = v.(string)
		case *int:
			*to = v.(int)
		case interface{ Scan(any) error }:
			if err := to.Scan(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Whatever the bytes, an import of windows ends with an error of the file or takes windows of
// known people that end when they begin or later, each once.
func FuzzImportWindows(f *testing.F) {
	f.Add([]byte("participant_id,window,start,end,start_day,end_day\nP001,baseline,2026-01-02,2026-01-15,,\n*,after,,,-3,14\n"))
	f.Add([]byte("window;participant_id;start_day;end_day\r\nx;P001;1;1\r\nx;p-2_b;-1;1\r\n"))
	f.Add([]byte("participant_id,window,start_day,end_day\nP001,x,0,1\nP001,x,1e9,2\nP001,x,+1,02\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		seen := map[string]bool{}
		for _, w := range fuzzed(t, windows(), file) {
			key, days := windows().key(w), w.StartDay != 0
			if w.ParticipantID != "*" && w.ParticipantID != "P001" && w.ParticipantID != "p-2_b" || w.Name == "" || seen[key] ||
				days == !w.Start.IsZero() || days != (w.EndDay != 0) || w.End.Before(w.Start) || w.EndDay < w.StartDay {
				t.Fatalf("%q took %+v", file, w)
			}
			seen[key] = true
		}
	})
}

// Whatever the bytes, an import of exclusions ends with an error of the file or takes
// intervals of known people that are not empty, each once.
func FuzzImportExclusions(f *testing.F) {
	f.Add([]byte("participant_id,from,to,reason\nP001,2026-01-02,2026-01-02,MRI\np-2_b,2026-03-29 01:59,2026-03-29T02:30:07,\n"))
	f.Add([]byte("participant_id\tfrom\tto\nP001\t2026-01-02 24:00\t2026-01-03\n"))
	f.Add([]byte("participant_id,from,to\nP001,1900-01-01,2199-12-31\nP001,2026-02-29,2026-03-01\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		seen := map[string]bool{}
		for _, e := range fuzzed(t, exclusions(), file) {
			key := exclusions().key(e)
			if e.ParticipantID != "P001" && e.ParticipantID != "p-2_b" || !e.From.Before(e.To) || seen[key] || e.From.Location() != time.UTC {
				t.Fatalf("%q took %+v", file, e)
			}
			seen[key] = true
		}
	})
}

// An id that passes the door is no path, no glob, no flag and no SQL, and is itself in
// CSV.
func FuzzCheckID(f *testing.F) {
	for _, id := range []string{"P001", "p-2_b", "", "-h", "..", "P1/..", "P*", "P1\n", "P1\x00", "P'1", "con", "P\u0301", "Ｐ1", strings.Repeat("a", 65)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		err := CheckID(id)
		if err != nil {
			if _, ok := asError[*LineError](err); !ok {
				t.Fatalf("CheckID(%q) = %v, want *LineError", id, err)
			}
			return
		}
		if matched, err := filepath.Match(id, id); len(id) == 0 || len(id) > 64 || filepath.Base(id) != id || !matched || err != nil ||
			strings.ContainsAny(id, "*?[]\\/'\";,.= \t\r\n\x00") || strings.HasPrefix(id, "-") || strings.HasPrefix(id, "_") {
			t.Fatalf("CheckID(%q) lets it pass", id)
		}
		for _, r := range id {
			if r >= 0x80 {
				t.Fatalf("CheckID(%q) lets a letter pass that looks like another", id)
			}
		}
	})
}
