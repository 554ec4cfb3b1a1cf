package dexsim

import (
	"net/http/httptest"
	"testing"
	"time"
)

// A cohort is generated when it is asked for; this is all of it.
func BenchmarkGenerate20x90(b *testing.B) {
	s, err := New(fixed(20, 90))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, p := range s.people {
			p.generate(s.cfg.Chaos)
		}
	}
}

// A month of EGVs, the largest answer there is.
func BenchmarkMonthOfEGVs(b *testing.B) {
	s, err := New(fixed(1, 90))
	if err != nil {
		b.Fatal(err)
	}
	access := s.tokens.mint("P001", s.now()).access
	for _, encoding := range []string{"identity", "gzip"} {
		b.Run(encoding, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("GET", window("egvs", dataEnd.Add(-30*24*time.Hour), dataEnd), nil)
				r.Header.Set("Authorization", "Bearer "+access)
				r.Header.Set("Accept-Encoding", encoding)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatalf("GET %s: %d", r.URL, w.Code)
				}
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}

func BenchmarkDataRange(b *testing.B) {
	s, err := New(fixed(1, 365))
	if err != nil {
		b.Fatal(err)
	}
	v := s.viewOf(s.people[0], s.now())
	for b.Loop() {
		v.answer(question{person: v.person, resource: "dataRange"})
	}
}
